// A program for each connection: messages as lines and as frames, its environment, its end, and programs that mean no good.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";

import { temporaryFolder } from "../support/handlers.mjs";
import { client, refusal, serveKind, slowestEcho } from "../support/kind_host.mjs";
import { Server, serve, sleep, until, within } from "../support/towline.mjs";

const shell = (script) => ["file=/bin/sh", "arguments=-c", `arguments=${script}`];
const python = (script) => ["file=python3", "arguments=-c", `arguments=${script}`];

/** Serves a shell's script at /, with an echo at /echo. */
const serveScript = (t, script, ...options) => serveKind(t, "/echo", "echo", "--", "/*", "program", ...shell(script), ...options);

const MiB = 1024 * 1024;

/** Processes whose command line has this text. */
function processes(text) {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).filter((name) => {
    try {
      return readFileSync(`/proc/${name}/cmdline`, "latin1").includes(text) && !readFileSync(`/proc/${name}/stat`, "latin1").includes(") Z ");
    } catch {
      return false;
    }
  });
}

describe("lines", () => {
  test("a message is a line, and a line is a message", async (t) => {
    const server = await serveKind(t, "/*", "program", "file=cat");
    const socket = await client(t, server, "/");
    for (const text of ["hello", "", "gr\u00fc\u00dfe \u{1f600}", "x".repeat(200000)]) socket.send(text);
    assert.deepEqual(await socket.next(4), ["hello", "", "gr\u00fc\u00dfe \u{1f600}", "x".repeat(200000)]);
    socket.close(1000);
    assert.equal((await socket.end()).code, 1000);
    await until(() => server.log.includes("the program ended with status 0"), "its end");
  });

  test("line ends are taken as LF and CRLF, and the last line may have none", async (t) => {
    const server = await serveScript(t, "printf 'one\\ntwo\\r\\n\\nlast'");
    const socket = await client(t, server, "/");
    assert.equal((await socket.end()).code, 1000);
    assert.deepEqual(socket.messages, ["one", "two", "", "last"]);
  });

  for (const [what, message] of [["a line feed", "a\nb"], ["a carriage return", "a\rb"], ["bytes that are no text", Buffer.from("ab")]])
    test(`${what} in a message closes with 1003, and the program ends`, async (t) => {
      const server = await serveScript(t, "read line; echo never $line");
      const socket = await client(t, server, "/");
      socket.send(message);
      assert.equal((await socket.end()).code, 1003);
      assert.deepEqual(socket.messages, []);
      await until(() => /the program (was )?ended/.test(server.log), "its end");
    });

  test("what is not UTF-8 closes with 1007, a line that is too long with 1009", async (t) => {
    const server = await serveScript(t, "printf 'good\\n\\377\\n'; cat");
    const socket = await client(t, server, "/");
    assert.equal((await socket.end()).code, 1007);
    assert.deepEqual(socket.messages, ["good"]);
    const other = await serveScript(t, "echo 12345678; echo 123456789; cat", "max-output=8");
    const second = await client(t, other, "/");
    assert.deepEqual([(await second.end()).code, second.messages], [1009, ["12345678"]]);
  });
});

describe("frames", () => {
  test("text and binary go both ways, and a frame of type 8 closes", async (t) => {
    const script = `
import struct, sys
r, w = sys.stdin.buffer, sys.stdout.buffer
while header := r.read(5):
    length, kind = struct.unpack(">IB", header)
    data = r.read(length)
    if data == b"close":
        kind, data = 8, struct.pack(">H", 4002) + b"as asked"
    w.write(struct.pack(">IB", len(data), kind) + data)
    w.flush()
`;
    const server = await serveKind(t, "/*", "program", ...python(script), "mode=frames");
    const socket = await client(t, server, "/");
    socket.send("a\nb");
    socket.send(Buffer.from([0, 255, 10]));
    socket.send(Buffer.alloc(300000, 7));
    assert.deepEqual(await socket.next(3), ["a\nb", Buffer.from([0, 255, 10]), Buffer.alloc(300000, 7)]);
    socket.send("close");
    assert.deepEqual(await socket.end(), { code: 4002, reason: "as asked" });
  });

  test("the client's Close is a frame before the end of input", async (t) => {
    const server = await serveScript(t, "od -An -tx1 >&2", "mode=frames");
    const socket = await client(t, server, "/");
    socket.send("x");
    socket.close(4001);
    await socket.end();
    await until(() => server.log.includes(" 00 00 00 01 01 78 00 00 00 02 08 0f a1"), "both frames");
  });

  for (const [what, script] of [["what is no frame", "echo garbage; cat"], ["half a frame and a failure", "printf '\\0\\0\\0\\5\\1abc'; exit 1"], ["a code that may not be sent", "printf '\\0\\0\\0\\2\\10\\0\\1'; cat"]])
    test(`${what} closes with 1011`, async (t) => {
      const server = await serveScript(t, script, "mode=frames");
      const socket = await client(t, server, "/");
      assert.equal((await socket.end()).code, 1011);
      assert.deepEqual(socket.messages, []);
    });

  test("half a frame of a program that ends well is dropped and told", async (t) => {
    const server = await serveScript(t, "printf '\\0\\0\\0\\2\\1ab\\0\\0\\0\\5\\1abc'", "mode=frames");
    const socket = await client(t, server, "/");
    assert.equal((await socket.end()).code, 1000);
    assert.deepEqual(socket.messages, ["ab"]);
    assert.match(server.log, /half a frame of the program was dropped/);
  });
});

describe("environment", () => {
  test("the request is told as CGI tells it", async (t) => {
    process.env.SHELL ??= "/bin/sh";
    const server = await serveScript(t, "env | sort", "environment=ADDED=by us", "environment=SHELL");
    const headers = { "X-Twice": ["a", "b"], Cookie: "k=v", Proxy: "evil", X_Under: "no", "User-Agent": "test" };
    const socket = await client(t, server, "/a/b%20c?d=e&f", { headers, protocols: [] });
    await socket.end();
    const environment = Object.fromEntries(socket.messages.map((line) => line.split(/=(.*)/s).slice(0, 2)));
    const { REMOTE_PORT, SERVER_SOFTWARE, UNIQUE_ID, PATH, HTTP_SEC_WEBSOCKET_KEY, ...rest } = environment;
    assert.match(REMOTE_PORT, /^\d+$/);
    assert.match(SERVER_SOFTWARE, /^towline\//);
    assert.match(UNIQUE_ID, /^\d{10,20}$/);
    const other = await client(t, server, "/a/b%20c");
    await other.end();
    assert.ok(!other.messages.includes(`UNIQUE_ID=${UNIQUE_ID}`) && other.messages.some((line) => line.startsWith("UNIQUE_ID=")));
    assert.ok(PATH && HTTP_SEC_WEBSOCKET_KEY);
    assert.match(rest.TOWLINE_CHILD, /^\d+\.\d+$/);
    const expected = {
      GATEWAY_INTERFACE: "CGI/1.1", SERVER_PROTOCOL: "HTTP/1.1", REQUEST_METHOD: "GET", REMOTE_ADDR: "127.0.0.1", REMOTE_HOST: "127.0.0.1",
      SERVER_NAME: "127.0.0.1", SERVER_PORT: String(server.port), SCRIPT_NAME: "/a/b%20c", PATH_INFO: "", PATH_TRANSLATED: "/a/b%20c",
      QUERY_STRING: "d=e&f", REQUEST_URI: "/a/b%20c?d=e&f", HTTP_HOST: server.host, HTTP_USER_AGENT: "test", HTTP_COOKIE: "k=v", HTTP_X_TWICE: "a, b",
      HTTP_UPGRADE: "websocket", HTTP_SEC_WEBSOCKET_VERSION: "13", AUTH_TYPE: "", REMOTE_USER: "", REMOTE_IDENT: "", CONTENT_TYPE: "", CONTENT_LENGTH: "",
      ADDED: "by us", SHELL: process.env.SHELL,
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(rest[name], value, name);
    assert.equal(rest.HTTP_PROXY, undefined);
    assert.equal(rest.HTTP_X_UNDER, undefined);
    const ours = new Set([...Object.keys(expected), "HTTP_CONNECTION", "HOME", "LANG", "TZ", "PWD", "_", "SHLVL", "OLDPWD", "HTTP_SEC_WEBSOCKET_EXTENSIONS", "ASAN_OPTIONS", "TOWLINE_CHILD"]);
    assert.deepEqual(Object.keys(rest).filter((name) => !ours.has(name)), [], "nothing else of ours is passed");
  });

  test("where it is served is SCRIPT_NAME, and where it runs can be set", async (t) => {
    const server = await serveScript(t, "pwd", "directory=/usr/bin");
    const socket = await client(t, server, "/");
    await socket.end();
    assert.deepEqual(socket.messages, ["/usr/bin"]);
  });
});

describe("the end", () => {
  test("0 is 1000, whatever was left unread; another status 1011 with a line in the log", async (t) => {
    const server = await serveScript(t, "read line; echo got $line; exit $line");
    const socket = await client(t, server, "/");
    socket.send("0");
    for (let i = 0; i < 100; i++) socket.send("unread".repeat(1000));
    assert.deepEqual([await socket.end(), socket.messages], [{ code: 1000, reason: "" }, ["got 0"]]);
    const other = await client(t, server, "/");
    other.send("7");
    assert.deepEqual(await other.end(), { code: 1011, reason: "the program ended with status 7" });
    await until(() => server.log.match(/4 127\.0\.0\.1:\d+ \/bin\/sh\[\d+\]: the program ended with status 7/), "the line");
  });

  test("a signal is told, and all that it has started ends with it", async (t) => {
    const server = await serveScript(t, "sleep 98765 & kill -SEGV $$");
    const socket = await client(t, server, "/");
    assert.deepEqual(await socket.end(), { code: 1011, reason: "the program was ended by signal 11" });
    await until(() => processes("sleep\x0098765").length === 0, "the sleeper's end");
  });

  test("a client that leaves ends its input; who does not end then is ended with its group", async (t) => {
    const server = await serveScript(t, "trap 'echo terminated >&2' TERM; sleep 87654 & cat; echo input ended >&2; wait; wait", "end-seconds=1");
    const socket = await client(t, server, "/");
    await until(() => processes("sleep\x0087654").length > 0, "a sleeper");
    socket.close();
    await until(() => server.log.includes("input ended"), "the end of input");
    await until(() => server.log.includes("terminated"), "SIGTERM");
    await until(() => processes("sleep\x0087654").length === 0, "the sleeper's end");
  });

  test("what has left its group ends with it as well, and what another's has left stays", async (t) => {
    const server = await serveScript(t, "setsid sh -c \"trap '' TERM; setsid -f sleep 86421; sleep 86421\" & read which; exit 0", "end-seconds=1");
    const stays = await serveScript(t, "setsid -f sleep 86422; echo up; cat");
    const other = await client(t, stays, "/");
    await other.next(1);
    const socket = await client(t, server, "/");
    await until(() => processes("sleep\x0086421").length === 2, "two sleepers");
    socket.send("go");
    await socket.end();
    await until(() => processes("sleep\x0086421").length === 0, "the sleepers' end");
    assert.equal(processes("sleep\x0086422").length, 1);
    other.close();
    await until(() => processes("sleep\x0086422").length === 0, "the other's end");
  });

  test("what a client said before it left reaches the program", async (t) => {
    const server = await serveScript(t, "sleep 0.3; wc -c >&2");
    const socket = await client(t, server, "/");
    for (let i = 0; i < 10; i++) socket.send("x".repeat(99999));
    socket.close();
    await until(() => server.log.includes("1000000"), "all of it", 20000);
  });

  test("one that ignores SIGTERM is killed, and a server that stops leaves none behind", async (t) => {
    const server = await serveScript(t, "trap '' TERM; while :; do sleep 0.0765; done");
    const sockets = await Promise.all(Array.from({ length: 5 }, () => client(t, server, "/")));
    await until(() => processes("sleep\x000.0765").length > 0, "they run");
    await server.stop();
    assert.ok(sockets.every((socket) => socket.readyState !== 1));
    assert.deepEqual(processes("sleep 0.0765"), []);
  });
});

describe("limits", () => {
  test("more programs than max-programs get 503, until one has ended", async (t) => {
    const server = await serveScript(t, "cat", "max-programs=2", "end-seconds=1");
    const first = await client(t, server, "/");
    await client(t, server, "/");
    assert.equal(await refusal(t, server, "/"), 503);
    first.close();
    await until(async () => (await refusal(t, server, "/")) === 101, "room again");
  });

  test("programs count with all their descriptors: more get 503, and what is open stays", async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(path.join(folder, "cat"), "#!/bin/sh\nexec cat\n", { mode: 0o755 });
    const server = await serve(t, ["-w", folder, "--workers", "1"], { prefix: ["prlimit", "--nofile=100:100"], status: true });
    const before = await server.counter("descriptors");
    const sockets = [];
    let status;
    while ((status = await refusal(t, server, "/cat", (socket) => sockets.push(socket))) === 101) assert.ok(sockets.length < 50);
    assert.equal(status, 503);
    assert.ok(sockets.length >= 6, `only ${sockets.length} programs`);
    assert.equal((await client(t, server, "/echo")).readyState, 1); // it needs but one
    for (const socket of sockets) socket.send("here");
    for (const socket of sockets) assert.deepEqual(await socket.next(1), ["here"]);
    assert.doesNotMatch(server.log, /out of file descriptors/);
    for (const socket of sockets) socket.close();
    await until(async () => (await server.counter("descriptors")) <= before + 1, "all are given back");
    assert.equal(await refusal(t, server, "/cat"), 101);
  });

  test("memory, CPU time and time are limited", async (t) => {
    const hungry = await serveKind(t, "/*", "program", ...python("input(); x = bytearray(1 << 30); print('got it')"), `max-memory=${400 * MiB}`);
    const socket = await client(t, hungry, "/");
    socket.send("go");
    assert.equal((await socket.end()).code, 1011);
    await until(() => hungry.log.includes("MemoryError"), "what it says of that");
    const busy = await serveScript(t, "while :; do :; done", "max-cpu-seconds=1");
    assert.equal((await (await client(t, busy, "/")).end(20000)).code, 1011);
    const long = await serveScript(t, "sleep 1000", "max-seconds=1");
    assert.deepEqual(await (await client(t, long, "/")).end(), { code: 1011, reason: "the program has run for max-seconds" });
  });

  test("a program that can't be started closes with 1011 and a line that says why", async (t) => {
    const program = path.join(temporaryFolder(t), "gone");
    writeFileSync(program, "#!/bin/sh\n", { mode: 0o755 });
    const server = await serveKind(t, "/*", "program", `file=${program}`);
    rmSync(program);
    assert.equal((await (await client(t, server, "/")).end()).code, 1011);
    assert.match(server.log, /3 127\.0\.0\.1:\d+ \S*\/gone: the program can't be started: the name was not found/);
    const folder = temporaryFolder(t);
    for (const [name, text, why] of [["bare.sh", "echo hi\n", /bare\.sh: .*: the file is no program: it has no #! line/],
                                     ["nope.sh", "#!/no/such/shell\n", /nope\.sh: .*: the interpreter that the file's #! line names was not found/]]) {
      writeFileSync(path.join(folder, name), text, { mode: 0o755 });
      const script = await serveKind(t, "/*", "program", `file=${path.join(folder, name)}`);
      assert.equal((await (await client(t, script, "/")).end()).code, 1011);
      assert.match(script.log, why);
    }
  });
});

describe("standard error", () => {
  test("its lines are lines of the log, with what is not printable escaped", async (t) => {
    const server = await serveScript(t, "printf 'plain\\n\\033[31mred \\377\\tt\\n' >&2; printf 'gr\\303\\274n, no end' >&2");
    await (await client(t, server, "/")).end();
    await until(() => server.log.includes("no end"), "all of it");
    assert.match(server.log, /6 127\.0\.0\.1:\d+ \/bin\/sh\[\d+\]: plain\n/);
    assert.match(server.log, /: \\x1b\[31mred \\xff\\tt\n/);
    assert.match(server.log, /: grün, no end\n/);
  });

  test("a flood of it is cut, told and not read on", async (t) => {
    const server = await serveScript(t, "while :; do echo 0123456789 0123456789 0123456789; done >&2");
    const slowest = await slowestEcho(t, server, async () => {
      const socket = await client(t, server, "/");
      await until(() => /\d+ lines on standard error were left out/.test(server.log), "that it is cut");
      socket.close();
    });
    assert.ok(server.log.length < MiB, `${server.log.length} bytes of log`);
    assert.ok(slowest < 1000, `${slowest} ms`);
  });
});

test("as the first process of a container it buries orphans, passes signals on and ends as its child does", async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(path.join(folder, "leave.sh"), "#!/bin/sh\nfor i in 1 2 3; do setsid sleep 0.1 & done\necho left\n", { mode: 0o755 });
  const namespace = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"];
  if (spawnSync(namespace[0], [...namespace.slice(1), "true"]).status !== 0) return t.skip("this system refuses a namespace of processes");
  const server = await Server.start(["-w", folder], { prefix: namespace });
  t.after(() => server.child.kill("SIGKILL"));
  const children = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(" ").filter((text) => text);
  const [first] = children(server.pid);
  for (let i = 0; i < 3; i++) assert.deepEqual((await (await client(t, server, "/leave")).next(1)), ["left"]);
  await until(() => children(first).length === 1, "that only the server is left");
  process.kill(Number(first), "SIGTERM");
  assert.equal(await within(20000, server.exit, "its end"), 0);
  assert.match(server.log, /stopped/);
});

describe("programs that mean no good", () => {
  const hostile = {
    "floods": "yes",
    "floods without lines": "cat /dev/zero | tr '\\0' x",
    "floods in frames of garbage": "cat /dev/urandom",
    "exits at once": "exit 3",
    "closes its output": "exec >&-; sleep 1; exit 5",
    "closes its input": "exec <&-; sleep 1; exit 5",
    "reads nothing": "sleep 1000",
    "forks": "for i in 1 2 3 4 5 6 7 8; do sleep 76543 & done; sleep 1; exit 1",
    "stops itself": "kill -STOP $$",
  };
  for (const [what, script] of Object.entries(hostile))
    test(`one that ${what} keeps nobody waiting and takes no memory`, async (t) => {
      const server = await serveKind(t, "/echo", "echo", "--", "/*", "program", ...shell(script), "end-seconds=1");
      const before = server.memory();
      let most = 0;
      const slowest = await slowestEcho(t, server, async () => {
        const sockets = await Promise.all(Array.from({ length: 4 }, () => client(t, server, "/")));
        for (const socket of sockets) socket._socket.pause(); // takes nothing
        for (const socket of sockets) for (let i = 0; i < 40; i++) socket.send("x".repeat(50000));
        for (let i = 0; i < 10; i++) {
          await sleep(100);
          most = Math.max(most, server.memory() - before);
        }
        for (const socket of sockets) socket.terminate();
      });
      assert.ok(most < 48 * MiB, `${most} bytes`);
      assert.ok(slowest < 1000, `${slowest} ms`);
      await until(() => processes("sleep\x0076543").length === 0, "the end of all that it started", 15000);
    });

  test("a flood reaches a client that reads as fast as it reads", async (t) => {
    const server = await serveScript(t, "seq 1 200000");
    const socket = await client(t, server, "/");
    await within(30000, socket.closed, "the end");
    assert.equal(socket.messages.length, 200000);
    assert.ok(socket.messages.every((text, i) => text === String(i + 1)));
  });
});
