// SockJS and Engine.IO in Chromium: the clients that people have in their pages, with and without WebSocket.

import assert from "node:assert/strict";
import { copyFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, test } from "node:test";

import { launch, watch } from "../support/browser.mjs";
import { temporaryFolder } from "../support/handlers.mjs";
import { serve } from "../support/towline.mjs";

const resolve = createRequire(import.meta.url).resolve;
const scripts = {
  sockjs: path.join(path.dirname(resolve("sockjs-client/package.json")), "dist/sockjs.min.js"),
  engineio: path.join(path.dirname(resolve("engine.io-client/package.json")), "dist/engine.io.min.js"),
};

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** A page with a script, and the server that it is from. */
async function page(t, script) {
  const folder = temporaryFolder(t);
  copyFileSync(script, path.join(folder, "client.js"));
  writeFileSync(path.join(folder, "index.html"), '<!doctype html><link rel="icon" href="data:,"><script src="client.js"></script>');
  const server = await serve(t, ["-d", folder, "--workers", "2"]);
  const opened = await (await browser.newContext()).newPage();
  const faults = watch(opened);
  await opened.goto(`http://${server.host}/index.html`);
  t.after(() => opened.close());
  return { opened, faults };
}

for (const transports of ["websocket", "xhr-streaming", "xhr-polling"])
  test(`SockJS by ${transports}`, async (t) => {
    const { opened, faults } = await page(t, scripts.sockjs);
    const heard = await opened.evaluate(
      ([transport]) =>
        new Promise((done, fail) => {
          const heard = [];
          const socket = new SockJS("/echo/sockjs", null, { transports: [transport] });
          socket.onopen = () => ["one", "zwei \u2028", "\u{1f600}"].forEach((text) => socket.send(text));
          socket.onmessage = ({ data }) => heard.push(data) === 3 && (socket.close(), done(heard));
          socket.onclose = ({ code, reason }) => fail(new Error(`closed: ${code} ${reason}`));
        }),
      [transports],
    );
    assert.deepEqual(heard, ["one", "zwei \u2028", "\u{1f600}"]);
    assert.deepEqual(faults, []);
  });

for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]])
  test(`Engine.IO by ${transports.join(" and ")}`, async (t) => {
    const { opened, faults } = await page(t, scripts.engineio);
    const heard = await opened.evaluate(
      (ways) =>
        new Promise((done, fail) => {
          const heard = [];
          const socket = eio(location.origin, { path: "/echo/engine.io/", transports: ways });
          socket.binaryType = "arraybuffer";
          socket.on("open", () => (socket.send("text"), socket.send(new Uint8Array([1, 2, 3]).buffer)));
          socket.on("message", (data) => {
            heard.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
            const last = ways[ways.length - 1];
            if (heard.length === 2 && socket.transport.name === last) done(heard);
            else if (heard.length === 2) socket.on("upgrade", () => done(heard));
          });
          socket.on("close", (reason) => fail(new Error(reason)));
        }),
      transports,
    );
    assert.deepEqual(heard, ["text", [1, 2, 3]]);
    assert.deepEqual(faults, []);
  });
