// The page of examples/chat.c, in Chromium.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, watch } from "../support/browser.mjs";
import { Example } from "../support/example.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test("people on the chat's page talk with each other, room by room", async (t) => {
  const server = new Example(t, "chat", ["localhost:0"]);
  const url = `http://localhost:${await server.port()}/`;
  const open = async (room, number) => {
    const page = await (await browser.newContext()).newPage();
    page.faults = watch(page);
    await page.goto(`${url}#${room}`);
    await page.getByText(`* guest ${number} is here`).waitFor();
    return page;
  };
  const say = async (page, line) => {
    await page.getByLabel("Message").fill(line);
    await page.getByLabel("Message").press("Enter");
  };
  const first = await open("sea", 1);
  const second = await open("sea", 2);
  const other = await open("land", 3);
  await say(first, "/name Ahab");
  await say(first, "Größe <b>&amp; 🐳");
  await second.getByText("Ahab: Größe <b>&amp; 🐳").waitFor();
  await say(second, "aye");
  await first.getByText("guest 2: aye").waitFor();
  assert.equal(await other.locator("pre").textContent(), "* guest 3 is here\n");
  await second.close();
  await first.getByText("* guest 2 has left").waitFor();
  assert.deepEqual([first, second, other].flatMap((page) => page.faults), []);
});
