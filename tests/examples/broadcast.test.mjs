// examples/broadcast.c.

import assert from "node:assert/strict";

import { connect, Example, onEachLoop } from "../support/example.mjs";

onEachLoop("everybody hears the clock each second", async (t, io) => {
  const server = new Example(t, "broadcast", ["localhost:0"], { io });
  const url = `ws://localhost:${await server.port()}/clock`;
  const listeners = await Promise.all(Array.from({ length: 10 }, () => connect(t, url)));
  assert.equal(server.io(), io);
  for (const leaver of listeners.splice(0, 3)) leaver.terminate();
  listeners.push(await connect(t, url));
  const heard = await Promise.all(listeners.map((listener) => listener.next(3)));
  for (const times of heard) {
    const seconds = times.map((text) => Date.parse(text) / 1000);
    assert.ok(seconds.every((second, i) => i === 0 || second > seconds[i - 1]), times.join(" "));
    assert.ok(Math.abs(seconds.at(-1) - Date.now() / 1000) < 5, times.join(" "));
  }
  // The same second is the same text for all.
  const texts = new Set(heard.flat());
  assert.ok(texts.size <= 6, [...texts].join(" "));
});
