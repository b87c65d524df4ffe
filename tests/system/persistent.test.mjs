// Programs that serve many connections: both helpers, restarts by plan and by force, what is acknowledged, and programs that mean no good.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { client, refusal, serveKind, slowestEcho } from "../support/kind_host.mjs";
import { sleep, until } from "../support/towline.mjs";

const helpers = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../helpers");
const MiB = 1024 * 1024;

function folder(t) {
  const made = mkdtempSync(path.join(os.tmpdir(), "towline-"));
  t.after(() => rmSync(made, { recursive: true }));
  return made;
}

/** A worker that says what it does: class W (of towline_worker.Worker), whose body this is. */
const worker = (body) => `import sys, os, time, struct\nimport towline_worker\n\nclass W(towline_worker.Worker):\n${body.replace(/^/gm, "    ")}\n\nW().run()\n`;

const ECHO = "def on_message(self, connection, message):\n    connection.send(message)";

/** Serves a script by python3 at /, with an echo at /echo. `file` may be written anew. */
async function serveWorker(t, script, ...options) {
  const file = path.join(folder(t), "worker.py");
  writeFileSync(file, script);
  const before = options.filter((word) => word.startsWith("--"));
  const server = await serveKind(t, ...before.flatMap((word) => word.split(" ")), "/echo", "echo", "--", "/*", "program", "worker=yes", "file=python3", `arguments=${file}`,
    `environment=PYTHONPATH=${helpers}`, ...options.filter((word) => !word.startsWith("--")));
  server.file = file;
  server.change = (text) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  server.workers = () => [...server.log.matchAll(/python3 \S+\[(\d+)\]: started/g)].map((match) => Number(match[1]));
  return server;
}

const count = (text, what) => text.split(what).length - 1;

describe("a worker", () => {
  for (const io of ["epoll", "io_uring"])
    test(`serves text and binary of many connections on every worker's thread, ${io}`, async (t) => {
      const server = await serveWorker(t, worker(ECHO), "--workers 3", `--io ${io}`);
      const sockets = await Promise.all(Array.from({ length: 20 }, () => client(t, server, "/")));
      for (const [i, socket] of sockets.entries()) {
        socket.send(`text ${i} ü`);
        socket.send(Buffer.from([i, 0, 255]));
        socket.send("x".repeat(300000));
        socket.send("");
      }
      for (const [i, socket] of sockets.entries()) assert.deepEqual(await socket.next(4), [`text ${i} ü`, Buffer.from([i, 0, 255]), "x".repeat(300000), ""]);
      for (const socket of sockets) socket.close(1000);
      assert.ok((await Promise.all(sockets.map((socket) => socket.end()))).every(({ code }) => code === 1000));
      assert.equal(server.workers().length, 1);
    });

  test("hears of opening, with the request, and of the end, and may close and broadcast", async (t) => {
    const server = await serveWorker(t, worker(`
def on_open(self, connection):
    connection.send(connection.environment["QUERY_STRING"] + " " + connection.environment["HTTP_COOKIE"])
def on_message(self, connection, message):
    if message == "close":
        connection.close(4001, "as asked")
    elif message == "others":
        self.broadcast(b"to others", [other for other in self.connections.values() if other is not connection])
    else:
        self.broadcast(message)
def on_close(self, connection, code, reason):
    self.broadcast("%d %s" % (code, reason))
`), "--workers 2");
    const [one, two] = [await client(t, server, "/?a=1", { headers: { Cookie: "c=1" } }), await client(t, server, "/?a=2", { headers: { Cookie: "c=2" } })];
    await one.next(1);
    await two.next(1);
    one.send("all");
    await two.next(2);
    one.send("others");
    await two.next(3);
    two.send("close");
    assert.deepEqual(await two.end(), { code: 4001, reason: "as asked" });
    assert.deepEqual(two.messages, ["a=2 c=2", "all", Buffer.from("to others")]);
    assert.deepEqual(await one.next(3), ["a=1 c=1", "all", "4001 as asked"]);
  });

  test("in Node: promises, and the order of one connection", async (t) => {
    const file = path.join(folder(t), "worker.mjs");
    writeFileSync(file, `import { run } from "${helpers}/towline_worker.mjs";
const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));
const worker = run({
  open: (connection) => connection.send("hello " + connection.environment.QUERY_STRING),
  message: async (connection, message) => {
    if (message === "throw") throw new Error("on purpose");
    if (message === "state") return connection.send("state " + connection.state);
    if (message === "all") return worker.broadcast("all");
    if (String(message).startsWith("slow")) await sleep(100);
    connection.state = String(message);
    connection.send(message);
  },
  close: (connection, code) => console.log("gone", code),
});`);
    const server = await serveKind(t, "/*", "program", "worker=yes", "file=node", `arguments=${file}`);
    const one = await client(t, server, "/?q"), two = await client(t, server, "/");
    one.send("slow 1");
    one.send("2");
    two.send(Buffer.from("quick"));
    await two.next(2);
    assert.deepEqual(one.messages, ["hello q"]);
    one.send("state");
    one.send("all");
    assert.deepEqual(await one.next(5), ["hello q", "slow 1", "2", "state 2", "all"]);
    assert.deepEqual(await two.next(3), ["hello ", Buffer.from("quick"), "all"]);
    writeFileSync(file, `${readFileSync(file, "utf8")}\n`);
    await until(() => server.log.includes("ended with status 0"), "the first one's end");
    one.send("state");
    assert.deepEqual((await one.next(6))[5], "state 2");
    two.send("throw");
    assert.equal((await two.end()).code, 1011);
    await until(() => server.log.includes("on purpose") && server.log.includes("gone 1011"), "the log");
  });

  test("that raises closes that connection with 1011 and goes on", async (t) => {
    const server = await serveWorker(t, worker(`
def on_message(self, connection, message):
    print("printed")
    connection.send(str(1 // int(message)))
`));
    const one = await client(t, server, "/"), two = await client(t, server, "/");
    one.send("0");
    assert.equal((await one.end()).code, 1011);
    two.send("1");
    assert.deepEqual(await two.next(1), ["1"]);
    await until(() => server.log.includes("ZeroDivisionError") && server.log.includes("printed"), "the log");
  });

  test("is one of a pool, chosen by what affinity says", async (t) => {
    const body = "def on_message(self, connection, message):\n    connection.send('%d of %d' % (self.number, self.count))";
    const numbers = async (server, targets) => {
      const sockets = [];
      for (const target of targets) sockets.push(await client(t, server, target));
      return Promise.all(sockets.map(async (socket) => {
        socket.send("?");
        return (await socket.next(1))[0];
      }));
    };
    const spread = await serveWorker(t, worker(body), "pool=3");
    const six = await numbers(spread, ["/", "/", "/", "/", "/", "/"]);
    assert.deepEqual([...new Set(six)].sort(), ["0 of 3", "1 of 3", "2 of 3"]);
    for (const one of new Set(six)) assert.equal(six.filter((other) => other === one).length, 2);
    const byPath = await serveWorker(t, worker(body), "pool=3", "affinity=path");
    const paths = ["/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h"];
    const [first, second] = [await numbers(byPath, paths), await numbers(byPath, paths)];
    assert.deepEqual(first, second);
    assert.ok(new Set(first).size > 1);
  });
});

/** Clients that send numbers and note what comes back: each is to get each number once, in order. */
async function load(t, server, connections) {
  const sockets = await Promise.all(Array.from({ length: connections }, () => client(t, server, "/")));
  let over = false, slowest = 0;
  for (const socket of sockets) {
    socket.sent = 0;
    socket.last = performance.now();
    socket.on("message", () => {
      const now = performance.now();
      slowest = Math.max(slowest, now - socket.last);
      socket.last = now;
      if (!over) socket.send(String(socket.sent++));
    });
    socket.send(String(socket.sent++));
    socket.send(String(socket.sent++));
  }
  await until(() => sockets.every((socket) => socket.messages.length > 0), "first answers", 20000);
  const stop = async () => {
    await sleep(300);
    over = true;
    await until(() => sockets.every((socket) => socket.messages.length >= socket.sent), "all answers", 20000);
    return slowest;
  };
  return { sockets, stop };
}

const COUNTED = (version) => worker(`
def on_resume(self, connection):
    connection.user = int(connection.state or b"0")
def on_message(self, connection, message):
    connection.user = (connection.user or 0) + 1
    connection.state = str(connection.user).encode()
    connection.send("%s again %d ${version}" % (message, self.again))
`);

describe("a restart", () => {
  test("by plan: no connection is lost, no message lost, doubled or out of order, and states are kept", async (t) => {
    const server = await serveWorker(t, COUNTED(1), "--workers 2");
    const { sockets, stop } = await load(t, server, 1000);
    for (const version of [2, 3]) {
      await sleep(300);
      server.change(COUNTED(version));
      await until(() => count(server.log, "ended with status 0") === version - 1, `version ${version}`);
      await until(() => sockets.every((socket) => socket.messages.at(-1).endsWith(` ${version}`)), "an answer of it");
    }
    const slowest = await stop();
    for (const socket of sockets) {
      assert.equal(socket.readyState, 1);
      assert.deepEqual(socket.messages.map((text) => text.split(" ")[0]), socket.messages.map((_, i) => String(i)));
      assert.ok(socket.messages.every((text) => text.includes("again 0")));
      assert.deepEqual([...new Set(socket.messages.map((text) => text.at(-1)))], ["1", "2", "3"]);
    }
    assert.ok(slowest < 20000, `${slowest} ms`);
    t.diagnostic(`the longest pause: ${slowest.toFixed(0)} ms`);
  });

  test("by force: no connection is lost, no message lost, and doubles are marked", async (t) => {
    const server = await serveWorker(t, COUNTED(1), "--workers 2");
    const { sockets, stop } = await load(t, server, 1000);
    for (let i = 1; i <= 2; i++) {
      await sleep(1100);
      process.kill(server.workers().at(-1), "SIGKILL");
      await until(() => server.workers().length === i + 1, "another");
    }
    const slowest = await stop();
    for (const socket of sockets) {
      assert.equal(socket.readyState, 1);
      let next = 0;
      for (const text of socket.messages) {
        const [number, , again] = text.split(" ").map(Number);
        assert.ok(number === next || (number < next && again === 1), `${text} instead of ${next}`);
        next = Math.max(next, number + 1);
      }
      assert.equal(next, socket.sent);
    }
    assert.ok(slowest < 20000, `${slowest} ms`);
    t.diagnostic(`the longest pause: ${slowest.toFixed(0)} ms`);
  });

  test("a state is kept over a kill, and the end of a connection meanwhile is told", async (t) => {
    const server = await serveWorker(t, worker(`
def on_resume(self, connection):
    print("resumed", connection.state.decode())
def on_message(self, connection, message):
    if message == "state":
        connection.send(connection.state)
    else:
        connection.state = message.encode()
        connection.send("kept")
def on_close(self, connection, code, reason):
    print("closed", connection.state.decode(), code)
`));
    const [one, two] = [await client(t, server, "/"), await client(t, server, "/")];
    one.send("x".repeat(2048));
    two.send("second");
    await one.next(1);
    await two.next(1);
    const pid = server.workers()[0];
    process.kill(pid, "SIGSTOP");
    two.close(4000);
    await two.end();
    one.send("state");
    process.kill(pid, "SIGKILL");
    assert.deepEqual((await one.next(2))[1], Buffer.from("x".repeat(2048)));
    await until(() => server.log.includes("closed second 4000"), "the end of the second");
  });

  test("a version that is broken does not take the place of one that works", async (t) => {
    const server = await serveWorker(t, worker(ECHO));
    const socket = await client(t, server, "/");
    socket.send("first");
    await socket.next(1);
    server.change("raise SystemExit(3)\n");
    await until(() => server.log.includes("what was to follow ended before it was ready"), "that");
    socket.send("still there");
    assert.equal((await socket.next(2))[1], "still there");
    server.change(worker("def on_message(self, connection, message):\n    connection.send('new ' + message)"));
    await until(() => server.log.includes("ended with status 0"), "the old one's end");
    socket.send("x");
    assert.equal((await socket.next(3))[2], "new x");
  });

  test("of one that does not end when it is asked takes its drain time, and gives again what it had", async (t) => {
    const server = await serveWorker(t, worker(`
def on_message(self, connection, message):
    if message == "hang":
        time.sleep(1000)
    connection.send(message)
`));
    const socket = await client(t, server, "/");
    socket.send("first");
    await socket.next(1);
    socket.send("hang");
    socket.send("after");
    server.change(worker("def on_message(self, connection, message):\n    connection.send(message + ' %d' % self.again)"));
    assert.deepEqual(await socket.next(3, 15000), ["first", "hang 1", "after 1"]);
    assert.match(server.log, /it did not end when it was asked to/);
  });
});

describe("what is not acknowledged", () => {
  test("is bounded for a connection, which is not read then, and goes on", async (t) => {
    const server = await serveWorker(t, worker(`
def on_message(self, connection, message):
    connection.send(message[:10])
`), "max-unacknowledged=10");
    const socket = await client(t, server, "/");
    const pid = server.workers()[0];
    process.kill(pid, "SIGSTOP");
    const before = server.memory();
    for (let i = 0; i < 400; i++) socket.send(String(i).padEnd(100000, "x"));
    await sleep(1000);
    assert.ok(server.memory() - before < 16 * MiB, `${server.memory() - before} bytes`);
    assert.ok(socket.bufferedAmount > 20 * MiB);
    process.kill(pid, "SIGCONT");
    assert.deepEqual(await socket.next(400, 30000), Array.from({ length: 400 }, (_, i) => String(i).padEnd(10, "x")));
  });

  test("is bounded for all of them together: more closes with 1013", async (t) => {
    const server = await serveWorker(t, worker(ECHO), `max-waiting=${MiB}`);
    const sockets = await Promise.all(Array.from({ length: 20 }, () => client(t, server, "/")));
    process.kill(server.workers()[0], "SIGSTOP");
    for (const socket of sockets) for (let i = 0; i < 5; i++) socket.send("x".repeat(100000));
    const codes = [];
    for (const socket of sockets) socket.closed.then(({ code }) => codes.push(code));
    await until(() => codes.length > 0, "a close");
    process.kill(server.workers()[0], "SIGCONT");
    await until(() => sockets.every((socket) => socket.readyState > 1 || socket.messages.length === 5), "the others' answers", 20000);
    assert.ok(codes.every((code) => code === 1013));
    assert.ok(codes.length < 20);
  });

  test("counts clients that come and go, too: more get 503 until it is less", async (t) => {
    const server = await serveWorker(t, worker(ECHO), `max-waiting=${MiB / 16}`);
    const first = await client(t, server, "/");
    first.send("x");
    await first.next(1);
    process.kill(server.workers()[0], "SIGSTOP");
    let status = 101, count = 0;
    for (; status === 101 && count < 500; count++) status = await refusal(t, server, `/?${"x".repeat(1000)}`);
    assert.equal(status, 503);
    process.kill(server.workers()[0], "SIGCONT");
    await until(async () => (await refusal(t, server, "/")) === 101, "room again");
  });

  test("for answer-seconds costs the worker its place", async (t) => {
    const server = await serveWorker(t, worker(`
def on_message(self, connection, message):
    if not self.again:
        time.sleep(1000)
    connection.send("now")
`), "answer-seconds=1");
    const socket = await client(t, server, "/");
    socket.send("x");
    assert.deepEqual(await socket.next(1, 15000), ["now"]);
    assert.match(server.log, /it has acknowledged nothing for answer-seconds/);
  });
});

describe("workers that mean no good", () => {
  test("a message of which each dies is dropped after three, with 1011 for its client alone", async (t) => {
    const server = await serveWorker(t, worker(`
def on_message(self, connection, message):
    if message == "poison":
        os._exit(7)
    connection.send(message)
`));
    const sockets = await Promise.all(Array.from({ length: 5 }, () => client(t, server, "/")));
    for (const socket of sockets) socket.send("before");
    for (const socket of sockets) await socket.next(1);
    sockets[2].send("poison");
    for (const socket of sockets) socket.send("after");
    assert.deepEqual(await sockets[2].end(20000), { code: 1011, reason: "the program ended of this message" });
    for (const socket of sockets.filter((_, i) => i !== 2)) assert.equal((await socket.next(2, 20000)).at(-1), "after");
    assert.equal(count(server.log, "ended with status 7"), 3);
  });

  test("one that never gets ready is given up: 1011 for who waits, 503 for new ones, until it works", async (t) => {
    const server = await serveWorker(t, "import time; time.sleep(0.2); raise SystemExit(1)\n");
    const socket = await client(t, server, "/");
    assert.deepEqual(await socket.end(20000), { code: 1011, reason: "the program can't be started" });
    assert.equal(await refusal(t, server, "/"), 503);
    server.change(worker(ECHO));
    await until(async () => (await refusal(t, server, "/")) === 101, "one that works", 20000);
  });

  const raw = (body) => `import os, sys, time, struct\nready = struct.pack(">IB", 0, 16)\n${body}\n`;
  const hostile = {
    "writes garbage": raw("os.write(1, ready + os.urandom(100000)); time.sleep(1000)"),
    "floods with garbage": raw("os.write(1, ready)\nwhile True: os.write(1, b'\\0\\0\\0\\0\\x10' * 10000)"),
    "floods messages to all": raw("os.write(1, ready)\nf = struct.pack('>IBBI', 105, 19, 0, 0) + b'x' * 100\nwhile True: os.write(1, f * 1000)"),
    "floods messages to nobody": raw("os.write(1, ready)\nf = struct.pack('>IBQB', 9, 18, 12345, 0)\nwhile True: os.write(1, f * 1000)"),
    "claims a frame that is too long": raw("os.write(1, ready + b'\\xff\\xff\\xff\\xff\\x12'); time.sleep(1000)"),
    "dies with half a frame": raw("os.write(1, ready + struct.pack('>IBBI', 105, 19, 0, 0) + b'half'); time.sleep(0.3); os._exit(0)"),
    "reads nothing": raw("os.write(1, ready); time.sleep(1000)"),
    "acknowledges what it was not given": raw("os.write(1, ready); os.read(0, 65536); d = os.read(0, 65536); os.write(1, struct.pack('>IB', 12, 17) + d[5:13] + struct.pack('>I', 9)); time.sleep(1000)"),
    "closes its output": raw("os.write(1, ready); os.close(1); time.sleep(1000)"),
    "closes its input": raw("os.write(1, ready); os.close(0); time.sleep(1000)"),
    "forks and ends": raw("os.write(1, ready)\nfor i in range(8):\n    if os.fork() == 0: time.sleep(1000)\nos._exit(1)"),
    "ignores SIGTERM": raw("import signal; signal.signal(15, signal.SIG_IGN); os.write(1, ready + b'garbage'); time.sleep(1000)"),
  };
  for (const [what, script] of Object.entries(hostile))
    test(`one that ${what} keeps nobody waiting and takes no memory`, async (t) => {
      const server = await serveWorker(t, script, "answer-seconds=1", `max-waiting=${8 * MiB}`);
      const before = server.memory();
      let most = 0, half = false;
      const slowest = await slowestEcho(t, server, async () => {
        const sockets = (await Promise.allSettled(Array.from({ length: 6 }, () => client(t, server, "/")))).map(({ value }) => value).filter((socket) => socket);
        for (const socket of sockets) for (let i = 0; i < 20; i++) socket.send("x".repeat(50000));
        for (let i = 0; i < 8; i++) {
          await sleep(100);
          most = Math.max(most, server.memory() - before);
        }
        half ||= sockets.some((socket) => socket.messages.some((message) => message.includes("half")));
        for (const socket of sockets) socket.terminate();
      });
      assert.ok(most < 64 * MiB, `${most} bytes`);
      assert.ok(slowest < 1500, `${slowest} ms`);
      assert.ok(!half, "half a frame was sent");
    });

  test("text that is not UTF-8 closes with 1007, a state that is too long costs the process", async (t) => {
    const server = await serveWorker(t, worker(`
def on_message(self, connection, message):
    if message == "text":
        self._write(struct.pack(">IBQB", 10, 18, connection.id, 0) + b"\\xff")
    elif not self.again:
        self._write(struct.pack(">IBQ", 8 + 2049, 20, connection.id) + bytes(2049))
    else:
        connection.send("again")
`));
    const [one, two] = [await client(t, server, "/"), await client(t, server, "/")];
    one.send("text");
    assert.equal((await one.end()).code, 1007);
    two.send("state");
    assert.deepEqual(await two.next(1), ["again"]);
    assert.match(server.log, /it wrote what is no frame/);
  });
});

describe("the end of the server", () => {
  test("ends all workers, and leaves no process behind", async (t) => {
    const server = await serveWorker(t, worker(ECHO), "pool=4", "--workers 2");
    const sockets = await Promise.all(Array.from({ length: 10 }, () => client(t, server, "/")));
    await until(() => server.workers().length === 4, "the pool");
    await server.stop();
    for (const socket of sockets) assert.equal((await socket.end()).code, 1001);
    const left = readdirSync("/proc").filter((name) => server.workers().includes(Number(name)));
    assert.deepEqual(left, []);
  });

  test("twenty restarts under load leave no process, descriptor or memory behind", async (t) => {
    const server = await serveWorker(t, worker(ECHO));
    const socket = await client(t, server, "/");
    let answered = 0;
    socket.on("message", () => setTimeout(() => socket.send(String(++answered)), 1));
    socket.send("0");
    await until(() => answered > 100, "answers");
    const before = server.descriptors();
    for (let i = 1; i <= 20; i++) {
      process.kill(server.workers().at(-1), i % 2 ? "SIGKILL" : "SIGTERM");
      await until(() => server.workers().length > i, "another", 20000);
      const now = answered;
      await until(() => answered > now, "an answer");
      await sleep(1100 * (i % 4 === 0));
    }
    await until(() => server.descriptors() <= before, "as many descriptors");
    assert.equal(socket.readyState, 1);
  });
});
