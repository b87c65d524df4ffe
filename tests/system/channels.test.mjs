// Channels by clients that we did not write: ws, curl, and Node's own HTTP.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import WebSocket from "ws";

import { request, run, serve, until, within } from "../support/towline.mjs";

const curl = (...words) => promisify(execFile)("curl", ["-s", ...words]);

/** A file with this configuration. */
function configOf(t, text) {
  const folder = mkdtempSync("/tmp/towline-channels-");
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "towline.yaml");
  writeFileSync(file, text);
  return file;
}

async function serveConfig(t, text) {
  const file = configOf(t, text);
  return Object.assign(await serve(t, ["-f", file]), { file });
}

const channelsOf = (items) => `routes:\n  - path: /channel/*\n    channel:\nchannels:\n${items}`;

/** An open socket that keeps its messages, binary ones as buffers. */
async function connect(t, server, target, protocols = [], options = {}) {
  const socket = new WebSocket(server.url(target), protocols, options);
  t.after(() => socket.terminate());
  socket.got = [];
  socket.on("message", (data, isBinary) => socket.got.push(isBinary ? data : data.toString()));
  await within(60000, once(socket, "open"), "the opening handshake");
  return socket;
}

/** A client of towline.v1: `say` resolves with the answer that has its id. */
async function talk(t, server, target = "/channel/") {
  const socket = await connect(t, server, target, ["towline.v1"]);
  assert.equal(socket.protocol, "towline.v1");
  let number = 0;
  socket.envelopes = () => socket.got.map((text) => JSON.parse(text));
  socket.find = (about) => until(() => socket.envelopes().find((each) => Object.entries(about).every(([name, value]) => each[name] === value)),
    `an envelope with ${JSON.stringify(about)}`);
  socket.say = (envelope) => {
    const id = ++number;
    socket.send(JSON.stringify({ ...envelope, id }));
    return socket.find({ id });
  };
  return socket;
}

/** A stream of events, read line by line. */
async function listen(t, server, target, headers = {}) {
  const outgoing = http.get({ host: "127.0.0.1", port: server.port, path: target, headers: { Accept: "text/event-stream", ...headers }, agent: false });
  t.after(() => outgoing.destroy());
  const [response] = await within(60000, once(outgoing, "response"), "an answer");
  const stream = { response, text: "", close: () => outgoing.destroy() };
  outgoing.on("error", () => {});
  response.on("error", () => {});
  response.setEncoding("utf8").on("data", (text) => (stream.text += text));
  stream.has = (text) => until(() => stream.text.includes(text), `${text} in the stream`);
  stream.position = () => [...stream.text.matchAll(/^id: (\S+)$/gm)].at(-1)?.[1];
  return stream;
}

const poll = async (server, target) => JSON.parse((await request({ port: server.port, path: target })).body);

test("without options channels are there, and clients do not publish", async (t) => {
  const server = await serve(t, []);
  const socket = await connect(t, server, "/channel/news");
  const closed = once(socket, "close");
  socket.send("hello");
  const [code, reason] = await within(60000, closed, "the close");
  assert.deepEqual([code, reason.toString()], [1008, "publishing is not allowed here"]);
  const stranger = await request({ port: server.port, path: "/channel/news", headers: { Origin: "https://evil.example" } });
  assert.equal(stranger.status, 403);
});

test("one message reaches clients of every kind, on all workers", async (t) => {
  const server = await serveConfig(t, `workers: 2\n${channelsOf("  - name: a\n    publish: same-origin\n    history: 10\n")}`);
  const { position } = await poll(server, "/channel/a");
  const plain = await Promise.all(Array.from({ length: 4 }, () => connect(t, server, "/channel/a")));
  const talks = await Promise.all(Array.from({ length: 4 }, () => talk(t, server)));
  for (const each of talks) assert.equal((await each.say({ type: "subscribe", channel: "a" })).type, "subscribed");
  const streams = await Promise.all(Array.from({ length: 4 }, () => listen(t, server, "/channel/a")));
  for (const each of streams) await until(() => each.position(), "the stream's beginning");
  const polls = Array.from({ length: 4 }, () => curl(`http://${server.host}/channel/a?since=${position}`));
  plain[0].send("größe 🐳");
  for (const each of plain) await until(() => each.got.includes("größe 🐳"), "the message");
  for (const each of talks) assert.equal((await each.find({ type: "message" })).data, "größe 🐳");
  for (const each of streams) await each.has("data: größe 🐳\n\n");
  for (const each of polls) {
    const { messages, whole } = JSON.parse((await each).stdout);
    assert.deepEqual([messages.map(({ data }) => data), whole], [["größe 🐳"], true]);
  }
  assert.equal((await talks[0].say({ type: "publish", channel: "a", base64: "/wA=" })).type, "published");
  await until(() => plain[1].got.some((data) => Buffer.isBuffer(data) && data.equals(Buffer.from([255, 0]))), "the bytes");
  await streams[0].has("event: message;base64\ndata: /wA=\n\n");
});

test("everybody sees the same order", async (t) => {
  const server = await serveConfig(t, `workers: 2\n${channelsOf("  - name: a\n    publish: same-origin\n")}`);
  const sockets = await Promise.all(Array.from({ length: 6 }, () => connect(t, server, "/channel/a")));
  await until(async () => { // all are subscribed
    sockets[0].send("begin");
    return sockets.every((socket) => socket.got.includes("begin"));
  }, "all subscriptions");
  sockets.forEach((socket, i) => Array.from({ length: 200 }, (_, j) => socket.send(`${i}:${j}`)));
  const all = (socket) => socket.got.filter((text) => text !== "begin");
  await until(() => sockets.every((socket) => all(socket).length === 1200), "all messages");
  for (const socket of sockets) assert.deepEqual(all(socket), all(sockets[0]));
  for (let i = 0; i < 6; i++) {
    assert.deepEqual(all(sockets[0]).filter((text) => text.startsWith(`${i}:`)), Array.from({ length: 200 }, (_, j) => `${i}:${j}`));
  }
});

test("whoever comes back gets what it missed, or is told that it is gone", async (t) => {
  const server = await serveConfig(t, channelsOf("  - name: a\n    publish: same-origin\n    history: 5\n"));
  const publisher = await talk(t, server);
  const first = await listen(t, server, "/channel/a");
  await until(() => first.position(), "the stream's beginning");
  await publisher.say({ type: "publish", channel: "a", data: "one" });
  await first.has("data: one\n\n");
  const seen = first.position();
  first.close();
  for (const data of ["two", "three"]) await publisher.say({ type: "publish", channel: "a", data });
  const second = await listen(t, server, "/channel/a", { "Last-Event-ID": seen });
  await second.has("data: two\n\n");
  await second.has("data: three\n\n");
  assert.ok(!second.text.includes("towline.gap") && !second.text.includes("data: one\n"));
  const missed = await poll(server, `/channel/a?since=${seen}`);
  assert.deepEqual([missed.messages.map(({ data }) => data), missed.whole], [["two", "three"], true]);
  for (let i = 0; i < 6; i++) await publisher.say({ type: "publish", channel: "a", data: `more ${i}` });
  const third = await listen(t, server, "/channel/a", { "Last-Event-ID": seen });
  await third.has("event: towline.gap\n");
  await third.has("data: more 5\n\n");
  assert.equal((await poll(server, `/channel/a?since=${seen}`)).whole, false);
  assert.equal((await publisher.say({ type: "subscribe", channel: "a", since: seen })).whole, false);
  const socket = new WebSocket(server.url(`/channel/a?since=${seen}`));
  const [code, reason] = await within(60000, once(socket, "close"), "the close");
  assert.equal(code, 4410);
  assert.match(reason.toString(), /^gone, now at \S+:9$/);
});

test("members of a channel see each other come and go", async (t) => {
  const server = await serveConfig(t, channelsOf("  - name: room\n    presence: true\n"));
  const ann = await talk(t, server);
  const { members } = await ann.say({ type: "subscribe", channel: "room", presence: true, info: { name: "Ann" } });
  assert.deepEqual(members.map(({ info }) => info), [{ name: "Ann" }]);
  const bob = await talk(t, server);
  assert.equal((await bob.say({ type: "subscribe", channel: "room", presence: true, info: { name: "Bob" } })).members.length, 2);
  const { user } = await ann.find({ type: "joined" });
  assert.equal((await ann.say({ type: "presence", channel: "room" })).members.length, 2);
  bob.terminate();
  assert.equal((await ann.find({ type: "left" })).user, user);
});

test("routes lead to channels by their names", async (t) => {
  const server = await serveConfig(t, `routes:
  - path: /live/*
    channel: live/
  - path: /ticker
    channel: {name: prices}
    any-origin: true
channels:
  - name: "*"
    publish: same-origin
`);
  const [below, exact] = [await connect(t, server, "/live/a%2Fb"), await connect(t, server, "/ticker", [], { origin: "https://elsewhere.example" })];
  const publisher = await talk(t, server, "/live/x");
  assert.equal((await publisher.say({ type: "publish", channel: "live/a/b", data: "hello" })).type, "published");
  await until(() => below.got.includes("hello"), "the message");
  assert.equal((await publisher.say({ type: "publish", channel: "prices", data: "1" })).code, "forbidden");
  exact.send("2");
  await until(() => exact.got.includes("2"), "the price");
  for (const [method, path] of [
    ["GET", "/ticker"],
    ["GET", "/ticker/engine.io/?EIO=4&transport=polling"],
    ["POST", "/ticker/sockjs/000/session/xhr"],
  ]) {
    const { status, headers } = await request({ port: server.port, method, path, headers: { Origin: "https://elsewhere.example" } });
    assert.deepEqual([path, status, headers["access-control-allow-origin"]], [path, 200, "https://elsewhere.example"]); // once
    assert.equal(headers["access-control-allow-credentials"], "true");
  }
});

test("a reload of the configuration holds for channels that are there", async (t) => {
  const items = (subscribe) => channelsOf(`  - name: a\n    subscribe: ${subscribe}\n`);
  const server = await serveConfig(t, items("same-origin"));
  const socket = await talk(t, server);
  assert.equal((await socket.say({ type: "subscribe", channel: "a" })).type, "subscribed");
  writeFileSync(server.file, items("nobody"));
  server.signal("SIGHUP");
  assert.equal((await socket.find({ type: "ended" })).code, "revoked");
  assert.equal((await socket.say({ type: "subscribe", channel: "a" })).code, "forbidden");
});

test("what is set for channels is checked, with its place", async (t) => {
  const cases = [
    ["channels:\n  - publish: nobody\n", /channels: number 1 has no name/],
    ["channels:\n  - name: a\n  - name: a\n", /:3:\d+: name: it is there already/],
    ["channels:\n  - name: a*b\n", /:2:\d+: name: .*'a\*b' is not a channel's name/],
    ["channels:\n  - name: a\n    publish: everybody\n", /:3:\d+: publish: .*same-origin, token/],
    ["channels:\n  - name: a\n    publish: true\n", /publish: 'true' is none of same-origin, token, nobody; did you mean same-origin\?/],
    ["channels:\n  - name: a\n    subscribe: none\n", /subscribe: 'none' is none of same-origin, token, nobody; did you mean nobody\?/],
    ["channels:\n  - name: a\n    subscribe: same_origin\n", /'same_origin' is none of .*; did you mean same-origin\?/],
    ["channels:\n  - name: a\n    subscribe: token\n", /:3:\d+: subscribe: nobody could show a token: name the keys .*--token-keys FILE, or .*--token-url URL/],
    ["channels:\n  - {name: a, slow: oldest}\n", /'oldest' is none of end, drop-oldest, latest; did you mean drop-oldest\?/],
    ["max-history-bytes: 1M\nchannels:\n  - {name: a, history: 1, history-bytes: 2M}\n", /:3:\d+: history-bytes: all channels together keep no more than --max-history-bytes/],
    ["routes:\n  - {path: /c/*, channel: live/*}\n", /channel: leave the asterisk away/],
    ["publish-key: k\nroutes:\n  - {path: /e, echo: true}\n", /:1:14: publish-key: no route publishes: add \{path: \/publish\/\*, publish: true\}/],
    ["publish-max: 2M\nroutes: []\n", /:1:\d+: publish-max: no route publishes/],
    ["token-url: http://a/\nroutes: []\n", /:1:\d+: token-url: no route has channels: add \{path: \/channel\/\*, channel: true\}/],
    ["channels:\n  - {name: a, history: 1}\n  - {name: b, publish: token}\n", /:3:\d+: publish: nobody could show a token/],
    ["channels:\n  - name: a\n    history-seconds: 5\n", /:3:\d+: history-seconds: it has no effect without history/],
    ["channels:\n  - name: a\n    histroy: 5\n", /:3:\d+: no key histroy here; did you mean history\?/],
    ["channels: {name: a}\n", /channels: it takes a list of maps, not a map/],
    ["channels:\n  - a\n", /a channel is a map, such as \{name: a\}; this is a text/],
    ["routes:\n  - path: /a\n    channel:\n", /channel: say which/],
    ["routes:\n  - path: /a\n    channel: true\n", /channel: say which/],
    ["routes:\n  - path: /a\n    channel: \"a\\u0001\"\n", /channel: no channel can have such a name/],
  ];
  for (const [text, expected] of cases) {
    const { status, errors } = await run(["serve", "-f", configOf(t, text), "--check"]);
    assert.equal(status, 2, text);
    assert.match(errors, expected);
  }
  for (const known of ["token-url: http://localhost:1\n", "pusher: [{id: 1, key: k, secret: /dev/null}]\n"]) {
    const { errors } = await run(["serve", "-f", configOf(t, `${known}channels: [{name: a, subscribe: token}]\n`), "--check"]);
    assert.doesNotMatch(errors, /token:/);
  }
  const good = configOf(t, channelsOf("  - name: chat/*\n    history: 5\n    slow: latest\n"));
  const printed = await run(["serve", "-f", good, "--print-config"]);
  assert.match(printed.output, /channels:\n {2}- name: "chat\/\*" {2}# .*\n(?:.*\n)*? {4}history: 5 {2}# /);
  const again = configOf(t, printed.output);
  assert.equal((await run(["serve", "-f", again, "--check"])).status, 0);
});

test("a flood of one client costs others nothing but its turn", async (t) => {
  const server = await serveConfig(t, `workers: 1\n${channelsOf("  - name: a\n    publish: same-origin\n    slow-bytes: 100K\n")}`);
  const silent = await listen(t, server, "/channel/a");
  silent.response.pause(); // never reads
  const [flood, other] = [await talk(t, server), await talk(t, server)];
  const data = "x".repeat(10000);
  for (let i = 0; i < 3000; i++) flood.send(JSON.stringify({ type: "publish", channel: "a", data }));
  assert.equal((await within(30000, other.say({ type: "ping" }), "an answer beside the flood")).type, "pong");
  assert.equal((await within(60000, flood.say({ type: "ping" }), "the flood's end")).type, "pong");
  assert.ok(server.memory() < 400 * 1024 * 1024, `${server.memory()} bytes`);
});

test("HEAD of a poll says no length that a GET would not have", async (t) => {
  const server = await serve(t, []);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const ask = (method) => request({ port: server.port, path: "/channel/news", method, agent });
  const head = await ask("HEAD");
  assert.deepEqual([head.status, head.headers["content-type"], head.headers["content-length"], head.body.length], [200, "application/json", undefined, 0]);
  assert.match((await ask("GET")).body.toString(), /^\{"position":/); // on the same connection
});
