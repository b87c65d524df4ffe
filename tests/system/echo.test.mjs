// ws, a client that we did not write, against /echo.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { describe, test } from "node:test";
import WebSocket from "ws";

import { loops, serve, within } from "../support/towline.mjs";

async function open(url, protocols, options = {}) {
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false, maxPayload: 64 << 20, ...options });
  socket.binaryType = "nodebuffer";
  await within(20000, once(socket, "open"), "open");
  return socket;
}

async function echo(socket, message, options = {}) {
  const answer = within(30000, once(socket, "message"), "an answer");
  socket.send(message, options);
  const [data, isBinary] = await answer;
  return { data, isBinary };
}

async function close(socket, ...words) {
  const closed = within(20000, once(socket, "close"), "close");
  socket.close(...words);
  const [code, reason] = await closed;
  return { code, reason: reason.toString() };
}

const lengths = [0, 1, 125, 126, 127, 65535, 65536, 65537, 1 << 20, 16 << 20];

for (const io of loops) {
  describe(`echo, ${io}`, () => {
    test("binary messages of every length class come back", async (t) => {
      const server = await serve(t, ["--io", io]);
      const socket = await open(server.url());
      for (const length of lengths) {
        const message = randomBytes(length);
        const { data, isBinary } = await echo(socket, message);
        assert.equal(isBinary, true);
        assert.ok(data.equals(message), `${length} bytes`);
      }
      assert.equal((await close(socket, 1000, "done")).code, 1000);
    });

    test("texts of every length class come back", async (t) => {
      const server = await serve(t, ["--io", io]);
      const socket = await open(server.url());
      for (const length of lengths) {
        const message = "Zürich 水 🚢 ".repeat(length / 20 + 1).slice(0, length / 2);
        const { data, isBinary } = await echo(socket, message);
        assert.equal(isBinary, false);
        assert.ok(data.toString() === message, `${length / 2} characters`);
      }
      socket.terminate();
    });

    test("a message at max-message comes back, one byte more closes with 1009", async (t) => {
      const server = await serve(t, ["--io", io, "--max-message", "100000"], { status: true });
      const socket = await open(server.url());
      const message = randomBytes(100000);
      assert.ok((await echo(socket, message)).data.equals(message));
      const closed = within(20000, once(socket, "close"), "close");
      socket.send(randomBytes(100001));
      assert.equal((await closed)[0], 1009);
      assert.equal(await server.limit("max-message"), 1);
    });

    test("a fragmented message comes back whole, with a ping between its fragments", async (t) => {
      const server = await serve(t, ["--io", io]);
      const socket = await open(server.url());
      const answer = within(20000, once(socket, "message"), "an answer");
      const pong = within(20000, once(socket, "pong"), "a pong");
      socket.send("one, ", { fin: false });
      socket.ping("in between");
      socket.send("two, ", { fin: false });
      socket.send("three", { fin: true });
      assert.equal((await pong)[0].toString(), "in between");
      assert.equal((await answer)[0].toString(), "one, two, three");
      socket.terminate();
    });

    test("many messages in flight come back in order", async (t) => {
      const server = await serve(t, ["--io", io]);
      const socket = await open(server.url());
      const got = [];
      const all = new Promise((resolve) => socket.on("message", (data) => got.push(data.toString()) === 5000 && resolve()));
      const sent = Array.from({ length: 5000 }, (_, i) => `${i} ${"x".repeat(i % 300)}`);
      for (const message of sent) socket.send(message);
      await within(20000, all, "5000 answers");
      assert.deepEqual(got, sent);
      socket.terminate();
    });

    test("a hundred connections echo at the same time", async (t) => {
      const server = await serve(t, ["--io", io]);
      const sockets = await Promise.all(Array.from({ length: 100 }, () => open(server.url())));
      await Promise.all(
        sockets.map(async (socket, i) => {
          for (const length of [10, 1000, 100000]) {
            const message = Buffer.alloc(length, i);
            assert.ok((await echo(socket, message)).data.equals(message));
          }
          assert.equal((await close(socket, 1000)).code, 1000);
        }),
      );
    });

    for (const [name, server, client, header] of [
      ["shared", "shared", true, /permessage-deflate; server_no_context_takeover/],
      ["takeover", "takeover", true, /^permessage-deflate(?!.*server_no_context_takeover)/],
      ["takeover, which the client declines", "takeover", { clientNoContextTakeover: true, serverNoContextTakeover: true }, /server_no_context_takeover/],
      ["windows of 9 bits", "takeover", { clientMaxWindowBits: 9, serverMaxWindowBits: 9 }, /server_max_window_bits=9/],
      ["off", "off", true, /^$/],
    ]) {
      test(`compression ${name}`, async (t) => {
        const started = await serve(t, ["--io", io, "--compression", server]);
        const threshold = typeof client === "object" ? { ...client, threshold: 0 } : { threshold: 0 };
        const socket = await open(started.url(), [], { perMessageDeflate: threshold });
        assert.match(socket.extensions === "" ? "" : extensionsOf(socket), header);
        const long = "the same words again and again, ".repeat(5000);
        for (const message of ["short", long, randomBytes(3000).toString("hex"), long, ""]) {
          const { data, isBinary } = await echo(socket, message);
          assert.equal(data.toString(), message);
          assert.equal(isBinary, false);
        }
        const binary = randomBytes(200000);
        assert.ok((await echo(socket, binary)).data.equals(binary));
        const sentBefore = socket._socket.bytesRead;
        await echo(socket, long);
        if (server !== "off") assert.ok(socket._socket.bytesRead - sentBefore < long.length / 20, "the answer was compressed");
        assert.equal((await close(socket, 1000)).code, 1000);
      });
    }
  });
}

function extensionsOf(socket) {
  const parameters = socket._extensions["permessage-deflate"].params;
  return Object.entries(parameters).reduce((text, [name, value]) => `${text}; ${name}${value === true ? "" : `=${value}`}`, "permessage-deflate");
}

test("a message beyond max-message after inflation closes with 1009", async (t) => {
  const server = await serve(t, ["--max-message", "100000"], { status: true });
  const socket = await open(server.url(), [], { perMessageDeflate: { threshold: 0 } });
  assert.equal((await echo(socket, "a".repeat(100000))).data.length, 100000);
  const closed = within(20000, once(socket, "close"), "close");
  socket.send("a".repeat(50 << 20)); // 50 KiB on the wire
  assert.equal((await closed)[0], 1009);
  assert.equal(await server.limit("max-message"), 1);
});

test("the first subprotocol offered is taken", async (t) => {
  const server = await serve(t, []);
  const socket = await open(server.url(), ["soap", "xmpp"]);
  assert.equal(socket.protocol, "soap");
  socket.terminate();
  const other = await open(server.url(), ["xmpp"]);
  assert.equal(other.protocol, "xmpp");
  other.terminate();
  const none = await open(server.url());
  assert.equal(none.protocol, "");
  none.terminate();
});

test("close codes and reasons are answered as they were sent", async (t) => {
  const server = await serve(t, []);
  for (const [words, code, reason] of [
    [[], 1005, ""],
    [[1000], 1000, ""],
    [[1000, "bye"], 1000, "bye"],
    [[1001, "leaving"], 1001, "leaving"],
    [[1012], 1012, ""],
    [[1014], 1014, ""],
    [[3000, "é".repeat(61)], 3000, "é".repeat(61)],
    [[4999, "x".repeat(123)], 4999, "x".repeat(123)],
  ]) {
    const socket = await open(server.url());
    const answer = await close(socket, ...words);
    assert.equal(answer.code, code);
    assert.ok(answer.reason === reason || answer.reason === "", `${answer.reason} for ${reason}`);
  }
});

test("messages go through a Unix socket", async (t) => {
  const { mkdtempSync, rmSync } = await import("node:fs");
  const folder = mkdtempSync("/tmp/towline-test-");
  t.after(() => rmSync(folder, { recursive: true }));
  await serve(t, [], { ports: ["127.0.0.1:0", `unix:${folder}/socket`] }).catch((error) => assert.fail(error));
  const socket = await open(`ws+unix:${folder}/socket:/echo`);
  assert.equal((await echo(socket, "through a file")).data.toString(), "through a file");
  assert.equal((await close(socket, 1000)).code, 1000);
});

test("a query and a Unicode path do not disturb", async (t) => {
  const server = await serve(t, []);
  const socket = await open(server.url("/echo?room=%E6%B0%B4&x=1"));
  assert.equal((await echo(socket, "hello")).data.toString(), "hello");
  socket.terminate();
});

test("localhost listens on both addresses with one port", async (t) => {
  const server = await serve(t, [], { ports: ["localhost:0"] });
  for (const host of ["127.0.0.1", "[::1]", "localhost"]) {
    const socket = await open(`ws://${host}:${server.port}/echo`);
    assert.equal((await echo(socket, host)).data.toString(), host);
    socket.terminate();
  }
});

test("several workers serve one port", async (t) => {
  const server = await serve(t, ["--workers", "3"], { status: true });
  const sockets = await Promise.all(Array.from({ length: 60 }, () => open(server.url())));
  await Promise.all(sockets.map(async (socket, i) => assert.equal((await echo(socket, `${i}`)).data.toString(), `${i}`)));
  const loads = await Promise.all([0, 1, 2].map((worker) => server.counter(`worker_connections{worker="${worker}"}`)));
  assert.ok(loads.every((load) => load >= 10), `loads ${loads}`);
  for (const socket of sockets) socket.terminate();
});
