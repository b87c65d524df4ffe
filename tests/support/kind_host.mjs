// Handlers of one kind by themselves (kind_host.c), so that a test can set their options.

import assert from "node:assert/strict";
import path from "node:path";
import WebSocket from "ws";

import { clock } from "./prober.mjs";
import { Server, holdNothingBack, program, sleep, until, within } from "./towline.mjs";

holdNothingBack();

const host = path.join(path.dirname(program), "tests/kind-host");

/** Starts it for a test: words as kind_host.c has them; it is ended with the test, and must end well. */
export async function serveKind(t, ...words) {
  const server = new Server([host, ...words.map(String)]);
  let ended = false;
  server.exit.then(() => (ended = true));
  t.after(() => server.stop());
  const place = () => server.log.match(/listening on (\d+)/);
  await until(() => ended || place(), "listening", 20000);
  assert.ok(place(), `it did not start: ${server.log}`);
  server.port = Number(place()[1]);
  return server;
}

/** An open client, which keeps what it gets: `messages` (texts, or Buffers), `next(count)`, `closed`. */
export async function client(t, server, target, { headers = {}, protocols = [] } = {}) {
  const socket = new WebSocket(server.url(target), protocols, { headers, perMessageDeflate: false });
  socket.messages = [];
  socket.on("message", (data, isBinary) => socket.messages.push(isBinary ? data : data.toString()));
  socket.closed = new Promise((resolve) => socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() })));
  socket.on("error", () => {});
  t.after(() => socket.terminate());
  await within(10000, new Promise((resolve, reject) => {
    socket.on("open", resolve);
    socket.on("unexpected-response", (_, response) => reject(new Error(`refused with ${response.statusCode}`)));
  }), "open");
  socket.next = (count, milliseconds) => until(() => socket.messages.length >= count && socket.messages, `${count} messages`, milliseconds);
  socket.end = (milliseconds = 20000) => within(milliseconds, socket.closed, "the close event");
  return socket;
}

/** With which status an opening handshake is refused; 101 if it is not, and `opened` gets the client. */
export async function refusal(t, server, target, opened = () => {}) {
  try {
    opened(await client(t, server, target));
  } catch (error) {
    return Number(error.message.split(" ").pop());
  }
  return 101;
}

/** The longest that an echo takes while `task` is under way, in milliseconds. */
export async function slowestEcho(t, server, task) {
  const socket = await client(t, server, "/echo");
  let over = false, slowest = 0;
  const done = task().finally(() => (over = true));
  while (!over) {
    const began = clock(server.pid);
    const before = socket.messages.length;
    socket.send("x");
    await socket.next(before + 1, 20000);
    slowest = Math.max(slowest, clock(server.pid) - began);
    await sleep(5);
  }
  await done;
  socket.close();
  return slowest;
}
