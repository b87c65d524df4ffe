// Folders of handlers for tests: native ones are built once, and put in place as people do.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import WebSocket from "ws";

import { Server, run, until, within } from "./towline.mjs";

/** A folder in memory, where that is possible, that is gone after the test. */
export function temporaryFolder(t) {
  const folder = mkdtempSync("/dev/shm/towline-test-");
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An echo that puts a tag in front of what it sends back. */
export const taggedEcho = (tag) => `#include <stdio.h>
#include <towline/handler.h>

static void on_message(tow_websocket *socket, const tow_message *message) {
    char text[256];
    int length = snprintf(text, sizeof(text), "${tag}%.*s", (int)message->length, (const char *)message->data);
    tow_websocket_send(socket, TOW_TEXT, text, (size_t)length);
}

TOW_HANDLER(.on_message = on_message);
`;

/** Builds a native handler of a text; returns the library's path. */
export async function build(folder, name, text) {
  const source = path.join(folder, `${name}.c`);
  writeFileSync(source, text);
  const { status, errors } = await run(["handler", "build", source], { milliseconds: 60000 });
  assert.equal(status, 0, errors);
  return path.join(folder, `${name}.so`);
}

/** Puts a copy of a file at a path by a rename, so that it is there at once. */
export function put(file, to) {
  mkdirSync(path.dirname(to), { recursive: true });
  const part = path.join(path.dirname(to), `.${path.basename(to)}.part`);
  copyFileSync(file, part);
  renameSync(part, to);
}

/** `towline serve -w FOLDER`, ended with the test, after which it must have ended well. */
export async function serveHandlers(t, folder, words = []) {
  const server = await Server.start(["-w", folder, ...words]);
  t.after(() => server.stop());
  server.logged = (text, milliseconds) => until(() => server.log.includes(text), `"${text}" in the log`, milliseconds);
  return server;
}

/** An open client: `ask(text)` gives the answer to it; `closed` the close event. */
export async function open(t, server, target, options = {}) {
  const socket = new WebSocket(server.url(target), options.protocols ?? [], { perMessageDeflate: false, ...options });
  const waiting = [];
  socket.on("message", (data) => waiting.shift()?.(data.toString()));
  socket.closed = new Promise((resolve) => socket.on("close", (code) => resolve(code)));
  socket.on("error", () => {});
  t.after(() => socket.terminate());
  await within(10000, new Promise((resolve, reject) => {
    socket.on("open", resolve);
    socket.on("unexpected-response", (_, response) => reject(new Error(`refused with ${response.statusCode}`)));
  }), `${target} open`);
  socket.next = () => within(10000, new Promise((resolve) => waiting.push(resolve)), "a message");
  socket.ask = (text) => {
    const answer = socket.next();
    socket.send(text);
    return answer;
  };
  return socket;
}

/** What a new connection to a path is answered. */
export async function asked(t, server, target, text = "x") {
  const socket = await open(t, server, target);
  const answer = await socket.ask(text);
  socket.close();
  await socket.closed;
  return answer;
}

/** With which status an opening handshake is refused; 101: it is not. */
export async function refusal(t, server, target) {
  try {
    (await open(t, server, target)).close();
    return 101;
  } catch (error) {
    return Number(error.message.split(" ").pop());
  }
}

/** The examples in a page of the documentation: what stands in a block of this language, by the name of the file just before it. */
export function documented(page, language) {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), "utf8");
  const blocks = [...text.matchAll(new RegExp("`([^`\\s]+)`:\\n\\n```" + language + "\\n([^]*?)```", "g"))];
  return Object.fromEntries(blocks.map(([, name, content]) => [name, content]));
}
