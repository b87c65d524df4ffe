// Clients of Socket.IO, and the server that they test (socketio_server.c).

import assert from "node:assert/strict";
import path from "node:path";
import { io } from "socket.io-client";

import { Server, program, until, within } from "./towline.mjs";

/** The ways in which a client may come. */
export const ways = [
  { name: "polling only", transports: ["polling"] },
  { name: "WebSocket only", transports: ["websocket"] },
  { name: "upgrading", transports: ["polling", "websocket"] },
];

/** Starts it for a test, which it ends with, and well. */
export async function serveSocketio(t, { io = "auto", ping = 0, pong = 0, connect = 0, recovery = 0, port = 0, workers = 1 } = {}) {
  const file = path.join(path.dirname(program), "tests/socketio-server");
  const server = new Server([file, `127.0.0.1:${port}`, io, ping, pong, connect, recovery, workers].map(String));
  let ended = false;
  server.exit.then(() => (ended = true));
  t.after(() => server.stop());
  const place = () => server.log.match(/^port (\d+)$/m);
  await until(() => ended || place(), "listening", 20000);
  assert.ok(place(), `it did not start: ${server.log}`);
  server.port = Number(place()[1]);
  return server;
}

/** A client of a namespace; it is closed after the test. Its events are in `events`: [name, ...arguments]. */
export function client(t, server, scope = "/", options = {}) {
  const socket = io(`http://127.0.0.1:${server.port}${scope}`, { forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 200, ...options });
  socket.events = [];
  socket.onAny((...event) => socket.events.push(event));
  socket.hears = (name, count = 1) =>
    until(() => {
      const heard = socket.events.filter(([event]) => event === name);
      return heard.length >= count && heard.at(-1);
    }, `${count} ${name}, but ${JSON.stringify(socket.events)}`);
  socket.isOpen = () => until(() => socket.connected, "connected");
  socket.asks = (...event) => within(15000, socket.emitWithAck(...event), `the answer to ${event[0]}`);
  t.after(() => socket.close());
  return socket;
}
