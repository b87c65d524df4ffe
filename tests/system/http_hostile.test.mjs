// Clients of HTTP that mean harm, in plain and over TLS: each costs a bounded amount of memory, and another client's echoes come
// all the while.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, mkdirSync, openSync, closeSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import tls from "node:tls";

import { Authority } from "../support/authority.mjs";
import { Prober } from "../support/prober.mjs";
import { BINARY, PING, Raw, frame } from "../support/raw.mjs";
import { holdNothingBack, serve, sleep, until, ways, within } from "../support/towline.mjs";

holdNothingBack();
const mebibyte = 1 << 20;
const authority = Authority.make(after);
const identity = authority.issue("localhost");

let folder;
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "towline-hostile-"));
  mkdirSync(path.join(folder, "many"));
  for (let i = 0; i < 2000; i++) closeSync(openSync(path.join(folder, "many", `${i}`), "w"));
  writeFileSync(path.join(folder, "large"), "");
  truncateSync(path.join(folder, "large"), 4096 * mebibyte);
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function connect(server, secure) {
  if (!secure) return Raw.connect(server.port);
  const socket = tls.connect({ host: "127.0.0.1", port: server.port, ca: authority.text });
  const raw = new Raw(socket);
  await within(20000, once(socket, "secureConnect"), "the TLS handshake");
  return raw;
}

const get = (target, { method = "GET", fields = "" } = {}) => `${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;
const again = (text, bytes) => Buffer.concat(Array(Math.ceil(bytes / text.length)).fill(Buffer.from(text)));
const upgrade = "Upgrade: websocket\r\n";

/** What each attacker sends, and whether it reads the answers at once. All read after a while. */
const attackers = {
  "a queue of requests for the page of a large folder": { text: get("/many/", { method: "HEAD" }), bytes: 65536, reads: true },
  "a queue of requests for small pages": { text: get("/.console", { method: "HEAD" }), bytes: 262144, reads: true },
  "a queue of requests for upgrades, unread": { text: get("/.console", { method: "HEAD", fields: upgrade }), bytes: 16 * mebibyte, reads: false },
  "a queue of requests, unread": { text: get("/many/1"), bytes: 16 * mebibyte, reads: false },
  "a large file": { text: get("/large"), bytes: 1, reads: true },
};

/** Runs an attacker for a while. */
async function attack(server, secure, { text, bytes, reads }) {
  const raw = await connect(server, secure);
  raw.socket.removeAllListeners("data"); // what comes is dropped
  if (reads) raw.socket.resume();
  else raw.socket.pause();
  raw.send(again(text, bytes));
  await sleep(600);
  raw.socket.resume();
  await sleep(600);
  raw.destroy();
}

/** What a client sends that never reads, in each state of a connection of HTTP and just behind it. */
const deaf = [
  [get("/.console", { method: "HEAD" })],
  [get("/.console", { method: "HEAD", fields: upgrade })],
  [get("/large")],
  [get("/many/")],
  [get("/echo")], // is refused: the connection lingers
  ["NONSENSE\r\n\r\n"],
  [get("/many/1", { method: "POST", fields: "Content-Length: 4\r\n" }) + "four"],
  [get("/many/1", { method: "POST", fields: "Transfer-Encoding: chunked\r\n" }) + "4\r\nfour\r\n0\r\n\r\n"],
  [get("/many/1", { method: "POST", fields: "Expect: 100-continue\r\nContent-Length: 4\r\n" }) + "four"],
  [frame(BINARY, Buffer.alloc(65536)), Raw.request(0, "/echo", {})],
  [frame(PING, Buffer.alloc(125)), Raw.request(0, "/echo", {})],
];

/** An answer of `size` bytes whose reader waits before it reads. */
async function stalledDownload(server, secure, size, connection) {
  const raw = await connect(server, secure);
  raw.socket.removeAllListeners("data");
  raw.socket.pause();
  const range = `Range: bytes=0-${size - 1}\r\nConnection: ${connection}\r\n`;
  raw.send(get("/large", { fields: range }));
  await sleep(1500);
  let received = 0;
  let head = "";
  raw.socket.on("data", (bytes) => {
    received += bytes.length;
    if (!head.includes("\r\n\r\n")) head += bytes.toString("latin1");
  });
  raw.socket.resume();
  const isWhole = () => head.includes("\r\n\r\n") && received >= head.indexOf("\r\n\r\n") + 4 + size;
  await until(() => isWhole() || raw.over, `${size} bytes`, 30000);
  assert.ok(isWhole(), `${received} bytes of ${size} came`);
  assert.equal(received, head.indexOf("\r\n\r\n") + 4 + size);
  raw.destroy();
}

for (const { io, secure } of ways) {
  const words = () => ["--io", io, "--workers", "1", "-d", folder, ...(secure ? ["-t", "-c", identity.certificate, "-k", identity.key] : [])];
  const urlOf = (server) => `${secure ? "wss" : "ws"}://${server.host}/echo`;

  describe(`hostile HTTP, ${io}, ${secure ? "over TLS" : "in plain"}`, () => {
    test("no client makes another one wait, or the server grow", async (t) => {
      const server = await serve(t, words());
      const prober = await Prober.start(t, server, urlOf(server), secure ? authority.certificate : "");
      for (const [name, attacker] of Object.entries(attackers)) {
        const before = server.memory();
        let longest = Infinity;
        for (let i = 0; i < 6 && longest >= 500; i++) {
          await prober.longest();
          await attack(server, secure, attacker);
          longest = await prober.longest();
        }
        assert.ok(longest < 500, `${name}: another client waited ${longest} ms, six times`);
        const grown = server.memory() - before;
        assert.ok(grown < 24 * mebibyte, `${name}: ${grown} bytes`);
      }
    });

    test("clients that never read are not read, whatever they ask for", async (t) => {
      const server = await serve(t, words(), { status: true });
      const prober = await Prober.start(t, server, urlOf(server), secure ? authority.certificate : "");
      const before = server.memory();
      const clients = [];
      for (const [text, first = ""] of deaf) {
        const raw = await connect(server, secure);
        raw.socket.pause();
        raw.send(first).send(again(text, (text.includes("Upgrade") ? 32 : 8) * mebibyte));
        clients.push(raw);
      }
      let grown = 0;
      await until(async () => {
        const earlier = grown;
        await sleep(500);
        grown = server.memory() - before;
        return grown > 24 * mebibyte || grown - earlier < mebibyte / 4;
      }, "nothing more is read");
      assert.ok(grown < 24 * mebibyte, `${grown} bytes for ${deaf.length} clients`);
      for (const raw of clients) raw.destroy();
      await until(async () => (await server.counter("connections")) === 1, "all but the prober are gone");
      assert.ok((await prober.longest()) < 5000);
    });

    test("answers around what the kernel takes arrive whole at readers that stall", async (t) => {
      const server = await serve(t, words());
      const sizes = Array.from({ length: 24 }, (_, i) => Math.round(65536 * 1.22 ** i) + i);
      await Promise.all(sizes.flatMap((size) => ["close", "keep-alive"].map((connection) => stalledDownload(server, secure, size, connection))));
    });
  });
}
