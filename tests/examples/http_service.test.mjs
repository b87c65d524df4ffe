// examples/http_service.c.

import assert from "node:assert/strict";

import { Example, onEachLoop } from "../support/example.mjs";

onEachLoop("notes are added, listed, found and deleted, all in JSON", async (t, io) => {
  const server = new Example(t, "http-service", ["localhost:0"], { io });
  const base = `http://localhost:${await server.port()}/notes`;
  const ask = async (path, options) => {
    const answer = await fetch(base + path, options);
    const body = answer.status === 204 ? null : await answer.json();
    return { status: answer.status, body, headers: answer.headers };
  };
  assert.equal(server.io(), io);
  assert.deepEqual((await ask("")).body, []);
  const first = await ask("", { method: "POST", body: "buy milk" });
  assert.equal(first.status, 201);
  assert.equal(first.headers.get("location"), "/notes/0");
  assert.equal(first.headers.get("content-type"), "application/json");
  assert.deepEqual(first.body, { number: 0, text: "buy milk" });
  const text = 'a "quoted"\\ line\n\u0001 and é';
  assert.equal((await ask("", { method: "POST", body: text })).status, 201);
  assert.deepEqual((await ask("/1")).body, { number: 1, text });
  assert.deepEqual((await ask("?contains=milk")).body, [{ number: 0, text: "buy milk" }]);
  assert.deepEqual((await ask(`?contains=${encodeURIComponent("and é")}`)).body, [{ number: 1, text }]);
  assert.deepEqual((await ask("?contains=nothing")).body, []);
  assert.equal((await ask("/0", { method: "DELETE" })).status, 204);
  assert.equal((await ask("/0")).status, 404);
  assert.deepEqual((await ask("")).body, [{ number: 1, text }]);
});

onEachLoop("what is asked wrongly is refused, and the service goes on", async (t, io) => {
  const server = new Example(t, "http-service", ["localhost:0"], { io });
  const base = `http://localhost:${await server.port()}/notes`;
  const status = async (path, options) => (await fetch(base + path, options)).status;
  assert.equal(await status("", { method: "POST", body: "x".repeat(1000) }), 201);
  assert.equal(await status("", { method: "POST", body: "x".repeat(1001) }), 413);
  assert.equal(await status("", { method: "POST", body: new Uint8Array([0xff]) }), 400);
  assert.equal(await status("", { method: "PUT", body: "x" }), 405);
  for (const path of ["/1", "/-1", "/", "/0x", "/99999999999999999999"]) assert.equal(await status(path), 404, path);
  assert.equal((await fetch(`${base}/0`, { method: "PATCH" })).headers.get("allow"), "GET, HEAD, DELETE");
  assert.equal((await (await fetch(base)).json()).length, 1);
});
