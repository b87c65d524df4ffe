// examples/push.c.

import assert from "node:assert/strict";

import { connect, Example, onEachLoop } from "../support/example.mjs";

onEachLoop("lines that another thread reads go to everybody, and its end is the server's", async (t, io) => {
  const server = new Example(t, "push", ["localhost:0"], { io });
  const url = `ws://localhost:${await server.port()}/push`;
  const listeners = await Promise.all(Array.from({ length: 5 }, () => connect(t, url)));
  assert.equal(server.io(), io);
  server.child.stdin.write("first\n");
  for (const listener of listeners) assert.deepEqual(await listener.next(1), ["first"]);
  listeners.pop().terminate();
  server.child.stdin.write("second\nthird\n");
  for (const listener of listeners) assert.deepEqual(await listener.next(3), ["first", "second", "third"]);
  server.child.stdin.end();
  for (const listener of listeners) assert.equal((await listener.closed).code, 1001);
  assert.equal(await server.ended(), 0, server.errors);
});
