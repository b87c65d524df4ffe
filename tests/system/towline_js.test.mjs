// web/towline.js in Node: the browser's WebSocket interface, through what does not let WebSocket through.

import { Server as EngineServer } from "engine.io";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import WebSocket from "ws";

import { gate } from "../support/gate.mjs";
import { serve, until, within } from "../support/towline.mjs";

globalThis.WebSocket = WebSocket;
const module = new URL("../../web/towline.js", import.meta.url);

/** The class anew, with nothing remembered. */
let copies = 0;
const fresh = async () => (await import(`${module}?${copies++}`)).default;

/** An open socket with its messages and its end. */
async function opened(Towline, port, { path = "/echo", protocols = [] } = {}) {
  const socket = new Towline(`ws://127.0.0.1:${port}${path}`, protocols);
  socket.binaryType = "arraybuffer";
  const messages = [];
  socket.onmessage = ({ data }) => messages.push(data);
  const closed = once(socket, "close").then(([{ code, reason, wasClean }]) => ({ code, reason, wasClean }));
  await within(20000, Promise.race([once(socket, "open"), closed.then(() => assert.fail("it closed"))]), "it opens");
  return { socket, messages, closed };
}

/** Texts and bytes in order, many at once, and an end with a code. */
async function converse(client) {
  const { socket, messages, closed } = client;
  socket.send("héllo");
  socket.send(Uint8Array.of(0, 1, 254, 255));
  socket.send(new Blob(["blob"]));
  socket.send("");
  socket.send("a separator\x1e4of packets");
  for (let i = 0; i < 300; i++) socket.send(`${i}`);
  await until(() => messages.length === 305, "all are there");
  assert.deepEqual(messages[0], "héllo");
  assert.deepEqual([...new Uint8Array(messages[1])], [0, 1, 254, 255]);
  assert.equal(Buffer.from(messages[2]).toString(), "blob");
  assert.equal(messages[3], "");
  assert.equal(messages[4], "a separator\x1e4of packets");
  assert.deepEqual(messages.slice(5), Array.from({ length: 300 }, (_, i) => `${i}`));
  await until(() => socket.bufferedAmount === 0, "nothing waits");
  socket.close(4001, "bye");
  assert.equal(socket.readyState, 2);
  assert.deepEqual(await within(20000, closed, "its end"), { code: 4001, reason: "", wasClean: true });
  assert.equal(socket.readyState, 3);
}

describe("towline.js", () => {
  test("is WebSocket where that gets through", async (t) => {
    const server = await serve(t);
    const client = await opened(await fresh(), server.port);
    client.socket.send("hello");
    await until(() => client.messages.length === 1, "the echo");
    client.socket.close(1000);
    assert.deepEqual(await client.closed, { code: 1000, reason: "", wasClean: true });
    assert.doesNotMatch(server.log, /\/echo 200/);
  });

  test("polls through a proxy that drops upgrades, and remembers it", async (t) => {
    const server = await serve(t);
    const proxy = await gate(t, server.port);
    const Towline = await fresh();
    await converse(await opened(Towline, proxy.port));
    const seen = proxy.upgradesSeen;
    assert.ok(seen >= 1);
    const again = await opened(Towline, proxy.port);
    await converse(again);
    assert.ok(proxy.upgradesSeen <= seen + 1, "the second time only an upgrade is tried");
  });

  test("upgrades what began by polling, and loses nothing over it", async (t) => {
    const server = await serve(t);
    const proxy = await gate(t, server.port);
    const Towline = await fresh();
    (await opened(Towline, proxy.port)).socket.close();
    // the way is remembered for the origin, whose proxy is gone now
    const open = await gate(t, server.port, { upgrades: true });
    const Other = await fresh();
    const real = globalThis.WebSocket;
    globalThis.WebSocket = class extends WebSocket {
      constructor(url, ...rest) {
        super(url.includes("engine.io") ? url : "ws://127.0.0.1:1/", ...rest);
      }
    };
    t.after(() => (globalThis.WebSocket = real));
    const client = await opened(Other, open.port);
    for (let i = 0; i < 50; i++) client.socket.send(`early ${i}`);
    await until(() => open.upgradesSeen === 1 && client.messages.length === 50, "the echoes");
    const before = open.requests;
    for (let i = 0; i < 50; i++) {
      client.socket.send(`late ${i}`);
      await until(() => client.messages.length === 51 + i, "its echo");
    }
    assert.deepEqual(client.messages, [...Array(50).keys()].map((i) => `early ${i}`).concat([...Array(50).keys()].map((i) => `late ${i}`)));
    assert.ok(open.requests - before < 50, "they go over the WebSocket");
    client.socket.close(3000, "done");
    assert.equal((await client.closed).code, 3000);
  });

  test("a refusal is an error and 1006", async (t) => {
    const server = await serve(t);
    const socket = new (await fresh())(`ws://127.0.0.1:${server.port}/nowhere`);
    const events = [];
    socket.onerror = () => events.push("error");
    socket.onopen = () => events.push("open");
    const [{ code, wasClean }] = await within(20000, once(socket, "close"), "its end");
    assert.deepEqual([events, code, wasClean], [["error"], 1006, false]);
  });

  const open = (more = {}) => `0${JSON.stringify({ sid: "s", upgrades: [], pingInterval: 25000, pingTimeout: 20000, maxPayload: 1000000, towline: 1, protocol: "", linger: 1000, ...more })}`;

  /** A server that answers what begins a session, polls, and posts: with texts, or statuses. It ends as it has to. */
  async function impostor(t, begin, poll = "6", post = "ok") {
    const server = createServer((request, response) => {
      const answer = request.method === "POST" ? post : request.url.includes("sid=") ? poll : begin;
      if (typeof answer === "number") response.writeHead(answer, { Location: "/elsewhere" });
      response.end(typeof answer === "number" ? "" : answer);
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    t.after(() => server.closeAllConnections() || server.close());
    const socket = new (await fresh())(`ws://127.0.0.1:${server.address().port}/echo`);
    socket.onopen = () => socket.send("hello");
    const [{ code, wasClean }] = await within(20000, once(socket, "close"), "its end");
    assert.deepEqual([code, wasClean], [1006, false]);
  }

  test("what is no session of Engine.IO is 1006", async (t) => {
    const texts = ["0{}", "0[]", "0null", "hello", open({ sid: null }), open({ upgrades: 1 }), open({ pingTimeout: "x" })];
    for (const text of texts) await impostor(t, text, 400);
  });

  test("what is no packet ends it with 1006", async (t) => {
    for (const text of ["", "b!!!", "t!", "1abcd", "10999", "9", open(), "<html>please sign in</html>", "4hello\x1e"]) await impostor(t, open(), text);
  });

  test("what is no answer to a post, or leads elsewhere, is none", async (t) => {
    await impostor(t, open(), "6", "<html>please sign in</html>");
    await impostor(t, open(), 302);
    await impostor(t, open(), "6", 302);
  });

  test("ends as it should with others' servers of Engine.IO, which know no codes", async (t) => {
    const engine = new EngineServer();
    const reasons = [];
    engine.on("connection", (session) => session.on("message", (data) => session.send(data)).on("close", (reason) => reasons.push(reason)));
    const server = createServer();
    engine.attach(server, { path: "/path/engine.io", addTrailingSlash: true });
    await once(server.listen(0, "127.0.0.1"), "listening");
    t.after(() => server.closeAllConnections() || server.close());
    const proxy = await gate(t, server.address().port);
    const { socket, messages, closed } = await opened(await fresh(), proxy.port, { path: "/path" });
    socket.onerror = () => assert.fail("an error");
    for (let i = 0; i < 100; i++) socket.send(`${i}`);
    await until(() => messages.length === 100, "the echoes");
    socket.send("the last");
    socket.close(1000);
    assert.deepEqual(await within(20000, closed, "its end"), { code: 1005, reason: "", wasClean: true });
    await until(() => reasons.length === 1, "the server hears of it");
    assert.deepEqual(reasons, ["transport close"]);
  });

  test("goes on through a proxy that cuts every connection", async (t) => {
    const server = await serve(t);
    const proxy = await gate(t, server.port, { cutMilliseconds: 700 });
    const client = await opened(await fresh(), proxy.port);
    for (let i = 0; i < 200; i++) {
      client.socket.send(`${i}`);
      if (i % 10 === 0) await until(() => client.messages.length >= i - 20, "it goes on");
      if (i % 50 === 0) await until(() => proxy.cuts > i / 50, "a cut");
    }
    await until(() => client.messages.length === 200, "all echoes");
    assert.deepEqual(client.messages, Array.from({ length: 200 }, (_, i) => `${i}`));
    client.socket.close(1000);
    assert.equal((await within(20000, client.closed, "its end")).code, 1000);
  });

  // Polls end within 8 s, so that these cuts hit one in its second poll at most, or a connection that rests.
  test("says nothing twice, and hears all, where every connection is cut after 10 s", async (t) => {
    const server = await serve(t);
    const proxy = await gate(t, server.port, { cutMilliseconds: 10000 });
    const client = await opened(await fresh(), proxy.port);
    let count = 0;
    await until(() => (client.socket.send(`${count++}`), proxy.cuts >= 2), "two cuts", 30000);
    await until(() => client.messages.length === count, "all echoes");
    assert.deepEqual(client.messages, Array.from({ length: count }, (_, i) => `${i}`));
    client.socket.close(1000);
    assert.equal((await within(20000, client.closed, "its end")).code, 1000);
  });

  // It says nothing, so that its polls are over by the server's noop alone: some 25 s.
  const rests = async (t) => {
    const server = await serve(t);
    const proxy = await gate(t, server.port, { cutMilliseconds: 10000, single: true });
    const client = await opened(await fresh(), proxy.port);
    await Promise.race([client.closed, until(() => proxy.requests >= 5, "four polls", 60000)]);
    assert.equal(proxy.cuts, 0);
    client.socket.send("still there");
    await until(() => client.messages.length === 1, "the echo");
    client.socket.close(1000);
    assert.equal((await within(20000, client.closed, "its end")).code, 1000);
  };
  if (process.env.TOWLINE_ALL) test("no poll of who rests is cut, where every connection is after 10 s", rests);

  test("a network that swallows what is asked ends it", async (t) => {
    const server = await serve(t);
    const proxy = await gate(t, server.port);
    const client = await opened(await fresh(), proxy.port);
    proxy.swallows = true;
    const real = { setTimeout, now: Date.now };
    const began = Date.now();
    globalThis.setTimeout = (work, milliseconds, ...rest) => real.setTimeout(work, milliseconds / 20, ...rest); // twenty times as fast
    Date.now = () => began + 20 * (real.now() - began);
    t.after(() => Object.assign(globalThis, { setTimeout: real.setTimeout }) && (Date.now = real.now));
    client.socket.send("what nobody hears");
    const { code, wasClean } = await within(20 * 60000, client.closed, "its end");
    assert.deepEqual([code, wasClean], [1006, false]);
  });

  test("an answer that comes slowly is waited for, and so is a server that holds a post", async (t) => {
    const real = { setTimeout, now: Date.now };
    const began = Date.now();
    globalThis.setTimeout = (work, milliseconds, ...rest) => real.setTimeout(work, milliseconds / 5, ...rest); // five times as fast
    Date.now = () => began + 5 * (real.now() - began);
    t.after(() => Object.assign(globalThis, { setTimeout: real.setTimeout }) && (Date.now = real.now));
    const open = { sid: "one", upgrades: [], pingInterval: 25000, pingTimeout: 20000, maxPayload: 1000000, towline: 1, linger: 1000 };
    const slowly = async (response) => {
      for (const piece of ["4h", "é", "l", "l", "o", ",", " ", "w", "o", "r", "l", "d"]) {
        response.write(piece);
        await new Promise((resolve) => setTimeout(resolve, 2000));
      }
      response.end();
    };
    const server = createServer((request, response) => {
      const query = new URL(request.url, "http://localhost").searchParams;
      if (request.method === "POST") setTimeout(() => response.end("ok"), began + 33000 - Date.now());
      else if (!query.has("sid")) response.end(`0${JSON.stringify(open)}`);
      else if (query.get("ack") === "0") slowly(response);
      else setTimeout(() => response.end("6"), 8000);
    });
    server.on("upgrade", (request, stream) => stream.destroy());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.closeAllConnections() ?? server.close());
    const { socket, messages, closed } = await opened(await fresh(), server.address().port);
    socket.send("what is held");
    await Promise.race([closed, until(() => messages.length && !socket.bufferedAmount, "both are over", 5 * 60000)]);
    assert.deepEqual([messages, socket.bufferedAmount, socket.readyState], [["héllo, world"], 0, 1]);
    socket.close();
  });

  test("a handler that throws keeps nothing from others", async (t) => {
    const server = await serve(t);
    const proxy = await gate(t, server.port);
    for (const port of [server.port, proxy.port]) {
      const client = await opened(await fresh(), port);
      const thrown = [];
      const before = process.listeners("uncaughtException");
      process.removeAllListeners("uncaughtException").on("uncaughtException", (error) => thrown.push(error.message));
      t.after(() => before.forEach((listener) => process.on("uncaughtException", listener)));
      client.socket.onmessage = ({ data }) => {
        throw new Error(data);
      };
      const heard = [];
      client.socket.addEventListener("message", ({ data }) => heard.push(data));
      for (const text of ["one", "two"]) client.socket.send(text);
      await until(() => heard.length === 2 && thrown.length === 2, "both");
      assert.deepEqual([heard, thrown], [["one", "two"], ["one", "two"]]);
      client.socket.close(1000);
      assert.equal((await within(20000, client.closed, "its end")).code, 1000);
      process.removeAllListeners("uncaughtException");
      before.forEach((listener) => process.on("uncaughtException", listener));
    }
  });

  test("a server that ends says so", async (t) => {
    const server = await serve(t, [], { status: true });
    const proxy = await gate(t, server.port);
    const client = await opened(await fresh(), proxy.port);
    await until(async () => (await server.counter("engineio_polls")) === 1, "a poll");
    server.signal();
    const { code, wasClean } = await within(20000, client.closed, "its end");
    assert.deepEqual([code, wasClean], [1001, true]);
  });

  test("what the standard refuses is refused", async (t) => {
    const server = await serve(t);
    const Towline = await fresh();
    assert.throws(() => new Towline("ftp://example.org/"), { name: "SyntaxError" });
    assert.throws(() => new Towline("ws://127.0.0.1/#fragment"), { name: "SyntaxError" });
    for (const wrong of [["a", "a"], "a b", [""], "é", "a,b"]) assert.throws(() => new Towline("ws://127.0.0.1/", wrong), { name: "SyntaxError" }, `${wrong}`);
    const { socket } = await opened(Towline, server.port);
    assert.throws(() => socket.close(1001), { name: "InvalidAccessError" });
    assert.throws(() => socket.close(1000, "x".repeat(124)), { name: "SyntaxError" });
    const early = new Towline(`ws://127.0.0.1:${server.port}/echo`);
    assert.throws(() => early.send("too early"), { name: "InvalidStateError" });
    early.close();
    assert.equal((await once(early, "close"))[0].code, 1006);
    socket.close();
  });
});
