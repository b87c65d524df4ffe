// examples/chat.c.

import assert from "node:assert/strict";

import { connect, Example, onEachLoop } from "../support/example.mjs";
import { until } from "../support/towline.mjs";

onEachLoop("guests of a room hear each other under their names, and no other room", async (t, io) => {
  const server = new Example(t, "chat", ["localhost:0"], { io });
  const base = `ws://localhost:${await server.port()}/rooms/`;
  const first = await connect(t, `${base}sea`);
  await first.next(1);
  const other = await connect(t, `${base}land`);
  await other.next(1);
  const second = await connect(t, `${base}sea`);
  assert.equal(server.io(), io);
  assert.deepEqual(await first.next(2), ["* guest 1 is here", "* guest 3 is here"]);
  first.send("/name Ishmael");
  first.send("ahoy");
  assert.deepEqual(await second.next(3), ["* guest 3 is here", "* guest 1 is now Ishmael", "Ishmael: ahoy"]);
  second.send(`/name ${"x".repeat(21)}`);
  second.send("/name ");
  assert.deepEqual((await second.next(5)).slice(3), ["* a name has up to 20 bytes", "* a name has up to 20 bytes"]);
  second.terminate();
  assert.deepEqual((await first.next(5)).slice(4), ["* guest 3 has left"]);
  assert.deepEqual(other.messages, ["* guest 2 is here"]);
});

onEachLoop("a line and a room's name have a limit, and the others stay", async (t, io) => {
  const server = new Example(t, "chat", ["localhost:0"], { io });
  const base = `ws://localhost:${await server.port()}/rooms/`;
  const stays = await connect(t, `${base}sea`);
  const long = await connect(t, `${base}sea`);
  long.send("x".repeat(1000));
  await until(() => stays.messages.includes(`guest 2: ${"x".repeat(1000)}`), "the longest line");
  long.send("x".repeat(1001));
  assert.equal((await long.closed).code, 1009);
  const lost = await connect(t, `${base}${"y".repeat(61)}`);
  assert.deepEqual(await lost.closed, { code: 1008, reason: "no room" });
  stays.send("still here");
  await until(() => stays.messages.includes("guest 1: still here"), "the last line");
  const page = await (await fetch(`http://localhost:${await server.port()}/`)).text();
  assert.match(page, /new WebSocket/);
});
