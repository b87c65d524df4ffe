// examples/tls_server.c and tls_client.c.

import assert from "node:assert/strict";
import { once } from "node:events";
import https from "node:https";
import { WebSocketServer } from "ws";

import { Authority } from "../support/authority.mjs";
import { connect, Example, onEachLoop } from "../support/example.mjs";

/** An echo server over TLS of the ws package. */
async function listenByTls(t, identity) {
  const server = https.createServer({ cert: identity.text, key: identity.keyText });
  new WebSocketServer({ server }).on("connection", (socket) => socket.on("message", (data) => socket.send(`you said ${data}`)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `wss://localhost:${server.address().port}/`;
}

onEachLoop("the TLS server speaks with its certificate, or makes one", async (t, io) => {
  const authority = Authority.make(t.after.bind(t));
  const identity = authority.issue("localhost");
  const server = new Example(t, "tls-server", ["localhost:0", identity.certificate, identity.key], { io });
  const client = await connect(t, `wss://localhost:${await server.port()}/echo`, { ca: authority.text });
  assert.equal(server.io(), io);
  client.send("größer");
  assert.deepEqual(await client.next(1), ["größer"]);
  const trying = new Example(t, "tls-server", ["localhost:0"], { io });
  const other = await connect(t, `wss://localhost:${await trying.port()}/echo`, { rejectUnauthorized: false });
  other.send("hello");
  assert.deepEqual(await other.next(1), ["hello"]);
});

onEachLoop("the TLS server says what is wrong with its files", async (t, io) => {
  const authority = Authority.make(t.after.bind(t));
  const server = new Example(t, "tls-server", ["localhost:0", authority.certificate, "/nowhere"], { io });
  assert.equal(await server.ended(), 1);
  assert.match(server.errors, /nowhere/);
});

onEachLoop("the TLS client trusts the authorities that it is given, and nobody else", async (t, io) => {
  const authority = Authority.make(t.after.bind(t));
  const url = await listenByTls(t, authority.issue("localhost"));
  const client = new Example(t, "tls-client", [url, authority.certificate], { io });
  assert.equal(await client.ended(), 0, client.errors);
  assert.equal(client.output, "you said hello\n");
  const distrustful = new Example(t, "tls-client", [url], { io });
  assert.equal(await distrustful.ended(), 1);
  assert.match(distrustful.errors, /certificate/);
  const elsewhere = await listenByTls(t, authority.issue("elsewhere", { names: "DNS:elsewhere" }));
  const deceived = new Example(t, "tls-client", [elsewhere, authority.certificate], { io });
  assert.equal(await deceived.ended(), 1);
  assert.match(deceived.errors, /certificate|host/);
});
