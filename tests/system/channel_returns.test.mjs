// Real clients of each kind on one channel and two workers, which cut themselves off after some messages, by a seed, and come back when
// some more were published. Who can say what it saw last gets every message once and in order, or is told that some are missing; the
// others get them in order, none twice, and all while they are there.
//
// CLIENTS, MESSAGES and SEED say how many, and by which seed: CLIENTS=1000 MESSAGES=10000 takes one or two minutes.

import { Socket as EngineSocket } from "engine.io-client";
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { test } from "node:test";
import Pusher from "pusher-js";
import { io } from "socket.io-client";
import SockJS from "sockjs-client";
import WebSocket from "ws";

import { request, serve, until } from "../support/towline.mjs";

const count = Number(process.env.CLIENTS ?? (process.env.TOWLINE_ALL ? 200 : 26));
const messages = Number(process.env.MESSAGES ?? (process.env.TOWLINE_ALL ? 2000 : 400));
const kept = Math.ceil(messages / 8);
const patience = Math.max(60000, messages * 500);

/** Numbers below `limit`, by a seed. */
function chanceOf(seed) {
  let state = Math.imul(seed, 2654435761) >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Of three messages one is bytes, one JSON and one a text. */
const isBytes = (number) => number % 3 === 0;
function bodyOf(number) {
  if (isBytes(number)) return { base64: Buffer.from(`b${number}`).toString("base64") };
  return { data: number % 3 === 1 ? number : `${number}` };
}

/** The number of a message, as whichever of the forms in docs/channels.md it came: bytes may come in base64. */
function numberOf(data) {
  const text = (data instanceof ArrayBuffer ? Buffer.from(data) : data).toString();
  const [, mark, digits] = /^(b?)(\d+)$/.exec(text) ?? /^(b)(\d+)$/.exec(Buffer.from(text, "base64")) ?? assert.fail(`no message: ${text}`);
  assert.equal(mark === "b", isBytes(Number(digits)), text);
  return Number(digits);
}

const agent = new http.Agent({ keepAlive: false });

/** What all clients have in common: when `ends`, all have come to stay, and the last message follows. */
class Scene {
  begun = 0;
  published = 0;
  ends = false;

  constructor(server, epoch) {
    Object.assign(this, { server, epoch });
  }
}

class Client {
  last = 0;
  told = 0;
  heard = 0;
  isTold = false;
  isAnew = false;
  isThere = false;

  constructor(scene, kind, seed) {
    Object.assign(this, { scene, kind, draw: chanceOf(seed) });
  }

  get target() {
    return `/channel/a?since=${this.scene.epoch}:${this.last}`;
  }

  take(data) {
    const number = numberOf(data);
    const mayMiss = this.isTold || this.isAnew;
    assert.ok(mayMiss ? number > this.last : number === this.last + 1, `${this.kind}: ${number} after ${this.last}`);
    if (!this.isTold) assert.ok(number <= Math.max(this.since ?? 0, this.last) + 1, `${this.kind}: ${number} is the first after ${this.since}`);
    this.last = number;
    this.heard += 1;
    this.isTold = this.isAnew = false;
    this.left -= 1;
  }

  tell() {
    this.isTold = true;
    this.told += 1;
  }

  /** It is subscribed, without a word of what it saw before: of that nothing is promised. */
  begin() {
    this.isAnew = this.isThere = true;
    this.since = this.scene.begun;
  }

  /** Comes and goes until it has the last message. */
  async run() {
    while (this.last < messages) {
      this.left = 1 + this.draw(Math.max(60, kept));
      await this[this.kind]();
      this.isThere = false;
      const back = this.scene.published + this.draw(kept * 2);
      await until(() => this.scene.ends || this.scene.published >= back, "time to come back", patience);
    }
  }

  get isDone() {
    return (!this.scene.ends && this.left <= 0) || this.last >= messages;
  }

  /** For clients of libraries: `end` when it has had enough, or the library's client has ended. */
  async library(begin) {
    let end;
    const ended = new Promise((resolve) => (end = resolve));
    const leave = begin(end, (text) => {
      if (this.isDone) return;
      this.take(text);
      if (this.isDone) end();
    });
    await ended;
    leave();
  }

  async plain() {
    const socket = new WebSocket(this.scene.server.url(this.target));
    socket.on("error", () => {});
    socket.on("open", () => (this.isThere = true));
    socket.on("message", (data) => {
      if (this.isDone) return;
      this.take(data);
      if (this.isDone) socket.terminate();
    });
    const [code, reason] = await once(socket, "close");
    if (code !== 4410) return;
    this.last = Number(/^gone, now at .*:(\d+)$/.exec(reason.toString())[1]);
    this.told += 1;
  }

  async talk() {
    const socket = new WebSocket(this.scene.server.url("/channel/"), ["towline.v1"]);
    socket.on("error", () => {});
    socket.on("open", () => socket.send(JSON.stringify({ type: "subscribe", channel: "a", since: `${this.scene.epoch}:${this.last}` })));
    socket.on("message", (text) => {
      const said = JSON.parse(text);
      if (this.isDone) return;
      if (said.type === "gap" || said.whole === false) this.tell();
      if (said.type === "subscribed") this.isThere = true;
      if (said.type === "message") this.take(said.base64 ?? said.data);
      if (this.isDone) socket.terminate();
    });
    await once(socket, "close");
  }

  async stream() {
    const headers = { Accept: "text/event-stream", "Last-Event-ID": `${this.scene.epoch}:${this.last}` };
    const outgoing = http.get({ host: "127.0.0.1", port: this.scene.server.port, path: "/channel/a", headers, agent });
    let rest = "", end;
    const ended = new Promise((resolve) => (end = resolve));
    outgoing.on("error", end).on("response", (response) => (this.isThere = true) && response.setEncoding("utf8").on("error", end).on("close", end).on("data", (text) => {
      const events = (rest + text).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        if (this.isDone) break;
        if (event.includes("event: towline.gap")) this.tell();
        else if (/^data: /m.test(event)) this.take(/^data: (.*)$/m.exec(event)[1]);
      }
      if (this.isDone) outgoing.destroy();
    }));
    await ended;
  }

  async poll() {
    this.isThere = true;
    while (!this.isDone) {
      const { status, body } = await request({ port: this.scene.server.port, path: `${this.target}&wait=1` });
      if (status !== 200) return; // busy: it comes again
      const { whole, messages: come } = JSON.parse(body);
      if (!whole) this.tell();
      for (const { data, base64 } of come) if (!this.isDone) this.take(base64 ?? data);
    }
  }

  /** Its connection is lost, and it comes back as it was, with what it missed, or is told. What the library has had, it has seen. */
  async socketio(transports) {
    this.socket ??= io(`http://127.0.0.1:${this.scene.server.port}`, { forceNew: true, transports, reconnection: false, autoConnect: false });
    const { socket } = this;
    const over = new Promise((resolve) => socket.on("disconnect", resolve).on("connect_error", resolve));
    socket.on("connect", () => {
      this.isThere = true;
      if (socket.recovered) return;
      if (this.hasCome) this.tell();
      this.hasCome = true;
      this.begin();
    });
    socket.on("message", (text) => {
      this.take(text);
      if (this.isDone) setImmediate(() => socket.io.engine.close()); // not between messages that came together: it would keep the rest of them
    });
    socket.receiveBuffer = []; // what its library took of a connection after that was closed: it comes again, as it asks for it
    socket.connect();
    await over;
    socket.off();
  }
  socketioByPolling = () => this.socketio(["polling"]);
  socketioByWebSocket = () => this.socketio(["websocket"]);
  socketioUpgrading = () => this.socketio(["polling", "websocket"]);

  pusher(transport) {
    const { port } = this.scene.server;
    return this.library((end, take) => {
      const pusher = new Pusher("key", {
        cluster: "", wsHost: "127.0.0.1", wsPort: port, httpHost: "127.0.0.1", httpPort: port, forceTLS: false, enabledTransports: [transport],
      });
      const channel = pusher.subscribe("a");
      channel.bind("pusher:subscription_succeeded", () => this.begin());
      channel.bind("message", take);
      pusher.connection.bind("state_change", ({ previous }) => previous === "connected" && end());
      return () => pusher.disconnect();
    });
  }
  pusherByWebSocket = () => this.pusher("ws");
  pusherByStreaming = () => this.pusher("xhr_streaming");
  pusherByPolling = () => this.pusher("xhr_polling");

  sockjs(transports) {
    return this.library((end, take) => {
      const socket = new SockJS(`http://127.0.0.1:${this.scene.server.port}/channel/a/sockjs`, null, { transports });
      Object.assign(socket, { onopen: () => this.begin(), onmessage: ({ data }) => take(data), onclose: end });
      return () => socket.close();
    });
  }
  sockjsByWebSocket = () => this.sockjs("websocket");
  sockjsByStreaming = () => this.sockjs("xhr-streaming");
  sockjsByPolling = () => this.sockjs("xhr-polling");

  engineio(transports) {
    return this.library((end, take) => {
      const socket = new EngineSocket(`http://127.0.0.1:${this.scene.server.port}`, { path: "/channel/a/engine.io/", transports });
      socket.on("open", () => this.begin()).on("message", take).on("close", end);
      return () => socket.close();
    });
  }
  engineioByPolling = () => this.engineio(["polling"]);
  engineioByWebSocket = () => this.engineio(["websocket"]);
  engineioUpgrading = () => this.engineio(["polling", "websocket"]);
}

const kinds = ["plain", "talk", "stream", "poll", "socketioByPolling", "socketioByWebSocket", "socketioUpgrading", "pusherByWebSocket",
  "pusherByStreaming", "pusherByPolling", "sockjsByWebSocket", "sockjsByStreaming", "sockjsByPolling", "engineioByPolling",
  "engineioByWebSocket", "engineioUpgrading"];

test(`${count} clients of all kinds miss nothing of ${messages} messages, or are told`, async (t) => {
  const folder = mkdtempSync("/tmp/towline-returns-");
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "towline.yaml");
  writeFileSync(path.join(folder, "secret"), "secret");
  writeFileSync(file, `workers: 2
handshake-seconds: 60
routes:
  - {path: /channel/*, channel: {}}
  - {path: /socket.io, socketio: {channels: {/: a}, recovery-seconds: 600}}
channels: [{name: a, publish: same-origin, history: ${kept}, history-seconds: 3600, history-bytes: 64M}]
pusher: [{id: 1, key: key, secret: secret, share: [a]}]
`);
  const server = await serve(t, ["-f", file]);
  const { position } = JSON.parse((await request({ port: server.port, path: "/channel/a" })).body);
  const scene = new Scene(server, position.split(":")[0]);
  const seed = Number(process.env.SEED ?? 1);
  const watcher = new WebSocket(server.url("/channel/a")); // so that the channel stays
  await once(watcher, "open");
  const clients = Array.from({ length: count }, (_, i) => new Client(scene, kinds[i % kinds.length], seed * 1000 + i));
  const runs = Promise.all(clients.map((client) => client.run()));
  const publisher = new WebSocket(server.url("/channel/"), ["towline.v1"]);
  await once(publisher, "open");
  publisher.on("message", (text) => {
    const { type, id } = JSON.parse(text);
    assert.equal(type, "published");
    scene.published = id;
  });
  const publish = (id) => publisher.send(JSON.stringify({ type: "publish", id: (scene.begun = id), channel: "a", ...bodyOf(id) }));
  for (let i = 1; i < messages; i++) {
    publish(i);
    if (i % 20 === 0 || i === messages - 1) await until(() => scene.published === i, `message ${i}`, patience);
  }
  scene.ends = true;
  await Promise.race([runs, until(() => clients.every((client) => client.isThere), "all clients", patience)]);
  publish(messages);
  await runs;
  const sum = (name) => clients.reduce((total, client) => total + client[name], 0);
  t.diagnostic(`seed ${seed}: ${sum("heard")} messages heard, ${sum("told")} times told that something is missing`);
  watcher.terminate();
  publisher.terminate();
});
