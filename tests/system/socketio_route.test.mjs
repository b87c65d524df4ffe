// Socket.IO without code: routes of the kind socketio, and channels behind their rooms.

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { configuration, head, open, reload, start } from "../support/configuration.mjs";
import { Bare } from "../support/pusher.mjs";
import { client } from "../support/socketio.mjs";
import { run, until } from "../support/towline.mjs";

const channels = `channels:
  - {name: "socketio/main/chat*", publish: same-origin}
  - {name: "socketio/main/closed", subscribe: nobody}
  - {name: "shared*", publish: same-origin}
`;
const routes = `routes:
  - path: /channel/*
    channel:
  - path: /socket.io
    any-origin: true
    socketio: {namespaces: [/, /named], channels: {/named: shared}, rooms: [lobby], max-rooms: 3}
`;

async function serveRoute(t, text = routes + channels) {
  const { file, write } = configuration(t, head + text);
  return Object.assign(await start(t, file), { write });
}

/** A plain WebSocket at a channel, with what it heard in `got`. */
async function listen(t, server, channel) {
  const socket = await open(t, server, `/channel/${channel}`);
  socket.got = [];
  socket.on("message", (data, isBinary) => socket.got.push(isBinary ? data : data.toString()));
  return socket;
}

for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
  test(`rooms are come into, and left, by what is emitted (${transports})`, async (t) => {
    const server = await serveRoute(t);
    const [first, second] = [0, 1].map(() => client(t, server, "/", { transports }));
    assert.deepEqual(await first.asks("subscribe", "chat 1"), { ok: true });
    assert.deepEqual(await second.asks("subscribe", "chat 1"), { ok: true });
    assert.deepEqual(await first.asks("publish", "chat 1", "said", "hello", { at: 1 }, Buffer.from([1, 2])), { ok: true });
    assert.deepEqual(await second.hears("said"), ["said", "hello", { at: 1 }, Buffer.from([1, 2])]);
    assert.deepEqual(await second.asks("unsubscribe", "chat 1"), { ok: true });
    assert.deepEqual(await second.asks("unsubscribe", "chat 1"), { error: "it is not in this room", status: 400 });
    assert.deepEqual(await first.asks("publish", "chat 1", "said", "gone"), { ok: true });
    assert.deepEqual(await second.asks("subscribe", "chat 1"), { ok: true });
    assert.deepEqual([first, second].map((socket) => socket.events.length), [0, 1]);
  });
}

test("what may not be is refused, with a status", async (t) => {
  const server = await serveRoute(t);
  const socket = client(t, server);
  const policy = { error: "the channel's policy does not allow it", status: 403 };
  for (const [event, expected] of [
    [["subscribe", "closed"], policy],
    [["subscribe", "private-x"], policy],
    [["subscribe", "presence-x"], policy],
    [["publish", "lobby", "said", 1], policy],
    [["subscribe"], { error: "the first argument is a room: a text of at most 100 bytes", status: 400 }],
    [["subscribe", 7], { error: "the first argument is a room: a text of at most 100 bytes", status: 400 }],
    [["subscribe", "x".repeat(101)], { error: "the first argument is a room: a text of at most 100 bytes", status: 400 }],
    [["publish", "chat"], { error: "the second argument is the name of an event", status: 400 }],
    [["publish", "chat", "\u0001subscription_count"], { error: "the second argument is the name of an event", status: 400 }],
    [["publish", "chat", "connect"], { error: "the second argument is the name of an event", status: 400 }],
    [["token", "abc"], { error: "there are no tokens here", status: 403 }],
    [["subscribe", "two"], { ok: true }],
    [["subscribe", "three"], { ok: true }],
    [["subscribe", "four"], { error: "it is in too many rooms", status: 429 }],
  ])
    assert.deepEqual(await socket.asks(...event), expected, event.join(" "));
});

test("nobody else is in the room of a client's id", async (t) => {
  const server = await serveRoute(t, `${routes}channels: [{name: "*", publish: same-origin}]\n`);
  const [first, second] = [0, 1].map(() => client(t, server));
  await first.isOpen();
  assert.equal((await second.asks("subscribe", first.id)).status, 403);
  await assert.rejects(listen(t, server, `socketio/main/${first.id}`), /403/);
});

test("plain WebSocket and Socket.IO hear each other on a channel", async (t) => {
  const server = await serveRoute(t);
  const socket = client(t, server, "/named");
  assert.deepEqual(await socket.asks("subscribe", "a"), { ok: true });
  const plain = await listen(t, server, "shared/a");
  plain.send("from outside");
  assert.deepEqual(await socket.hears("message"), ["message", "from outside"]);
  plain.send(Buffer.from([0, 255]));
  assert.deepEqual(await socket.hears("message", 2), ["message", Buffer.from([0, 255])]);
  await socket.asks("publish", "a", "x", { n: 1 });
  await socket.asks("publish", "a", "x", 1, "two");
  await socket.asks("publish", "a", "x", Buffer.from("bytes"));
  await until(() => plain.got.length === 5, "what was published");
  assert.deepEqual(plain.got.slice(2), ['{"n":1}', '[1,"two"]', Buffer.from("bytes")]);
  const all = await listen(t, server, "shared");
  all.send("everybody");
  assert.deepEqual(await socket.hears("message", 3), ["message", "everybody"]);
});

test("a room that is shared is the channel of its own name", async (t) => {
  const { file, folder } = configuration(t, `${head}routes:
  - {path: /socket.io, any-origin: true, socketio: {share: [news, "chart-*"], rooms: [news], recovery-seconds: 60}}
  - {path: /channel/*, channel: }
channels:
  - {name: news, publish: same-origin, history: 100}
  - {name: chart-closed, subscribe: nobody}
pusher: [{id: 1, key: key, secret: secret, share: [news]}]
`);
  writeFileSync(path.join(folder, "secret"), "secret", { mode: 0o600 });
  const server = await start(t, file);
  const socket = client(t, server);
  await socket.isOpen();
  const plain = await listen(t, server, "news");
  const pusher = await Bare.open(t, server, { target: "/app/key?protocol=7" });
  await pusher.greeted();
  pusher.say({ event: "pusher:subscribe", data: { channel: "news" } });
  await pusher.named("pusher_internal:subscription_succeeded");
  plain.send("from outside");
  assert.deepEqual((await socket.hears("message")).slice(0, 2), ["message", "from outside"]); // and its position
  assert.equal((await pusher.named("message")).data, "from outside");
  assert.deepEqual(await socket.asks("publish", "news", "said", { n: 1 }), { ok: true });
  assert.equal((await pusher.named("said")).data, '{"n":1}');
  await until(() => plain.got.includes('{"n":1}'), "the event");
  const back = once(socket, "connect");
  socket.io.engine.close();
  await back;
  assert.ok(socket.recovered);
  assert.equal((await socket.asks("subscribe", "chart-closed")).status, 403);
  assert.deepEqual(await socket.asks("subscribe", "chart-1"), { ok: true });
  for (const room of ["news", "chart-1"]) assert.deepEqual(await socket.asks("unsubscribe", room), { ok: true });
  assert.equal((await socket.asks("subscribe", "private-x")).status, 403);
});

test("everybody is in the rooms that are set, and a number of any size is passed on", async (t) => {
  const server = await serveRoute(t, `${routes}channels:\n  - {name: "socketio/main/lobby", publish: same-origin}\n`);
  const socket = client(t, server, "/", { transports: ["websocket"] });
  await socket.isOpen();
  const raw = [];
  socket.io.engine.on("packet", ({ data }) => raw.push(data));
  const other = await open(t, server, "/socket.io"); // the packets without Engine.IO
  other.send("0");
  await until(() => socket.connected, "the other");
  other.send('21["publish","lobby","big",123456789012345678901234567890,1e400]');
  await until(() => raw.includes('2["big",123456789012345678901234567890,1e400]'), "the event");
});

test("a path with a slash at its end is refused, and so is a namespace that is none", async (t) => {
  for (const [route, expected] of [
    ["path: /socket.io/\n    socketio: true", "leave what is behind the last name of its path away, as in /socket.io"],
    ["path: /x\n    socketio: {rooms: [a, b, c], max-rooms: 2}", "everybody is in 3 rooms, which are more than max-rooms"],
    ["path: /x\n    socketio: {channels: {/named: a}}", "channels: the namespace /named is none of namespaces"],
    ["path: /x\n    socketio: {rooms: [a, private-b]}", "rooms: private-b is for who has a token, which nobody could show"],
    ["path: /x\n    socketio: {namespaces: [named]}", "is not a namespace"],
    ["path: /x\n    socketio: {share: ['*']}", "is not a room of at most 100 bytes, such as news, or chart-*"],
    ["path: /x\n    socketio: {namespaces: [/, /main]}", "the namespace /main stands twice, or has the channel of another one"],
  ]) {
    const { file } = configuration(t, `${head}routes:\n  - ${route}\n`);
    const { status, errors } = await run(["serve", "-f", file, "--check"]);
    assert.equal(status, 2);
    assert.ok(errors.includes(expected), errors);
  }
});

test("a client stays in the room of its own id, whatever is set for others", async (t) => {
  const server = await serveRoute(t);
  const socket = client(t, server);
  await socket.isOpen();
  server.write(`${head}${routes}channels: [{name: "socketio/main/lobby"}, {name: "socketio/main"}, {name: "*", subscribe: nobody}]\n`);
  await reload(server);
  assert.equal((await socket.asks("subscribe", "a")).status, 403);
  assert.deepEqual(await socket.asks("unsubscribe", "lobby"), { ok: true });
});

test("what is left alone by a reload goes on, and a new route is served", async (t) => {
  const server = await serveRoute(t);
  const socket = client(t, server);
  assert.deepEqual(await socket.asks("subscribe", "a"), { ok: true });
  server.write(`${head}${routes}  - path: /other\n    any-origin: true\n    socketio: true\n${channels}`);
  await reload(server);
  const other = client(t, server, "/", { path: "/other/" });
  assert.deepEqual(await other.asks("subscribe", "a"), { ok: true });
  assert.deepEqual(await socket.asks("subscribe", "b"), { ok: true });
});
