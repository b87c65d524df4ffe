// Pusher's protocol where WebSocket is blocked: what pusher-js tries then.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { gate } from "../support/gate.mjs";
import { app, client, connected, event, sdk, serve, subscribed } from "../support/pusher.mjs";
import { request, until, within } from "../support/towline.mjs";

/** A client that tries one transport only, at a port. */
const over = (t, server, transport, port, user, more = {}) =>
  client(t, server, user, { enabledTransports: [transport], wsPort: port, httpPort: port, ...more });

for (const transport of ["xhr_streaming", "xhr_polling"]) {
  describe(transport, () => {
    test("is as good as WebSocket", async (t) => {
      const server = await serve(t, ["client-events: true"], { top: "workers: 2\n" });
      const one = over(t, server, transport, server.port, { id: "u1", info: { name: "Zoë" } });
      const other = client(t, server, { id: "u2" });
      const id = await connected(one);
      assert.equal(one.connection.connection.transport.name, transport);
      const { channel: mine, data } = await subscribed(one, "presence-c");
      assert.deepEqual(data.me, { id: "u1", info: { name: "Zoë" } });
      const { channel: theirs } = await subscribed(other, "presence-c");
      let came = event(theirs, "client-x");
      mine.trigger("client-x", { a: "ä\u2028" });
      assert.deepEqual(await came, { a: "ä\u2028" });
      const got = [];
      mine.bind("e", ({ n }) => got.push(n));
      for (let n = 0; n < 30; n++) await sdk(server).trigger("presence-c", "e", { n });
      await until(() => got.length === 30, "30 events");
      assert.deepEqual(got, Array.from({ length: 30 }, (_, n) => n));
      came = event(theirs, "only-theirs");
      await sdk(server).trigger("presence-c", "only-theirs", {}, { socket_id: id });
      await came;
      one.signin();
      await until(() => one.user.user_data, "signed in");
      const left = event(theirs, "pusher:member_removed");
      const gone = event(one.connection, "disconnected");
      await sdk(server).terminateUserConnections("u1");
      await gone;
      assert.equal((await left).id, "u1");
    });

    test("is told of a drain", async (t) => {
      const server = await serve(t);
      const made = over(t, server, transport, server.port);
      await connected(made);
      const lost = within(20000, new Promise((resolve) => made.connection.bind("state_change", ({ previous }) => previous === "connected" && resolve())), "the drain");
      server.signal();
      await lost;
      made.disconnect();
    });
  });
}

test("polls hear the code of a drain, whichever worker their session is on", async (t) => {
  const server = await serve(t, [], { top: "workers: 2\n", options: { ports: [], status: true } });
  const ask = (name) => request({ port: server.port, method: "POST", path: `/pusher/app/${app.key}/7/${name}/xhr?protocol=7` });
  const names = Array.from({ length: 8 }, (_, i) => `session${i}`);
  for (const name of names) assert.equal((await ask(name)).body.toString(), "o\n");
  for (const name of names) assert.match((await ask(name)).body.toString(), /^a\[.*pusher:connection_established/);
  const polls = names.map(ask);
  await until(async () => (await server.counter("sockjs_receivers")) === names.length, "polls");
  server.signal();
  for (const { status, body } of await within(20000, Promise.all(polls), "answers")) assert.deepEqual([status, body.toString()], [200, 'c[4200,""]\n']);
});

test("an app that is not there is told with 4001", async (t) => {
  const server = await serve(t);
  const post = (target, body) => request({ port: server.port, method: "POST", path: target, headers: { "Content-Type": "application/json" }, body });
  const first = await post("/pusher/app/nobody/7/abcdefgh/xhr?protocol=7", "");
  assert.equal(first.body.toString(), "o\n");
  const second = await post("/pusher/app/nobody/7/abcdefgh/xhr?protocol=7", "");
  assert.match(second.body.toString(), /^c\[4001,/);
});

test("pusher-js gets through a proxy that drops upgrades and holds bodies back", async (t) => {
  const server = await serve(t);
  const between = await gate(t, server.port);
  const made = client(t, server, null, { enabledTransports: ["ws", "xhr_streaming", "xhr_polling"], wsPort: between.port, httpPort: between.port });
  const { channel } = await within(60000, subscribed(made, "private-c"), "a subscription");
  assert.equal(made.connection.connection.transport.name, "xhr_polling");
  assert.ok(between.upgradesSeen > 0);
  const came = event(channel, "e");
  await sdk(server).trigger("private-c", "e", { through: true });
  assert.deepEqual(await came, { through: true });
});
