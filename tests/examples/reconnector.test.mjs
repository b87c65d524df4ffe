// examples/reconnector.c.

import assert from "node:assert/strict";

import { Example, listen, onEachLoop } from "../support/example.mjs";
import { until } from "../support/towline.mjs";

onEachLoop("the reconnector comes back when its connection is lost, until the server is done with it", async (t, io) => {
  const { server, url } = await listen(t);
  const sockets = [];
  server.on("connection", (socket) => {
    sockets.push(socket);
    socket.on("message", (data) => socket.send(`${data} ${sockets.length}`));
  });
  const example = new Example(t, "reconnector", [url], { io });
  await until(() => example.output === "hello 1\n", "the first answer");
  assert.equal(example.io(), io);
  sockets[0].terminate();
  await until(() => example.output === "hello 1\nhello 2\n", "the second answer");
  sockets[1].close(1001, "going away");
  await until(() => example.output === "hello 1\nhello 2\nhello 3\n", "the third answer");
  sockets[2].close(1000);
  assert.equal(await example.ended(), 0, example.errors);
  assert.equal(sockets.length, 3);
  assert.match(example.errors, /^connected\n.*\nattempt 1 in \d+ ms\nconnected\nattempt 2 in \d+ ms\nconnected\n$/);
});
