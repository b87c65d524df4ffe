// A configuration file and a server of it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import WebSocket from "ws";

import { Server, until, within } from "./towline.mjs";

/** Where it listens: any port of this machine. */
export const head = "port: 127.0.0.1:0\n";

/** A folder for one test, with the file in it: { folder, file, write(text) }, where a text takes the file's place at once. */
export function configuration(t, text) {
  const folder = mkdtempSync("/tmp/towline-config-");
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "towline.yaml");
  const write = (next) => {
    writeFileSync(`${file}.new`, next);
    renameSync(`${file}.new`, file);
  };
  write(text);
  return { folder, file, write };
}

export async function start(t, file, words = [], options = { ports: [] }) {
  const server = await Server.start(["-f", file, ...words], options);
  t.after(() => server.stop());
  return server;
}

/** Sends SIGHUP and waits for the log to say what became of it. */
export async function reload(server) {
  const before = server.log.length;
  server.signal("SIGHUP");
  const said = /was read again: .*|.*stays as it was/;
  await until(() => said.test(server.log.slice(before)), "the reload is in the log");
  return server.log.slice(before);
}

export async function open(t, server, target, options) {
  const socket = new WebSocket(server.url(target), options);
  t.after(() => socket.terminate());
  await within(10000, once(socket, "open"), "open");
  return socket;
}

export async function echoes(socket, text) {
  const answer = once(socket, "message");
  socket.send(text);
  assert.equal((await within(10000, answer, "the echo"))[0].toString(), text);
}

export async function refused(server, target, options) {
  const socket = new WebSocket(server.url(target), options);
  socket.on("error", () => {});
  const [, response] = await within(10000, once(socket, "unexpected-response"), "a refusal");
  socket.terminate();
  return response.statusCode;
}
