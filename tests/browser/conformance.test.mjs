// The page of towline conform --html, used as a person would: with the mouse, by keyboard alone, in the dark and on a phone.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

import { launch, picture, watch } from "../support/browser.mjs";
import { Server, run } from "../support/towline.mjs";

const folder = mkdtempSync("/tmp/towline-conformance-");
let browser;
before(async () => {
  browser = await launch();
  const server = await Server.start();
  writeFileSync(`${folder}/own.cases`, 'group own RFC 6455, section 1\n\ncase wrong\n  must Texts come back changed.\n  send text "a"\n  expect text "b"\n  finish\n');
  const words = ["conform", "--cases", `${folder}/own.cases`];
  await run([...words, "--only", "control.*,handshake.missing.*,own.*", "--name", "one & only", "--json", `${folder}/a.json`, server.url()]);
  await run([...words, "--only", "control.*", "--name", "another", "--json", `${folder}/b.json`, server.url()]);
  const { status, errors } = await run(["conform", "--merge", `${folder}/a.json`, `${folder}/b.json`, "--html", `${folder}/page.html`]);
  assert.equal(status, 0, errors);
  await server.stop();
});
after(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

/** Opens the page in a context without network; `faults` must stay empty. */
async function open(t, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, offline: true, ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  const faults = watch(page);
  await page.goto(pathToFileURL(`${folder}/page.html`).href);
  return { page, faults };
}

const shown = (page) => page.locator(".case:visible").count();

test("the matrix has a column for each run and a row for each group", async (t) => {
  const { page, faults } = await open(t);
  assert.deepEqual(await page.locator("thead th").allInnerTexts(), ["", "one & only", "another"]);
  assert.deepEqual(await page.locator("tbody th").allInnerTexts(), ["handshake", "control", "own", "all"]);
  assert.deepEqual(await page.locator("tbody tr:nth-child(3) td").allInnerTexts(), ["0/1\n1 failed", "–"]);
  await picture(page, "conformance-light");
  assert.deepEqual(faults, []);
});

test("with the mouse: only what failed, and what was sent and received in it", async (t) => {
  const { page, faults } = await open(t);
  const all = await shown(page);
  assert.ok(all > 20);
  await page.getByLabel("failed", { exact: true }).check();
  assert.equal(await shown(page), 1);
  assert.equal(await page.locator("section:visible").count(), 1);
  assert.match(await page.locator("output").innerText(), new RegExp(`^1 of ${all} cases$`));
  await page.locator(".case:visible summary").click();
  const details = await page.locator(".case:visible").innerText();
  assert.match(details, /own\.wrong MUST, RFC 6455, section 1\s+Texts come back changed\./);
  assert.match(details, /✗ one & only a text message of 1 bytes with another payload than expected/);
  assert.match(details, /sent\s+text, 1 bytes of payload\s+81 81( [0-9a-f]{2}){5}/);
  assert.match(details, /received\s+text, 1 bytes\s+81 01 61/);
  await page.getByLabel("all", { exact: true }).check();
  assert.equal(await shown(page), all);
  assert.deepEqual(faults, []);
});

test("words find cases by name, section and sentence, and heads are shown as they read", async (t) => {
  const { page, faults } = await open(t);
  await page.getByRole("searchbox").fill("missing 9112 host");
  assert.equal(await shown(page), 1);
  await page.locator(".case:visible summary").click();
  const heads = await page.locator(".case:visible pre").allInnerTexts();
  assert.match(heads[0], /^GET \/echo HTTP\/1\.1\n(?!Host)/);
  assert.match(heads[1], /^HTTP\/1\.1 400 Bad Request\n/);
  await page.getByRole("searchbox").fill("no such words");
  assert.equal(await shown(page), 0);
  assert.deepEqual(faults, []);
});

test("by keyboard alone", async (t) => {
  const { page, faults } = await open(t);
  const focused = () => page.evaluate(() => document.activeElement.matches("summary, input, a, .scroll") && document.activeElement.tagName);
  for (let i = 0; i < 30 && (await focused()) !== "INPUT"; i++) await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowRight"); // not passed
  assert.equal(await page.locator("[name=show]:checked").inputValue(), "lesser");
  await page.keyboard.press("Tab");
  await page.keyboard.type("own.wrong");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "SUMMARY");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator(".case[open]").count(), 1);
  assert.deepEqual(faults, []);
});

test("on a phone and in the dark nothing sticks out, and the marks have names", async (t) => {
  const { page, faults } = await open(t, { viewport: { width: 390, height: 844 }, colorScheme: "dark" });
  await page.locator("#own summary").click();
  const { wide, label } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    label: getComputedStyle(document.querySelector("#own .mark.fail"), "::after").content,
  }));
  assert.ok(wide <= 0, `${wide} pixels too wide`);
  assert.match(label, /one & only|attr\(data-run\)/);
  assert.deepEqual(await page.locator("#own summary").getByRole("img").evaluateAll((marks) => marks.map((mark) => mark.getAttribute("aria-label"))), [
    "one & only: FAIL",
    "another: did not run",
  ]);
  await picture(page, "conformance-phone");
  assert.deepEqual(faults, []);
});

test("without scripts all cases are there, and open", async (t) => {
  const { page } = await open(t, { javaScriptEnabled: false });
  assert.equal(await page.locator("form").isVisible(), false);
  // By its key: a click that meets a page which has just scrolled is tried again by a timer in the page, and none runs there.
  await page.locator("#own summary").press("Enter");
  assert.match(await page.locator("#own .case").innerText(), /81 01 61/);
});
