// Limits of channels and of what stands in front of them, as options: what is over one is told so, and counted; as is what is refused, and
// who is there.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { test } from "node:test";

import { start } from "../support/configuration.mjs";
import { Bare, app, sdk } from "../support/pusher.mjs";
import { client } from "../support/socketio.mjs";
import { Raw, TEXT, frame } from "../support/raw.mjs";
import { request, until } from "../support/towline.mjs";

/** A server with these lines of configuration in front of its doors. */
async function serve(t, lines, { route = "", pusher = "" } = {}) {
  const folder = mkdtempSync("/tmp/towline-limits-");
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, "key"), "the-key\n");
  writeFileSync(path.join(folder, "secret"), app.secret);
  writeFileSync(path.join(folder, "keys"), "a secret of at least thirty-two bytes");
  writeFileSync(path.join(folder, "towline.yaml"), `${lines}drain-seconds: 1
publish-key: key
routes:
  - {path: "/channel/*", channel: }
  - {path: "/publish/*", publish: }
  - {path: /socket.io, any-origin: true, socketio: {${route}}}
pusher:
  - {id: "${app.id}", key: ${app.key}, secret: secret${pusher}}
channels:
  - {name: "*", publish: same-origin, presence: true}
`);
  return start(t, path.join(folder, "towline.yaml"), ["--workers", "1"], { ports: ["127.0.0.1:0"], status: true });
}

const publish = (server, channel, body, headers = {}) =>
  request({ port: server.port, method: "POST", path: `/publish/${channel}`, headers: { Authorization: "Bearer the-key", ...headers }, body });

/** A connection of towline.v1: asks, and gives the answer. */
async function talk(t, server) {
  const raw = await Raw.open(server.port, "/channel/", { "Sec-WebSocket-Protocol": "towline.v1" });
  t.after(() => raw.destroy());
  return async (envelope) => {
    raw.send(frame(TEXT, JSON.stringify({ id: 1, ...envelope })));
    return JSON.parse((await raw.message()).payload.toString());
  };
}

test("channels, members, subscriptions and publications", async (t) => {
  const server = await serve(t, "max-channels: 2\nmax-channel-members: 1\nmax-subscriptions: 2\nmax-publication: 10\n");
  const [one, other] = [await talk(t, server), await talk(t, server)];
  assert.equal((await one({ type: "subscribe", channel: "a", presence: true, info: {} })).type, "subscribed");
  assert.equal((await other({ type: "subscribe", channel: "a", presence: true, info: {} })).code, "limit");
  assert.equal((await other({ type: "subscribe", channel: "a" })).type, "subscribed");
  assert.equal((await one({ type: "subscribe", channel: "b" })).type, "subscribed");
  assert.equal((await one({ type: "subscribe", channel: "c" })).code, "limit");
  assert.equal((await other({ type: "subscribe", channel: "c" })).code, "limit");
  assert.equal((await request({ port: server.port, path: "/channel/c?wait=0" })).status, 503);
  assert.equal((await publish(server, "b", "x".repeat(10))).status, 200);
  assert.equal((await publish(server, "b", "x".repeat(11))).status, 413);
  assert.equal((await one({ type: "publish", channel: "b", data: "x".repeat(11) })).type, "message");
  const counts = { "max-channels": 2, "max-channel-members": 1, "max-subscriptions": 1, "max-publication": 2 };
  for (const [name, count] of Object.entries(counts)) await until(async () => (await server.limit(name)) === count, `${name}: ${count}`);
});

test("idempotency keys that are remembered", async (t) => {
  const server = await serve(t, "publish-repeats: 1\n");
  const once = async (key) => JSON.parse((await publish(server, "a", "x", { "Idempotency-Key": key })).body).repeated ?? false;
  assert.deepEqual([await once("k"), await once("k"), await once("other"), await once("k")], [false, true, false, false]);
});

test("events that wait for a webhook", async (t) => {
  const silent = net.createServer((socket) => socket.on("error", () => {})); // the server's end resets it
  await new Promise((resolve) => silent.listen(0, "127.0.0.1", resolve));
  t.after(() => silent.close());
  const server = await serve(t, "", { pusher: `, webhook: "http://127.0.0.1:${silent.address().port}/", webhook-events: [channel_occupied], webhook-queue: 2` });
  const bare = await Bare.open(t, server);
  await bare.greeted();
  for (let i = 0; i < 6; i++) bare.say({ event: "pusher:subscribe", data: { channel: `c${i}` } });
  const counts = () => Promise.all(["webhook_events_waiting", "webhook_events_dropped_total"].map((name) => server.counter(name)));
  const [waiting] = await until(async () => [await counts()].find(([waits, dropped]) => waits + dropped === 6), "all six");
  assert.ok(waiting >= 2 && waiting <= 4); // two, and two at most in the request that is under way
});

test("sockets of Socket.IO that are away", async (t) => {
  const server = await serve(t, "", { route: "recovery-seconds: 60, max-away: 2" });
  const sockets = [0, 1, 2].map(() => client(t, server, "/", { transports: ["websocket"], reconnection: false }));
  for (const socket of sockets) await socket.isOpen();
  assert.equal(await server.counter("socketio_sockets"), 3);
  for (const socket of sockets) socket.io.engine.transport.ws.terminate();
  await until(async () => (await server.counter("socketio_sockets")) === 0, "all are lost");
  assert.equal(await server.counter("socketio_away"), 1); // one address gets half of the places
  assert.equal(await server.counter("socketio_not_kept_total"), 2);
});

test("what is refused, by what it was", async (t) => {
  const server = await serve(t, "token-keys: keys\n");
  const get = (target, headers) => request({ port: server.port, path: target, headers }).then(({ status }) => status);
  const refused = (what) => server.counter(`refused_total{what="${what}"}`);
  assert.equal(await get("/publish/a", { "Towline-Key": "wrong" }), 401);
  assert.equal(await get("/channel/a?wait=0", { Authorization: "Bearer x.y.z" }), 401);
  await assert.rejects(sdk(server, { secret: "wrong" }).get({ path: "/channels", params: {} }), ({ status }) => status === 401);
  const bare = await Bare.open(t, server);
  await bare.greeted();
  bare.say({ event: "pusher:subscribe", data: { channel: "private-a", auth: `${app.key}:${"0".repeat(64)}` } });
  bare.say({ event: "pusher:signin", data: { auth: "x:y", user_data: "{}" } });
  await until(async () => (await refused("pusher-auth")) === 2, "both");
  for (const what of ["publish-key", "token", "pusher-call"]) assert.equal(await refused(what), 1, what);
});

test("who is there, by the door", async (t) => {
  const server = await serve(t, "");
  const raw = async (head) => {
    const one = await Raw.connect(server.port);
    t.after(() => one.destroy());
    return one.send(`${head} HTTP/1.1\r\nHost: ${server.host}\r\nAccept: text/event-stream\r\nContent-Length: 0\r\n\r\n`);
  };
  const opened = [await raw("GET /channel/a"), await raw("POST /channel/a/sockjs/1/s/xhr_streaming"), await raw("GET /channel/a/engine.io/?EIO=4&transport=polling")];
  await (await Bare.open(t, server)).greeted();
  await client(t, server, "/", { transports: ["websocket"] }).isOpen();
  const there = { event_streams: 1, sockjs_sessions: 1, sockjs_receivers: 1, engineio_sessions: 2, engineio_half_made: 1, engineio_websockets: 1, pusher_connections: 1, socketio_connections: 1, socketio_sockets: 1 };
  for (const [name, count] of Object.entries(there)) await until(async () => (await server.counter(name)) === count, `${name}: ${count}`);
  for (const one of opened) one.socket.resetAndDestroy();
  await until(async () => (await server.counter("event_streams")) === 0, "the stream is gone");
  await until(async () => (await server.counter("sockjs_receivers")) === 0, "nobody receives");
});
