// Every kind of data that a page can send, in Chromium.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { launch, watch } from "../support/browser.mjs";
import { Server, loops } from "../support/towline.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** Runs in the page: sends the data of this kind with a binaryType, and tells what came back. */
async function echoInPage({ url, binaryType, kind, length }) {
  const patterned = (count) => Uint8Array.from({ length: count }, (_, i) => (i * 7 + (i >> 8)) & 255);
  const canvasBytes = () => {
    const canvas = document.createElement("canvas");
    canvas.width = 400;
    canvas.height = 320;
    const context = canvas.getContext("2d");
    const gradient = context.createLinearGradient(0, 0, 400, 320);
    gradient.addColorStop(0, "navy");
    gradient.addColorStop(1, "orange");
    context.fillStyle = gradient;
    context.fillRect(0, 0, 400, 320);
    context.fillText("towline", 150, 160);
    return context.getImageData(0, 0, 400, 320).data;
  };
  const makers = {
    text: () => "Zürich 水 🚢 ".repeat(length),
    buffer: () => patterned(length).buffer,
    view: () => patterned(length + 20).subarray(10, length + 10),
    blob: () => new Blob([patterned(length), "and text"]),
    canvas: () => new Uint8Array(canvasBytes()),
  };
  const bytesOf = async (data) => {
    if (typeof data === "string") return new TextEncoder().encode(data);
    if (data instanceof Blob) return new Uint8Array(await data.arrayBuffer());
    return ArrayBuffer.isView(data) ? data : new Uint8Array(data);
  };
  const sent = makers[kind]();
  const socket = new WebSocket(url);
  socket.binaryType = binaryType;
  const event = await new Promise((resolve, reject) => {
    socket.onopen = () => socket.send(sent);
    socket.onmessage = resolve;
    socket.onclose = (close) => reject(new Error(`closed with ${close.code} ${close.reason}`));
  });
  const [before, behind] = [await bytesOf(sent), await bytesOf(event.data)];
  const closed = new Promise((resolve) => (socket.onclose = resolve));
  socket.close(1000, "done");
  const { code, wasClean } = await closed;
  return {
    type: Object.prototype.toString.call(event.data).slice(8, -1),
    length: behind.length,
    same: before.length === behind.length && before.every((byte, i) => byte === behind[i]),
    bufferedAmount: socket.bufferedAmount,
    code,
    wasClean,
  };
}

for (const io of loops) {
  describe(`messages from a page, ${io}`, () => {
    let server;
    let page;
    let faults;
    before(async () => {
      server = await Server.start(["--io", io]);
      page = await browser.newPage();
      faults = watch(page);
      await page.goto(`http://localhost:${server.port}/.console`);
    });
    after(async () => {
      await page.close();
      await server.stop();
    });

    for (const binaryType of ["blob", "arraybuffer"]) {
      for (const [kind, length, expected] of [
        ["text", 1, null],
        ["text", 100000, null],
        ["buffer", 0, 0],
        ["buffer", 65536, 65536],
        ["buffer", 5000000, 5000000],
        ["view", 1000, 1000],
        ["blob", 200000, 200008],
        ["canvas", 400 * 320, 400 * 320 * 4],
      ]) {
        test(`${kind} of ${length} with binaryType ${binaryType} comes back`, async () => {
          const url = `ws://localhost:${server.port}/echo`;
          const result = await page.evaluate(echoInPage, { url, binaryType, kind, length });
          const type = kind === "text" ? "String" : binaryType === "blob" ? "Blob" : "ArrayBuffer";
          if (expected !== null) assert.equal(result.length, expected);
          delete result.length;
          assert.deepEqual(result, { type, same: true, bufferedAmount: 0, code: 1000, wasClean: true });
          assert.deepEqual(faults, []);
        });
      }
    }

    test("subprotocol and extension are what was agreed on", async () => {
      const agreed = await page.evaluate(async (url) => {
        const socket = new WebSocket(url, ["soap", "xmpp"]);
        await new Promise((resolve) => (socket.onopen = resolve));
        const result = { protocol: socket.protocol, extensions: socket.extensions };
        socket.close();
        return result;
      }, `ws://localhost:${server.port}/echo`);
      assert.equal(agreed.protocol, "soap");
      assert.match(agreed.extensions, /^permessage-deflate/);
    });

    test("a path without a WebSocket fires error and close 1006", async () => {
      const events = await page.evaluate(async (url) => {
        const socket = new WebSocket(url);
        const seen = [];
        await new Promise((resolve) => {
          socket.onerror = () => seen.push("error");
          socket.onclose = (event) => resolve(seen.push(event.code));
        });
        return seen;
      }, `ws://localhost:${server.port}/nothing`);
      assert.deepEqual(events, ["error", 1006]);
      faults.length = 0; // the browser logs it
    });

    test("a thousand messages at once come back in order", async () => {
      const inOrder = await page.evaluate(async (url) => {
        const socket = new WebSocket(url);
        const came = [];
        await new Promise((resolve) => {
          socket.onmessage = (event) => came.push(event.data) === 1000 && resolve();
          socket.onopen = () => {
            for (let i = 0; i < 1000; i++) socket.send(`message ${i}`);
          };
        });
        socket.close();
        return came.every((text, i) => text === `message ${i}`);
      }, `ws://localhost:${server.port}/echo`);
      assert.ok(inOrder);
    });
  });
}

test("a page of another origin may use /echo", async () => {
  const server = await Server.start();
  const page = await browser.newPage();
  await page.goto(`http://localhost:${server.port}/.console`);
  const opened = await page.evaluate(
    (url) =>
      new Promise((resolve) => {
        const socket = new WebSocket(url);
        socket.onopen = () => resolve(true);
        socket.onclose = () => resolve(false);
      }),
    `ws://127.0.0.1:${server.port}/echo`,
  );
  assert.equal(opened, true);
  await page.close();
  await server.stop();
});
