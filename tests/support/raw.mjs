// A client that does what it is told, right or wrong: bytes in, bytes out, frames made by hand.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import net from "node:net";

import { until } from "./towline.mjs";

export const CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10;

/** A frame. `claimed` is the length in the header, where it shall not be that of the payload. */
export function frame(opcode, payload = "", { final = true, masked = true, reserved = 0, claimed } = {}) {
  const bytes = Buffer.from(payload);
  const length = BigInt(claimed ?? bytes.length);
  const extra = length < 126n ? 0 : length < 65536n ? 2 : 8;
  const header = Buffer.alloc(2 + extra);
  header[0] = (final ? 0x80 : 0) | (reserved << 4) | opcode;
  header[1] = (masked ? 0x80 : 0) | (extra === 0 ? Number(length) : extra === 2 ? 126 : 127);
  if (extra === 2) header.writeUInt16BE(Number(length), 2);
  if (extra === 8) header.writeBigUInt64BE(length, 2);
  if (!masked) return Buffer.concat([header, bytes]);
  const key = randomBytes(4);
  return Buffer.concat([header, key, bytes.map((byte, i) => byte ^ key[i % 4])]);
}

export function closePayload(code, reason = "") {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2);
  return payload;
}

/** Reads one frame from the front: { opcode, final, payload, rest }, or null while it is not complete. */
export function readFrame(bytes) {
  if (bytes.length < 2) return null;
  const short = bytes[1] & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < start) return null;
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < start + length) return null;
  return {
    opcode: bytes[0] & 15,
    final: (bytes[0] & 0x80) !== 0,
    reserved: (bytes[0] >> 4) & 7,
    masked: (bytes[1] & 0x80) !== 0,
    payload: bytes.subarray(start, start + length),
    rest: bytes.subarray(start + length),
  };
}

export class Raw {
  static async connect(port) {
    const raw = new Raw(net.connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true }));
    await until(() => raw.connected || raw.over, "a connection");
    return raw;
  }

  /** Connected, and the opening handshake done. `headers` are added; null removes one. */
  static async open(port, target = "/echo", headers = {}) {
    const raw = await Raw.connect(port);
    const head = await raw.handshake(port, target, headers);
    assert.match(head, /^HTTP\/1\.1 101 /);
    return raw;
  }

  constructor(socket) {
    this.socket = socket;
    this.received = Buffer.alloc(0);
    this.connected = false;
    this.ended = false; // the peer's FIN came
    this.reset = false;
    this.closedAt = 0;
    socket.on("connect", () => (this.connected = true));
    socket.on("data", (bytes) => (this.received = Buffer.concat([this.received, bytes])));
    socket.on("end", () => this.#over("ended"));
    socket.on("error", () => this.#over("reset"));
    socket.on("close", () => this.#over("closed"));
  }

  #over(how) {
    this[how] = true;
    this.closedAt ||= Date.now();
  }

  get over() {
    return this.ended || this.reset || this.closed === true;
  }

  send(bytes) {
    this.socket.write(bytes);
    return this;
  }

  static request(port, target, headers) {
    const fields = {
      Host: `127.0.0.1:${port}`,
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version": "13",
      ...headers,
    };
    const lines = Object.entries(fields).filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${value}\r\n`);
    return `GET ${target} HTTP/1.1\r\n${lines.join("")}\r\n`;
  }

  /** Sends an opening handshake and returns the head of the answer. */
  async handshake(port, target = "/echo", headers = {}) {
    this.send(Raw.request(port, target, headers));
    const head = await this.head();
    if (head.startsWith("HTTP/1.1 101")) {
      const key = headers["Sec-WebSocket-Key"] ?? "dGhlIHNhbXBsZSBub25jZQ==";
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      assert.ok(head.includes(accept), head);
    }
    return head;
  }

  /** The head of the answer that comes next; its body stays in `received`. */
  async head(milliseconds = 20000) {
    await until(() => this.received.includes("\r\n\r\n") || this.over, "the head of an answer", milliseconds);
    const end = this.received.indexOf("\r\n\r\n");
    assert.ok(end >= 0, `no head but ${JSON.stringify(this.received.toString("latin1"))}`);
    const head = this.received.subarray(0, end + 4).toString("latin1");
    this.received = this.received.subarray(end + 4);
    return head;
  }

  /** The next frame, or null when the connection ended before one was complete. */
  async frame(milliseconds = 20000) {
    await until(() => readFrame(this.received) || this.over, "a frame", milliseconds);
    const next = readFrame(this.received);
    if (next) this.received = next.rest;
    return next;
  }

  /** The next frame that is no Ping; Pings are answered on the way. */
  async message(milliseconds = 20000) {
    for (;;) {
      const next = await this.frame(milliseconds);
      if (next?.opcode !== PING) return next;
      this.send(frame(PONG, next.payload));
    }
  }

  /** Passes over Pings until a Close comes, and returns its code (1005 without one). Null: the connection ended without. */
  async closeCode(milliseconds = 20000) {
    for (;;) {
      const next = await this.frame(milliseconds);
      if (next === null) return null;
      if (next.opcode === CLOSE) return next.payload.length >= 2 ? next.payload.readUInt16BE(0) : 1005;
    }
  }

  /** Waits until the peer has ended or reset the connection, and then lets go of it, too. */
  async end(milliseconds = 20000) {
    await until(() => this.over, "the end of the connection", milliseconds);
    this.socket.destroy();
  }

  destroy() {
    this.socket.destroy();
  }
}
