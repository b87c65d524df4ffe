// examples/poll_loop.c, glib_loop.c and libuv_loop.c: what wakes a towline loop inside another one.

import assert from "node:assert/strict";

import { Example, listen, onEachLoop } from "../support/example.mjs";
import { sleep, until } from "../support/towline.mjs";

for (const name of ["poll-loop", "glib-loop", "libuv-loop"]) {
  onEachLoop(`${name}: a send from the loop's own timer, a timer of towline and data each wake it`, async (t, io) => {
    const { server, url } = await listen(t);
    let socket;
    let pings = 0;
    let closed;
    const ticks = [];
    server.on("connection", (connection) => {
      socket = connection;
      socket.on("message", (data) => ticks.push(data.toString()));
      socket.on("ping", () => pings++);
      socket.on("close", (code, reason) => (closed = { code, reason: reason.toString() }));
    });
    const example = new Example(t, name, [url, io], { io });
    // Nothing comes from us, so it is the foreign timer's sends that arrive.
    await until(() => ticks.length === 3, "three ticks");
    assert.equal(example.io(), io);
    assert.deepEqual(ticks, ["tick 1", "tick 2", "tick 3"]);
    // Nobody says anything any more, until towline's own timer sends a Ping.
    await until(() => pings > 0, "a Ping after a second of silence");
    assert.equal(example.output, "");
    // Now only data.
    for (const tick of ticks) {
      socket.send(`answer to ${tick}`);
      await sleep(20);
    }
    assert.equal(await example.ended(), 0, example.errors);
    assert.equal(example.output, "answer to tick 1\nanswer to tick 2\nanswer to tick 3\n");
    await until(() => closed, "the close");
    assert.deepEqual(closed, { code: 1000, reason: "done" });
  });

  onEachLoop(`${name}: a refused connection and a peer that vanishes are told`, async (t, io) => {
    const { server, url } = await listen(t);
    server.on("connection", (socket) => socket.terminate());
    const example = new Example(t, name, [url, io], { io });
    assert.equal(await example.ended(), 1);
    assert.match(example.errors, /the peer/);
    server.close();
    const refused = new Example(t, name, [url, io], { io });
    assert.equal(await refused.ended(), 1);
    assert.match(refused.errors, /refused/);
  });
}
