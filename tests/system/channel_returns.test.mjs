// Real clients of each kind on one channel and two workers, which cut themselves off after some messages, by a seed, and come back when
// some more were published: each gets every message once and in order, or is told that some are missing.
//
// CLIENTS, MESSAGES and SEED say how many, and by which seed.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { test } from "node:test";
import WebSocket from "ws";

import { request, serve, until } from "../support/towline.mjs";

const count = Number(process.env.CLIENTS ?? (process.env.TOWLINE_ALL ? 200 : 24));
const messages = Number(process.env.MESSAGES ?? (process.env.TOWLINE_ALL ? 2000 : 400));
const kept = Math.ceil(messages / 8);

/** Numbers below `limit`, by a seed. */
function chanceOf(seed) {
  let state = Math.imul(seed, 2654435761) >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const agent = new http.Agent({ keepAlive: false });

/** What all clients have in common. */
class Scene {
  published = 0;
  over = false;

  constructor(server, epoch) {
    Object.assign(this, { server, epoch });
  }
}

class Client {
  last = 0;
  told = 0;
  isTold = false;

  constructor(scene, kind, seed) {
    Object.assign(this, { scene, kind, draw: chanceOf(seed) });
  }

  get target() {
    return `/channel/a?since=${this.scene.epoch}:${this.last}`;
  }

  take(text) {
    const number = Number(text);
    assert.ok(this.isTold ? number > this.last : number === this.last + 1, `${this.kind}: ${number} after ${this.last}`);
    this.last = number;
    this.isTold = false;
    this.left -= 1;
  }

  tell() {
    this.isTold = true;
    this.told += 1;
  }

  /** Comes and goes until it has the last message. */
  async run() {
    while (this.last < messages) {
      this.left = 1 + this.draw(60);
      await this[this.kind]();
      const back = this.scene.published + this.draw(kept * 2);
      await until(() => this.scene.published >= back || this.scene.published === messages, "time to come back", 600000);
    }
  }

  get isDone() {
    return this.left <= 0 || this.last >= messages;
  }

  async plain() {
    const socket = new WebSocket(this.scene.server.url(this.target));
    socket.on("error", () => {});
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
      if (said.type === "message") this.take(said.data);
      if (this.isDone) socket.terminate();
    });
    await once(socket, "close");
  }

  async stream() {
    const headers = { Accept: "text/event-stream", "Last-Event-ID": `${this.scene.epoch}:${this.last}` };
    const outgoing = http.get({ host: "127.0.0.1", port: this.scene.server.port, path: "/channel/a", headers, agent });
    let rest = "", end;
    const ended = new Promise((resolve) => (end = resolve));
    outgoing.on("error", end).on("response", (response) => response.setEncoding("utf8").on("error", end).on("close", end).on("data", (text) => {
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
    while (!this.isDone) {
      const { status, body } = await request({ port: this.scene.server.port, path: `${this.target}&wait=1` });
      if (status !== 200) return; // busy: it comes again
      const { whole, messages: come } = JSON.parse(body);
      if (!whole) this.tell();
      for (const { data } of come) if (!this.isDone) this.take(data);
    }
  }
}

const kinds = ["plain", "talk", "stream", "poll"];

test(`${count} clients of all kinds miss nothing of ${messages} messages, or are told`, async (t) => {
  const folder = mkdtempSync("/tmp/towline-returns-");
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "towline.yaml");
  writeFileSync(file, `workers: 2
handshake-seconds: 60
routes: [{path: /channel/*, channel: {}}]
channels: [{name: a, publish: same-origin, history: ${kept}, history-seconds: 3600, history-bytes: 64M}]
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
  for (let i = 1; i <= messages; i++) {
    publisher.send(JSON.stringify({ type: "publish", id: i, channel: "a", data: `${i}` }));
    if (i % 50 === 0) await until(() => scene.published === i, `message ${i}`, 600000);
  }
  await until(() => scene.published === messages, "all messages", 600000);
  await runs;
  for (const client of clients) assert.equal(client.last, messages);
  const told = clients.reduce((sum, client) => sum + client.told, 0);
  t.diagnostic(`seed ${seed}: ${told} times told that something is missing`);
  watcher.terminate();
  publisher.terminate();
});
