// examples/chart in Chromium: a page that draws what is published to a channel, by the browser's own EventSource.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, connect as dial } from "node:net";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import WebSocket from "ws";

import { launch, watch } from "../support/browser.mjs";
import { serve, within } from "../support/towline.mjs";

const file = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../examples/chart/towline.yaml");

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** A socket that publishes what it sends. */
async function publisher(t, server) {
  const socket = new WebSocket(server.url("/channel/load"));
  t.after(() => socket.terminate());
  await within(60000, once(socket, "open"), "the publisher");
  return socket;
}

/** A way to the server that can be cut. */
async function relay(t, port) {
  const sockets = new Set();
  const server = createServer((near) => {
    const far = dial(port, "127.0.0.1");
    for (const socket of [near, far]) sockets.add(socket.on("error", () => {}).on("close", () => [near, far].forEach((each) => each.destroy())));
    near.pipe(far).pipe(near);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => sockets.forEach((socket) => socket.destroy());
  t.after(() => (cut(), server.close()));
  return { port: server.address().port, cut };
}

test("a chart has what was there, draws what comes, and goes on after a cut", async (t) => {
  const server = await serve(t, ["-f", file]);
  const source = await publisher(t, server);
  for (let i = 1; i <= 3; i++) source.send(`${i}`);
  await within(60000, once(source, "message"), "the first value");
  const way = await relay(t, server.port);
  const page = await (await browser.newContext()).newPage();
  const faults = watch(page);
  await page.goto(`http://127.0.0.1:${way.port}/`);
  await page.getByText("live", { exact: true }).waitFor();
  source.send("4.5");
  await page.locator("output", { hasText: "4.5" }).waitFor();
  await page.getByTitle("4 values").waitFor();
  way.cut();
  for (let i = 5; i <= 9; i++) source.send(`${i}`);
  await page.getByTitle("9 values").waitFor();
  await page.locator("output", { hasText: "9" }).waitFor();
  assert.deepEqual(faults.filter((fault) => !/ERR_|net::/.test(fault)), []); // a cut is logged by the browser
});
