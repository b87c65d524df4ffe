// A page that gets through: web/towline.js in Chromium, where WebSocket is blocked and where it is not.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { launch } from "../support/browser.mjs";
import { configuration, head, start } from "../support/configuration.mjs";
import { gate } from "../support/gate.mjs";
import { serve } from "../support/towline.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** Runs in the page: what a socket of this class heard until its end. */
async function talk(url) {
  const { default: TowlineWebSocket } = await import("/.towline.js");
  const socket = new TowlineWebSocket(url);
  const heard = [];
  socket.addEventListener("message", async ({ data }) => {
    heard.push(typeof data === "string" ? data : `${data.constructor.name} of ${data.size}`);
    if (heard.length === 3) socket.close(4002, "enough");
  });
  socket.onopen = () => {
    socket.send("Zürich 水");
    socket.send(new Uint8Array(70000));
    socket.send(new Blob(["some", "bytes"]));
  };
  const { code, wasClean } = await new Promise((resolve) => (socket.onclose = resolve));
  return { heard, code, wasClean, url: socket.url };
}

async function page(t, port) {
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(`http://127.0.0.1:${port}/`);
  return page;
}

async function served(t) {
  const folder = mkdtempSync(path.join(tmpdir(), "towline-page-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, "index.html"), "<!doctype html><title>page</title>");
  return serve(t, ["-d", folder]);
}

const whole = { heard: ["Zürich 水", "Blob of 70000", "Blob of 9"], code: 4002, wasClean: true };

describe("a page with towline.js", () => {
  test("uses WebSocket where it can", async (t) => {
    const server = await served(t);
    const got = await (await page(t, server.port)).evaluate(talk, "/echo");
    assert.deepEqual(got, { ...whole, url: `ws://127.0.0.1:${server.port}/echo` });
    assert.doesNotMatch(server.log, /\/echo 200/);
  });

  test("polls where upgrades are dropped, and begins so when it is opened again", async (t) => {
    const server = await served(t);
    const proxy = await gate(t, server.port);
    const first = await page(t, proxy.port);
    assert.deepEqual(await first.evaluate(talk, "/echo"), { ...whole, url: `ws://127.0.0.1:${proxy.port}/echo` });
    assert.match(server.log, /GET \/echo 200/);
    const seen = proxy.upgradesSeen;
    await first.reload();
    assert.deepEqual((await first.evaluate(talk, "/echo")).heard, whole.heard);
    assert.ok(proxy.upgradesSeen <= seen + 1, "at most an upgrade is tried");
  });

  test("polls a server of another origin", async (t) => {
    const server = await served(t);
    const { file } = configuration(t, `${head}routes:
  - {path: /echo, echo: true, any-origin: true}
  - {path: /channel/*, channel: , any-origin: true}
channels: [{name: a, publish: same-origin}]
`);
    const proxy = await gate(t, (await start(t, file)).port);
    const here = await page(t, server.port);
    for (const path of ["/echo", "/channel/a"]) {
      const got = await here.evaluate(talk, `ws://127.0.0.1:${proxy.port}${path}`);
      assert.deepEqual([got.heard, got.code], [whole.heard, 4002], path);
    }
  });
});
