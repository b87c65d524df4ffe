// The page of examples/laravel_echo, in Chromium: two windows, with WebSocket.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { launch, watch } from "../support/browser.mjs";
import { gate } from "../support/gate.mjs";
import { serve, until } from "../support/towline.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const example = path.join(here, "../../examples/laravel_echo");

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** The example's configuration and server.js, on ports of the kernel's choice: the page's address. */
async function run(t, { blocked = false } = {}) {
  const folder = mkdtempSync("/tmp/towline-echo-");
  t.after(() => rmSync(folder, { recursive: true }));
  const secret = path.join(folder, "secret");
  writeFileSync(secret, "my-secret");
  const file = path.join(folder, "towline.yaml");
  writeFileSync(file, readFileSync(path.join(example, "towline.yaml"), "utf8"));
  const server = await serve(t, ["-f", file], { ports: ["localhost:0"] });
  const port = blocked ? (await gate(t, server.port)).port : server.port;
  const child = spawn(process.execPath, [path.join(example, "server.js")], {
    env: { ...process.env, NODE_PATH: path.join(here, "../node_modules"), PORT: "0", PUSHER_PORT: String(port), SECRET: secret },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(async () => {
    child.kill();
    await once(child, "close");
  });
  let said = "";
  child.stdout.on("data", (text) => (said += text));
  return until(() => said.match(/http:\S+/)?.[0], "the application listens");
}

async function open(url) {
  const page = await (await browser.newContext()).newPage();
  page.faults = watch(page);
  await page.goto(url);
  return page;
}

test("people on the page see each other, talk, and get what they ordered", async (t) => {
  const url = await run(t);
  const one = await open(url);
  await one.getByText("user 1").waitFor();
  const other = await open(url);
  await one.getByText("user 1, user 2").waitFor();
  await other.getByText("user 1, user 2").waitFor();
  await one.getByLabel("Message").pressSequentially("Größe <b>&amp; 🐳");
  await other.getByText("user 1 is typing").waitFor();
  await one.getByLabel("Message").press("Enter");
  await other.getByText("user 1: Größe <b>&amp; 🐳").waitFor();
  await other.getByRole("button", { name: "Ship it" }).click();
  await other.getByText("order 1: a kite is on its way").waitFor();
  assert.equal(await one.locator("#orders li").count(), 0);
  await other.close();
  await until(async () => (await one.locator("#here").textContent()) === "user 1", "user 2 leaves");
  assert.deepEqual([...one.faults, ...other.faults], []);
});

test("the page works where a proxy drops WebSocket and holds answers back", async (t) => {
  const url = await run(t, { blocked: true });
  const [one, other] = [await open(url), await open(url)];
  for (const page of [one, other]) await page.getByText(/user 1, user 2|user 2, user 1/).waitFor({ timeout: 60000 });
  const name = await other.evaluate(() => me.name);
  await other.getByLabel("Message").fill("through the wall");
  await other.getByLabel("Message").press("Enter");
  await one.getByText(`${name}: through the wall`).waitFor();
  await one.getByRole("button", { name: "Ship it" }).click();
  await one.getByText("order 1: a kite is on its way").waitFor();
  assert.deepEqual([...one.faults, ...other.faults].filter((fault) => !/WebSocket connection to/.test(fault)), []);
});
