// Clients of Socket.IO as npm has them, and a server by libtowline-socketio.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { client, serveSocketio, ways } from "../support/socketio.mjs";
import { until } from "../support/towline.mjs";

for (const { name, transports } of ways) {
  describe(name, () => {
    test("a client is let in with what it brings, and its transport is the one that is wanted", async (t) => {
      const server = await serveSocketio(t);
      const socket = client(t, server, "/", { transports, auth: { token: "größe" } });
      assert.deepEqual(await socket.hears("auth"), ["auth", { token: "größe" }]);
      assert.match(socket.id, /^private-[\w-]{20}$/);
      assert.notEqual(socket.id, socket.io.engine.id);
      await until(() => socket.io.engine.transport.name === transports.at(-1), "the transport");
    });

    test("events come back with all their arguments, binary ones too", async (t) => {
      const server = await serveSocketio(t);
      const socket = client(t, server, "/", { transports });
      const events = [[1, "2", { 3: [true] }], [Buffer.from([1, 2, 3]), "text", { deep: [Buffer.alloc(0)] }], [], [null, [], "\u2028 😀"]];
      for (const event of events) socket.emit("message", ...event);
      await socket.hears("message-back", events.length);
      assert.deepEqual(socket.events.filter(([event]) => event === "message-back").map(([, ...back]) => back), events);
    });

    test("both sides acknowledge", async (t) => {
      const server = await serveSocketio(t);
      const socket = client(t, server, "/more", { transports });
      assert.deepEqual(await socket.asks("message-with-ack", { a: 1 }), { a: 1 });
      assert.deepEqual(await socket.asks("message-with-ack", Buffer.from("bytes")), Buffer.from("bytes"));
      socket.once("question", (what, answer) => answer("because", what, Buffer.from([7])));
      socket.emit("ask", "why");
      assert.deepEqual(await socket.hears("answered"), ["answered", "because", "why", Buffer.from([7])]);
      socket.emit("ask", "never answered");
      await socket.hears("not answered");
    });

    test("an answer that is refused says why", async (t) => {
      const server = await serveSocketio(t);
      for (const [scope, message, data] of [["/nowhere", "Invalid namespace"], ["/more", "not you", { code: 12345678901234567890 }]]) {
        const socket = client(t, server, scope, { transports, auth: { name: "refused" } });
        const error = await new Promise((resolve) => socket.on("connect_error", resolve));
        assert.equal(error.message, message);
        assert.deepEqual(error.data, data);
      }
    });

    test("rooms are heard by those who are in them, and not by who says it", async (t) => {
      const server = await serveSocketio(t);
      const [first, second, other] = [0, 1, 2].map(() => client(t, server, "/more", { transports }));
      assert.equal(await first.asks("join", "a room"), true);
      assert.equal(await second.asks("join", "a room"), true);
      await other.hears("hello");
      first.emit("to", "a room", Buffer.from("bytes"), 2);
      assert.deepEqual(await second.hears("to"), ["to", "a room", Buffer.from("bytes"), 2]);
      other.emit("to", second.id, "private");
      assert.deepEqual(await second.hears("to", 2), ["to", second.id, "private"]);
      assert.equal(await second.asks("leave", "a room"), true);
      first.emit("to", "a room", "after");
      first.emit("to all", "everybody");
      for (const socket of [first, second, other]) assert.deepEqual(await socket.hears("to all"), ["to all", "everybody"]);
      assert.deepEqual([first, second, other].map((socket) => socket.events.filter(([event]) => event === "to").length), [0, 2, 0]);
    });

    test("who is made to leave a namespace stays away, and who loses its connection comes back", async (t) => {
      const server = await serveSocketio(t);
      const socket = client(t, server, "/more", { transports });
      const reasons = [];
      socket.on("disconnect", (reason) => reasons.push(reason));
      await socket.hears("hello");
      const id = socket.id;
      socket.io.engine.close();
      await socket.hears("hello", 2);
      assert.notEqual(socket.id, id);
      socket.emit("kick", "namespace");
      await until(() => reasons.length === 2, "the disconnect");
      assert.equal(reasons[1], "io server disconnect");
      assert.equal(socket.active, false);
    });

    test("several namespaces share a connection", async (t) => {
      const server = await serveSocketio(t);
      const main = client(t, server, "/", { transports });
      await main.hears("auth");
      const more = main.io.socket("/more");
      t.after(() => more.close());
      await until(() => more.connected, "the other namespace");
      assert.equal(await more.emitWithAck("join", "x"), true);
      more.disconnect();
      assert.equal(await main.asks("message-with-ack", 1), 1);
    });

    test("what is missed in between comes after a recovery, in order", async (t) => {
      const server = await serveSocketio(t, { recovery: 30 });
      const socket = client(t, server, "/more", { transports, reconnectionDelay: 1000, randomizationFactor: 0 });
      const other = client(t, server, "/more", { transports });
      assert.equal(await socket.asks("join", "a"), true);
      await other.hears("hello");
      other.emit("to", "a", 1);
      await socket.hears("to");
      const { id } = socket;
      const away = new Promise((resolve) => socket.once("disconnect", resolve));
      socket.io.engine.close();
      await away;
      for (const number of [2, 3, 4]) other.emit("to", "a", number);
      await socket.hears("to", 4);
      assert.equal(socket.recovered, true);
      assert.equal(socket.id, id);
      other.emit("to", "a", 5);
      await socket.hears("to", 5);
      const heard = socket.events.filter(([event]) => event === "to");
      assert.deepEqual(heard.map(([, room, number]) => [room, number]), [1, 2, 3, 4, 5].map((number) => ["a", number]));
      assert.equal(socket.events.filter(([event]) => event === "hello").length, 1);
    });
  });
}

test("who comes back on another worker is who it was, with what it missed there", async (t) => {
  const server = await serveSocketio(t, { recovery: 30, workers: 3 });
  const socket = client(t, server, "/more", { transports: ["websocket"], reconnectionDelay: 500, reconnectionDelayMax: 500, randomizationFactor: 0 });
  const others = [0, 1, 2].map(() => client(t, server, "/more", { transports: ["websocket"] }));
  assert.equal(await socket.asks("join", "a"), true);
  for (const other of others) await other.hears("hello");
  const { id } = socket;
  let number = 0;
  for (let turn = 0; turn < 12; turn++) {
    others[turn % 3].emit("to", "a", ++number);
    await socket.hears("to", number);
    const away = new Promise((resolve) => socket.once("disconnect", resolve));
    socket.io.engine.close();
    await away;
    await client(t, server, "/more", { transports: ["websocket"] }).hears("hello"); // has the place that was left
    others[turn % 3].emit("to", "a", ++number);
    await socket.hears("to", number);
    assert.equal(socket.recovered, true, `turn ${turn}`);
    assert.equal(socket.id, id);
  }
  assert.deepEqual(socket.events.filter(([event]) => event === "to").map(([, , each]) => each), [...Array(number).keys()].map((each) => each + 1));
  assert.equal(socket.events.filter(([event]) => event === "hello").length, 1);
});

test("who comes and connects to nothing is let go", async (t) => {
  const server = await serveSocketio(t, { connect: 300 });
  const socket = client(t, server, "/", { autoConnect: false });
  socket.io.open();
  await new Promise((resolve) => socket.io.once("close", resolve));
});

test("heartbeats keep a silent client", async (t) => {
  const server = await serveSocketio(t, { ping: 100, pong: 5000 });
  const socket = client(t, server);
  let pings = 0;
  socket.io.on("ping", () => pings++);
  await until(() => pings >= 5, "pings");
  assert.equal(await socket.asks("message-with-ack", "still here"), "still here");
});
