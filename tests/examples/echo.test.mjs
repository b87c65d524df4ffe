// examples/echo_server.c, client.c and sans_io.c.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import net from "node:net";
import test from "node:test";

import { connect, Example, listen, onEachLoop } from "../support/example.mjs";
import { frame, TEXT } from "../support/raw.mjs";
import { until } from "../support/towline.mjs";

onEachLoop("the echo server sends back what it gets", async (t, io) => {
  const server = new Example(t, "echo-server", ["localhost:0"], { io });
  const client = await connect(t, `ws://localhost:${await server.port()}/echo`);
  assert.equal(server.io(), io);
  const bytes = randomBytes(300000);
  client.send("größer");
  client.send(bytes);
  client.send("");
  assert.deepEqual(await client.next(3), ["größer", bytes, ""]);
  client.close(1000, "bye");
  assert.deepEqual(await client.closed, { code: 1000, reason: "" });
});

onEachLoop("the client says hello, prints the answer and leaves", async (t, io) => {
  const { server, url } = await listen(t);
  let closed;
  server.on("connection", (socket) => {
    socket.on("message", (data) => socket.send(`you said ${data}`));
    socket.on("close", (code) => (closed = code));
  });
  const client = new Example(t, "client", [url], { io });
  assert.equal(await client.ended(), 0, client.errors);
  assert.equal(client.output, "you said hello\n");
  assert.equal(await until(() => closed, "the close"), 1000);
});

/** A listener that gives each connection to a program of its own, as inetd does. */
async function inetd(t, name) {
  const served = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const example = new Example(t, name);
    served.push(example);
    socket.on("error", () => {});
    socket.pipe(example.child.stdin);
    example.child.stdout.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return { port: server.address().port, served };
}

test("the protocol core alone makes an echo server of standard input and output", async (t) => {
  const { port, served } = await inetd(t, "sans-io");
  const client = await connect(t, `ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
  const bytes = randomBytes(300000);
  const pong = once(client, "pong");
  client.ping("are you there");
  assert.equal((await pong)[0].toString(), "are you there");
  client.send("größer");
  client.send(bytes);
  client.send("gr", { fin: false });
  client.send("oß", { fin: true });
  assert.deepEqual(await client.next(3), ["größer", bytes, "groß"]);
  client.close(4000, "bye");
  assert.deepEqual(await client.closed, { code: 4000, reason: "" });
  assert.equal(await served[0].ended(), 0, served[0].errors);
});

test("the protocol core alone refuses what the standard forbids", async (t) => {
  const { port, served } = await inetd(t, "sans-io");
  const client = await connect(t, `ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
  client._socket.write(frame(TEXT, Buffer.from([0xff])));
  assert.equal((await client.closed).code, 1007);
  assert.equal(await served[0].ended(), 0);
  assert.equal(served[0].errors, "not valid UTF-8\n");
});

test("the protocol core alone asks for a key", async (t) => {
  const { port, served } = await inetd(t, "sans-io");
  const socket = net.connect(port, "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: short\r\n\r\n"));
  const [answer] = await once(socket, "data");
  assert.match(answer.toString(), /^HTTP\/1\.1 400 /);
  assert.equal(await served[0].ended(), 1);
});
