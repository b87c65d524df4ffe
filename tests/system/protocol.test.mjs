// What breaks RFC 6455 fails the connection with the right status code; what came before is answered.

import assert from "node:assert/strict";
import { test } from "node:test";

import { BINARY, CLOSE, CONTINUATION, PING, PONG, Raw, TEXT, closePayload, frame } from "../support/raw.mjs";
import { serve } from "../support/towline.mjs";

const violations = [
  ["a frame without a mask", frame(TEXT, "x", { masked: false }), 1002],
  ["a reserved bit", frame(TEXT, "x", { reserved: 2 }), 1002],
  ["RSV1 without compression", frame(TEXT, "x", { reserved: 4 }), 1002],
  ["a reserved data opcode", frame(3, "x"), 1002],
  ["a reserved control opcode", frame(11, "x"), 1002],
  ["a Ping in fragments", frame(PING, "x", { final: false }), 1002],
  ["a Ping of 126 bytes", frame(PING, "x".repeat(126)), 1002],
  ["a continuation of nothing", frame(CONTINUATION, "x"), 1002],
  ["a message inside another", Buffer.concat([frame(TEXT, "x", { final: false }), frame(TEXT, "y")]), 1002],
  ["a length with its highest bit set", frame(BINARY, "", { claimed: 1n << 63n }), 1002],
  ["a length that is not minimal", Buffer.from([0x82, 0xfe, 0, 1, 0, 0, 0, 0, 1]), 1002],
  ["a Close of one byte", frame(CLOSE, "x"), 1002],
  ["a Close with code 1005", frame(CLOSE, closePayload(1005)), 1002],
  ["a Close with code 2999", frame(CLOSE, closePayload(2999)), 1002],
  ["a Close with a reason that is no UTF-8", frame(CLOSE, Buffer.from([3, 232, 0xff])), 1007],
  ["text that is no UTF-8", frame(TEXT, Buffer.from([0xed, 0xa0, 0x80])), 1007],
  ["a fragment that is no UTF-8, though more is to come", frame(TEXT, Buffer.from([0xff]), { final: false }), 1007],
  ["a text that ends within a character", frame(TEXT, Buffer.from([0xe6, 0xb0])), 1007],
];

test("violations of the protocol", async (t) => {
  const server = await serve(t, []);
  for (const [name, bytes, code] of violations) {
    await t.test(`${name} fails with ${code}, after what came before was answered`, async () => {
      const raw = await Raw.open(server.port);
      raw.send(Buffer.concat([frame(TEXT, "before"), bytes, frame(TEXT, "after")]));
      const answer = await raw.frame();
      assert.equal(answer.payload.toString(), "before");
      assert.equal(answer.masked, false);
      assert.equal(await raw.closeCode(), code);
      await raw.end();
      assert.equal(raw.received.length, 0, "nothing after the Close");
    });
  }
});

test("a Close is answered, and nothing after it", async (t) => {
  const server = await serve(t, []);
  const raw = await Raw.open(server.port);
  raw.send(Buffer.concat([frame(TEXT, "one"), frame(CLOSE, closePayload(1000, "bye")), frame(TEXT, "two")]));
  assert.equal((await raw.frame()).payload.toString(), "one");
  assert.equal(await raw.closeCode(), 1000);
  await raw.end();
  assert.equal(raw.received.length, 0);
});

test("frames that are pipelined behind the opening handshake are answered", async (t) => {
  const server = await serve(t, []);
  const raw = await Raw.connect(server.port);
  raw.send(Buffer.concat([Buffer.from(Raw.request(server.port, "/echo", {})), frame(TEXT, "early")]));
  assert.match(await raw.head(), /^HTTP\/1\.1 101 /);
  assert.equal((await raw.frame()).payload.toString(), "early");
  raw.destroy();
});

test("a handshake and frames that come byte by byte are understood", async (t) => {
  const server = await serve(t, []);
  const raw = await Raw.connect(server.port);
  const bytes = Buffer.concat([Buffer.from(Raw.request(server.port, "/echo", {})), frame(TEXT, "x".repeat(200)), frame(PING, "p")]);
  for (const byte of bytes) {
    raw.send(Buffer.from([byte]));
    await new Promise(setImmediate);
  }
  assert.match(await raw.head(), /^HTTP\/1\.1 101 /);
  assert.equal((await raw.frame()).payload.toString(), "x".repeat(200));
  const pong = await raw.frame();
  assert.equal(pong.opcode, PONG);
  assert.equal(pong.payload.toString(), "p");
  raw.destroy();
});

test("a Ping between fragments is answered at once", async (t) => {
  const server = await serve(t, []);
  const raw = await Raw.open(server.port);
  raw.send(Buffer.concat([frame(TEXT, "a", { final: false }), frame(PING, "now")]));
  assert.equal((await raw.frame()).payload.toString(), "now");
  raw.send(frame(CONTINUATION, "b"));
  assert.equal((await raw.frame()).payload.toString(), "ab");
  raw.destroy();
});

test("a peer that only ends its side is let go", async (t) => {
  const server = await serve(t, [], { status: true });
  const raw = await Raw.open(server.port);
  raw.socket.end();
  await raw.end();
  assert.equal(await server.counter("websockets"), 0);
});
