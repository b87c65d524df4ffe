// Peers that misbehave: each ends by its limit, which is counted, while others keep their latency.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { BINARY, CLOSE, CONTINUATION, PING, PONG, Raw, TEXT, closePayload, frame } from "../support/raw.mjs";
import { Server, holdNothingBack, loops, request, run, serve, sleep, until, within } from "../support/towline.mjs";

holdNothingBack();

/** Milliseconds that `count` echoes on a connection took, sorted. */
async function latencies(raw, count, pause = 5) {
  const times = [];
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    raw.send(frame(TEXT, `echo ${i}`));
    const answer = await raw.message();
    assert.equal(answer.payload.toString(), `echo ${i}`);
    times.push(performance.now() - started);
    await sleep(pause);
  }
  return times.sort((a, b) => a - b);
}

const median = (times) => times[times.length >> 1];

/** The time from now until the peer ends the connection, in milliseconds. */
async function timeToEnd(raw, milliseconds = 10000) {
  const started = Date.now();
  await raw.end(milliseconds);
  return raw.closedAt - started;
}

/** A limit of `seconds` was kept: not before, and, on a machine that has other work, not long after. */
function assertOnTime(milliseconds, seconds) {
  assert.ok(milliseconds >= seconds * 1000 - 100 && milliseconds < seconds * 1000 + 5000, `${milliseconds} ms for ${seconds} s`);
}

for (const io of loops) {
  describe(`limits, ${io}`, () => {
    test("a peer that never says a word is told 408 after handshake-seconds", async (t) => {
      const server = await serve(t, ["--io", io, "--handshake-seconds", "1"], { status: true });
      const raw = await Raw.connect(server.port);
      assertOnTime(await timeToEnd(raw), 1);
      assert.match(raw.received.toString(), /^HTTP\/1\.1 408 /);
      assert.equal(await server.limit("handshake-seconds"), 1);
    });

    test("a head that comes one byte a time ends with 408 after handshake-seconds", async (t) => {
      const server = await serve(t, ["--io", io, "--handshake-seconds", "1"], { status: true });
      const raw = await Raw.connect(server.port);
      const head = Raw.request(server.port, "/echo", {});
      const started = Date.now();
      for (let i = 0; i < head.length && !raw.over; i++) {
        raw.send(head[i]);
        await sleep(100);
      }
      assertOnTime(raw.closedAt - started, 1);
      assert.match(raw.received.toString(), /^HTTP\/1\.1 408 /);
      assert.equal(await server.limit("handshake-seconds"), 1);
    });

    test("a head of handshake-bytes is read, a longer one gets 431", async (t) => {
      const server = await serve(t, ["--io", io, "--handshake-bytes", "2048"], { status: true });
      const rest = Raw.request(server.port, "/echo", { "X-Filler": "" }).length;
      const fits = await Raw.open(server.port, "/echo", { "X-Filler": "x".repeat(2048 - rest) });
      fits.destroy();
      const raw = await Raw.connect(server.port);
      assert.match(await raw.handshake(server.port, "/echo", { "X-Filler": "x".repeat(2049 - rest) }), /^HTTP\/1\.1 431 /);
      await raw.end();
      assert.equal(await server.limit("handshake-bytes"), 1);
    });

    test("an endless head gets 431 and is not kept", async (t) => {
      const server = await serve(t, ["--io", io], { status: true });
      const before = server.memory();
      const raw = await Raw.connect(server.port);
      raw.send("GET /echo HTTP/1.1\r\nHost: x\r\nX-Endless: ");
      for (let i = 0; i < 500 && !raw.over; i++) {
        raw.send("x".repeat(20000));
        await sleep(1);
      }
      await raw.end();
      assert.ok(server.memory() - before < 4 << 20, "no memory for it");
      assert.equal(await server.limit("handshake-bytes"), 1);
    });

    test("a message that takes longer than message-seconds closes with 1008", async (t) => {
      const server = await serve(t, ["--io", io, "--message-seconds", "1"], { status: true });
      const raw = await Raw.open(server.port);
      const started = Date.now();
      const bytes = frame(BINARY, Buffer.alloc(1000));
      let sent = 0;
      while (!raw.over && raw.received.length === 0 && sent < 100) {
        raw.send(bytes.subarray(sent, ++sent));
        await sleep(100);
      }
      assert.equal(await raw.closeCode(), 1008);
      assertOnTime(Date.now() - started, 1);
      assert.equal(await server.limit("message-seconds"), 1);
      raw.destroy();
    });

    test("fragments without an end close with 1008 as well", async (t) => {
      const server = await serve(t, ["--io", io, "--message-seconds", "1"], { status: true });
      const raw = await Raw.open(server.port);
      raw.send(frame(TEXT, "begun", { final: false }));
      const started = Date.now();
      while (!raw.over && raw.received.length === 0) {
        raw.send(frame(CONTINUATION, "", { final: false }));
        await sleep(100);
      }
      assert.equal(await raw.closeCode(), 1008);
      assertOnTime(Date.now() - started, 1);
      raw.destroy();
    });

    test("silence brings a Ping after ping-seconds and 1001 after idle-seconds", async (t) => {
      const server = await serve(t, ["--io", io, "--ping-seconds", "1", "--idle-seconds", "3"], { status: true });
      const raw = await Raw.open(server.port);
      const started = Date.now();
      assert.equal((await raw.frame()).opcode, PING);
      assertOnTime(Date.now() - started, 1);
      assert.equal(await raw.closeCode(), 1001);
      assertOnTime(Date.now() - started, 3);
      assert.equal(await server.limit("idle-seconds"), 1);
      assert.ok((await server.limit("ping-seconds")) >= 1);
      await raw.end(); // this peer does not answer the Close either
    });

    test("a peer that answers Pings stays", async (t) => {
      const server = await serve(t, ["--io", io, "--ping-seconds", "1", "--idle-seconds", "2"], { status: true });
      const raw = await Raw.open(server.port);
      for (let i = 0; i < 4; i++) {
        const ping = await raw.frame();
        assert.equal(ping.opcode, PING);
        raw.send(frame(PONG, ping.payload));
      }
      assert.equal(raw.over, false);
      assert.equal(await server.limit("idle-seconds"), 0);
      raw.destroy();
    });

    test("a peer that does not answer a Close is reset: a second after an error", async (t) => {
      const server = await serve(t, ["--io", io, "--idle-seconds", "1"], { status: true });
      const raw = await Raw.open(server.port);
      assert.equal(await raw.closeCode(), 1001);
      const started = Date.now();
      await until(async () => (await server.counter("websockets")) === 0, "the reset");
      assertOnTime(Date.now() - started, 1);
      raw.destroy();
    });

    test("a peer that does not answer a Close is reset: after close-seconds, when all is well", async () => {
      const server = await Server.start(["--io", io, "--close-seconds", "2", "--drain-seconds", "60"]);
      const raw = await Raw.open(server.port);
      const started = Date.now();
      server.signal("SIGTERM");
      assert.equal(await raw.closeCode(), 1001);
      assert.equal(await within(20000, server.exit, "the exit"), 0, server.log);
      assertOnTime(Date.now() - started, 2);
      raw.destroy();
    });

    test("a peer that never reads is reset after stall-seconds", async (t) => {
      const server = await serve(t, ["--io", io, "--stall-seconds", "1", "--idle-seconds", "off"], { status: true });
      const other = await Raw.open(server.port);
      const before = server.memory();
      const raw = await Raw.open(server.port);
      raw.socket.pause();
      const started = Date.now();
      const message = frame(BINARY, Buffer.alloc(60000));
      let peak = 0;
      const flood = setInterval(() => {
        for (let i = 0; i < 20 && raw.socket.writableLength < 4 << 20; i++) raw.send(message);
        peak = Math.max(peak, server.memory());
      }, 5);
      t.after(() => clearInterval(flood));
      const beside = median(await latencies(other, 30));
      await until(async () => (await server.limit("stall-seconds")) === 1, "the stall is counted", 15000);
      clearInterval(flood);
      assert.ok(Date.now() - started < 20000);
      assert.ok(peak - before < 8 << 20, `${(peak - before) >> 20} MiB more`);
      assert.ok(beside < 500, `${beside} ms beside it`);
      raw.destroy();
      other.destroy();
    });

    test("silent, slow, half-open and unread peers leave others their latency", async (t) => {
      const limits = ["--handshake-seconds", "2", "--message-seconds", "2", "--idle-seconds", "3", "--ping-seconds", "1", "--close-seconds", "1", "--stall-seconds", "2"];
      const server = await serve(t, ["--io", io, ...limits], { status: true });
      const other = await Raw.open(server.port);
      const silent = await Promise.all(Array.from({ length: 20 }, () => Raw.connect(server.port)));
      const slow = await Promise.all(Array.from({ length: 20 }, () => Raw.connect(server.port)));
      const halfOpen = await Promise.all(Array.from({ length: 20 }, () => Raw.open(server.port)));
      const unread = await Promise.all(Array.from({ length: 5 }, () => Raw.open(server.port)));
      const flood = Buffer.concat(Array(400).fill(frame(BINARY, Buffer.alloc(60000))));
      for (const raw of unread) {
        raw.socket.pause();
        raw.send(flood);
      }
      let position = 0;
      const drip = setInterval(() => {
        for (const raw of slow) if (!raw.over) raw.send(Raw.request(server.port, "/echo", {})[position]);
        position++;
      }, 1000);
      t.after(() => clearInterval(drip));
      const beside = median(await latencies(other, 50));
      for (const raw of [...silent, ...slow, ...halfOpen]) await raw.end(15000);
      clearInterval(drip);
      await until(async () => (await server.counter("websockets")) === 1, "unread peers are reset", 15000);
      const stalls = await server.limit("stall-seconds");
      const cut = await server.limit("message-seconds"); // where the server stopped reading within a message
      assert.equal(stalls + cut, 5, `${stalls} stalled, ${cut} within a message`);
      assert.equal(await server.limit("handshake-seconds"), 40);
      assert.equal(await server.limit("idle-seconds"), 20);
      assert.ok(beside < 500, `${beside} ms beside them`);
      for (const raw of [...unread, other]) raw.destroy();
      await until(async () => (await server.counter("websockets")) === 0, "all are gone");
    });

    test("a claim of 2^63-1 bytes ends at the header with 1009 and no memory", async (t) => {
      const server = await serve(t, ["--io", io], { status: true });
      (await Raw.open(server.port)).destroy();
      const before = server.memory();
      for (let i = 0; i < 20; i++) {
        const raw = await Raw.open(server.port);
        raw.send(frame(BINARY, "", { claimed: (1n << 63n) - 1n }));
        assert.equal(await raw.closeCode(), 1009);
        raw.send(frame(CLOSE, closePayload(1009)));
        await raw.end();
      }
      assert.ok(server.memory() - before < 2 << 20, `${server.memory() - before} bytes more`);
      assert.equal(await server.limit("max-message"), 20);
    });

    test("fragments may not grow beyond max-message either", async (t) => {
      const server = await serve(t, ["--io", io, "--max-message", "1000"], { status: true });
      const raw = await Raw.open(server.port);
      raw.send(frame(BINARY, Buffer.alloc(600), { final: false }));
      raw.send(frame(CONTINUATION, Buffer.alloc(400), { final: true }));
      assert.equal((await raw.frame()).payload.length, 1000);
      raw.send(frame(BINARY, Buffer.alloc(600), { final: false }));
      raw.send(frame(CONTINUATION, "", { claimed: 401, final: false })); // the header is enough
      assert.equal(await raw.closeCode(), 1009);
      raw.destroy();
    });

    test("connections above max-connections get 503 until one goes", async (t) => {
      const server = await serve(t, ["--io", io, "--max-connections", "3"], { status: true });
      const first = await Raw.open(server.port);
      const second = await Raw.open(server.port);
      const third = await Raw.open(server.port);
      const raw = await Raw.connect(server.port);
      assert.match(await raw.head(), /^HTTP\/1\.1 503 /);
      await raw.end();
      first.destroy();
      await until(async () => {
        const again = await Raw.connect(server.port);
        const head = await again.handshake(server.port).catch(() => "");
        again.destroy();
        return head.startsWith("HTTP/1.1 101");
      }, "one goes, one comes");
      assert.ok((await server.limit("max-connections")) >= 1);
      second.destroy();
      third.destroy();
    });

    test("connections above max-connections-per-address get 503", async (t) => {
      const server = await serve(t, ["--io", io, "--max-connections-per-address", "2"], { status: true });
      const first = await Raw.open(server.port);
      const second = await Raw.open(server.port);
      const raw = await Raw.connect(server.port);
      assert.match(await raw.head(), /^HTTP\/1\.1 503 /);
      await raw.end();
      assert.equal(await server.limit("max-connections-per-address"), 1);
      first.destroy();
      second.destroy();
    });

    test("a flood of pings to a peer that does not read costs no memory", async (t) => {
      const server = await serve(t, ["--io", io, "--stall-seconds", "2"], { status: true });
      const before = server.memory();
      const raw = await Raw.open(server.port);
      raw.socket.pause();
      const pings = Buffer.concat(Array(2000).fill(frame(PING, "x".repeat(125))));
      for (let i = 0; i < 200 && !raw.over; i++) {
        if (raw.socket.writableLength < 8 << 20) raw.send(pings);
        await sleep(5);
      }
      assert.ok(server.memory() - before < 8 << 20, `${(server.memory() - before) >> 20} MiB more`);
      raw.destroy();
    });
  });
}

test("a peer that stops reading is not read either, and goes on when it reads again", async (t) => {
  const server = await serve(t, ["--stall-seconds", "30"], { status: true });
  const raw = await Raw.open(server.port);
  raw.socket.pause();
  const count = 500;
  const payload = Buffer.alloc(60000, 7);
  const message = frame(BINARY, payload);
  for (let i = 0; i < count; i++) raw.send(message);
  await sleep(500);
  assert.ok(raw.socket.writableLength > 0, "the server has stopped reading");
  raw.socket.resume();
  for (let i = 0; i < count; i++) assert.ok((await raw.frame()).payload.equals(payload));
  assert.equal(await server.limit("max-queue"), 0);
  raw.destroy();
});

// A peer that does not read its echoes, of which more than --max-queue waits; without a mark at which the server stops
// reading, as one read may bring enough to reach it with a single write. When it reads again, a Pong or a Close comes behind all of them.
async function overflow(t, io, policy) {
  const server = await serve(t, ["--io", io, "--overflow", policy, "--max-queue", "1K", "--high-mark", "off"], { status: true });
  const raw = await Raw.open(server.port);
  raw.socket.pause();
  let count = 0;
  await until(async () => {
    // How much the kernel takes for who does not read is the kernel's affair.
    for (let i = 0; i < 100 && raw.socket.writableLength < 4 << 20; i++) raw.send(frame(TEXT, `${count++} `.padEnd(20000, "x")));
    return (await server.limit("max-queue")) > 0;
  }, "the limit to take effect");
  raw.send(frame(PING, "end"));
  raw.socket.resume();
  const numbers = [];
  let got;
  while ((got = await raw.frame()).opcode === TEXT) numbers.push(Number.parseInt(got.payload.toString(), 10));
  return { server, raw, count, numbers, last: got };
}

for (const io of loops) {
  test(`over --max-queue the connection is closed, ${io}`, async (t) => {
    const { raw, last } = await overflow(t, io, "close");
    assert.equal(last.opcode, CLOSE);
    assert.equal(last.payload.readUInt16BE(0), 1008);
    raw.destroy();
  });

  for (const policy of ["refuse", "drop-oldest"])
    test(`with --overflow ${policy} messages are missing, and the connection stays, ${io}`, async (t) => {
      const { server, raw, count, numbers, last } = await overflow(t, io, policy);
      assert.equal(last.opcode, PONG);
      raw.send(frame(TEXT, "alive"));
      assert.equal((await raw.frame()).payload.toString(), "alive");
      raw.destroy();
      assert.ok(numbers.length < count);
      assert.ok(numbers.every((number, i) => i === 0 || number > numbers[i - 1]));
      assert.equal(await server.limit("max-queue"), count - numbers.length);
      assert.equal(await server.counter("messages_dropped_total"), policy === "refuse" ? 0 : count - numbers.length);
    });
}

test("--overflow drop-oldest leaves no hole in a context", async () => {
  const { status, errors } = await run(["serve", "--overflow", "drop-oldest", "--compression", "takeover"]);
  assert.equal(status, 2);
  assert.match(errors, /use --compression shared/);
});

test("a plain request is not kept waiting by hostile peers", async (t) => {
  const server = await serve(t, ["--handshake-seconds", "5"]);
  const silent = await Promise.all(Array.from({ length: 100 }, () => Raw.connect(server.port)));
  const started = performance.now();
  assert.equal((await request({ port: server.port, path: "/.console" })).status, 200);
  assert.ok(performance.now() - started < 4500);
  for (const raw of silent) raw.destroy();
});
