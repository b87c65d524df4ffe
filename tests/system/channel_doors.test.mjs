// One channel, every protocol: what is published by each door comes to each door as docs/channels.md says.

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { test } from "node:test";

import { Socket as EngineSocket } from "engine.io-client";
import SockJS from "sockjs-client";
import WebSocket from "ws";

import { configuration, head, start } from "../support/configuration.mjs";
import { Bare, app, sdk } from "../support/pusher.mjs";
import { client } from "../support/socketio.mjs";
import { tokenOf } from "../support/tokens.mjs";
import { request, until } from "../support/towline.mjs";

const SECRET = "a secret of at least thirty-two bytes";
const KEY = "a-key-of-at-least-32-characters-xx";
const BYTES = Buffer.from([0, 255, 104, 105]);
const base64 = BYTES.toString("base64");

/** Everything serves the channel "news". */
async function serveAll(t, workers) {
  const { file, folder } = configuration(t, `${head}workers: ${workers}
publish-key: publish-keys
token-keys: keys
routes:
  - {path: /channel/*, channel: }
  - {path: /publish/*, publish: true}
  - {path: /socket.io, any-origin: true, socketio: {share: [news]}}
pusher: [{id: ${app.id}, key: ${app.key}, secret: secret, share: [news]}]
channels: [{name: news, history: 100, subscribe: same-origin, publish: same-origin}]
`);
  for (const [name, text] of [["keys", SECRET], ["publish-keys", KEY], ["secret", app.secret]]) writeFileSync(path.join(folder, name), text, { mode: 0o600 });
  return start(t, file);
}

/** Who hears, by the name of its kind: each has what it heard in `heard`. */
const listeners = {
  async plain(t, server, heard) {
    const socket = new WebSocket(server.url("/channel/news"));
    t.after(() => socket.terminate());
    socket.on("message", (data, isBinary) => heard.push(isBinary ? data : data.toString()));
    await once(socket, "open");
  },
  async engineio(t, server, heard) {
    const socket = new EngineSocket(`http://127.0.0.1:${server.port}`, { path: "/channel/news/engine.io/", transports: ["polling"] });
    t.after(() => socket.close());
    socket.on("message", (data) => heard.push(typeof data === "string" ? data : Buffer.from(data)));
    await new Promise((resolve) => socket.on("open", resolve));
  },
  async sockjs(t, server, heard) {
    const socket = new SockJS(`http://127.0.0.1:${server.port}/channel/news/sockjs`);
    t.after(() => socket.close());
    socket.onmessage = ({ data }) => heard.push(data);
    await new Promise((resolve) => (socket.onopen = resolve));
  },
  async envelopes(t, server, heard) {
    const socket = new WebSocket(server.url("/channel/"), ["towline.v1"]);
    t.after(() => socket.terminate());
    const got = [];
    socket.on("message", (data) => {
      const envelope = JSON.parse(data);
      (envelope.type === "message" ? heard : got).push(envelope);
    });
    await once(socket, "open");
    socket.send(JSON.stringify({ type: "subscribe", channel: "news" }));
    await until(() => got.some(({ type }) => type === "subscribed"), "subscribed");
  },
  async polls(t, server, heard) {
    const poll = async (query) => JSON.parse((await request({ port: server.port, path: `/channel/news?${query}` })).body);
    let { position } = await poll("last=0");
    let over = false;
    t.after(() => (over = true));
    (async () => {
      while (!over) {
        const answer = await poll(`since=${position}&wait=1`).catch(() => ({ position, messages: [] }));
        position = answer.position;
        heard.push(...answer.messages);
      }
    })();
  },
  async events(t, server, heard) {
    const outgoing = http.get({ host: "127.0.0.1", port: server.port, path: "/channel/news", headers: { Accept: "text/event-stream" }, agent: false });
    t.after(() => outgoing.destroy());
    outgoing.on("error", () => {});
    const [response] = await once(outgoing, "response");
    let text = "";
    response.on("error", () => {}).setEncoding("utf8").on("data", (more) => {
      const events = (text += more).split("\n\n");
      text = events.pop();
      for (const event of events.filter((each) => each.includes("data: "))) {
        const lines = event.split("\n");
        const of = (name) => lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
        heard.push({ event: of("event")[0], id: of("id")[0], data: of("data").join("\n") });
      }
    });
  },
  async pusher(t, server, heard) {
    const bare = await Bare.open(t, server);
    await bare.greeted();
    bare.say({ event: "pusher:subscribe", data: { channel: "news" } });
    await bare.named("pusher_internal:subscription_succeeded");
    bare.socket.on("message", (data) => heard.push(JSON.parse(data)));
  },
  async socketio(t, server, heard) {
    const socket = client(t, server, "/", { transports: ["websocket"] });
    assert.deepEqual(await socket.asks("subscribe", "news"), { ok: true });
    socket.onAny((...event) => heard.push(event));
  },
};

const asJson = ({ data, json }) => (json ? JSON.parse(data) : data);

/** What each gets of { event, data (text or bytes), json, user }. */
const gets = {
  plain: ({ data }) => data,
  engineio: ({ data }) => data,
  sockjs: ({ data }) => (Buffer.isBuffer(data) ? base64 : data),
  envelopes: ({ event, data, user }, { position, time }) => ({
    type: "message", channel: "news", event, ...(Buffer.isBuffer(data) ? { base64 } : { data }), ...(user ? { user } : {}), position, time,
  }),
  events: ({ event, data }, { position }) => {
    const name = /^towline\.|;base64$/.test(event) ? "message" : event;
    return Buffer.isBuffer(data) ? { event: `${name};base64`, id: position, data: base64 } : { event: name === "message" ? undefined : name, id: position, data };
  },
  pusher: ({ event, data }) => ({ event: /^pusher(_internal)?:/.test(event) ? "message" : event, channel: "news", data: Buffer.isBuffer(data) ? base64 : data }),
  socketio: (published) => [published.event === "connect" ? "message" : published.event, Buffer.isBuffer(published.data) ? published.data : asJson(published)],
};
gets.polls = gets.envelopes;

/** Ways to publish, and what is published by them. */
const publishers = {
  async http(t, server) {
    const post = async (query, type, body) => assert.equal((await request({ port: server.port, method: "POST", path: `/publish/news${query}`, headers: { Authorization: `Bearer ${KEY}`, "Content-Type": type }, body })).status, 200);
    await post("", "text/plain", "text");
    await post("?event=connect&key=k", "application/json", '{ "n": 1.50 }');
    await post("?event=towline.gap", "text/plain", "two\nlines");
    await post("?event=pusher:error", "application/octet-stream", BYTES);
    return [
      { event: "message", data: "text" },
      { event: "connect", data: '{ "n": 1.50 }', json: true },
      { event: "towline.gap", data: "two\nlines" },
      { event: "pusher:error", data: BYTES },
    ];
  },
  async plain(t, server) {
    const socket = new WebSocket(server.url("/channel/news"));
    t.after(() => socket.terminate());
    await once(socket, "open");
    socket.send("text");
    socket.send(BYTES);
    return [{ event: "message", data: "text" }, { event: "message", data: BYTES }];
  },
  async envelopes(t, server) {
    const socket = new WebSocket(server.url("/channel/"), ["towline.v1"], { headers: { Authorization: `Bearer ${tokenOf({ sub: "ann" }, SECRET)}` } });
    t.after(() => socket.terminate());
    await once(socket, "open");
    socket.send(JSON.stringify({ type: "publish", channel: "news", event: "x;base64", data: "text" }));
    socket.send(JSON.stringify({ type: "publish", channel: "news", base64 }));
    return [{ event: "x;base64", data: "text", user: "ann" }, { event: "message", data: BYTES, user: "ann" }];
  },
  async socketio(t, server) {
    const socket = client(t, server, "/", { transports: ["websocket"], auth: { token: tokenOf({ sub: "bob" }, SECRET) } });
    await socket.asks("publish", "news", "said", { a: [1] });
    await socket.asks("publish", "news", "said", "text");
    await socket.asks("publish", "news", "said", BYTES);
    return [{ event: "said", data: '{"a":[1]}', json: true, user: "bob" }, { event: "said", data: '"text"', json: true, user: "bob" }, { event: "said", data: BYTES, user: "bob" }];
  },
  async pusher(t, server) {
    await sdk(server).trigger("news", "e", { a: 1 });
    return [{ event: "e", data: '{"a":1}' }];
  },
};

for (const workers of [1, 2])
  test(`what comes in by each door goes out by each door (workers: ${workers})`, async (t) => {
    const server = await serveAll(t, workers);
    const heard = {};
    for (const [kind, listen] of Object.entries(listeners)) await listen(t, server, (heard[kind] = []));
    for (const [door, publish] of Object.entries(publishers)) {
      const published = await publish(t, server);
      await until(() => Object.values(heard).every((each) => each.length >= published.length), `all of ${door}, but ${JSON.stringify(heard)}`);
      const told = heard.envelopes.map(({ position, time }) => ({ position, time }));
      for (const [kind, each] of Object.entries(heard)) assert.deepEqual(each.splice(0), published.map((one, i) => gets[kind](one, told[i])), `${kind}, of ${door}`);
    }
  });
