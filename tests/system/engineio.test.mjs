// Engine.IO: what is served, by clients that poll, that use WebSocket, and that upgrade; on several workers.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import WebSocket from "ws";

import { begin, session, ways } from "../support/engineio.mjs";
import { configuration, head, start } from "../support/configuration.mjs";
import { build, taggedEcho, temporaryFolder } from "../support/handlers.mjs";
import { loops, request, serve, until, within } from "../support/towline.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

for (const io of loops)
  for (const transports of ways)
    describe(`${transports.join(" and ")}, ${io}`, () => {
      const options = ["--io", io, "--workers", "3"];

      test("messages of both types and all lengths come back in order", async (t) => {
        const server = await serve(t, options);
        const socket = await session(t, server, "/echo", transports);
        const texts = ["hello", "", "gr\u00fc\u00dfe \u{1f600}", "x".repeat(200000), "\u0000"];
        const bytes = [Buffer.alloc(0), Buffer.from([1, 2, 3, 4]), randomBytes(300000)];
        for (const each of [...texts, ...bytes]) socket.send(each);
        const heard = await socket.next(texts.length + bytes.length);
        assert.deepEqual(heard.slice(0, texts.length).map((each) => each ?? ""), texts); // an empty one is undefined there
        heard.slice(texts.length).forEach((each, i) => assert.ok(bytes[i].equals(Buffer.from(each)), `${bytes[i].length} bytes`));
      });

      test("many sessions at once keep their messages apart and in order, through upgrades", async (t) => {
        const server = await serve(t, options);
        const sockets = await Promise.all(Array.from({ length: 12 }, () => session(t, server, "/echo", transports)));
        sockets.forEach((socket, i) => {
          for (let n = 0; n < 200; n++) socket.send(`${i}:${n}`);
        });
        for (const [i, socket] of sockets.entries())
          assert.deepEqual(await socket.next(200), Array.from({ length: 200 }, (_, n) => `${i}:${n}`));
        if (transports.length > 1) await Promise.all(sockets.map((socket) => socket.upgraded()));
        sockets.forEach((socket) => socket.send("still there"));
        for (const socket of sockets) assert.deepEqual(await socket.next(1), ["still there"]);
      });

      test("Pings keep a session, and a client that closes is told apart from one that vanishes", async (t) => {
        const server = await serve(t, [...options, "--engineio-ping-ms", "60", "--engineio-pong-ms", "20000", "--log-level", "info"]);
        const socket = await session(t, server, "/echo", transports);
        let pings = 0;
        socket.on("ping", () => pings++);
        await until(() => pings >= 5, "pings");
        socket.close();
        await until(() => / \/echo closed 1005/.test(server.log), "the line of its end");
      });

      test("a drain ends sessions", async (t) => {
        const server = await serve(t, options);
        const socket = await session(t, server, "/echo", transports);
        if (transports.length > 1) await socket.upgraded();
        server.signal();
        await within(20000, socket.closed, "the client's close");
        await server.stop();
      });
    });

describe("handlers of every kind", () => {
  for (const transports of ways) {
    test(`a program, ${transports}`, async (t) => {
      const { file } = configuration(t, `${head}routes:\n  - path: /cat\n    program: cat\n`);
      const socket = await session(t, await start(t, file), "/cat", transports);
      socket.send("a line");
      assert.deepEqual(await socket.next(1), ["a line"]);
    });

    test(`a native handler, ${transports}`, async (t) => {
      const folder = temporaryFolder(t);
      const library = await build(folder, "tagged", taggedEcho("tag:"));
      const { file } = configuration(t, `${head}routes:\n  - path: /native\n    module: ${library}\n`);
      const socket = await session(t, await start(t, file), "/native", transports);
      socket.send("x");
      assert.deepEqual(await socket.next(1), ["tag:x"]);
    });

    test(`a handler in Python, ${transports}`, async (t) => {
      const folder = temporaryFolder(t);
      copyFileSync(path.join(root, "examples/handlers/echo_wsh.py"), path.join(folder, "echo_wsh.py"));
      const server = await serve(t, ["-w", folder]);
      const socket = await session(t, server, "/echo", transports);
      for (const text of ["one", "two", "three"]) socket.send(text);
      assert.deepEqual(await socket.next(3), ["one", "two", "three"]);
    });
  }

  for (const transports of ways)
    test(`a channel, ${transports}`, async (t) => {
      const { file } = configuration(t, `${head}channels:\n  - name: "*"\n    publish: same-origin\nroutes:\n  - path: /channel/*\n    channel: true\n`);
      const server = await start(t, file);
      const plain = new WebSocket(server.url("/channel/news"));
      t.after(() => plain.terminate());
      const first = once(plain, "message");
      await once(plain, "open");
      const socket = await session(t, server, "/channel/news", transports);
      socket.send("from a session");
      assert.equal((await within(20000, first, "a message"))[0].toString(), "from a session");
      plain.send("from a WebSocket");
      assert.deepEqual(await socket.next(2), ["from a session", "from a WebSocket"]);
    });

  test("a handler in Python that works on bytes is refused, and says why", async (t) => {
    const folder = temporaryFolder(t);
    copyFileSync(path.join(root, "tests/handlers/raw_answer_wsh.py"), path.join(folder, "raw_wsh.py"));
    const server = await serve(t, ["-w", folder]);
    const { status, body } = await request({ port: server.port, path: "/raw/engine.io/?EIO=4&transport=polling" });
    assert.equal(status, 403);
    assert.match(body.toString(), /bytes: by WebSocket only/);
  });

  test("a tunnel is refused, and says why", async (t) => {
    const { file } = configuration(t, `${head}routes:\n  - path: /t\n    tunnel: tcp:127.0.0.1:9\n`);
    const server = await start(t, file);
    const { status, body } = await request({ port: server.port, path: "/t/engine.io/?EIO=4&transport=polling" });
    assert.equal(status, 403);
    assert.deepEqual(JSON.parse(body), { code: 4, message: "this path speaks WebSocket only" });
  });

  test("--no-engineio switches it off", async (t) => {
    const server = await serve(t, ["--no-engineio"]);
    assert.equal((await request({ port: server.port, path: "/echo/engine.io/?EIO=4&transport=polling" })).status, 404);
  });
});

describe("who may come in", () => {
  test("an origin that may not open a WebSocket may not begin a session", async (t) => {
    const server = await serve(t, ["--allow-origin", "https://example.com"]);
    const ask = (Origin) => request({ port: server.port, path: "/echo/engine.io/?EIO=4&transport=polling", headers: { Origin } });
    assert.equal((await ask("https://evil.example")).status, 403);
    const { status, headers } = await ask("https://example.com");
    assert.equal(status, 200);
    assert.equal(headers["access-control-allow-origin"], "https://example.com");
  });

  test("a token is asked for when a session begins", async (t) => {
    const { file, folder } = configuration(t, "");
    const hash = createHash("sha256").update("secretsecretsecret").digest("hex");
    writeFileSync(path.join(folder, "tokens"), `sha256:${hash}\n`);
    writeFileSync(file, `${head}bearer-token: ${path.join(folder, "tokens")}\nroutes:\n  - path: /echo\n    echo: true\n`);
    const server = await start(t, file);
    const target = "/echo/engine.io/?EIO=4&transport=polling";
    assert.equal((await request({ port: server.port, path: target })).status, 401);
    const { status } = await request({ port: server.port, path: target, headers: { Authorization: "Bearer secretsecretsecret" } });
    assert.equal(status, 200);
  });
});

describe("sessions that cost", () => {
  test("a thousand to which nobody comes back cost nobody else anything", async (t) => {
    const server = await serve(t, ["--workers", "1"], { status: true });
    const other = await session(t, server, "/echo", ["polling"]);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    t.after(() => agent.destroy());
    await Promise.all(Array.from({ length: 1300 }, () => request({ port: server.port, path: "/echo/engine.io/?EIO=4&transport=polling", agent })));
    await until(async () => (await server.limit("engineio-half-made")) >= 300, "the oldest end");
    assert.ok((await server.counter("carried")) <= 1001);
    other.send("hello");
    assert.deepEqual(await other.next(1), ["hello"]);
  });

  test("what waits for a client that does not poll is bounded by max-queue", async (t) => {
    const { file } = configuration(t, `${head}max-queue: 100k\nhigh-mark: off\nroutes:\n  - path: /echo\n    echo: true\n`);
    const server = await start(t, file, ["--log-level", "info"]);
    const idle = await begin(server);
    for (let i = 0; i < 40 && (await idle.post(`4${"x".repeat(9000)}`)).status === 200; i++);
    await until(() => server.log.includes("max-queue"), "the line of its end");
  });

  for (const io of loops)
    test(`a session does not hold up the server's end where its WebSocket is another worker's, ${io}`, async (t) => {
      const server = await serve(t, ["--io", io, "--workers", "2", "--drain-seconds", "300"]);
      const sessions = await Promise.all(Array.from({ length: 12 }, () => session(t, server, "/echo", ["polling", "websocket"])));
      await Promise.all(sessions.map((each) => each.upgraded()));
      for (const each of sessions) each.send("hello"); // over the WebSocket, as it comes back behind the upgrade
      await Promise.all(sessions.map((each) => each.next(1)));
      await server.stop();
    });

  test("polls that are held do not hold up the server's end", async (t) => {
    const server = await serve(t, ["--workers", "3"]);
    const sessions = await Promise.all(Array.from({ length: 8 }, () => begin(server)));
    const polls = sessions.map((each) => each.get().catch(() => ({ status: 0, body: "" }))); // it may not be read any more
    await sessions[0].post("4x");
    server.signal();
    for (const poll of polls) {
      const { status, body } = await within(20000, poll, "an answer, or the end");
      assert.match(`${status} ${body}`, /^(200 1|200 4x(\x1e1)?|503 .*|0 )$/s);
    }
    await server.stop();
  });
});
