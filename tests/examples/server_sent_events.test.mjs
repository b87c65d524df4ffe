// examples/server_sent_events.c.

import assert from "node:assert/strict";

import { Example, onEachLoop } from "../support/example.mjs";
import { until } from "../support/towline.mjs";

/** A listener; `text` is what it has heard. */
async function listen(t, base) {
  const abort = new AbortController();
  t.after(() => abort.abort());
  const answer = await fetch(`${base}/events`, { signal: abort.signal });
  const self = { answer, abort, text: "" };
  self.reading = (async () => {
    for await (const bytes of answer.body) self.text += Buffer.from(bytes).toString();
  })().catch((error) => (self.error = error));
  return self;
}

const say = (base, body) => fetch(`${base}/say`, { method: "POST", body });

onEachLoop("everybody who listens hears what is said", async (t, io) => {
  const server = new Example(t, "server-sent-events", ["localhost:0"], { io });
  const base = `http://localhost:${await server.port()}`;
  const first = await listen(t, base);
  const second = await listen(t, base);
  assert.equal(server.io(), io);
  assert.equal(first.answer.headers.get("content-type"), "text/event-stream");
  assert.equal(first.answer.headers.get("cache-control"), "no-store");
  assert.equal((await say(base, "hello")).status, 204);
  for (const one of [first, second]) await until(() => one.text === "retry: 1000\n\nid: 1\ndata: hello\n\n", "the event");
  await say(base, "two\r\nlines");
  await until(() => second.text.endsWith("id: 2\ndata: two\ndata: lines\n\n"), "two lines");
  assert.match(await (await fetch(base)).text(), /EventSource/);
});

onEachLoop("a listener that leaves is forgotten, and the others go on hearing", async (t, io) => {
  const server = new Example(t, "server-sent-events", ["localhost:0"], { io });
  const base = `http://localhost:${await server.port()}`;
  const stays = await listen(t, base);
  for (let i = 0; i < 5; i++) {
    const leaves = await listen(t, base);
    await until(() => leaves.text !== "", "the beginning");
    leaves.abort.abort();
    await leaves.reading;
    await say(base, `message ${i}`);
    await until(() => stays.text.endsWith(`data: message ${i}\n\n`), "the message");
  }
  assert.equal((await say(base, "x".repeat(1001))).status, 413);
  assert.equal((await fetch(`${base}/say`)).status, 405);
  assert.equal(stays.error, undefined);
});

onEachLoop("a server that stops does not wait for those who listen", async (t, io) => {
  const server = new Example(t, "server-sent-events", ["localhost:0"], { io });
  const base = `http://localhost:${await server.port()}`;
  const listener = await listen(t, base);
  await until(() => listener.text !== "", "the beginning");
  const begun = Date.now();
  server.child.kill("SIGTERM");
  assert.equal(await server.ended(), 0);
  await listener.reading;
  assert.equal(listener.error, undefined);
  assert.ok(Date.now() - begun < 4000, "less than drain_seconds");
});
