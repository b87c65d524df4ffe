// towline tunnel with real services and clients that are not ours: both directions, ends, flow control, refusals, the map.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import WebSocket, { WebSocketServer } from "ws";

import { Authority } from "../support/authority.mjs";
import { CLOSE, Raw, TEXT, frame } from "../support/raw.mjs";
import { loops, program, request, run as runWith, sleep, until, within } from "../support/towline.mjs";
import { Tunnel, echo, folder, readAll, service } from "../support/tunnel.mjs";

/** A socket that is open, with what it receives. */
async function connect(url, { protocols = [], ...options } = {}) {
  const socket = new WebSocket(url, protocols, options);
  socket.received = [];
  socket.on("message", (data, isBinary) => socket.received.push({ data, isBinary }));
  socket.closed = once(socket, "close").then(([code, reason]) => ({ code, reason: reason.toString() }));
  await within(20000, once(socket, "open"), "open");
  socket.bytes = () => Buffer.concat(socket.received.map(({ data }) => data));
  return socket;
}

/** The status with which an opening handshake is refused, and the body. */
function refusal(url, protocols = []) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols);
    socket.on("unexpected-response", async (_, response) => resolve({ status: response.statusCode, body: (await readAll(response)).toString() }));
    socket.on("open", () => reject(new Error("it was not refused")));
    socket.on("error", () => {});
  });
}

/** What `connect` says when it passes on these lines, and their end, to a command behind a tunnel. */
async function tunnelled(t, command, io) {
  const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/", `exec:${command}`, ["--lines", "--io", io]);
  const { status, output } = await runWith(["connect", "--half-close", `ws://127.0.0.1:${tunnel.port}/`], { input: "b\na\n" });
  return { status, output };
}

/** Runs the program to its end. */
function run(...words) {
  return new Promise((resolve) => {
    execFile(program, words, (error, output, errors) => resolve({ status: error?.code ?? 0, errors }));
  });
}

describe("to a service", () => {
  test("bytes of both types of message go to TCP, and come back binary", async (t) => {
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/x", `tcp:127.0.0.1:${await service(t, echo)}`);
    const socket = await connect(`ws://127.0.0.1:${tunnel.port}/x`, { protocols: ["base64", "binary"] });
    assert.equal(socket.protocol, "binary");
    socket.send("grüße ");
    socket.send(Buffer.from([0, 255, 10]));
    await until(() => socket.bytes().length === 11, "the echo");
    assert.deepEqual(socket.bytes(), Buffer.concat([Buffer.from("grüße "), Buffer.from([0, 255, 10])]));
    assert.ok(socket.received.every(({ isBinary }) => isBinary));
    socket.close(1000);
    assert.equal((await socket.closed).code, 1000);
  });

  test("a Unix socket, and a name that is looked up", async (t) => {
    const place = path.join(folder(t), "service");
    await service(t, echo, { path: place });
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/", `unix:${place}`);
    const socket = await connect(`ws://127.0.0.1:${tunnel.port}/`);
    socket.send("x");
    await until(() => socket.bytes().toString() === "x", "the echo");
    socket.close();
    const named = await Tunnel.start(t, "ws://127.0.0.1:0/", `tcp:localhost:${await service(t, echo, { port: 0, host: "localhost" })}`);
    const other = await connect(`ws://127.0.0.1:${named.port}/`);
    other.send("y");
    await until(() => other.bytes().toString() === "y", "the echo");
    other.close();
  });

  test("the service's end is a Close with 1000 behind its last byte", async (t) => {
    const port = await service(t, (socket) => socket.end("all there is"));
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/", `tcp:127.0.0.1:${port}`);
    const socket = await connect(`ws://127.0.0.1:${tunnel.port}/`);
    assert.deepEqual(await socket.closed, { code: 1000, reason: "" });
    assert.equal(socket.bytes().toString(), "all there is");
  });

  test("a service that refuses closes with 1014 and says why; one that breaks off with 1011", async (t) => {
    const closed = net.createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address();
    closed.close();
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/", `tcp:127.0.0.1:${port}`);
    const socket = await connect(`ws://127.0.0.1:${tunnel.port}/`);
    assert.deepEqual(await socket.closed, { code: 1014, reason: `the target can't be reached: 127.0.0.1 port ${port}: connection refused` });
    assert.match(tunnel.log, new RegExp(`warning 127\\.0\\.0\\.1:\\d+ tcp:127\\.0\\.0\\.1:${port}: .*connection refused`));
    const breaking = await service(t, (client) => client.once("data", () => client.resetAndDestroy()));
    const second = await Tunnel.start(t, "ws://127.0.0.1:0/", `tcp:127.0.0.1:${breaking}`);
    const cut = await connect(`ws://127.0.0.1:${second.port}/`);
    cut.send("x");
    assert.equal((await cut.closed).code, 1011);
  });

  test("ten mebibytes both ways past a slow reader, in bounded memory", async (t) => {
    const length = 10 * 1024 * 1024;
    const sent = randomBytes(length);
    const held = [];
    const port = await service(t, (socket) => {
      socket.pause();
      held.push(socket);
      socket.write(sent);
    });
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/", `tcp:127.0.0.1:${port}`, ["--workers", "1"]);
    const socket = await connect(`ws://127.0.0.1:${tunnel.port}/`, { perMessageDeflate: false });
    await until(() => held.length === 1, "the target");
    const before = tunnel.memory();
    socket._socket.pause();
    for (let at = 0; at < length; at += 65536) socket.send(sent.subarray(at, at + 65536));
    await sleep(1500);
    assert.ok(tunnel.memory() - before < 8 * 1024 * 1024, `${tunnel.memory() - before} bytes more`);
    const target = readAll(held[0]);
    held[0].resume();
    socket._socket.resume();
    await until(() => socket.received.reduce((sum, { data }) => sum + data.length, 0) === length, "all bytes back", 60000);
    assert.ok(socket.bytes().equals(sent));
    socket.close(1000);
    assert.ok((await within(60000, target, "the end at the target")).equals(sent));
    held[0].end();
    assert.equal((await socket.closed).code, 1000);
    assert.ok(tunnel.memory() - before < 16 * 1024 * 1024, `${tunnel.memory() - before} bytes more`);
  });

  test("--text sends text, cut between characters, and closes with 1007 for what is none", async (t) => {
    const port = await service(t, (socket) => {
      socket.setNoDelay();
      socket.on("data", async (data) => {
        for (const byte of data) {
          socket.write(Buffer.from([byte]));
          await sleep(2);
        }
      });
    });
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/", `tcp:127.0.0.1:${port}`, ["--text"]);
    const socket = await connect(`ws://127.0.0.1:${tunnel.port}/`);
    socket.send("ä€😀");
    await until(() => socket.bytes().toString() === "ä€😀", "the text");
    assert.ok(socket.received.every(({ isBinary }) => !isBinary));
    assert.deepEqual(socket.received.map(({ data }) => data.toString()).join("|"), "ä|€|😀");
    socket.send(Buffer.from([0xff]));
    assert.equal((await socket.closed).code, 1007);
  });

  test("--send-proxy tells the target who the client is", async (t) => {
    const heads = [];
    const port = await service(t, (socket) => socket.once("data", (data) => heads.push(data) && socket.end()));
    for (const [version, check] of [
      ["v1", (head) => assert.match(head.toString(), /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n/)],
      ["v2", (head) => assert.equal(head.subarray(0, 16).toString("hex"), "0d0a0d0a000d0a515549540a2111000c")],
    ]) {
      const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/", `tcp:127.0.0.1:${port}`, ["--send-proxy", version]);
      const socket = await connect(`ws://127.0.0.1:${tunnel.port}/`);
      socket.send("hello");
      await socket.closed;
      check(heads.pop());
    }
  });
});

describe("to a command", () => {
  test("its input and output are the connection, and half of it may end", async (t) => {
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/sort", "exec:sort -u; echo end");
    const reverse = await Tunnel.start(t, "tcp:127.0.0.1:0", `ws://127.0.0.1:${tunnel.port}/sort`);
    const socket = net.connect({ port: reverse.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.end("b\na\nb\n");
    assert.equal((await within(20000, readAll(socket), "the answer")).toString(), "a\nb\nend\n");
  });

  test("a client that leaves ends it with all that it has started", async (t) => {
    const mark = `${process.pid}${Math.random()}`.replace(".", "");
    const isRunning = () =>
      readdirSync("/proc").some((pid) => {
        try {
          return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`sleep\0${mark}`);
        } catch {
          return false; // it has just ended
        }
      });
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/", `exec:sleep ${mark} & sleep ${mark}`);
    const socket = await connect(`ws://127.0.0.1:${tunnel.port}/`);
    await until(isRunning, "the command runs");
    socket.terminate();
    await until(() => !isRunning(), "the command ends");
  });

  test("one that there is not is told in the log", async (t) => {
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/", "exec:no-such-command-here");
    const socket = await connect(`ws://127.0.0.1:${tunnel.port}/`);
    await socket.closed;
    await until(() => /ended with status 127: no such command/.test(tunnel.log), "the log");
  });

  for (const io of loops) {
    /** Runs a command for a client that sends this, with or without the end of its input; what came and how it ended. */
    async function ran(t, command, { input = "", end = false, pause = false } = {}) {
      const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/", `exec:${command}`, ["--io", io]);
      const socket = await connect(`ws://127.0.0.1:${tunnel.port}/`, { perMessageDeflate: false });
      if (pause) socket.pause();
      if (input) socket.send(input);
      if (end) socket.close(1000);
      if (pause) setTimeout(() => socket.resume(), 500);
      const { code, reason } = await within(20000, socket.closed, "the close");
      return { code, reason, output: socket.bytes().toString(), tunnel };
    }

    test(`one that ends well gives 1000, whatever it leaves unread (${io})`, async (t) => {
      const much = Buffer.from("one\ntwo\n" + "x".repeat(5000000));
      const first = 'read line; echo "got $line"';
      for (const [command, input, output] of [
        ["true", "unread", ""],
        [first, "one\ntwo\n", "got one\n"],
        [first, much, "got one\n"],
        [`${first}; exec <&-; sleep 0.3; echo later`, much, "got one\nlater\n"],
        [`${first}; sleep 0.3; head -c 3000000 /dev/zero | tr '\\0' a`, much, `got one\n${"a".repeat(3000000)}`],
      ]) {
        const { tunnel, ...end } = await ran(t, command, { input });
        assert.deepEqual(end, { code: 1000, reason: "", output }, command);
        assert.doesNotMatch(tunnel.log, /warning|ended with/);
      }
    });

    test(`one that ends badly gives 1011 behind its last byte, and the log says the status (${io})`, async (t) => {
      for (const [command, status, output, options] of [
        ["exit 3", 3, ""],
        ["kill -KILL $$", 137, "", { input: "unread" }],
        ["echo said; exit 7", 7, "said\n", { input: "unread".repeat(1000000) }],
        ["head -c 3000000 /dev/zero | tr '\\0' a; exit 9", 9, "a".repeat(3000000), { pause: true }],
      ]) {
        const { tunnel, ...end } = await ran(t, command, options);
        const text = `the command ended with status ${status}`;
        assert.deepEqual(end, { code: 1011, reason: text, output }, command);
        assert.ok(tunnel.log.includes(`exec:${command}: ${text}\n`), tunnel.log);
        assert.equal(tunnel.log.match(/exec:.*ended with status/g).length, 1);
      }
    });

    test(`with --lines a line is a message, both ways, whatever its length (${io})`, async (t) => {
      const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/", "exec:cat", ["--lines", "--io", io]);
      const socket = await connect(`ws://127.0.0.1:${tunnel.port}/`);
      const texts = ["one", "", "grüße", "x".repeat(300000), "two\nthree"];
      for (const text of texts) socket.send(text);
      const expected = texts.join("\n").split("\n");
      await until(() => socket.received.length === expected.length, "all lines");
      assert.deepEqual(socket.received.map(({ data, isBinary }) => isBinary || data.toString()), expected);
      socket.close(1000);
      assert.equal((await socket.closed).code, 1000);
      for (const [command, code] of [["printf 'one\\ntw'; sleep 0.2; printf o", 1000], ["printf 'one\\ntw'; sleep 0.2; printf o; exit 1", 1011]]) {
        const parts = await Tunnel.start(t, "ws://127.0.0.1:0/", `exec:${command}`, ["--lines", "--io", io]);
        const client = await connect(`ws://127.0.0.1:${parts.port}/`);
        assert.equal((await client.closed).code, code);
        assert.deepEqual(client.received.map(({ data }) => data.toString()), ["one", "two"]);
      }
    });

    test(`so it does when the client has ended its side before (${io})`, async (t) => {
      const good = await tunnelled(t, "sort", io);
      assert.deepEqual(good, { status: 0, output: "a\nb\n" });
      const bad = await tunnelled(t, "sort; exit 2", io);
      assert.deepEqual(bad, { status: 120, output: "a\nb\n" });
    });
  }

  test("a client that goes on sending keeps no connection whose command has ended", async (t) => {
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/", "exec:true", ["--close-seconds", "1"]);
    const raw = await Raw.open(tunnel.port, "/");
    t.after(() => raw.socket.destroy());
    const sending = setInterval(() => raw.over || raw.send(frame(TEXT, "more")), 50);
    t.after(() => clearInterval(sending));
    assert.equal((await raw.message()).opcode, CLOSE);
    await until(() => raw.over, "the end");
  });

  test("the example of the help works as it is printed", async (t) => {
    const { output: help } = await runWith(["tunnel", "--help"]);
    const text = help.replace(/\s+/g, " ");
    const [, lines, command] = text.match(/towline tunnel (\S+) ws:\/\/localhost:7000\/sort '(exec:[^']+)'/);
    const tunnel = await Tunnel.start(t, "ws://localhost:0/sort", command, [lines]);
    const use = text.match(/printf '.*?' \| towline connect \S+ ws:\/\/localhost:7000\/sort/)[0].replace(":7000", `:${tunnel.port}`);
    const answer = await promisify(execFile)("sh", ["-c", use.replace("towline", program)]);
    assert.equal(answer.stdout, "a\nb\n");
    assert.match(answer.stderr, /closed: 1000/);
  });

  test("commands that run when the tunnel stops do not outlive it", async (t) => {
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/", "exec:trap '' TERM; echo $$; while :; do sleep 1; done", ["--drain-seconds", "1"]);
    const socket = await connect(`ws://127.0.0.1:${tunnel.port}/`);
    await until(() => socket.bytes().length > 0, "its number");
    const pid = Number(socket.bytes().toString());
    await tunnel.stop();
    assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  });
});

describe("from TCP", () => {
  test("with --lines a line is a message, both ways", async (t) => {
    const heard = [];
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    server.on("connection", (socket) => socket.on("message", (data, isBinary) => {
      heard.push(isBinary || data.toString());
      socket.send(`answer to ${data}`);
      if (data.toString() === "last") socket.close(1000);
    }));
    await once(server, "listening");
    t.after(() => server.close());
    const reverse = await Tunnel.start(t, "tcp:127.0.0.1:0", `ws://127.0.0.1:${server.address().port}/`, ["--lines"]);
    const socket = net.connect({ port: reverse.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.end("one\nlast");
    assert.equal((await within(20000, readAll(socket), "the answers")).toString(), "answer to one\nanswer to last\n");
    assert.deepEqual(heard, ["one", "last"]);
  });

  test("each connection opens one on the server, with the options of connect", async (t) => {
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/e", `tcp:127.0.0.1:${await service(t, echo)}`, ["--subprotocol", "mine", "--log-level", "debug"]);
    const reverse = await Tunnel.start(t, "tcp:127.0.0.1:0", `ws://user:secret@127.0.0.1:${tunnel.port}/e`, ["-s", "mine", "-H", "X-Test: yes"]);
    assert.doesNotMatch(reverse.log, /secret/);
    const sent = randomBytes(3 * 1024 * 1024);
    await Promise.all(
      [1, 2, 3].map(async () => {
        const socket = net.connect({ port: reverse.port, host: "127.0.0.1", allowHalfOpen: true });
        socket.end(sent);
        assert.ok((await within(60000, readAll(socket), "the echo")).equals(sent));
      }),
    );
    await until(() => reverse.log.match(/closed after .*3145728 bytes to the server, 3145728 from it/g)?.length === 3, "three lines");
  });

  test("a server that refuses resets the client, and the log says why", async (t) => {
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/e", `tcp:127.0.0.1:${await service(t, echo)}`);
    const reverse = await Tunnel.start(t, "tcp:127.0.0.1:0", `ws://127.0.0.1:${tunnel.port}/other`);
    const socket = net.connect(reverse.port, "127.0.0.1");
    const error = await within(20000, new Promise((resolve) => socket.on("error", resolve)), "the reset");
    assert.equal(error.code, "ECONNRESET");
    await until(() => /the server answered 404/.test(reverse.log), "the log");
  });

  test("from a Unix socket, whose file goes with it", async (t) => {
    const place = path.join(folder(t), "in");
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/e", `tcp:127.0.0.1:${await service(t, echo)}`);
    const reverse = await Tunnel.start(t, `unix:${place}`, `ws://127.0.0.1:${tunnel.port}/e`);
    const socket = net.connect({ path: place, allowHalfOpen: true });
    socket.end("through");
    assert.equal((await readAll(socket)).toString(), "through");
    await reverse.stop();
    assert.deepEqual(readdirSync(path.dirname(place)), []);
  });

  test("what is open when it stops may go on for drain-seconds", async (t) => {
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/e", `tcp:127.0.0.1:${await service(t, echo)}`);
    const reverse = await Tunnel.start(t, "tcp:127.0.0.1:0", `ws://127.0.0.1:${tunnel.port}/e`, ["--drain-seconds", "1"]);
    const socket = net.connect(reverse.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("a");
    await once(socket, "data");
    reverse.signal();
    socket.write("b");
    assert.equal((await once(socket, "data"))[0].toString(), "b");
    await within(20000, new Promise((resolve) => socket.on("close", resolve)), "the end of drain-seconds");
  });
});

describe("admission", () => {
  test("other paths, origins and subprotocols are refused", async (t) => {
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/x", "exec:cat", ["--allow-origin", "https://example.org"]);
    const url = `ws://127.0.0.1:${tunnel.port}`;
    assert.equal((await refusal(`${url}/y`)).status, 404);
    assert.equal((await refusal(`${url}/x`, ["base64"])).status, 400);
    const { status } = await request({
      port: tunnel.port,
      path: "/x",
      headers: { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", Origin: "https://evil.example" },
    });
    assert.equal(status, 403);
    (await connect(`${url}/x`, { origin: "https://example.org" })).close();
  });

  test("-d serves files beside the tunnel", async (t) => {
    const root = folder(t);
    writeFileSync(path.join(root, "vnc.html"), "page");
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/x", "exec:cat", ["-d", root]);
    assert.equal((await request({ port: tunnel.port, path: "/vnc.html" })).body.toString(), "page");
    (await connect(`ws://127.0.0.1:${tunnel.port}/x`)).close();
  });

  test("the map leads by token and path; a changed file counts, a bad one does not", async (t) => {
    const file = path.join(folder(t), "map");
    const [one, two] = [await service(t, (socket) => socket.end("one")), await service(t, (socket) => socket.end("two"))];
    writeFileSync(file, `first: tcp:127.0.0.1:${one}\n/x/two: tcp:127.0.0.1:${two}\n`);
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/x", [], ["--map", file]);
    const url = `ws://127.0.0.1:${tunnel.port}/x`;
    const said = async (target) => {
      const socket = await connect(target);
      await socket.closed;
      return socket.bytes().toString();
    };
    assert.equal(await said(`${url}?token=first`), "one");
    assert.equal(await said(`${url}/two`), "two");
    assert.equal((await refusal(`${url}?token=other`)).status, 404);
    writeFileSync(file, `other: tcp:127.0.0.1:${two}\n`);
    await until(() => /was read again: 1 entries/.test(tunnel.log), "the new map");
    assert.equal(await said(`${url}?token=other`), "two");
    assert.match((await refusal(`${url}?token=first`)).body, /no tunnel has this token/);
    writeFileSync(file, "other tcp:127.0.0.1:1\n");
    await until(() => /line 1: a line is KEY: TARGET, .*; the map stays as it was/.test(tunnel.log), "the bad map");
    assert.equal(await said(`${url}?token=other`), "two");
    tunnel.log = "";
    tunnel.signal("SIGHUP");
    await until(() => /the map stays as it was/.test(tunnel.log), "the reload");
  });

  test("wss, and out again by wss", async (t) => {
    const authority = Authority.make((callback) => t.after(callback));
    const { certificate, key } = authority.issue("tunnel");
    const tunnel = await Tunnel.start(t, "wss://127.0.0.1:0/x", "exec:cat", ["-c", certificate, "-k", key]);
    const socket = await connect(`wss://localhost:${tunnel.port}/x`, { ca: authority.text });
    socket.send("secret");
    await until(() => socket.bytes().toString() === "secret", "the echo");
    socket.close();
  });
});

test("TCP goes out over TLS, to a server whose certificate holds", async (t) => {
  const authority = Authority.make((callback) => t.after(callback));
  const { certificate, key } = authority.issue("localhost");
  const far = await Tunnel.start(t, "wss://127.0.0.1:0/x", `tcp:127.0.0.1:${await service(t, echo)}`, ["-c", certificate, "-k", key]);
  const url = `wss://localhost:${far.port}/x`;
  const near = await Tunnel.start(t, "tcp:127.0.0.1:0", url, ["--cacert", authority.certificate]);
  const socket = net.connect(near.port, "127.0.0.1");
  const sent = randomBytes(300000);
  socket.end(sent);
  assert.ok(sent.equals(await within(20000, readAll(socket), "the echo")));
  const distrusting = await Tunnel.start(t, "tcp:127.0.0.1:0", url);
  const other = net.connect(distrusting.port, "127.0.0.1");
  other.on("error", () => {});
  await within(20000, new Promise((resolve) => other.resume().on("close", resolve)), "the end");
  await until(() => /signed by an authority that is not trusted: Towline test authority/.test(distrusting.log), "the reason");
  const unreadable = await run("tunnel", "--cacert", "/nowhere", "tcp:127.0.0.1:0", url);
  assert.equal(unreadable.status, 1);
  assert.match(unreadable.errors, /^towline tunnel: \/nowhere: No such file or directory$/m);
});

test("what is wrong on the command line is told in one line, with status 2", async () => {
  for (const [words, text] of [
    [["ws://localhost:1/x"], /say where it leads/],
    [["ws://localhost:1/x", "localhost:22"], /a target is tcp:HOST:PORT, unix:PATH or exec:COMMAND/],
    [["ws://localhost:1/x", "tcp:a:1", "--map", "/dev/null"], /leave one of the two away/],
    [["wss://localhost:1/x", "tcp:a:1"], /name a certificate/],
    [["ws://localhost:1/x", "tcp:a:1", "--tls-self-signed"], /it is wss/],
    [["http://x", "tcp:a:1"], /LISTEN is ws:/],
    [["tcp:1"], /is a URL/],
    [["tcp:1", "tcp:a:1"], /is a URL/],
    [["ws://localhost:1/x", "tcp:a:1", "--proxy", "http://p:1"], /--proxy: this is for tunnels to a WebSocket server/],
    [["tcp:1", "ws://a:1/", "--map", "/dev/null"], /--map: this is for tunnels from ws/],
    [["tcp:1", "ws://a:1/", "--certificate", "/nowhere"], /--certificate: this is for tunnels from ws/],
    [["tcp:1", "ws://a:1/", "--tls-client-crl", "/nowhere"], /--tls-client-crl: this is for tunnels from ws/],
    [["tcp:1", "ws://a:1/", "--tls-redirect"], /--tls-redirect: this is for tunnels from ws/],
    [["tcp:1", "ws://a:1/", "--max-connections-per-address", "2"], /--max-connections-per-address: this is for tunnels from ws/],
    [["tcp:1", "ws://a:1/", "--max-unfinished", "1M"], /--max-unfinished: this is for tunnels from ws/],
    [["tcp:1", "ws://a:1/", "--max-unfinished-per-address", "1M"], /--max-unfinished-per-address: this is for tunnels from ws/],
    [["tcp:1", "ws://a:1/", "--workers", "2"], /--workers: this is for tunnels from ws/],
    [["tcp:1", "ws://a:1/", "--lines", "--text"], /--lines: its messages are text: leave --text away/],
    [["ws://localhost:1/x", "tcp:a:1", "--lines", "--text"], /--lines: its messages are text: leave --text away/],
    [["ws://localhost:1/x", "tcp:a:1", "--message-rate", "2K"], /--message-rate: it adds to --message-seconds, which is off/],
    [["tcp:1", "ws://a:1/", "--cacert", "/nowhere"], /--cacert: this is for wss/],
    [["tcp:1", "ws://a:1/", "--handshake-seconds", "3"], /--handshake-seconds: this is for tunnels from ws/],
    [["tcp:1", "ws://a:1/", "--handshake-bytes", "1K"], /--handshake-bytes: this is for tunnels from ws/],
    [["tcp:0", "wss://a:1/", "--certificate", "/no/such/map"], /No such file/],
    [["tcp:1", "wss://a:1/", "-c", "/nowhere", "-c", "/nowhere"], /--certificate: a client has but one to show/],
    [["tcp:1", "wss://a:1/", "-c", "/nowhere", "-k", "/nowhere", "-k", "/nowhere"], /--key: a client has but one/],
    [["ws://localhost:1/x", "exec:cat", "--send-proxy", "v1"], /a command gets no PROXY header/],
    [["ws://localhost:1/x", "tcp:a:1", "--tls-client-ca", "/nowhere"], /--tls-client-ca: turn TLS on/],
    [["ws://localhost:1/x", "tcp:a:1", "--crl", "/nowhere"], /--crl: this is for tunnels to a WebSocket server/],
    [["ws://localhost:1/", "--map", "/no/such/map"], /No such file/],
  ]) {
    const { status, errors } = await run("tunnel", ...words);
    assert.match(errors, text);
    assert.equal(errors.trim().split("\n").length, 1, errors);
    assert.equal(status, words.includes("/no/such/map") ? 1 : 2, errors);
  }
});

describe("a configuration file", () => {
  const write = (t, text) => {
    const file = path.join(folder(t), "tunnel.yaml");
    writeFileSync(file, text);
    return file;
  };

  test("has options, where to listen and where it leads; words go before it", async (t) => {
    const far = await service(t, echo);
    const file = write(t, `listen: ws://127.0.0.1:0/x\ntarget: tcp:127.0.0.1:${far}\ntext: true\nworkers: 1\nmax-message: 3\n`);
    for (const [words, target, text] of [[[], "/x", true], [["--text"], "/x", true], [["ws://127.0.0.1:0/y"], "/y", true], [["ws://127.0.0.1:0/y", "exec:cat"], "/y", true]]) {
      const tunnel = await Tunnel.start(t, "-f", file, words);
      const socket = await connect(`ws://127.0.0.1:${tunnel.port}${target}`);
      socket.send("abc");
      await until(() => socket.bytes().toString() === "abc", "the echo");
      assert.equal(socket.received[0].isBinary, !text);
      socket.send("abcd");
      assert.equal((await socket.closed).code, 1009);
    }
    const other = await Tunnel.start(t, "-f", file, ["--max-message", "4"]);
    const socket = await connect(`ws://127.0.0.1:${other.port}/x`);
    socket.send("abcd");
    await until(() => socket.bytes().toString() === "abcd", "the echo");
  });

  test("is as the guide has it", async (t) => {
    const guide = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
    const [, text] = guide.match(/^```yaml\n(listen:.*?)^```$/ms);
    const port = await service(t, echo);
    const file = write(t, text.replace("ws://6080/", "ws://127.0.0.1:0/").replace(/(target: tcp:localhost:).*/, `target: tcp:127.0.0.1:${port}`).replace(/(document-root: ).*/, `$1${folder(t)}`));
    const tunnel = await Tunnel.start(t, "-f", file);
    const socket = await connect(`ws://127.0.0.1:${tunnel.port}/websockify`);
    socket.send("abc");
    await until(() => socket.bytes().toString() === "abc", "the echo");
  });

  test("serves the other direction as well", async (t) => {
    const far = await Tunnel.start(t, "ws://127.0.0.1:0/", "exec:cat");
    const file = write(t, `listen: tcp:127.0.0.1:0\ntarget: ws://127.0.0.1:${far.port}/\n`);
    const tunnel = await Tunnel.start(t, "-f", file);
    const socket = net.connect(tunnel.port, "127.0.0.1");
    socket.end("hello");
    assert.equal((await within(20000, readAll(socket), "the echo")).toString(), "hello");
  });

  test("what is wrong with it is told with its place, in one line", async (t) => {
    for (const [text, error] of [
      ["listen: ws://127.0.0.1:0/x\nworkres: 1\n", ":2:1: no key workres here; did you mean workers?"],
      ["routes: []\n", ":1:1: no key routes here"],
      ["target: tcp:localhost:1\n", "LISTEN: say where to listen"],
      ["listen: ws://127.0.0.1:0/x\n", "ws://127.0.0.1:0/x: say where it leads"],
      ["listen: tcp:1\ntarget: ws://a:1/\nworkers: 2\n", ":3:10: workers: this is for tunnels from ws:// or wss://"],
      ["listen: ws://localhost:1/\ntarget: tcp:a:1\nproxy: http://p:1\n", ":3:8: proxy: this is for tunnels to a WebSocket server"],
    ]) {
      const { status, errors } = await run("tunnel", "-f", write(t, text));
      assert.ok(errors.includes(error), errors);
      assert.equal(errors.trim().split("\n").length, 1, errors);
      assert.equal(status, 2);
    }
  });
});

describe("limits of time towards a server", () => {
  for (const io of loops) {
    test(`a message that does not end closes with 1008 (${io})`, async (t) => {
      const far = new WebSocketServer({ port: 0, host: "127.0.0.1" });
      t.after(() => far.close());
      await once(far, "listening");
      const closed = once(far, "connection").then(([socket]) => {
        socket._socket.write(Buffer.from([0x02, 1, 65])); // a first fragment
        return once(socket, "close");
      });
      const near = await Tunnel.start(t, "tcp:127.0.0.1:0", `ws://127.0.0.1:${far.address().port}/`, ["--io", io, "--message-seconds", "1"]);
      const client = net.connect(near.port, "127.0.0.1");
      client.on("error", () => {});
      const [code] = await within(20000, closed, "the Close");
      assert.equal(code, 1008);
      await until(() => client.destroyed, "the end of the client");
      await until(() => /message-seconds/.test(near.log), "the reason");
    });

    test(`a server that takes nothing is left after stall-seconds (${io})`, async (t) => {
      const far = new WebSocketServer({ port: 0, host: "127.0.0.1" });
      t.after(() => far.close());
      await once(far, "listening");
      far.on("connection", (socket) => socket._socket.pause());
      const near = await Tunnel.start(t, "tcp:127.0.0.1:0", `ws://127.0.0.1:${far.address().port}/`, ["--io", io, "--stall-seconds", "1", "--ping-seconds", "off"]);
      const client = net.connect(near.port, "127.0.0.1");
      client.on("error", () => {});
      client.write(Buffer.alloc(64 << 20));
      await until(() => client.destroyed, "the end of the client", 20000);
      await until(() => /stall-seconds/.test(near.log), "the reason");
      for (const socket of far.clients) socket.terminate();
    });
  }
});

test("a connection counts with the descriptors of what it leads to", async (t) => {
  const target = `tcp:127.0.0.1:${await service(t, echo)}`;
  const limited = (most) => ["prlimit", `--nofile=${most}:${most}`];
  for (const [where, to, words, each] of [
    ["ws://127.0.0.1:0/x", target, ["--workers", "1"], 2],
    ["ws://127.0.0.1:0/x", "exec:cat", ["--workers", "1"], 4],
    ["tcp:127.0.0.1:0", "ws://127.0.0.1:1/", [], 2],
  ]) {
    const many = await Tunnel.start(t, where, to, [...words, "--max-connections", "600"], limited(1000));
    const told = /warning max-connections is more than the (\d+) connections that there are descriptors for, with (\d) for each/.exec(many.log);
    assert.ok(told, many.log);
    assert.equal(Number(told[2]), each);
    assert.ok(Number(told[1]) * each < 1000 && Number(told[1]) * each > 900, many.log);
    const few = await Tunnel.start(t, where, to, [...words, "--max-connections", "100"], limited(1000));
    assert.doesNotMatch(few.log, /max-connections/);
  }
  const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/x", target, ["--workers", "1"], limited(100));
  const sockets = [];
  let next;
  while (typeof next !== "number" && sockets.length < 50) {
    next = await new Promise((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${tunnel.port}/x`);
      socket.on("error", () => {});
      socket.on("open", () => resolve(socket));
      socket.on("unexpected-response", (_, response) => resolve(response.statusCode));
    });
    if (typeof next !== "number") sockets.push(next);
  }
  assert.equal(next, 503);
  for (const socket of sockets) {
    const answer = once(socket, "message");
    socket.send("here"); // each of them has a target
    assert.equal((await within(20000, answer, "the echo"))[0].toString(), "here");
    socket.terminate();
  }
});
