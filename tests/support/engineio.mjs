// engine.io-client, and the HTTP requests of one.

import assert from "node:assert/strict";
import { Socket } from "engine.io-client";

import { request, until, within } from "./towline.mjs";

/** The ways that a client may go. */
export const ways = [["polling"], ["websocket"], ["polling", "websocket"]];

/** A session at `target` that keeps what it hears; it is closed after the test. */
export async function session(t, server, target, transports, options = {}) {
  const socket = new Socket(`http://${server.host}`, { path: `${target}/engine.io/`, transports, ...options });
  socket.binaryType = "nodebuffer";
  socket.messages = [];
  socket.on("message", (data) => socket.messages.push(data));
  const closed = new Promise((resolve) => socket.on("close", (reason) => resolve(reason)));
  t.after(() => socket.close());
  await within(20000, new Promise((resolve, reject) => {
    socket.on("open", resolve);
    socket.on("error", reject);
  }), "open");
  return Object.assign(socket, {
    closed,
    next: (count) => until(() => socket.messages.length >= count, `${count} messages`).then(() => socket.messages.splice(0)),
    upgraded: () => until(() => socket.transport.name === "websocket", "the upgrade"),
  });
}

const query = (target, more) => `${target}/engine.io/?EIO=4&transport=polling${more}`;

/** Begins a session by hand: { sid, get(), post(body) }. */
export async function begin(server, target = "/echo", headers = {}) {
  const { status, body } = await request({ port: server.port, path: query(target, ""), headers });
  assert.equal(status, 200, body.toString());
  const { sid, ...open } = JSON.parse(body.toString().slice(1));
  return {
    sid,
    open,
    get: () => request({ port: server.port, path: query(target, `&sid=${sid}`) }),
    post: (text) => request({ port: server.port, path: query(target, `&sid=${sid}`), method: "POST", body: text }),
  };
}

