// examples/fallback_client.c.

import assert from "node:assert/strict";

import { Example, onEachLoop } from "../support/example.mjs";
import { gate } from "../support/gate.mjs";
import { serve } from "../support/towline.mjs";

onEachLoop("the client gets through, whatever stands between", async (t, io) => {
  const server = await serve(t);
  const proxy = await gate(t, server.port);
  for (const [port, way] of [[server.port, "WebSocket"], [proxy.port, "polling"]]) {
    const example = new Example(t, "fallback-client", [`ws://127.0.0.1:${port}/echo`], { io });
    assert.equal(await example.ended(), 0);
    assert.equal(example.output, "hello\n");
    assert.match(example.errors, new RegExp(`connected to 127.0.0.1:${port} by ${way}`));
  }
});
