// Peers that mean harm, or do not know better, below and inside TLS: each costs a bounded amount of memory and time, and others are
// served meanwhile.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { after, describe, test } from "node:test";
import tls from "node:tls";
import WebSocket from "ws";

import { Authority } from "../support/authority.mjs";
import { BINARY, PING, Raw, TEXT, frame } from "../support/raw.mjs";
import { holdNothingBack, loops, serve, sleep, until, within } from "../support/towline.mjs";

holdNothingBack();
const authority = Authority.make(after);
const identity = authority.issue("localhost");
const words = ["-t", "-c", identity.certificate, "-k", identity.key, "--workers", "1"];
const mebibyte = 1 << 20;

/** A client that does what it is told, over TLS. */
async function secure(server, options = {}) {
  const socket = tls.connect({ host: "127.0.0.1", port: server.port, ca: authority.text, ...options });
  const raw = new Raw(socket);
  await within(20000, once(socket, "secureConnect"), "the TLS handshake");
  socket.setNoDelay(true);
  return raw;
}

async function opened(server, options = {}) {
  const raw = await secure(server, options);
  assert.match(await raw.handshake(server.port), /^HTTP\/1\.1 101 /);
  return raw;
}

/** Somebody who is served all the while: the longest that an echo took, in milliseconds, when asked. */
class Bystander {
  static async start(t, server) {
    const socket = new WebSocket(`wss://${server.host}/echo`, { ca: authority.text });
    await within(20000, once(socket, "open"), "open");
    const bystander = new Bystander(socket);
    t.after(() => socket.terminate());
    return bystander;
  }

  #longest = 0;
  #running = true;

  constructor(socket) {
    this.socket = socket;
    this.ended = this.#run();
  }

  async #run() {
    for (let i = 0; this.#running; i++) {
      const started = Date.now();
      const answer = within(20000, once(this.socket, "message"), "a bystander's answer");
      this.socket.send(`${i}`);
      assert.equal((await answer)[0].toString(), `${i}`);
      this.#longest = Math.max(this.#longest, Date.now() - started);
      await sleep(20);
    }
  }

  async stop() {
    this.#running = false;
    await this.ended;
    assert.ok(this.#longest < 5000, `${this.#longest} ms`);
  }
}

/** A ClientHello as openssl makes it, taken from a client that is never answered. */
async function clientHello() {
  const server = net.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = tls.connect({ host: "127.0.0.1", port: server.address().port, servername: "localhost" });
  client.on("error", () => {});
  const [peer] = await once(server, "connection");
  const [bytes] = await once(peer, "data");
  peer.destroy();
  client.destroy();
  server.close();
  return bytes;
}

/** The beginning of a ClientHello that claims `length` bytes: records of a handshake, as many as it takes. */
function claim(length, sent) {
  const body = Buffer.alloc(sent, 0);
  body.set([1, length >> 16, (length >> 8) & 255, length & 255, 3, 3]);
  const records = [];
  for (let at = 0; at < sent; at += 16384) {
    const piece = body.subarray(at, at + 16384);
    records.push(Buffer.from([22, 3, 1, piece.length >> 8, piece.length & 255]), piece);
  }
  return Buffer.concat(records);
}

for (const io of loops) {
  describe(`hostile TLS, ${io}`, () => {
    test("silence, a byte at a time and half a ClientHello end with handshake-seconds", async (t) => {
      const server = await serve(t, ["--io", io, ...words, "--handshake-seconds", "1"], { status: true });
      const bystander = await Bystander.start(t, server);
      const hello = await clientHello();
      const started = Date.now();
      const silent = await Promise.all(Array.from({ length: 5 }, () => Raw.connect(server.port)));
      const slow = await Promise.all(Array.from({ length: 5 }, () => Raw.connect(server.port)));
      const half = await Raw.connect(server.port);
      half.send(hello.subarray(0, hello.length / 2));
      const answered = await Raw.connect(server.port); // says no more after the ServerHello
      answered.send(hello);
      for (let i = 0; i < 20 && slow.some((raw) => !raw.over); i++) {
        for (const raw of slow) if (!raw.over) raw.send(hello.subarray(i, i + 1));
        await sleep(100);
      }
      for (const raw of [...silent, ...slow, half, answered]) {
        await raw.end(9000);
        const took = raw.closedAt - started;
        assert.ok(took >= 900 && took < 9000, `${took} ms`);
        assert.equal(raw.received.includes("HTTP"), false, "nothing in plain");
      }
      assert.equal(await server.limit("handshake-seconds"), 12);
      await bystander.stop();
    });

    test("a handshake that was done and no request ends with handshake-seconds too", async (t) => {
      const server = await serve(t, ["--io", io, ...words, "--handshake-seconds", "1"]);
      const raw = await secure(server);
      await raw.end(9000); // the default is 10 s
    });

    test("a peer that ends or resets within the handshake leaves nothing behind", async (t) => {
      const server = await serve(t, ["--io", io, ...words]);
      const hello = await clientHello();
      const bystander = await Bystander.start(t, server);
      const before = server.descriptors();
      for (let length = 0; length <= hello.length; length += 37) {
        const ending = await Raw.connect(server.port);
        ending.send(hello.subarray(0, length));
        ending.socket.end();
        const resetting = await Raw.connect(server.port);
        resetting.send(hello.subarray(0, length));
        resetting.socket.resetAndDestroy();
        await ending.end();
      }
      await until(() => server.descriptors() === before, "all descriptors are closed");
      await bystander.stop();
    });

    test("a ClientHello that claims megabytes ends at once, one of 128 KiB at handshake-seconds", async (t) => {
      const server = await serve(t, ["--io", io, ...words, "--handshake-seconds", "5"]);
      const bystander = await Bystander.start(t, server);
      const before = server.memory();
      const started = Date.now();
      const greedy = await Promise.all(Array.from({ length: 20 }, () => Raw.connect(server.port)));
      for (const raw of greedy) raw.send(claim(0xffffff, 16384));
      for (const raw of greedy) await raw.end();
      assert.ok(Date.now() - started < 4900, "they are not waited for");
      const large = await Promise.all(Array.from({ length: 20 }, () => Raw.connect(server.port)));
      for (const raw of large) raw.send(claim(131000, 130900));
      await sleep(500);
      const grown = server.memory() - before;
      assert.ok(grown < 24 * mebibyte, `${grown} bytes for 20 connections`);
      for (const raw of large) await raw.end();
      await bystander.stop();
    });

    test("what is no TLS, and records that are broken, end the connection", async (t) => {
      const server = await serve(t, ["--io", io, ...words]);
      const bystander = await Bystander.start(t, server);
      for (const bytes of ["SSH-2.0-OpenSSH_9.2\r\n", Buffer.alloc(1000), Buffer.alloc(1000, 0xff), Buffer.from([22, 3, 1, 0, 0]), Buffer.from([23, 3, 3, 0, 1, 0])]) {
        const raw = await Raw.connect(server.port);
        raw.send(bytes);
        raw.socket.end();
        await raw.end();
      }
      const beneath = net.connect({ host: "127.0.0.1", port: server.port });
      const raw = await opened(server, { socket: beneath });
      beneath.write(Buffer.from([23, 3, 3, 0, 40, ...Buffer.alloc(40, 1)])); // past TLS, into the midst of its records
      await raw.end();
      await bystander.stop();
    });

    test("renegotiation is refused, and the connection goes on", async (t) => {
      const server = await serve(t, ["--io", io, ...words]);
      const client = spawn("openssl", ["s_client", "-connect", server.host, "-CAfile", authority.certificate, "-tls1_2", "-legacy_renegotiation"], { stdio: "pipe" });
      t.after(() => client.kill());
      let output = "";
      for (const stream of [client.stdout, client.stderr]) stream.on("data", (text) => (output += text));
      await until(() => /Verify return code/.test(output), "the TLS handshake");
      client.stdin.write("R\n");
      await within(20000, once(client, "close"), "openssl's end");
      assert.match(output, /RENEGOTIATING[^]*no renegotiation/);
      const socket = await opened(server);
      socket.destroy();
    });

    test("a flood of key updates to a peer that does not read costs no memory", async (t) => {
      const server = await serve(t, ["--io", io, ...words, "--handshake-seconds", "60"]);
      const bystander = await Bystander.start(t, server);
      const before = server.memory();
      const client = spawn("openssl", ["s_client", "-connect", server.host, "-CAfile", authority.certificate, "-quiet", "-no_ign_eof"], { stdio: "pipe" });
      t.after(() => client.kill("SIGKILL"));
      client.stdin.on("error", () => {});
      for (let i = 0; i < 300; i++) {
        client.stdin.write("K\n"); // asks for the peer's new keys as well
        await sleep(3);
      }
      client.kill("SIGSTOP");
      assert.ok(server.memory() - before < 8 * mebibyte, `${server.memory() - before} bytes`);
      client.kill("SIGCONT");
      await bystander.stop();
    });

    test("records of one byte make the same message", async (t) => {
      const server = await serve(t, ["--io", io, ...words]);
      const bystander = await Bystander.start(t, server);
      const raw = await opened(server);
      const before = server.memory();
      const message = frame(BINARY, Buffer.alloc(20000, "tiny"));
      for (let i = 0; i < message.length; i++) raw.send(message.subarray(i, i + 1));
      const answer = await raw.message(30000);
      assert.ok(answer.payload.equals(Buffer.alloc(20000, "tiny")));
      assert.ok(server.memory() - before < 8 * mebibyte);
      raw.destroy();
      await bystander.stop();
    });

    test("a peer that never reads is not read either, and is reset after stall-seconds", async (t) => {
      const server = await serve(t, ["--io", io, ...words, "--stall-seconds", "2"], { status: true });
      const bystander = await Bystander.start(t, server);
      const before = server.memory();
      const deaf = await Promise.all(Array.from({ length: 3 }, () => opened(server)));
      const message = frame(BINARY, Buffer.alloc(mebibyte, 1));
      for (const raw of deaf) {
        raw.socket.pause();
        for (let i = 0; i < 24; i++) raw.send(message);
      }
      await sleep(1000);
      const grown = server.memory() - before;
      assert.ok(grown < 3 * 8 * mebibyte, `${grown} bytes for ${deaf.length} connections`);
      await until(async () => (await server.limit("stall-seconds")) === deaf.length, "all are reset", 15000);
      for (const raw of deaf) raw.destroy();
      await bystander.stop();
    });

    test("a flood of pings to a peer that does not read costs no memory", async (t) => {
      const server = await serve(t, ["--io", io, ...words]);
      const bystander = await Bystander.start(t, server);
      const raw = await opened(server);
      const before = server.memory();
      const pings = Buffer.concat(Array.from({ length: 500 }, () => frame(PING, Buffer.alloc(125, 1))));
      raw.socket.pause();
      for (let i = 0; i < 200; i++) raw.send(pings);
      await sleep(1500);
      const grown = server.memory() - before;
      assert.ok(grown < 12 * mebibyte, `${grown} bytes`);
      raw.destroy();
      await bystander.stop();
    });

    test("connections above max-connections get 503 over TLS as well", async (t) => {
      const server = await serve(t, ["--io", io, ...words, "--max-connections", "2"]);
      const first = await opened(server);
      const second = await opened(server);
      const third = await secure(server);
      assert.match(await third.head(), /^HTTP\/1\.1 503 /);
      third.destroy();
      second.send(frame(TEXT, "served"));
      assert.equal((await second.message()).payload.toString(), "served");
      first.destroy();
      second.destroy();
    });
  });
}
