// examples/room in Chromium: a chat room without code, by towline.v1, with who is there, what was said, and a way back.

import assert from "node:assert/strict";
import { createServer, connect as dial } from "node:net";
import { once } from "node:events";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { gate } from "../support/gate.mjs";
import { launch, picture, watch } from "../support/browser.mjs";
import { serve } from "../support/towline.mjs";

const file = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../examples/room/towline.yaml");

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function enter(port, name) {
  const page = await (await browser.newContext()).newPage();
  const faults = watch(page);
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.getByLabel("your name").fill(name);
  await page.getByRole("button", { name: "Come in" }).press("Enter");
  await page.getByLabel("here").getByText(name, { exact: true }).waitFor();
  const say = async (text) => {
    await page.getByLabel("what you say").fill(text);
    await page.getByRole("button", { name: "Say" }).press("Enter");
  };
  return { page, faults, say, said: () => page.getByLabel("said").getByRole("listitem").allTextContents(), here: () => page.getByLabel("here").getByRole("listitem").allTextContents() };
}

test("who comes is seen, hears what was said, and goes on after a cut", async (t) => {
  const server = await serve(t, ["-f", file]);
  const blocked = await gate(t, server.port); // no WebSocket on this way
  const sockets = new Set();
  const way = createServer((near) => {
    const far = dial(server.port, "127.0.0.1");
    for (const socket of [near, far]) sockets.add(socket.on("error", () => {}).on("close", () => [near, far].forEach((each) => each.destroy())));
    near.pipe(far).pipe(near);
  }).listen(0, "127.0.0.1");
  await once(way, "listening");
  t.after(() => (sockets.forEach((socket) => socket.destroy()), way.close()));

  const ann = await enter(server.port, "Ann");
  await ann.say("is anybody there?");
  const bob = await enter(blocked.port, "Bob");
  await bob.page.getByText("Ann: is anybody there?").waitFor();
  await ann.page.getByLabel("here").getByText("Bob").waitFor();
  await bob.say("<b>me</b>");
  await ann.page.getByText("Bob: <b>me</b>").waitFor();

  const cut = await enter(way.address().port, "Cleo");
  sockets.forEach((socket) => socket.destroy());
  await ann.say("one");
  await ann.say("two");
  await cut.page.getByText("Ann: two").waitFor();
  assert.deepEqual(await cut.said(), ["Ann: is anybody there?", "Bob: <b>me</b>", "Ann: one", "Ann: two"]);
  assert.deepEqual(await ann.said(), await cut.said());
  await ann.page.getByLabel("here").getByText("Cleo").waitFor();
  assert.deepEqual(await ann.here(), ["Ann", "Bob", "Cleo"]);
  await picture(ann.page, "room");
  assert.deepEqual(ann.faults, []);
  await ann.page.close();
  await bob.page.getByLabel("here").getByText("Ann", { exact: true }).waitFor({ state: "detached" });
});
