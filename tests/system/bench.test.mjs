// towline bench measures real servers, and notices wrong answers.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocketServer } from "ws";

import { Authority } from "../support/authority.mjs";
import { loops, run, serve } from "../support/towline.mjs";

for (const io of loops) {
  for (const [connections, depth, payload] of [[1, 1, 64], [20, 16, 1024], [3, 4, 300000]]) {
    test(`${connections} connections x ${depth} in flight x ${payload} bytes against ${io}`, async (t) => {
      const server = await serve(t, ["--io", io]);
      const words = ["bench", server.url(), "--connections", `${connections}`, "--in-flight", `${depth}`, "--payload", `${payload}`];
      const { status, output, errors } = await run([...words, "--seconds", "0.5", "--pid", `${server.pid}`, "--json", "-"]);
      assert.equal(status, 0, errors);
      const figures = JSON.parse(output);
      assert.ok(figures.messages > 0);
      assert.equal(figures.connections, connections);
      assert.equal(figures.payload, payload);
      assert.ok(figures.p50_ns > 0 && figures.p50_ns <= figures.p99_ns && figures.p99_ns <= figures.p999_ns);
      assert.ok(figures.server_cpu_ns_per_message > 0);
    });
  }
}

test("people get lines to read", async (t) => {
  const server = await serve(t);
  const { status, output, errors } = await run(["bench", server.url(), "--seconds", "0.2", "--type", "utf8", "--rate", "500"]);
  assert.equal(status, 0, errors);
  assert.match(output, /messages +\d+ a second/);
  assert.match(output, /p99\.9/);
  assert.equal(errors, "", "no progress line without a terminal");
});

test("a server that answers something else is found out", async (t) => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  t.after(() => server.close());
  server.on("connection", (socket) => socket.on("message", (data) => socket.send(Buffer.concat([data.subarray(1), Buffer.from([0])]))));
  const { status, errors } = await run(["bench", `ws://127.0.0.1:${server.address().port}/`, "--seconds", "0.2"]);
  assert.equal(status, 1);
  assert.match(errors, /not what was sent/);
});

test("a server that sends fragments and pings is measured all the same", async (t) => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  t.after(() => server.close());
  let pongs = 0;
  server.on("connection", (socket) => {
    socket.on("pong", () => pongs++);
    socket.on("message", (data) => {
      socket.send(data.subarray(0, 10), { fin: false });
      socket.ping("here?");
      socket.send(data.subarray(10), { fin: true });
    });
  });
  const { status, errors } = await run(["bench", `ws://127.0.0.1:${server.address().port}/`, "--seconds", "0.2", "--in-flight", "3"]);
  assert.equal(status, 0, errors);
  assert.ok(pongs > 0);
});

test("a server with TLS is measured, when its certificate is good", async (t) => {
  const authority = Authority.make((end) => t.after(end));
  const { certificate, key } = authority.issue("localhost");
  for (const io of loops) {
    const server = await serve(t, ["--io", io, "--handshake-seconds", "60", "-t", "-c", certificate, "-k", key]);
    for (const [payload, depth] of [[64, 16], [100000, 4]]) {
      const words = ["bench", `wss://${server.host}/echo`, "--connections", "5", "--in-flight", `${depth}`, "--payload", `${payload}`, "--seconds", "0.2"];
      const { status, output, errors } = await run([...words, "--cacert", authority.certificate, "--json", "-"]);
      assert.equal(status, 0, errors);
      assert.ok(JSON.parse(output).messages > 0);
    }
    const distrusted = await run(["bench", `wss://${server.host}/echo`, "--seconds", "0.1"]);
    assert.equal(distrusted.status, 1);
    assert.match(distrusted.errors, /^towline bench: connection 1 of 100: the certificate of 127\.0\.0\.1 is signed by an authority that is not trusted: Towline test authority$/m);
    const insecure = await run(["bench", `wss://${server.host}/echo`, "--seconds", "0.1", "--insecure"]);
    assert.equal(insecure.status, 0, insecure.errors);
    const both = await run(["bench", `wss://${server.host}/echo`, "--insecure", "--cacert", authority.certificate]);
    assert.equal(both.status, 2);
    assert.match(both.errors, /^towline bench: --insecure checks no certificate: leave it or --cacert away$/m);
    const plain = await run(["bench", server.url(), "--seconds", "0.1"]);
    assert.equal(plain.status, 1, "TLS is not optional");
  }
  const unreadable = await run(["bench", "wss://127.0.0.1:1/echo", "--cacert", "/nowhere"]);
  assert.equal(unreadable.status, 1);
  assert.match(unreadable.errors, /^towline bench: \/nowhere: No such file or directory$/m);
});

test("options that mean nothing are refused", async () => {
  for (const [words, text] of [
    [["ws://localhost:1/", "--insecure"], "--insecure: this is for wss:// and tls://: leave it away"],
    [["tcp://localhost:1", "--cacert", "/nowhere"], "--cacert: this is for wss:// and tls://: leave it away"],
    [["tls://localhost:1", "--origin", "https://a"], "--origin: without WebSocket there is no opening handshake: leave it away"],
    [["ws://localhost:1/", "-n", "0", "-r", "5"], "--rate: with --in-flight 0 nothing is sent: leave one of the two away"],
    [["ws://localhost:1/", "--system-calls"], "--system-calls: say whose with --pid"],
  ]) {
    const { status, errors } = await run(["bench", ...words]);
    assert.equal(errors, `towline bench: ${text}\n`);
    assert.equal(status, 2);
  }
});
