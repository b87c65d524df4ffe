// The page that tutorials have people write, in Chromium, against `towline serve` as they would start it: on port 9998.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import { launch, watch } from "../support/browser.mjs";
import { Server, loops, program, until, within } from "../support/towline.mjs";

const folder = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(folder, "../..");
let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function assertPortIsFree(port) {
  for (const host of ["127.0.0.1", "::1"]) {
    const probe = net.createServer();
    const free = once(probe.listen(port, host), "listening").then(() => true, () => false);
    assert.ok(await free, `port ${port} of ${host} is in use by another program; the tutorials' page needs it`);
    await new Promise((resolve) => probe.close(resolve));
  }
}

for (const io of loops) {
  for (const [name, url] of [
    ["the document root", "http://localhost:9998/tutorial.html"],
    ["a file: URL", pathToFileURL(path.join(folder, "tutorial.html")).href],
  ]) {
    test(`the tutorials' page from ${name} shows its four alerts, ${io}`, async () => {
      await assertPortIsFree(9998);
      const server = await Server.start(["-d", folder, "--io", io], { ports: [] });
      try {
        const page = await browser.newPage();
        const faults = watch(page);
        const alerts = [];
        page.on("dialog", async (dialog) => {
          alerts.push(dialog.message());
          await dialog.accept();
        });
        await page.goto(url);
        await page.click("text=Run WebSocket");
        await until(() => alerts.length >= 3, "three alerts");
        server.signal("SIGTERM");
        await until(() => alerts.length >= 4, "four alerts");
        assert.deepEqual(alerts, ["This browser supports WebSocket.", "Message is sent.", "Message is received: Message to send", "Connection is closed."]);
        assert.deepEqual(await page.evaluate(() => window.closed_with), { code: 1001, wasClean: true });
        assert.equal(await within(20000, server.exit, "the drain's end"), 0, server.log);
        assert.deepEqual(faults, []);
        await page.close();
      } finally {
        server.signal("SIGKILL");
        await server.exit;
      }
    });
  }
}

/** The page of README.md, opened from a file as the tutorials have people do: a word is echoed, then Goodbye, and the close event is seen. */
async function runFromFile(t, server) {
  const home = mkdtempSync(path.join(tmpdir(), "towline-page-"));
  t.after(() => rmSync(home, { recursive: true }));
  const file = path.join(home, "tutorial.html");
  writeFileSync(file, /^```html\n([^]*?)^```$/m.exec(readFileSync(path.join(root, "README.md"), "utf8"))[1]);
  const page = await browser.newPage();
  const faults = watch(page);
  await page.goto(pathToFileURL(file).href);
  await page.click("text=Run WebSocket");
  await until(async () => (await page.locator("#log li").count()) >= 3, `three lines: ${server.log}`);
  assert.deepEqual(await page.locator("#log li").allTextContents(), ["received: Hello", "received: Goodbye", "closed: 1000, cleanly"]);
  assert.deepEqual(faults, []);
  await page.close();
}

for (const [name, start] of [
  ["towline serve -p 9998 -w examples/handlers/", () => new Server(["env", "-C", root, program, "serve", "-p", "9998", "-w", "examples/handlers/"])],
  ["python3 -m mod_pywebsocket.standalone -p 9998 -w ../examples/handlers/", () => new Server(["env", "-C", path.join(root, "python"), `TOWLINE=${program}`,
    "python3", "-m", "mod_pywebsocket.standalone", "-p", "9998", "-w", "../examples/handlers/"])],
])
  test(`${name} serves the tutorials' page from a file: URL`, async (t) => {
    await assertPortIsFree(9998);
    const server = start();
    try {
      await until(() => server.log.includes("echo_wsh.py serves /echo"), `the handler: ${server.log}`, 30000);
      await runFromFile(t, server);
      server.signal("SIGTERM");
      assert.equal(await within(20000, server.exit, "the drain's end"), 0, server.log);
    } finally {
      server.signal("SIGKILL");
      await server.exit;
    }
  });
