// The page of examples/socketio_room.c, in Chromium, by each transport.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { launch, watch } from "../support/browser.mjs";
import { Example } from "../support/example.mjs";

const script = fileURLToPath(new URL("../node_modules/socket.io-client/dist/socket.io.min.js", import.meta.url));

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

for (const [name, query] of [
  ["polling only", "?transport=polling"],
  ["WebSocket only", "?transport=websocket"],
  ["upgrading", ""],
]) {
  test(`people in the room hear each other (${name})`, async (t) => {
    const server = new Example(t, "socketio-room", ["localhost:0", script]);
    const url = `http://localhost:${await server.port()}/${query}`;
    const open = async (who, others) => {
      const page = await (await browser.newContext()).newPage();
      page.faults = watch(page);
      await page.goto(`${url}#${who}`);
      await page.getByText(`* ${[...others, who].join(", ")}`, { exact: false }).first().waitFor();
      return page;
    };
    const first = await open("Ishmael", []);
    const second = await open("Queequeg", ["Ishmael"]);
    await second.getByLabel("Message").fill("Größe <b>&amp; 🐳");
    await second.getByLabel("Message").press("Enter");
    await first.getByText("Queequeg: Größe <b>&amp; 🐳").waitFor();
    await second.getByText("you: Größe <b>&amp; 🐳 (heard by 1)").waitFor();
    await second.close();
    await first.getByText("* Ishmael", { exact: false }).first().waitFor();
    assert.deepEqual([first, second].flatMap((page) => page.faults), []);
  });
}
