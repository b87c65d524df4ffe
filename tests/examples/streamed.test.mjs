// examples/streamed_echo.c.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

import { connect, Example, onEachLoop } from "../support/example.mjs";

onEachLoop("messages of any length go back piece by piece, up to the limit that was asked for", async (t, io) => {
  const server = new Example(t, "streamed-echo", ["localhost:0", "5000000"], { io });
  const url = `ws://localhost:${await server.port()}/echo`;
  const client = await connect(t, url);
  assert.equal(server.io(), io);
  const bytes = randomBytes(5000000);
  client.send("größer");
  client.send("");
  client.send(bytes);
  const heard = await client.next(3);
  assert.deepEqual(heard.slice(0, 2), ["größer", ""]);
  assert.ok(bytes.equals(heard[2]));
  client.send(Buffer.alloc(5000001));
  assert.equal((await client.closed).code, 1009);
});
