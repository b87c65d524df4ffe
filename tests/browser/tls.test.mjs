// wss in Chromium, with a certificate that is made for the run: refused as it stands, and taken by whoever trusts this very key.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import tls from "node:tls";

import { launch, watch } from "../support/browser.mjs";
import { loops, serve, within } from "../support/towline.mjs";

/** The digest of the server's public key, as Chromium is told whom to trust. */
async function keyDigest(server) {
  const socket = tls.connect({ host: "127.0.0.1", port: server.port, rejectUnauthorized: false });
  await within(20000, once(socket, "secureConnect"), "the TLS handshake");
  const key = socket.getPeerX509Certificate().publicKey.export({ type: "spki", format: "der" });
  socket.destroy();
  return createHash("sha256").update(key).digest("base64");
}

/** Runs in the page: echoes a text, and says what was agreed. */
async function echoInPage({ url, text }) {
  const socket = new WebSocket(url);
  const answer = await new Promise((resolve) => {
    socket.onopen = () => socket.send(text);
    socket.onmessage = ({ data }) => resolve(data);
    socket.onclose = ({ code }) => resolve(`closed with ${code}`);
  });
  const closed = new Promise((resolve) => (socket.onclose = resolve));
  socket.close(1000);
  const { code, wasClean } = await closed;
  return { answer, code, wasClean, secure: window.isSecureContext };
}

for (const io of loops) {
  test(`a page over https echoes over wss, ${io}`, async (t) => {
    const server = await serve(t, ["--io", io, "--tls-self-signed"]);
    const browser = await launch([`--ignore-certificate-errors-spki-list=${await keyDigest(server)}`]);
    t.after(() => browser.close());
    const page = await browser.newPage();
    const faults = watch(page);
    const response = await page.goto(`https://localhost:${server.port}/.console`);
    assert.equal(response.status(), 200);
    assert.equal((await response.securityDetails()).protocol, "TLS 1.3");
    for (const text of ["Zürich 水 🚢", "x".repeat(200000)]) {
      const { answer, code, wasClean, secure } = await page.evaluate(echoInPage, { url: `wss://localhost:${server.port}/echo`, text });
      assert.ok(answer === text, answer.slice(0, 100));
      assert.deepEqual({ code, wasClean, secure }, { code: 1000, wasClean: true, secure: true });
    }
    assert.deepEqual(faults, []);
  });
}

test("nobody trusts it unasked", async (t) => {
  const server = await serve(t, ["--tls-self-signed"]);
  const browser = await launch();
  t.after(() => browser.close());
  const warned = await browser.newPage();
  await assert.rejects(warned.goto(`https://localhost:${server.port}/.console`), /ERR_CERT_AUTHORITY_INVALID/);
  const page = await browser.newPage(); // the other one is still on its way to the browser's warning
  const code = await page.evaluate((url) => new Promise((resolve) => (new WebSocket(url).onclose = (close) => resolve(close.code))), `wss://localhost:${server.port}/echo`);
  assert.equal(code, 1006);
});
