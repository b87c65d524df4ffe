// The console page, used as a person would: with the mouse, by keyboard alone, in the dark and on a phone.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { launch, picture, watch } from "../support/browser.mjs";
import { Server, until } from "../support/towline.mjs";

let browser;
let server;
before(async () => {
  browser = await launch();
  server = await Server.start([], { ports: ["localhost:0"] });
});
after(async () => {
  await browser.close();
  await server.stop();
});

/** Opens the console in a context of its own; `faults` must stay empty. */
async function open(t, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  const faults = watch(page);
  await page.goto(`http://localhost:${server.port}/`);
  return { page, faults };
}

const state = (page) => page.textContent("#states [aria-current]");
const log = (page) => page.innerText("#log");

async function becomes(page, expected) {
  await until(async () => (await state(page)).includes(expected), `the ready state ${expected}`);
}

async function logged(page, pattern) {
  await until(async () => pattern.test(await log(page)), `${pattern} in the log`).catch(async (error) => {
    throw new Error(`${error.message}\n${await log(page)}`);
  });
}

/** Nothing may stick out to the right. */
async function assertFits(page) {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(overflow <= 0, `${overflow} pixels too wide`);
}

test("with the mouse: connect, send text and a file, close with a code and a reason", async (t) => {
  const { page, faults } = await open(t);
  assert.equal(await page.inputValue("#url"), `ws://localhost:${server.port}/echo`);
  await becomes(page, "Closed");
  await picture(page, "console-closed-light");

  await page.fill("#protocols", "soap, xmpp");
  await page.click("#connect-button");
  await becomes(page, "Open");
  assert.equal(await page.textContent("#protocol"), "soap");
  assert.match(await page.textContent("#extensions"), /permessage-deflate/);

  await page.fill("#message", "hello from a person, 水 🚢");
  await page.click("#send-button");
  await logged(page, /hello from a person[\s\S]*hello from a person/);

  const folder = mkdtempSync("/tmp/towline-test-");
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(`${folder}/bytes.bin`, Buffer.from("00ff10deadbeef", "hex"));
  await page.setInputFiles("#file", `${folder}/bytes.bin`);
  await logged(page, /de ad be ef[\s\S]*de ad be ef/);
  assert.match(await page.textContent("#counts"), /2 out, 2 in/);
  await until(async () => (await page.textContent("#buffered")) === "0 bytes", "nothing is buffered");

  await page.click("#probe");
  await until(async () => Number(await page.textContent("#trip-count")) >= 3, "three round trips");
  assert.match(await page.textContent("#trip-median"), /\d/);
  await picture(page, "console-open-light");
  await page.click("#probe");

  await page.fill("#code", "3001");
  await page.fill("#reason", "seen enough");
  await page.click("#close-button");
  await becomes(page, "Closed");
  await logged(page, /3001/);
  await assertFits(page);
  assert.deepEqual(faults, []);
});

test("by keyboard alone", async (t) => {
  const { page, faults } = await open(t);
  const focused = () => page.evaluate(() => document.activeElement.id);
  const tabTo = async (id) => {
    for (let i = 0; i < 40 && (await focused()) !== id; i++) await page.keyboard.press("Tab");
    assert.equal(await focused(), id, `Tab reaches ${id}`);
  };
  await tabTo("url");
  await page.keyboard.press("Enter");
  await becomes(page, "Open");
  await tabTo("message");
  await page.keyboard.type("first line");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("second line");
  await page.keyboard.press("Enter");
  await logged(page, /first line\s+second line[\s\S]*first line\s+second line/);
  assert.equal(await page.inputValue("#message"), "", "ready for the next");
  await page.keyboard.press("ArrowUp");
  assert.equal(await page.inputValue("#message"), "first line\nsecond line");
  await picture(page, "console-keyboard");
  await tabTo("close-button");
  await page.keyboard.press("Enter");
  await becomes(page, "Closed");
  assert.deepEqual(faults, []);
});

test("mistakes are told and do no harm", async (t) => {
  const { page } = await open(t);
  await page.fill("#url", "ftp://localhost/");
  await page.click("#connect-button");
  await until(() => page.isVisible("#connect-problem"), "a problem is told");
  assert.match(await page.textContent("#connect-problem"), /\w/);
  await page.fill("#url", `ws://localhost:${server.port}/echo`);
  await page.fill("#protocols", "soap, soap");
  await page.click("#connect-button");
  await until(() => page.isVisible("#connect-problem"), "a problem is told");
  await picture(page, "console-mistake");
  await page.fill("#protocols", "");
  await page.click("#connect-button");
  await becomes(page, "Open");
  await page.fill("#code", "1002");
  await page.click("#close-button");
  await until(() => page.isVisible("#close-problem"), "a page may not close with 1002");
  await becomes(page, "Open");
});

test("an endpoint that is not there is told with its code", async (t) => {
  const { page } = await open(t);
  await page.fill("#url", `ws://localhost:${server.port}/nothing`);
  await page.click("#connect-button");
  await logged(page, /1006/);
  await becomes(page, "Closed");
});

test("texts from a peer are shown, not run", async (t) => {
  const { page, faults } = await open(t);
  await page.click("#connect-button");
  await becomes(page, "Open");
  await page.fill("#message", "<img src=x onerror=\"document.title='run'\"><b>bold</b>");
  await page.press("#message", "Enter");
  await logged(page, /<b>bold<\/b>[\s\S]*<b>bold<\/b>/);
  assert.notEqual(await page.title(), "run");
  assert.deepEqual(faults, []);
});

test("it keeps up with many messages", async (t) => {
  const { page, faults } = await open(t);
  await page.click("#connect-button");
  await becomes(page, "Open");
  for (let i = 0; i < 100; i++) {
    await page.fill("#message", `${i} ${"x".repeat(2000)}`);
    await page.press("#message", "Enter");
  }
  await until(async () => (await page.textContent("#counts")) === "100 out, 100 in", "a hundred answers");
  await logged(page, /99 xxx[\s\S]*99 xxx/);
  assert.deepEqual(faults, []);
});

test("in the dark", async (t) => {
  const { page, faults } = await open(t, { colorScheme: "dark" });
  await page.click("#connect-button");
  await becomes(page, "Open");
  await page.fill("#message", "good evening");
  await page.press("#message", "Enter");
  await logged(page, /good evening[\s\S]*good evening/);
  await page.click("#probe");
  await until(async () => Number(await page.textContent("#trip-count")) >= 3, "three round trips");
  const lightness = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).map(Number));
  assert.ok(Math.max(...lightness) < 60, `the page is dark: ${lightness}`);
  await picture(page, "console-open-dark");
  assert.deepEqual(faults, []);
});

test("on a phone", async (t) => {
  const { page, faults } = await open(t, { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
  await assertFits(page);
  await page.tap("#connect-button");
  await becomes(page, "Open");
  await page.fill("#message", "from the road");
  await page.tap("#send-button");
  await logged(page, /from the road[\s\S]*from the road/);
  await assertFits(page);
  await page.evaluate(() => scrollTo(0, 0));
  await picture(page, "console-phone");
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await picture(page, "console-phone-end");
  const small = await page.evaluate(() =>
    [...document.querySelectorAll("button, input:not([type=file]), select, textarea")]
      .filter((element) => element.offsetParent && element.getBoundingClientRect().height < 28)
      .map((element) => element.id || element.textContent),
  );
  assert.deepEqual(small, [], "large enough for a finger");
  assert.deepEqual(faults, []);
});

test("channels: what curl publishes is shown, and who has the key sees them and publishes", async (t) => {
  const { page, faults } = await open(t);
  const key = readFileSync(path.join(process.env.STATE_DIRECTORY, "publish.key"), "utf8").trim();
  const target = `http://localhost:${server.port}/publish/news`;
  await page.click("#channel-form button");
  await becomes(page, "Open");
  assert.equal(await page.inputValue("#url"), `ws://localhost:${server.port}/channel/news`);
  await until(async () => {
    const { stdout } = await promisify(execFile)("curl", ["-s", "-S", "-H", `Authorization: Bearer ${key}`, "-d", "hello", target]);
    return JSON.parse(stdout).subscribers > 0;
  }, "somebody is subscribed");
  await logged(page, /hello/);

  await page.fill("#publication", "from the page");
  await page.click("#publish button[type=submit]");
  await page.waitForSelector("#channel-problem:not([hidden])");
  assert.match(await page.textContent("#channel-problem"), /a key is needed/);
  await page.fill("#key", key);
  await page.click("#publish button[type=submit]");
  await logged(page, /published to news: 1 subscriber\b/);
  await logged(page, /from the page/);
  await page.waitForSelector("#channels button");
  assert.equal(await page.innerText("#channels tbody"), "news\t1");
  await assertFits(page);
  await picture(page, "console-channels-light");

  await page.fill("#channel", "other/ä");
  await page.click("#channel-form button");
  await until(async () => (await page.inputValue("#url")).endsWith("/channel/other/%C3%A4"), "the other channel's URL");
  await becomes(page, "Open");
  await until(async () => (await page.innerText("#channels tbody")).includes("other/ä"), "the other channel");
  assert.deepEqual(faults.filter((fault) => !fault.includes("401")), []);
});
