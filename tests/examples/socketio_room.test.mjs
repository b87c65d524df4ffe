// examples/socketio_room.c.

import assert from "node:assert/strict";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { Example, onEachLoop } from "../support/example.mjs";
import { client } from "../support/socketio.mjs";

const script = fileURLToPath(new URL("../node_modules/socket.io-client/dist/socket.io.min.js", import.meta.url));

onEachLoop("guests of the room know who is there, and how many have heard them", async (t, io) => {
  const server = new Example(t, "socketio-room", ["localhost:0", script], { io });
  const port = await server.port();
  const first = client(t, { port }, "/", { auth: { name: "Ishmael" } });
  await first.hears("here");
  const second = client(t, { port }, "/", { auth: { name: "Queequeg" } });
  assert.deepEqual(await first.hears("here", 2), ["here", ["Ishmael", "Queequeg"]]);
  assert.equal(await second.asks("say", "ahoy"), 1);
  assert.deepEqual(await first.hears("said"), ["said", "Queequeg", "ahoy"]);
  const nobody = client(t, { port });
  const error = await new Promise((resolve) => nobody.on("connect_error", resolve));
  assert.equal(error.message, "say a name");
  second.close();
  assert.deepEqual(await first.hears("here", 3), ["here", ["Ishmael"]]);
  assert.match(await (await fetch(`http://localhost:${port}/`)).text(), /socket\.io\.min\.js/);
  assert.ok((await (await fetch(`http://localhost:${port}/${path.basename(script)}`)).text()).length > 1000);
});
