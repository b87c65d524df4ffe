// Socket.IO without code, where tokens or a back end say who may do what.

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { test } from "node:test";

import WebSocket from "ws";

import { configuration, head, reload, start } from "../support/configuration.mjs";
import { client } from "../support/socketio.mjs";
import { soon, tokenOf } from "../support/tokens.mjs";
import { until, within } from "../support/towline.mjs";

const SECRET = "a secret of at least thirty-two bytes";
const channels = { subscribe: ["socketio/main/news", "socketio/main/private-*"], publish: "socketio/main/news" };

async function serveTokens(t, option, more = "") {
  const { folder, file } = configuration(t, `${head}${option}
routes:
  - path: /socket.io
    any-origin: true
    socketio: ${more || true}
channels:
  - {name: "socketio/main", subscribe: same-origin}
  - {name: "socketio/main/open", subscribe: same-origin, publish: same-origin}
  - {name: "*", subscribe: token, publish: token}
`);
  writeFileSync(path.join(folder, "keys"), SECRET);
  return start(t, file);
}

const refusal = (socket) => new Promise((resolve) => socket.once("connect_error", ({ message, data }) => resolve({ message, ...data })));

for (const transports of [["polling"], ["websocket"]])
  test(`a token says which rooms are open (${transports})`, async (t) => {
    const server = await serveTokens(t, "token-keys: keys");
    const guest = client(t, server, "/", { transports, auth: { token: tokenOf({ sub: "ann", channels, exp: soon() }, SECRET) } });
    assert.deepEqual(await guest.asks("subscribe", "news"), { ok: true });
    assert.deepEqual(await guest.asks("subscribe", "private-7"), { ok: true });
    assert.equal((await guest.asks("subscribe", "other")).status, 403);
    const other = client(t, server, "/", { transports, extraHeaders: { Authorization: `Bearer ${tokenOf({ sub: "bob", channels, exp: soon() }, SECRET)}` } });
    assert.deepEqual(await other.asks("publish", "news", "said", 1), { ok: true });
    assert.deepEqual(await guest.hears("said"), ["said", 1]);
    assert.equal((await other.asks("publish", "private-7", "said", 2)).status, 403);
    const nobody = client(t, server, "/", { transports });
    assert.equal((await nobody.asks("subscribe", "news")).status, 401);
    assert.deepEqual(await nobody.asks("token", tokenOf({ channels, exp: soon() }, SECRET)), { ok: true });
    assert.deepEqual(await nobody.asks("subscribe", "news"), { ok: true });
    assert.equal((await nobody.asks("token", "abc")).status, 401);
  });

test("what everybody hears is as closed as its channel", async (t) => {
  const server = await serveTokens(t, "token-keys: keys", "{namespaces: [/, /staff], channels: {/staff: staff}, rooms: [news]}");
  const token = (...subscribe) => ({ auth: { token: tokenOf({ channels: { subscribe }, exp: soon() }, SECRET) } });
  for (const [namespace, options, status] of [
    ["/", {}, 401],
    ["/staff", {}, 401],
    ["/staff", token("socketio/main/news"), 403],
    ["/staff", token("staff"), 403], // but not the room
    ["/", token("socketio/main/other"), 403],
  ])
    assert.equal((await refusal(client(t, server, namespace, options))).status, status, `${namespace} ${JSON.stringify(options)}`);
  await client(t, server, "/", token("socketio/main/news")).isOpen();
  await client(t, server, "/staff", token("staff", "staff/news")).isOpen();
});

test("what nobody may hear is heard by nobody", async (t) => {
  const { file } = configuration(t, `${head}routes:
  - {path: /closed, any-origin: true, socketio: {rooms: [closed]}}
  - {path: /private, any-origin: true, socketio: {channels: {/: a/private-zone}}}
channels: [{name: socketio/main/closed, subscribe: nobody}]
`);
  const server = await start(t, file);
  for (const path of ["/closed", "/private"])
    assert.equal((await refusal(client(t, server, "/", { path }))).status, 403, path);
});

test("who shows a token that covers less is in fewer rooms", async (t) => {
  const server = await serveTokens(t, "token-keys: keys");
  const guest = client(t, server, "/", { auth: { token: tokenOf({ channels, exp: soon() }, SECRET) } });
  for (const room of ["news", "private-7", "open"]) assert.deepEqual(await guest.asks("subscribe", room), { ok: true });
  const less = { subscribe: "socketio/main/private-*" };
  assert.deepEqual(await guest.asks("token", tokenOf({ channels: less, exp: soon() }, SECRET)), { ok: true });
  assert.equal((await guest.asks("unsubscribe", "news")).status, 400);
  for (const room of ["private-7", "open"]) assert.deepEqual(await guest.asks("unsubscribe", room), { ok: true });
});

test("who is in a room without a token has to leave when one is needed", async (t) => {
  const { folder, file, write } = configuration(t, `${head}token-keys: keys
routes:
  - {path: /socket.io, any-origin: true, socketio: {rooms: [lobby]}}
`);
  writeFileSync(path.join(folder, "keys"), SECRET);
  const server = await start(t, file);
  const token = tokenOf({ channels, exp: soon() }, SECRET);
  const guest = client(t, server, "/", { auth: { token } });
  const elsewhere = client(t, server, "/");
  const nobody = client(t, server, "/");
  for (const one of [guest, nobody]) assert.deepEqual(await one.asks("subscribe", "news"), { ok: true });
  await elsewhere.isOpen();
  const gone = once(nobody, "disconnect");
  write(`${head}token-keys: keys
routes:
  - {path: /socket.io, any-origin: true, socketio: {rooms: [lobby]}}
channels:
  - {name: "socketio/main/news", subscribe: token}
`);
  await reload(server);
  assert.deepEqual(await within(20000, gone, "the disconnect"), ["io server disconnect", undefined]);
  assert.deepEqual(await guest.asks("unsubscribe", "news"), { ok: true });
  assert.deepEqual(await elsewhere.asks("unsubscribe", "lobby"), { ok: true });
  const all = once(elsewhere, "disconnect");
  write(`${head}token-keys: keys
routes:
  - {path: /socket.io, any-origin: true, socketio: {rooms: [lobby]}}
channels:
  - {name: "socketio/main", subscribe: token}
`);
  await reload(server);
  await within(20000, all, "the disconnect of who hears the namespace");
});

test("who publishes is named at the other doors", async (t) => {
  const { folder, file } = configuration(t, `${head}token-keys: keys
routes:
  - {path: /socket.io, any-origin: true, socketio: true}
  - {path: /channel/*, channel: }
channels: [{name: socketio/main/news, publish: same-origin}]
`);
  writeFileSync(path.join(folder, "keys"), SECRET);
  const server = await start(t, file);
  const listener = new WebSocket(server.url("/channel/"), ["towline.v1"]);
  const heard = [];
  listener.on("message", (data) => heard.push(JSON.parse(data)));
  t.after(() => listener.terminate());
  await once(listener, "open");
  listener.send(JSON.stringify({ type: "subscribe", channel: "socketio/main/news" }));
  await until(() => heard.length === 1, "the subscription");
  const auth = { token: tokenOf({ sub: "ann", channels, exp: soon() }, SECRET) };
  for (const options of [{ auth }, {}]) assert.deepEqual(await client(t, server, "/", options).asks("publish", "news", "said", 1), { ok: true });
  await until(() => heard.length === 3, "both");
  assert.deepEqual(heard.slice(1).map(({ user }) => user), ["ann", undefined]);
});

test("a wrong token is refused, and one that ends makes its client leave", async (t) => {
  const server = await serveTokens(t, "token-keys: keys");
  const wrong = client(t, server, "/", { auth: { token: tokenOf({ channels, exp: soon() }, `${SECRET}!`) } });
  assert.equal((await refusal(wrong)).status, 401);
  const guest = client(t, server, "/", { auth: { token: tokenOf({ sub: "ann", channels, exp: soon(10) }, SECRET) } });
  await guest.isOpen();
  const [reason] = await once(guest, "disconnect");
  assert.equal(reason, "io server disconnect");
});

test("a back end is asked about connecting, rooms and publishing", async (t) => {
  const waiting = [];
  const back = http.createServer((incoming, outgoing) => {
    const fields = incoming.headers;
    const act = fields["towline-act"];
    if (act === "connect") return void outgoing.writeHead(200).end();
    if (act === "token") return void outgoing.writeHead(fields["towline-token"] === "good" ? 200 : 403).end(JSON.stringify({ sub: "ann" }));
    waiting.push({ act, channel: decodeURIComponent(fields["towline-channel"]), answer: (status) => outgoing.writeHead(status).end() });
  });
  back.listen(0, "127.0.0.1");
  await once(back, "listening");
  t.after(() => (back.closeAllConnections(), back.close()));
  const server = await serveTokens(t, `token-url: http://127.0.0.1:${back.address().port}/`);
  assert.equal((await refusal(client(t, server, "/", { auth: { token: "bad" } }))).status, 403);
  const guest = client(t, server, "/", { auth: { token: "good" } });
  const other = client(t, server, "/", { auth: { token: "good" } });
  assert.deepEqual(await guest.asks("token", "good"), { ok: true }); // and not what it showed before, too
  const later = async (asked, status) => {
    const question = await until(() => waiting.shift(), "the question");
    question.answer(status);
    return [question.act, question.channel, await asked];
  };
  assert.deepEqual(await later(guest.asks("subscribe", "a"), 204), ["subscribe", "socketio/main/a", { ok: true }]);
  assert.equal((await later(guest.asks("subscribe", "b"), 403))[2].status, 403);
  assert.deepEqual((await later(other.asks("publish", "a", "said", 1, Buffer.from("bytes")), 204)).slice(0, 2), ["publish", "socketio/main/a"]);
  assert.deepEqual(await guest.hears("said"), ["said", 1, Buffer.from("bytes")]);
  guest.emit("subscribe", "c"); // nobody answers, and it leaves
  await until(() => waiting.length === 1, "the question");
  guest.close();
  waiting.length = 0;
  assert.deepEqual((await later(other.asks("subscribe", "d"), 204)).slice(1), ["socketio/main/d", { ok: true }]);
});

test("what one says about a room is done in its order, whenever the back end answers", async (t) => {
  const waiting = [];
  const back = http.createServer((incoming, outgoing) => {
    if (incoming.headers["towline-act"] === "connect") return void outgoing.writeHead(200).end();
    waiting.push({ channel: incoming.headers["towline-channel"], answer: () => outgoing.writeHead(204).end() });
  });
  back.listen(0, "127.0.0.1");
  await once(back, "listening");
  t.after(() => (back.closeAllConnections(), back.close()));
  const server = await serveTokens(t, `token-url: http://127.0.0.1:${back.address().port}/`);
  const [ann, bob] = [client(t, server), client(t, server)];
  await Promise.all([ann.isOpen(), bob.isOpen()]);
  const questions = (count) => until(() => waiting.length === count, `${count} questions`);
  const hears = bob.asks("subscribe", "a");
  await questions(1);
  waiting.shift().answer();
  await hears;
  for (let i = 0; i < 8; i++) ann.emit("publish", "a", "said", i);
  const left = [ann.asks("subscribe", "b"), ann.asks("unsubscribe", "b"), ann.asks("unsubscribe", "b")];
  assert.deepEqual(await ann.asks("publish", "open", "said", "another room"), { ok: true }); // which need not wait
  await questions(9);
  for (const question of waiting.splice(0).reverse()) question.answer();
  await bob.hears("said", 8);
  assert.deepEqual(bob.events.map(([, number]) => number), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual((await Promise.all(left)).map(({ ok, status }) => ok ?? status), [true, true, 400]);
});

test("who is in a room by a token is not recovered, but comes back as a new one", async (t) => {
  const server = await serveTokens(t, "token-keys: keys", "{recovery-seconds: 30}");
  const token = tokenOf({ sub: "ann", channels, exp: soon() }, SECRET);
  const options = { reconnectionDelay: 1000, randomizationFactor: 0 };
  const lose = async (socket) => {
    const away = once(socket, "disconnect");
    socket.io.engine.close();
    await away;
    await socket.isOpen();
    return socket.recovered;
  };
  const guest = client(t, server, "/", { ...options, auth: { token } });
  const other = client(t, server, "/", options);
  const third = client(t, server, "/", options);
  assert.deepEqual(await guest.asks("subscribe", "private-7"), { ok: true });
  assert.deepEqual(await other.asks("subscribe", "open"), { ok: true });
  assert.deepEqual(await third.asks("token", token), { ok: true });
  guest.auth = {};
  for (const socket of [other, guest, third]) {
    await socket.asks("publish", "open", "said", 1); // they have an offset, or none
  }
  assert.deepEqual([await lose(other), await lose(guest), await lose(third)], [true, false, false]);
  assert.equal((await guest.asks("subscribe", "private-7")).status, 401);
});
