// examples/blocking_client.c.

import assert from "node:assert/strict";

import { Example, listen, onEachLoop } from "../support/example.mjs";
import { until } from "../support/towline.mjs";

onEachLoop("the blocking client asks line by line", async (t, io) => {
  const { server, url } = await listen(t);
  let closed;
  server.on("connection", (socket) => {
    socket.on("message", (data) => socket.send(data.toString().toUpperCase()));
    socket.on("close", (code) => (closed = code));
  });
  const example = new Example(t, "blocking-client", [url], { io });
  example.child.stdin.end("one\ntwo\n");
  assert.equal(await example.ended(), 0, example.errors);
  assert.equal(example.output, "ONE\nTWO\n");
  assert.equal(await until(() => closed, "the close"), 1000);
});

onEachLoop("the blocking client tells of a server that hangs up or is not there", async (t, io) => {
  const { server, url } = await listen(t);
  server.on("connection", (socket) => socket.terminate());
  const lost = new Example(t, "blocking-client", [url], { io });
  lost.child.stdin.end("one\n");
  assert.equal(await lost.ended(), 1);
  server.close();
  const refused = new Example(t, "blocking-client", [url], { io });
  refused.child.stdin.end("one\n");
  assert.equal(await refused.ended(), 1);
  assert.match(refused.errors, /^ws:\S+: .*connection refused.*\n$/);
});
