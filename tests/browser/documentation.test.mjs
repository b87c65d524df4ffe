// The page of docs/engineio.md, in Chromium.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";

import { launch, watch } from "../support/browser.mjs";
import { Page } from "../support/documentation.mjs";
import { serve, until } from "../support/towline.mjs";
import assert from "node:assert/strict";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test("the page that gets through says hello, and hears it", async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "towline-page-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, "index.html"), `<!doctype html>\n<link rel="icon" href="data:,">\n${new Page("engineio.md").take("html")}`);
  const server = await serve(t, ["-d", folder]);
  const page = await browser.newPage();
  const faults = watch(page);
  const lines = [];
  page.on("console", (message) => lines.push(message.text()));
  await page.goto(`http://127.0.0.1:${server.port}/`);
  await until(() => lines.includes("hello"), "the echo");
  assert.deepEqual(faults, []);
  await page.close();
});
