// examples/rooms.c.

import assert from "node:assert/strict";

import { connect, Example, onEachLoop } from "../support/example.mjs";

onEachLoop("those in a room hear what the others say, on whichever worker they are", async (t, io) => {
  const server = new Example(t, "rooms", ["localhost:0"], { io });
  const base = `ws://localhost:${await server.port()}/rooms/`;
  const guests = [];
  for (let i = 0; i < 8; i++) guests.push(await connect(t, `${base}sea`));
  const other = await connect(t, `${base}land`);
  guests[0].send("ahoy");
  for (const guest of guests.slice(1)) assert.deepEqual(await guest.next(1), ["ahoy"]);
  guests[1].send("who is there?");
  assert.deepEqual(await guests[0].next(1), ["who is there?"]);
  assert.deepEqual(other.messages, []);
});

onEachLoop("a path that is no name of a room is closed with a reason", async (t, io) => {
  const server = new Example(t, "rooms", ["localhost:0"], { io });
  const lost = await connect(t, `ws://localhost:${await server.port()}/rooms/${"y".repeat(201)}`);
  assert.deepEqual(await lost.closed, { code: 1008, reason: "not the name of a room" });
});
