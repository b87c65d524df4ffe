// Clients that mean harm to channels and sessions: bytes are made ahead, sent at once, and what comes is dropped or not even read.

import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";

import { Raw } from "./raw.mjs";
import { until, within } from "./towline.mjs";

const text = 0x81, zeroKey = Buffer.alloc(4);

/** A text message in pieces. The masking key is 0, so that nothing has to be masked. */
function message(data) {
  const payload = Buffer.from(data);
  const { length } = payload;
  const header = Buffer.alloc(length < 126 ? 2 : length < 65536 ? 4 : 10, text);
  header[1] = 0x80 | (length < 126 ? length : length < 65536 ? 126 : 127);
  if (header.length === 4) header.writeUInt16BE(length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
  return [header, zeroKey, payload];
}

export class Flood {
  /** `authority` is the PEM of who has signed the server's certificate; none: the server is plain. */
  constructor(server, authority) {
    this.server = server;
    this.authority = authority;
    this.open = [];
  }

  /** Notes what has been counted so far. */
  async begin() {
    this.before = await this.#metrics();
  }

  async #metrics() {
    return new Map((await this.server.metrics()).split("\n").map((line) => [line.slice("towline_".length, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
  }

  /** Waits until this has been counted since then. */
  counts(name, milliseconds) {
    return until(async () => (await this.#metrics()).get(name) > this.before.get(name), `more of ${name}`, milliseconds);
  }

  /** A connection; `reads` it, dropping what comes, or does not read at all. */
  async connect({ reads = true } = {}) {
    const { port } = this.server;
    const socket = this.authority
      ? tls.connect({ host: "127.0.0.1", port, ca: this.authority })
      : net.connect({ host: "127.0.0.1", port, noDelay: true });
    socket.on("error", () => {});
    this.open.push(socket);
    const connected = once(socket, this.authority ? "secureConnect" : "connect");
    await within(10000, connected, "a connection");
    if (reads) socket.resume();
    else socket.pause();
    return socket;
  }

  /** A WebSocket that is open, with what else it offers. */
  async websocket(target, headers = {}, { reads = true } = {}) {
    const socket = await this.connect();
    const raw = new Raw(socket);
    assert.match(await raw.handshake(this.server.port, target, headers), /^HTTP\/1\.1 101 /, target);
    socket.removeAllListeners("data");
    if (reads) socket.resume();
    else socket.pause();
    return Object.assign(raw, { says: (texts) => raw.send(Buffer.concat(texts.flatMap(message))) });
  }

  /** All requests at once on a connection of their own. */
  async requests(list, options) {
    const socket = await this.connect(options);
    socket.write(Buffer.concat(list));
    return socket;
  }

  /** What requests on one connection are answered, until `mark` stands in it or as many answers have come: { text, statuses }. */
  async answer(list, mark) {
    const socket = await this.connect();
    let heard = "";
    const statuses = () => [...heard.matchAll(/HTTP\/1\.1 (\d+) /g)].map((found) => Number(found[1]));
    socket.on("data", (bytes) => (heard += bytes.toString("latin1")));
    socket.write(Buffer.concat(list));
    await until(() => (mark ? heard.includes(mark) : statuses().length >= list.length) || socket.destroyed, "answers");
    return { text: heard, statuses: statuses() };
  }

  end() {
    for (const socket of this.open.splice(0)) socket.destroy();
  }
}

export function request(method, target, headers = {}, body = "") {
  const bytes = Buffer.from(body);
  const fields = { Host: "127.0.0.1", ...(bytes.length > 0 || method === "POST" ? { "Content-Length": bytes.length } : {}), ...headers };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`), bytes]);
}

export const many = (count, make) => Array.from({ length: count }, (_, i) => make(i));
