// Handlers in the manner of mod_pywebsocket: those of tests/handlers, each with an oddity that handlers in the wild have, and those of
// examples/handlers.

import assert from "node:assert/strict";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import WebSocket from "ws";

import { BINARY, CLOSE, CONTINUATION, PING, PONG, Raw, TEXT, closePayload, frame } from "../support/raw.mjs";
import { Server, program, run, serve, sleep, until, within } from "../support/towline.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const oddities = path.join(root, "tests/handlers");
const examples = path.join(root, "examples/handlers");

/** A client that is open; what it gets is kept. */
async function open(server, target, options = {}) {
  const socket = new WebSocket(server.url(target), options.protocols ?? [], { perMessageDeflate: false, ...options });
  const client = { socket, messages: [], headers: null };
  socket.on("message", (data, binary) => client.messages.push(binary ? data : data.toString()));
  socket.on("upgrade", (response) => (client.headers = response));
  client.closed = once(socket, "close").then(([code, reason]) => ({ code, reason: reason.toString() }));
  client.closed.catch(() => {}); // it did not open
  client.next = async (milliseconds) => {
    await until(() => client.messages.length > 0 || socket.readyState === WebSocket.CLOSED, "a message", milliseconds);
    return client.messages.shift();
  };
  await within(20000, once(socket, "open"), `${target} opens`);
  return client;
}

/** The status that a handshake is refused with; 0: the connection ends without an answer. */
async function refused(server, target, options = {}) {
  const socket = new WebSocket(server.url(target), options.protocols ?? [], options);
  const error = await within(20000, once(socket, "error"), `${target} is refused`);
  const status = /Unexpected server response: (\d+)/.exec(error[0].message);
  return status ? Number(status[1]) : 0;
}

/** The process of the handlers of a server, and its memory. */
const children = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
const memory = (pid) => Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/^VmRSS:\s+(\d+) kB$/m)[1]) * 1024;
const threads = (pid) => readdirSync(`/proc/${pid}/task`).length;

async function host(server) {
  return until(() => children(server.pid)[0], "the process of the handlers");
}

async function works(server, text = "it works") {
  const client = await open(server, "/two_threads_echo");
  client.socket.send(text);
  assert.equal(await client.next(), text);
  client.socket.close();
  await client.closed;
}

describe("handlers of tests/handlers", () => {
  let server;
  const folder = mkdtempSync(path.join(tmpdir(), "towline-handlers-"));
  before(async () => {
    cpSync(oddities, folder, { recursive: true });
    cpSync(path.join(examples, "echo_wsh.py"), path.join(folder, "two_threads_echo_wsh.py"));
    server = await Server.start(["-w", folder]);
    await until(() => ["syntax", "lacks", "raises"].every((name) => server.log.includes(`broken_${name}_wsh.py`)), "all files are looked at", 30000);
    await until(() => open(server, "/sub/deep").then(() => true, () => false), "they are served", 30000);
  });
  after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  test("a file that can't be loaded is an error in the log, with its line, and no path", async () => {
    assert.match(server.log, /broken_syntax_wsh\.py:2: SyntaxError: Missing parentheses in call to 'print'/);
    assert.match(server.log, /broken_lacks_wsh\.py: it has no function web_socket_transfer_data/);
    assert.match(server.log, /broken_raises_wsh\.py:3: JSONDecodeError/);
    for (const name of ["syntax", "lacks", "raises"]) assert.equal(await refused(server, `/broken_${name}`), 404);
  });

  test("sub-folders are segments of paths", async () => {
    const client = await open(server, "/sub/deep?query");
    assert.equal(await client.next(), "deep");
    assert.deepEqual(await client.closed, { code: 1000, reason: "" });
  });

  test("a request has what is written of it", async () => {
    const client = await open(server, "/about?a=%20b&c", { perMessageDeflate: true, origin: "http://elsewhere.example", headers: { "X-Two": ["1", "2"] } });
    const about = JSON.parse(await client.next());
    assert.deepEqual(about, {
      ...about,
      uri: "/about?a=%20b&c",
      unparsed_uri: "/about?a=%20b&c",
      resource: "/about?a=%20b&c",
      method: "GET",
      protocol: "HTTP/1.1",
      line: "GET /about?a=%20b&c HTTP/1.1\r\n",
      https: false,
      origin: "http://elsewhere.example",
      version: 13,
      host: server.host,
      local: ["127.0.0.1", server.port],
      none: null,
      get: "fallback",
      has: true,
      all: ["1", "2"],
      dict: "1",
      terminated: [false, false],
      code: null,
      private: null,
      offered: ["permessage-deflate"],
      extensions: ["permessage-deflate"],
      processors: ["deflate"],
      file: false,
      main: false,
      unicode: true,
    });
    assert.match(about.accept, /^[\w+\/]{27}=$/);
    assert.equal(about.remote[0], "127.0.0.1");
    assert.ok(about.remote[1] > 0);
  });

  describe("bytes", () => {
    test("a handler may answer 101 itself, read the client's Close, and end", async () => {
      const raw = await Raw.connect(server.port);
      await raw.handshake(server.port, "/raw_answer");
      const close = await raw.frame();
      assert.deepEqual([close.opcode, close.payload.readUInt16BE(0), close.payload.subarray(2).toString()], [CLOSE, 1001, "PASS"]);
      assert.equal(raw.ended, false);
      raw.send(frame(CLOSE, closePayload(1001, "PASS")));
      await until(() => raw.ended, "the end");
      assert.equal(raw.received.length, 0);
    });

    test("what is written ahead stands before the answer", async () => {
      const raw = await Raw.connect(server.port);
      raw.send(Raw.request(server.port, "/garbage", {}));
      await until(() => raw.received.includes("behind"), "a message");
      assert.match(raw.received.toString("latin1"), /^garbage ahead\r\nHTTP\/1\.1 101 [^]*\r\n\r\n\x81\x06behind/);
      raw.socket.destroy();
    });

    test("a handler may answer 401, and let in who comes with the password", async () => {
      assert.equal(await refused(server, "/basic"), 401);
      const client = await open(server, "/basic", { headers: { Authorization: `Basic ${Buffer.from("user:secret").toString("base64")}` } });
      assert.equal(await client.next(), "in");
    });

    test("a page may say what the bytes between frames are", async () => {
      const raw = await Raw.open(server.port, "/echo_raw");
      raw.send(frame(TEXT, "\x81\x02hi")).send(frame(TEXT, "no frame at all")).send(frame(TEXT, "exit"));
      await until(() => raw.received.length >= 4 + 15 + 4, "all of it");
      assert.deepEqual(raw.received.subarray(0, 23), Buffer.from("\x81\x02hino frame at all\x88\x02\x03\xe8", "latin1"));
      raw.socket.destroy();
    });

    test("line ends in a header's value are sent as they are", async () => {
      const client = await open(server, "/header_lines");
      assert.deepEqual(client.headers.headers["set-cookie"], ["a=b; HttpOnly", "c=d", "e=f"]);
    });

    test("frames may be read as bytes, as objects, and as messages", async () => {
      const raw = await Raw.open(server.port, "/bytes");
      raw.send(frame(TEXT, "first")).send(frame(BINARY, "second")).send(frame(TEXT, "third"));
      assert.equal((await raw.frame()).payload.toString(), "first 2 second");
      assert.equal((await raw.frame()).payload.toString(), "third");
      raw.socket.destroy();
    });

    test("fragments are sent as fragments, and a long message arrives whole", async () => {
      const raw = await Raw.open(server.port, "/fragments");
      for (const [opcode, text, final] of [[TEXT, "one ", false], [CONTINUATION, "two ", false], [CONTINUATION, "three", true]]) {
        const part = await raw.frame();
        assert.deepEqual([part.opcode, part.payload.toString(), part.final], [opcode, text, final]);
      }
      raw.socket.destroy();
      const client = await open(server, "/fragments");
      assert.equal(await client.next(), "one two three");
      assert.deepEqual(await client.next(), Buffer.concat([Buffer.alloc(300000, "a"), Buffer.alloc(300000, "b")]));
      client.socket.send("é".repeat(1 << 20));
      assert.equal(await client.next(), "é".repeat(1 << 20));
      assert.deepEqual(await client.closed, { code: 1000, reason: "" });
    });
  });

  describe("subprotocols", () => {
    const cases = [
      ["/protocol", ["one"], "one"],
      ["/protocol", [], "none"],
      ["/protocol", ["one", "two"], 400],
      ["/protocol?never", [], 400],
      ["/protocol?never", ["one"], 400],
    ];
    for (const [target, protocols, result] of cases)
      test(`${target} with [${protocols}] gives ${result}`, async () => {
        if (typeof result === "number") {
          assert.equal(await refused(server, target, { protocols }), result);
          return;
        }
        const client = await open(server, target, { protocols });
        assert.equal(client.socket.protocol, protocols[0] ?? "");
        assert.equal(await client.next(), result);
      });

    test("a list that the handler wipes is not asked for", async () => {
      const raw = await Raw.connect(server.port);
      const head = await raw.handshake(server.port, "/protocol?wiped", { "Sec-WebSocket-Protocol": "one" });
      assert.match(head, / 101 /);
      assert.doesNotMatch(head, /Sec-WebSocket-Protocol/i);
      assert.equal((await raw.frame()).payload.toString(), "none");
      raw.socket.destroy();
    });
  });

  describe("compression", () => {
    for (const [query, agreed] of [["", true], ["?refused", false], ["?inactive", false]])
      test(`is ${agreed ? "agreed on, and left out of what the handler says" : `not agreed on: ${query}`}`, async () => {
        const raw = await Raw.connect(server.port);
        const head = await raw.handshake(server.port, `/compress${query}`, { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" });
        assert.equal(/^Sec-WebSocket-Extensions: permessage-deflate/im.test(head), agreed);
        const first = await raw.frame();
        assert.equal(first.reserved === 4, agreed);
        assert.equal(first.payload.length < 100, agreed);
        const second = await raw.frame();
        assert.deepEqual([second.reserved, second.payload.toString()], [0, "y".repeat(1000)]);
        raw.socket.destroy();
      });

    test("messages of a client that compresses are what they were", async () => {
      const client = await open(server, "/compress", { perMessageDeflate: { threshold: 0 } });
      client.socket.send("z".repeat(100000));
      await until(() => client.messages.length === 4, "four messages");
      assert.deepEqual(client.messages, ["x".repeat(1000), "y".repeat(1000), "100000", "plain"]);
    });
  });

  describe("exceptions", () => {
    for (const [target, status] of [["early", 403], ["early-bug", 403], ["early-abort", 0]])
      test(`${target} in the handshake: ${status || "no answer"}`, async () => assert.equal(await refused(server, `/raises?${target}`), status));

    const codes = {
      AbortedByUserException: 1006,
      BadOperationException: 1011,
      InvalidFrameException: 1002,
      UnsupportedFrameException: 1003,
      InvalidUTF8Exception: 1007,
      ConnectionTerminatedException: 1006,
      anything: 1006,
      none: 1006,
      exit: 1006,
      mixed: 1011,
      long: 1011,
      code: 1011,
    };
    for (const [name, code] of Object.entries(codes))
      test(`${name} ends with ${code}, behind what was sent`, async () => {
        const client = await open(server, `/raises?${name}`);
        assert.equal((await client.closed).code, code);
        assert.equal(client.messages[0], "before");
      });

    test("receiving behind the client's Close is one of them, and the Close is answered", async () => {
      const client = await open(server, "/raises?again");
      client.socket.close(1000);
      assert.equal((await client.closed).code, 1000);
    });

    test("the log has where", () => assert.match(server.log, /raises_wsh\.py", line \d+, in web_socket_transfer_data/));

    for (const [name, bytes, code] of [
      ["a frame without a mask", frame(TEXT, "x", { masked: false }), 1002],
      ["a reserved bit", frame(TEXT, "x", { reserved: 2 }), 1002],
      ["an unknown opcode", frame(11, "x"), 1002],
      ["text that is not UTF-8", frame(TEXT, Buffer.from([0xff])), 1007],
      ["a code that no Close may have", frame(CLOSE, closePayload(1005)), 1002],
    ])
      test(`${name}: ${code}`, async () => {
        const raw = await Raw.open(server.port, "/two_threads_echo");
        raw.send(bytes);
        const close = await raw.frame();
        assert.deepEqual([close.opcode, close.payload.readUInt16BE(0)], [CLOSE, code]);
        raw.socket.destroy();
      });
  });

  describe("closing", () => {
    for (const [query, code, reason] of [
      ["code=1000", 1000, ""],
      ["code=3001&reason=why", 3001, "why"],
      ["code=4999", 4999, ""],
      ["code=1001", 1001, ""],
      ["code=none", 1005, ""],
      ["code=3002&now", 3002, ""],
      ["code=2999", 1011, ""],
    ])
      test(`the handler closes: ${query}`, async () => {
        const client = await open(server, `/close?${query}`);
        assert.deepEqual(await client.closed, { code, reason });
      });

    test("messages behind our Close are received until the client's, where the handler asks for that", async () => {
      const raw = await Raw.open(server.port, "/close?code=3003&now");
      assert.equal((await raw.frame()).opcode, CLOSE);
      raw.send(frame(TEXT, "late news")).send(frame(CLOSE, closePayload(3003)));
      await until(() => raw.ended, "the end");
      await until(() => server.log.includes("behind our close: late news"), "what the handler prints");
      raw.socket.end();
    });

    for (const [answer, closed] of [["echo", [3456, "bye"]], ["4001", [4001, "as asked"]], ["none", [1005, ""]], ["abort", null]])
      test(`the client closes, and the answer is ${answer}`, async () => {
        const raw = await Raw.open(server.port, `/close?answer=${answer}`);
        raw.send(frame(CLOSE, closePayload(3456, "bye")));
        const close = await raw.frame();
        if (closed === null) assert.equal(close, null);
        else if (closed[0] === 1005) assert.equal(close.payload.length, 0);
        else assert.deepEqual([close.payload.readUInt16BE(0), close.payload.subarray(2).toString()], closed);
        await until(() => raw.ended, "the end");
        assert.equal(raw.reset, false);
        raw.socket.end();
      });

    test("a Close without a code has none, and is answered so", async () => {
      const raw = await Raw.open(server.port, "/close");
      raw.send(frame(CLOSE));
      assert.equal((await raw.frame()).payload.length, 0);
      await until(() => server.log.includes("closed 1005 None"), "what the handler prints");
      raw.socket.end();
    });

    test("without a function for it the answer is 1000", async () => {
      const raw = await Raw.open(server.port, "/two_threads_echo");
      raw.send(frame(CLOSE, closePayload(4321)));
      assert.equal((await raw.frame()).payload.readUInt16BE(0), 1000);
      raw.socket.end();
    });

    test("a Close that the handler writes as bytes is the last", async () => {
      const client = await open(server, "/bare_close");
      assert.deepEqual(await client.closed, { code: 3001, reason: "mine" });
    });

    test("a client that never answers our Close is not waited for", async () => {
      const raw = await Raw.open(server.port, "/close?code=1000");
      assert.equal((await raw.frame()).opcode, CLOSE);
      await until(() => raw.over, "the end", 15000);
    });
  });

  describe("pings", () => {
    test("are answered while the handler is busy", async () => {
      const raw = await Raw.open(server.port, "/slow?receive");
      raw.send(frame(PING, "there?"));
      const pong = await raw.frame(1000);
      assert.deepEqual([pong.opcode, pong.payload.toString()], [PONG, "there?"]);
      raw.socket.destroy();
    });

    for (const silent of [false, true])
      test(`a handler may hear of them, and ${silent ? "not " : ""}answer`, async () => {
        const raw = await Raw.open(server.port, silent ? "/ping?silent" : "/ping");
        assert.deepEqual((await raw.frame()).payload.toString(), "are you there");
        raw.send(frame(PING, "and you")).send(frame(PONG, "are you there")).send(frame(TEXT, "go on"));
        const heard = [];
        for (let next = await raw.frame(); next.opcode !== CLOSE; next = await raw.frame()) heard.push(next.payload.toString());
        assert.deepEqual(heard, [...(silent ? [] : ["AND YOU"]), "ping and you", "pong are you there"]);
        raw.socket.destroy();
      });
  });

  describe("threads", () => {
    test("one receives while another sends", async () => {
      const client = await open(server, "/two_threads");
      for (let i = 0; i < 200; i++) client.socket.send(`${i}`);
      await until(() => client.messages.filter((text) => text.startsWith("got ")).length === 200, "all of them");
      await until(() => client.messages.filter((text) => text.startsWith("tick ")).length > 20, "ticks");
      client.socket.close();
      assert.equal((await client.closed).code, 1000);
    });

    test("MessageReceiver and MessageSender are such", async () => {
      const client = await open(server, "/helpers");
      client.socket.send("a");
      client.socket.send("b");
      assert.deepEqual([await client.next(), await client.next(), await client.next()], ["a", "b", "one more"]);
      client.socket.close();
      assert.equal((await client.closed).code, 1000);
    });

    test("a handler that sleeps keeps nobody waiting", async () => {
      const slow = open(server, "/slow?handshake");
      const began = Date.now();
      await works(server);
      assert.ok(Date.now() - began < 1400, "it took as long as the other's handshake");
      const client = await slow;
      client.socket.send("four");
      assert.equal(await client.next(), "4");
      client.socket.close();
    });

    test("500 connections at a time have a thread each", async () => {
      const clients = await Promise.all(Array.from({ length: 500 }, () => open(server, "/two_threads_echo", { perMessageDeflate: false })));
      assert.ok(threads(await host(server)) >= 500);
      for (const [i, client] of clients.entries()) client.socket.send(`number ${i}`);
      for (const [i, client] of clients.entries()) assert.equal(await client.next(30000), `number ${i}`);
      for (const client of clients) client.socket.close();
      await Promise.all(clients.map((client) => client.closed));
      const pid = await host(server);
      await until(() => threads(pid) < 50, "the threads end");
    });
  });

  describe("backpressure", () => {
    test("what a handler does not receive stays with the client", async () => {
      const client = await open(server, "/slow?receive");
      const began = Date.now();
      for (let i = 0; i < 64; i++) client.socket.send(Buffer.alloc(1 << 20));
      await until(() => client.socket.bufferedAmount === 0, "all is sent", 30000);
      assert.ok(Date.now() - began > 1000, "64 MiB went while nothing was received");
      for (let i = 0; i < 64; i++) assert.equal(await client.next(30000), `${1 << 20}`);
      client.socket.close();
      await client.closed;
    });

    for (const kind of ["flood", "bytes", "pings", "print"])
      test(`a handler that floods by ${kind} is held up, and nobody else`, async () => {
        const raw = await Raw.open(server.port, "/flood");
        raw.socket.pause();
        const before = server.memory();
        const own = memory(await host(server));
        raw.send(frame(TEXT, kind));
        await sleep(1500);
        await works(server);
        assert.ok(server.memory() - before < 48 << 20, `the server grew by ${server.memory() - before}`);
        assert.ok(memory(await host(server)) - own < 48 << 20, "its process grew");
        raw.socket.destroy();
        await works(server);
      });
  });
});

test("a handler is told of TLS", async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "towline-secure-"));
  t.after(() => rmSync(folder, { recursive: true }));
  cpSync(path.join(oddities, "compress_wsh.py"), path.join(folder, "compress_wsh.py"));
  const server = await serve(t, ["-w", folder, "--tls-self-signed"]);
  await until(() => server.log.includes("serves /compress"), "it is served", 30000);
  server.url = (target) => `wss://localhost:${server.port}${target}`;
  const client = await open(server, "/compress", { rejectUnauthorized: false });
  client.socket.send("");
  await until(() => client.messages.length === 4, "four messages");
  assert.equal(client.messages[3], "secure");
});

describe("hostile handlers", () => {
  let server;
  const folder = mkdtempSync(path.join(tmpdir(), "towline-hostile-"));
  before(async () => {
    for (const name of ["hostile", "slow"]) cpSync(path.join(oddities, `${name}_wsh.py`), path.join(folder, `${name}_wsh.py`));
    cpSync(path.join(examples, "echo_wsh.py"), path.join(folder, "two_threads_echo_wsh.py"));
    server = await Server.start(["-w", folder]);
    await until(() => works(server).then(() => true, () => false), "it is served", 30000);
  });
  after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  for (const [kind, code, others] of [
    ["fork", 1000, true],
    ["fork-stays", 1000, true],
    ["threads", 1000, true],
    ["recursion", 1006, true],
    ["garbage", 1011, true],
    ["half", 1011, true],
    ["exit", 1011, false],
    ["control", 1011, false],
  ])
    test(`one that does ${kind} ends with ${code}, and the others ${others ? "go on" : "hear of 1011"}`, async () => {
      const other = await open(server, "/two_threads_echo");
      other.socket.send("here");
      assert.equal(await other.next(), "here");
      const client = await open(server, "/hostile");
      client.socket.send(kind);
      assert.equal((await within(20000, client.closed, "its end")).code, code);
      if (others) {
        other.socket.send("still here");
        assert.equal(await other.next(), "still here");
        other.socket.close();
      } else {
        assert.equal((await other.closed).code, 1011);
      }
      await works(server, `after ${kind}`);
    });

  test("a process that is killed under load ends its connections with 1011, and the next ones are served", async () => {
    const clients = await Promise.all(Array.from({ length: 50 }, () => open(server, "/two_threads_echo")));
    for (const client of clients) client.socket.on("message", () => client.socket.send("more"));
    for (const client of clients) client.socket.send("first");
    await sleep(200);
    process.kill(await host(server), "SIGKILL");
    for (const client of clients) assert.equal((await within(20000, client.closed, "its end")).code, 1011);
    await works(server, "after the kill");
    assert.match(server.log, /the process of the Python handlers was ended by signal 9; it is started again/);
  });

  test("a process that a handler takes its descriptors from is ended, and the next ones are served", async (t) => {
    const own = await serve(t, ["-w", folder]);
    await until(() => works(own).then(() => true, () => false), "it is served", 30000);
    const first = await host(own);
    const client = await open(own, "/hostile");
    client.socket.send("descriptors");
    await until(async () => works(own).then(async () => (await host(own)) !== first, () => false), "another process", 30000);
    assert.match(own.log, /the process of the Python handlers has ended with status 1; it is started again/);
    await works(own, "after that");
  });

  test("a process that is stopped is ended after handler-answer-seconds, and whoever waits is served", async (t) => {
    const own = await serve(t, ["-w", folder, "--handler-answer-seconds", "2"]);
    await until(() => works(own).then(() => true, () => false), "it is served", 30000);
    const old = await open(own, "/two_threads_echo");
    process.kill(await host(own), "SIGSTOP");
    const waits = open(own, "/two_threads_echo").then(() => "open", () => "refused");
    assert.equal((await within(30000, old.closed, "its end")).code, 1011);
    assert.ok(["open", "refused"].includes(await within(30000, waits, "its answer")));
    await works(own, "after the stop");
    assert.match(own.log, /the process of the Python handlers serves no more, and has said nothing for 2 seconds: it is ended/);
  });

  test("a process whose own files are gone is started again each second, until they are there", async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), "towline-modules-"));
    t.after(() => rmSync(folder, { recursive: true }));
    for (const name of ["program", "handlers"]) mkdirSync(path.join(folder, name));
    cpSync(program, path.join(folder, "program/towline"));
    cpSync(path.join(root, "python"), path.join(folder, "python"), { recursive: true });
    cpSync(path.join(examples, "echo_wsh.py"), path.join(folder, "handlers/two_threads_echo_wsh.py"));
    const alone = new Server(["env", `LD_LIBRARY_PATH=${path.dirname(program)}/src`, path.join(folder, "program/towline"), "serve", "-p", "127.0.0.1:0", "-w", path.join(folder, "handlers")]);
    t.after(() => alone.stop());
    await until(() => alone.log.includes("serves /two_threads_echo") && alone.log.includes("serving ws:"), "it is served");
    alone.port = Number(/serving ws:\/\/\S*?:(\d+)\//.exec(alone.log)[1]);
    renameSync(path.join(folder, "python"), path.join(folder, "elsewhere"));
    const killed = performance.now();
    process.kill(await host(alone), "SIGKILL");
    const attempts = () => alone.log.match(/share\/towline\/python is not there/g)?.length ?? 0;
    await until(() => attempts() >= 3, "three attempts");
    const most = attempts();
    assert.ok(most <= 1 + (performance.now() - killed) / 1000, alone.log);
    renameSync(path.join(folder, "elsewhere"), path.join(folder, "python"));
    await works(alone);
  });

  test("a file of which the process dies while it is loaded is refused, and those beside it are served", async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), "towline-deadly-"));
    t.after(() => rmSync(folder, { recursive: true }));
    for (const name of ["a", "b", "c"]) cpSync(path.join(examples, "echo_wsh.py"), path.join(folder, `${name}_wsh.py`));
    writeFileSync(path.join(folder, "bad_wsh.py"), "import os\nos._exit(3)\n");
    const mixed = await serve(t, ["-w", folder]);
    await until(() => ["a", "b", "c"].every((name) => mixed.log.includes(`serves /${name}`)), "the others are served", 30000);
    await until(() => /bad_wsh\.py can.t serve .*has ended while it was loaded/.test(mixed.log), "it is refused", 30000);
    assert.equal(await refused(mixed, "/bad"), 404);
    const client = await open(mixed, "/b");
    client.socket.send("Goodbye");
    assert.equal((await client.closed).code, 1000);
  });

  test("the environment is the server's, or what handler-environment has of it", async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), "towline-environment-"));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(path.join(folder, "told_wsh.py"), `import json, os


def web_socket_do_extra_handshake(request):
    pass


def web_socket_transfer_data(request):
    request.ws_stream.send_message(json.dumps(dict(os.environ)))
    request.ws_stream.receive_message()
`);
    process.env.TOLD_ONE = "one";
    process.env.TOLD_TWO = "two";
    const told = async (...words) => {
      const server = await serve(t, ["-w", folder, ...words]);
      await until(() => server.log.includes("serves /told"), "it is served");
      return JSON.parse(await (await open(server, "/told")).next());
    };
    const all = await told();
    assert.deepEqual([all.TOLD_ONE, all.TOLD_TWO], ["one", "two"]);
    const some = await told("--handler-environment", "TOLD_ONE", "--handler-environment", "MINE=a b");
    assert.deepEqual([some.TOLD_ONE, some.TOLD_TWO, some.MINE], ["one", undefined, "a b"]);
    assert.ok(some.PATH); // which a wrapper of Python may change
    const { status, errors } = await run(["serve", "--handler-environment", "a-b"]);
    assert.deepEqual([status, /--handler-environment: 'a-b' is not a name/.test(errors)], [2, true], errors);
  });

  test("more connections than max-handler-connections get 503, until one has ended", async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), "towline-few-"));
    t.after(() => rmSync(folder, { recursive: true }));
    cpSync(path.join(examples, "echo_wsh.py"), path.join(folder, "few_wsh.py"));
    const few = await serve(t, ["-w", folder, "--max-handler-connections", "2"]);
    await until(() => few.log.includes("serves /few"), "it is served");
    const [first] = [await open(few, "/few"), await open(few, "/few")];
    assert.equal(await refused(few, "/few"), 503);
    const other = await open(few, "/echo"); // which is no Python handler
    other.socket.close();
    first.socket.close();
    await until(() => open(few, "/few").then(() => true, () => false), "room again");
  });

  test("what is left of a server is nothing", async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), "towline-last-"));
    t.after(() => rmSync(folder, { recursive: true }));
    cpSync(path.join(oddities, "slow_wsh.py"), path.join(folder, "slow_wsh.py"));
    const last = await serve(t, ["-w", folder]);
    await until(() => open(last, "/slow?ever").then(() => true, () => false), "it is served", 30000);
    const pid = await host(last);
    const stuck = await open(last, "/slow?ever");
    last.signal();
    assert.equal((await within(20000, stuck.closed, "the drain")).code, 1001);
    await last.exit;
    assert.throws(() => process.kill(pid, 0), /ESRCH/);
  });
});

describe("handlers of examples/handlers", () => {
  let server;
  const folder = mkdtempSync(path.join(tmpdir(), "towline-examples-"));
  before(async () => {
    for (const name of readdirSync(examples).filter((each) => each.endsWith("_wsh.py"))) cpSync(path.join(examples, name), path.join(folder, name));
    server = await Server.start(["-w", folder]);
    await until(() => readdirSync(folder).every((name) => server.log.includes(`${name} serves `)), "they are served", 30000);
  });
  after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  test("echo answers Goodbye, and closes", async () => {
    const client = await open(server, "/echo");
    for (const text of ["Hello", "Goodbye"]) client.socket.send(text);
    assert.deepEqual([await client.next(), await client.next()], ["Hello", "Goodbye"]);
    assert.deepEqual(await client.closed, { code: 1000, reason: "" });
  });

  test("close closes as it is told, or answers", async () => {
    const client = await open(server, "/close");
    client.socket.send("4000 as you like");
    assert.deepEqual(await client.closed, { code: 4000, reason: "as you like" });
    const other = await open(server, "/close");
    other.socket.close(3333, "leaving");
    assert.deepEqual(await other.closed, { code: 3333, reason: "leaving" });
  });

  test("origin lets in pages of this machine only", async () => {
    for (const origin of ["null", "file://", "http://localhost:8000", "https://[::1]"])
      assert.equal(await (await open(server, "/origin", { origin })).next(), `welcome, ${origin}`);
    for (const origin of ["https://example.org", "http://localhost.example.org"]) assert.equal(await refused(server, "/origin", { origin }), 403);
    assert.equal(await refused(server, "/origin"), 403);
  });

  test("subprotocol chooses", async () => {
    const client = await open(server, "/subprotocol", { protocols: ["other", "json", "plain"] });
    assert.equal(client.socket.protocol, "json");
    client.socket.send("hi");
    assert.deepEqual(JSON.parse(await client.next()), { "you said": "hi" });
    client.socket.close();
    assert.equal(await refused(server, "/subprotocol", { protocols: ["other"] }), 403);
  });

  test("cookies counts visits", async () => {
    const first = await open(server, "/cookies");
    assert.equal(await first.next(), "visit number 1");
    assert.match(first.headers.headers["set-cookie"][0], /^visits=1; HttpOnly/);
    assert.equal(await (await open(server, "/cookies", { headers: { Cookie: "visits=41" } })).next(), "visit number 42");
  });

  test("counter is one for all", async () => {
    const clients = await Promise.all([1, 2, 3].map(() => open(server, "/counter")));
    for (let i = 1; i <= 9; i++) {
      const client = clients[i % 3];
      client.socket.send("+");
      assert.equal(await client.next(), `${i}`);
    }
    for (const client of clients) client.socket.close();
  });

  test("chat tells all, and a client that takes nothing keeps nobody waiting", async () => {
    const clients = await Promise.all([1, 2, 3].map(() => open(server, "/chat")));
    for (const client of clients) assert.equal(await client.next(), "welcome");
    clients[2].socket.pause();
    const long = "x".repeat(100000);
    for (let i = 0; i < 200; i++) {
      clients[0].socket.send(`${i} ${long}`);
      assert.equal(await clients[1].next(), `${i} ${long}`);
    }
    clients[0].socket.close();
    clients[1].socket.close();
    clients[2].socket.terminate();
  });
});

describe("files that change", () => {
  const version = (text) => `def web_socket_do_extra_handshake(request):
    pass


def web_socket_transfer_data(request):
    while request.ws_stream.receive_message() is not None:
        request.ws_stream.send_message(${JSON.stringify(text)})
`;
  const say = async (client) => {
    client.socket.send("?");
    return client.next();
  };

  async function served(t, name = "news") {
    const folder = mkdtempSync(path.join(tmpdir(), "towline-changes-"));
    const file = path.join(folder, `${name}_wsh.py`);
    writeFileSync(file, version("one"));
    const server = await serve(t, ["-w", folder]);
    t.after(() => rmSync(folder, { recursive: true }));
    await until(() => server.log.includes("serves /news"), "it is served", 30000);
    return { server, file };
  }

  test("new connections get the new version, open ones keep theirs, and a broken one changes nothing", async (t) => {
    const { server, file } = await served(t);
    const first = await open(server, "/news");
    assert.equal(await say(first), "one");
    writeFileSync(file, version("two"));
    await until(async () => (await say(await open(server, "/news"))) === "two", "the second version");
    assert.equal(await say(first), "one");
    writeFileSync(file, `${version("three")}\nraise ValueError('not yet')\n`);
    await until(() => /news_wsh\.py:9: ValueError: not yet/.test(server.log), "the log has it");
    assert.equal(await say(await open(server, "/news")), "two");
    assert.equal(await say(first), "one");
    writeFileSync(file, version("four"));
    await until(async () => (await say(await open(server, "/news"))) === "four", "the next good version");
    rmSync(file);
    await until(async () => (await refused(server, "/news").catch(() => 0)) === 404, "it is gone");
    assert.equal(await say(first), "one");
  });

  test("a hundred changes under load lose no connection, and leave nothing", async (t) => {
    const { server, file } = await served(t);
    const first = await open(server, "/news");
    const pid = await host(server);
    const change = async (i) => {
      writeFileSync(file, version(`version ${i}`));
      await until(async () => {
        const client = await open(server, "/news");
        const text = await say(client);
        client.socket.close();
        return text === `version ${i}`;
      }, `version ${i}`);
      assert.equal(await say(first), "one");
    };
    for (let i = 0; i < 20; i++) await change(i);
    const before = { descriptors: server.descriptors(), threads: threads(pid), memory: memory(pid) };
    for (let i = 20; i < 120; i++) await change(i);
    await until(() => server.descriptors() <= before.descriptors + 2 && threads(pid) <= before.threads + 2, "what is left is as before");
    assert.ok(memory(pid) - before.memory < 4 << 20, `its process grew by ${memory(pid) - before.memory}`);
    first.socket.close();
  });

  test("the process that is started again has the versions that are served", async (t) => {
    const { server, file } = await served(t);
    writeFileSync(file, version("two"));
    await until(async () => (await say(await open(server, "/news"))) === "two", "the second version");
    process.kill(await host(server), "SIGKILL");
    await until(() => server.log.includes("ended by signal 9; it is started again"), "its end"); // it could still have accepted
    assert.equal(await say(await open(server, "/news")), "two");
  });
});

describe("the command of the tutorials", () => {
  const python = path.join(root, "python");

  /** A server that Python starts; ended by `stop`. */
  async function started(t, words) {
    const server = new Server(["env", `TOWLINE=${program}`, `PYTHONPATH=${python}`, "python3", ...words]);
    t.after(() => server.signal("SIGKILL"));
    server.port = await until(() => /serving ws:\/\/\S*?:(\d+)\//.exec(server.log)?.[1], `it serves: ${server.log}`, 30000);
    await until(() => server.log.includes("echo_wsh.py serves /echo"), "the handler", 30000);
    return server;
  }

  async function echoes(server) {
    const client = await open(server, "/");
    client.socket.send("Goodbye");
    assert.equal(await client.next(), "Goodbye");
    assert.deepEqual(await client.closed, { code: 1000, reason: "" });
  }

  for (const name of ["mod_pywebsocket", "pywebsocket3"])
    test(`python3 -m ${name}.standalone serves a folder with aliases, in the document root`, async (t) => {
      const folder = mkdtempSync(path.join(tmpdir(), "towline-tutorial-"));
      t.after(() => rmSync(folder, { recursive: true }));
      cpSync(path.join(examples, "echo_wsh.py"), path.join(folder, "echo_wsh.py"));
      writeFileSync(path.join(folder, "aliases"), "/ /echo\n");
      const server = await started(t, ["-m", `${name}.standalone`, "-p", "0", "-w", ".", "-m", "aliases", "-d", folder]);
      await echoes(server);
      await server.stop();
    });

  test("WebSocketServer(options).serve_forever() is the same from a program", async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), "towline-tutorial-"));
    t.after(() => rmSync(folder, { recursive: true }));
    cpSync(path.join(examples, "echo_wsh.py"), path.join(folder, "echo_wsh.py"));
    writeFileSync(path.join(folder, "aliases"), "/ /echo\n");
    const lines = `import signal, sys, threading
from pywebsocket3 import standalone
from pywebsocket3.websocket_server import WebSocketServer
options, _ = standalone._parse_args_and_config(sys.argv[1:])
server = WebSocketServer(options)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
`;
    const server = await started(t, ["-c", lines, "-p", "0", "-w", folder, "-m", path.join(folder, "aliases")]);
    await echoes(server);
    await server.stop();
  });
});
