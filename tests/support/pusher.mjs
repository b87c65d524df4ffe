// An app of Pusher's protocol: a server of it, clients by pusher-js, and the app's own server by the pusher SDK.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import PusherServer from "pusher";
import Pusher from "pusher-js";
import WebSocket from "ws";

import { start } from "./configuration.mjs";
import { until, within } from "./towline.mjs";

export const app = { id: "42", key: "test-key-123", secret: "test-secret-456" };

/** A server with the app, and what stands in `more` (lines of YAML behind the app's own); `top` goes above, `others` are more apps. */
export async function serve(t, more = [], { top = "", others = "", words = [], options = { ports: [] } } = {}) {
  const folder = mkdtempSync("/tmp/towline-pusher-");
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, "secret"), `${app.secret}\n`);
  const file = path.join(folder, "towline.yaml");
  const lines = [`id: ${app.id}`, `key: ${app.key}`, "secret: secret", ...more];
  writeFileSync(file, `port: 127.0.0.1:0\n${top}pusher:\n  - ${lines.join("\n    ")}\n${others}`);
  const server = await start(t, file, words, options);
  server.file = file;
  return server;
}

/** The app's own server. */
export function sdk(server, more = {}) {
  return new PusherServer({ appId: app.id, key: app.key, secret: app.secret, host: "127.0.0.1", port: String(server.port), useTLS: false, ...more });
}

/** A client, by pusher-js, that asks the app's server in this process for signatures; `user` is who it is. */
export function client(t, server, user = null, more = {}) {
  const signer = sdk(server);
  const made = new Pusher(app.key, {
    cluster: "",
    wsHost: "127.0.0.1",
    wsPort: server.port,
    httpHost: "127.0.0.1",
    httpPort: server.port,
    forceTLS: false,
    enableStats: false,
    disableStats: true,
    enabledTransports: ["ws"],
    channelAuthorization: {
      customHandler({ socketId, channelName }, callback) {
        const presence = channelName.startsWith("presence-") && user ? { user_id: user.id, user_info: user.info } : undefined;
        callback(null, signer.authorizeChannel(socketId, channelName, presence));
      },
    },
    userAuthentication: {
      customHandler({ socketId }, callback) {
        callback(null, signer.authenticateUser(socketId, user));
      },
    },
    ...more,
  });
  t.after(() => made.disconnect());
  return made;
}

/** Waits for an event of a channel, or of whatever has `bind`: its data. */
export function event(from, name, what = name) {
  return within(15000, new Promise((resolve) => {
    const listen = (data) => {
      from.unbind(name, listen);
      resolve(data);
    };
    from.bind(name, listen);
  }), what);
}

export async function connected(made) {
  if (made.connection.state !== "connected") await event(made.connection, "connected");
  return made.connection.socket_id;
}

/** The channel, when it stands: { channel, data }. */
export async function subscribed(made, name) {
  const channel = made.subscribe(name);
  const data = await event(channel, "pusher:subscription_succeeded", `subscription of ${name}`);
  return { channel, data };
}

/** A bare client: what comes is kept in `messages`, as texts and as objects. */
export class Bare {
  static async open(t, server, { target = `/app/${app.key}?protocol=7&client=js&version=8.6.0&flash=false`, options } = {}) {
    const bare = new Bare(server.url(target), options);
    t.after(() => bare.socket.terminate());
    await within(15000, once(bare.socket, "open"), "open");
    return bare;
  }

  constructor(url, options) {
    this.texts = [];
    this.messages = [];
    this.socket = new WebSocket(url, options);
    this.closed = once(this.socket, "close").then(([code, reason]) => ({ code, reason: reason.toString() }));
    this.socket.on("error", () => {});
    this.socket.on("message", (text) => {
      this.texts.push(text.toString());
      this.messages.push(JSON.parse(text));
    });
  }

  say(object) {
    this.socket.send(typeof object === "string" ? object : JSON.stringify(object));
  }

  /** The next message for which this holds, of those not looked at before. */
  async next(check, what) {
    this.seen ??= 0;
    const found = await until(() => {
      for (; this.seen < this.messages.length; this.seen++) if (check(this.messages[this.seen])) return this.messages[this.seen++];
      return null;
    }, what ?? "a message");
    return found;
  }

  named(name) {
    return this.next((message) => message.event === name, name);
  }

  async greeted() {
    const { data } = await this.named("pusher:connection_established");
    return JSON.parse(data);
  }
}

/** Something that webhooks are sent to: `requests` are { headers, body }, `events` all of them in order. */
export async function hook(t, answer = () => 200) {
  const got = { requests: [], events: [] };
  const server = http.createServer((request, response) => {
    const pieces = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", () => {
      const body = Buffer.concat(pieces).toString();
      const status = answer(got.requests.length);
      got.requests.push({ headers: request.headers, body, status });
      if (status === 200) got.events.push(...JSON.parse(body).events);
      response.writeHead(status).end();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  got.url = `http://127.0.0.1:${server.address().port}/hook`;
  return got;
}

/** The body of an answer of the SDK's, which demands 200. */
export async function answer(promise) {
  const response = await promise;
  assert.equal(response.status, 200);
  return response.json();
}
