// WebSocket clients that mean harm, in plain and over TLS: each costs a bounded amount of memory, and another client's echoes come
// all the while.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, describe, test } from "node:test";
import tls from "node:tls";
import zlib from "node:zlib";

import { Authority } from "../support/authority.mjs";
import { Prober } from "../support/prober.mjs";
import { BINARY, CONTINUATION, PING, Raw, TEXT, frame } from "../support/raw.mjs";
import { holdNothingBack, serve, sleep, until, ways, within } from "../support/towline.mjs";

holdNothingBack();
const mebibyte = 1 << 20;
const authority = Authority.make(after);
const identity = authority.issue("localhost");

async function connect(server, secure) {
  let raw;
  if (secure) {
    const socket = tls.connect({ host: "127.0.0.1", port: server.port, ca: authority.text });
    raw = new Raw(socket);
    await within(20000, once(socket, "secureConnect"), "the TLS handshake");
  } else {
    raw = await Raw.connect(server.port);
  }
  const head = await raw.handshake(server.port, "/echo", { "Sec-WebSocket-Extensions": "permessage-deflate" });
  assert.match(head, /^HTTP\/1\.1 101 /);
  assert.match(head, /permessage-deflate/);
  return raw;
}

const times = (bytes, count) => Buffer.concat(Array(count).fill(bytes));

/** The payload of a compressed message (RFC 7692, section 7.2.1). */
function deflated(data) {
  const bytes = zlib.deflateRawSync(data, { level: 9, finishFlush: zlib.constants.Z_SYNC_FLUSH });
  return bytes.subarray(0, bytes.length - 4);
}

function bomb(size, opcode = BINARY) {
  return frame(opcode, deflated(Buffer.alloc(size, "x")), { reserved: 4 });
}

function bombInFragments(size) {
  const payload = deflated(Buffer.alloc(size));
  const half = payload.length >> 1;
  return Buffer.concat([
    frame(BINARY, payload.subarray(0, half), { reserved: 4, final: false }),
    frame(CONTINUATION, payload.subarray(half)),
  ]);
}

/** Text that is work for a compressor. */
function dense(size) {
  const text = Buffer.alloc(size);
  for (let i = 0, x = 1; i < size; i++) {
    x = (x * 1103515245 + 12345) & 0x7fffffff;
    text[i] = 97 + ((x >> 16) & 7);
  }
  return text;
}

/** What each attacker sends, and whether it reads the answers at once. All read after a while. */
const attackers = {
  "messages that inflate to 16 MiB": { bytes: times(bomb(16 * mebibyte), 30), reads: true },
  "the same as text": { bytes: times(bomb(16 * mebibyte, TEXT), 30), reads: true },
  "the same in fragments": { bytes: times(bombInFragments(16 * mebibyte), 30), reads: true },
  "the same, unread": { bytes: times(bomb(16 * mebibyte), 30), reads: false },
  "messages that inflate to 512 KiB": { bytes: times(bomb(mebibyte / 2), 2000), reads: true },
  "messages that inflate to a KiB": { bytes: times(bomb(1024), 50000), reads: true },
  "large messages to be compressed": { bytes: times(frame(TEXT, dense(mebibyte / 2)), 16), reads: true },
  "messages of 16 MiB to be compressed": { bytes: times(frame(TEXT, dense(16 * mebibyte)), 3), reads: true },
  "a flood of small messages": { bytes: times(frame(BINARY, "x"), 1000000), reads: true },
  "a flood of small messages, unread": { bytes: times(frame(BINARY, "x"), 1000000), reads: false },
  "a flood of Pings, unread": { bytes: times(frame(PING, Buffer.alloc(125)), 50000), reads: false },
  "a flood of empty fragments": {
    bytes: Buffer.concat([frame(TEXT, "", { final: false }), times(frame(CONTINUATION, "", { final: false }), 1000000)]),
    reads: true,
  },
};

/** Runs an attacker for a while. */
async function attack(server, secure, { bytes, reads }) {
  const raw = await connect(server, secure);
  raw.socket.removeAllListeners("data"); // what comes is dropped
  if (reads) raw.socket.resume();
  else raw.socket.pause();
  raw.send(bytes);
  await sleep(350);
  raw.socket.resume();
  await sleep(150);
  raw.destroy();
}

for (const { io, secure } of ways) {
  const words = ["--io", io, "--workers", "1", ...(secure ? ["-t", "-c", identity.certificate, "-k", identity.key] : [])];
  const urlOf = (server) => `${secure ? "wss" : "ws"}://${server.host}/echo`;

  describe(`hostile WebSocket, ${io}, ${secure ? "over TLS" : "in plain"}`, () => {
    test("no client makes another one wait, or the server grow", async (t) => {
      const server = await serve(t, words);
      const prober = await Prober.start(t, server, urlOf(server), secure ? authority.certificate : "");
      for (const [name, attacker] of Object.entries(attackers)) {
        const before = server.memory();
        let longest = Infinity;
        let grown = 0;
        for (let i = 0; i < 6 && longest >= 500; i++) {
          await prober.longest();
          await attack(server, secure, attacker);
          grown = Math.max(grown, server.memory() - before);
          longest = await prober.longest();
        }
        assert.ok(longest < 500, `${name}: another client waited ${longest} ms, six times`);
        assert.ok(grown < 96 * mebibyte, `${name}: ${grown} bytes`);
      }
    });

    test("messages without an end hold no more than --max-unfinished-per-address", async (t) => {
      const server = await serve(t, [...words, "--max-unfinished-per-address", "20M"], { status: true });
      const prober = await Prober.start(t, server, urlOf(server), secure ? authority.certificate : "");
      const before = server.memory();
      const clients = [];
      for (let i = 0; i < 8; i++) {
        const raw = await connect(server, secure);
        raw.send(frame(BINARY, Buffer.alloc(8 * mebibyte), { final: false }));
        clients.push(raw);
      }
      await until(async () => (await server.limit("max-unfinished-per-address")) === 6, "six are closed");
      assert.ok((await server.counter("unfinished_bytes")) <= 20 * mebibyte);
      assert.ok(server.memory() - before < 64 * mebibyte);
      assert.ok((await prober.longest()) < 5000);
      for (const raw of clients) raw.destroy();
      await until(async () => (await server.counter("unfinished_bytes")) === 0, "nothing is held");
    });
  });
}
