// SockJS: what is served, by sockjs-client, by each of its ways, on several workers.

import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import SockJS from "sockjs-client";
import WebSocket from "ws";

import { configuration, head, start } from "../support/configuration.mjs";
import { request, serve, until, within } from "../support/towline.mjs";

async function connect(t, server, target, transports) {
  const socket = new SockJS(`http://${server.host}${target}/sockjs`, null, { transports });
  socket.messages = [];
  socket.onmessage = ({ data }) => socket.messages.push(data);
  const closed = new Promise((resolve) => (socket.onclose = resolve));
  t.after(() => socket.close());
  await within(20000, new Promise((resolve, reject) => {
    socket.onopen = resolve;
    closed.then(({ code, reason }) => reject(new Error(`closed: ${code} ${reason}`)));
  }), "open");
  return Object.assign(socket, {
    closed,
    next: (count) => until(() => socket.messages.length >= count, `${count} messages`).then(() => socket.messages.splice(0)),
  });
}

for (const what of ["xhr", "xhr_streaming"])
  test(`${what} hears that the server ends, whichever worker its session is on`, async (t) => {
    const server = await serve(t, ["--workers", "2", "--drain-seconds", "300"], { status: true });
    const ask = (name, how) => request({ port: server.port, path: `/echo/sockjs/000/${name}/${how}`, method: "POST" });
    const names = Array.from({ length: 8 }, (_, i) => `s${i}`);
    for (const name of names) assert.equal((await ask(name, "xhr")).body.toString(), "o\n");
    const answers = names.map((name) => ask(name, what));
    await until(async () => (await server.counter("sockjs_receivers")) === names.length, "those who wait");
    server.signal();
    for (const { status, body } of await within(20000, Promise.all(answers), "answers")) assert.deepEqual([status, body.toString().replace(/^h+\n/, "")], [200, 'c[1001,""]\n']);
    await server.stop();
  });

for (const transports of ["websocket", "xhr-streaming", "xhr-polling"])
  describe(transports, () => {
    test("messages come back in order", async (t) => {
      const server = await serve(t, ["--workers", "3"]);
      const socket = await connect(t, server, "/echo", transports);
      const texts = ["hello", "gr\u00fc\u00dfe \u{1f600}", "\u200c\u2028\u2060\ufff0\"\\", "x".repeat(200000), ...Array.from({ length: 100 }, (_, i) => `${i}`)];
      for (const text of texts) socket.send(text);
      assert.deepEqual(await socket.next(texts.length), texts);
    });

    test("several sessions keep their messages apart", async (t) => {
      const server = await serve(t, ["--workers", "3"]);
      const sockets = await Promise.all(Array.from({ length: 6 }, () => connect(t, server, "/echo", transports)));
      sockets.forEach((socket, i) => Array.from({ length: 50 }, (_, n) => socket.send(`${i}:${n}`)));
      for (const [i, socket] of sockets.entries()) assert.deepEqual(await socket.next(50), Array.from({ length: 50 }, (_, n) => `${i}:${n}`));
    });

    test("a program's end closes, with the code", async (t) => {
      const { file } = configuration(t, `${head}routes:\n  - path: /once\n    program:\n      file: /bin/sh\n      arguments: ["-c", "read line; echo got $line; exit 1"]\n`);
      const server = await start(t, file);
      const socket = await connect(t, server, "/once", transports);
      socket.send("it");
      const { code } = await within(20000, socket.closed, "the close");
      assert.deepEqual(socket.messages, ["got it"]);
      assert.equal(code, 1011);
    });
  });

for (const transports of ["websocket", "xhr-streaming", "xhr-polling"])
  test(`binary publications come in base64 (${transports})`, async (t) => {
    const { file } = configuration(t, `${head}routes:
  - {path: /channel/*, channel: }
channels: [{name: a, publish: same-origin}]
`);
    const server = await start(t, file);
    const socket = await connect(t, server, "/channel/a", transports);
    const publisher = new WebSocket(server.url("/channel/a"));
    t.after(() => publisher.terminate());
    await once(publisher, "open");
    for (const data of ["one", Buffer.from([0, 255]), "two"]) publisher.send(data);
    assert.deepEqual(await socket.next(3), ["one", "AP8=", "two"]);
  });

test("info is for pages of origins that may be here", async (t) => {
  const server = await serve(t, ["--allow-origin", "https://example.com"]);
  const ask = (Origin) => request({ port: server.port, path: "/echo/sockjs/info", headers: { Origin } });
  const { status, headers, body } = await ask("https://example.com");
  assert.equal(status, 200);
  assert.equal(headers["access-control-allow-origin"], "https://example.com");
  assert.equal(JSON.parse(body).websocket, true);
  assert.equal((await ask("https://evil.example")).status, 403);
});

test("--no-sockjs switches it off", async (t) => {
  const server = await serve(t, ["--no-sockjs"]);
  assert.equal((await request({ port: server.port, path: "/echo/sockjs/info" })).status, 404);
});
