// examples/tls_server.c.

import assert from "node:assert/strict";

import { Authority } from "../support/authority.mjs";
import { connect, Example, onEachLoop } from "../support/example.mjs";

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
