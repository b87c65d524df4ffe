// noVNC's own client library in a real browser, and a real VNC server behind the tunnel: the picture comes, keys go.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { launch, picture, watch } from "../support/browser.mjs";
import { until } from "../support/towline.mjs";
import { Tunnel, folder } from "../support/tunnel.mjs";

const library = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../node_modules/@novnc/novnc");

const page = `<!doctype html><title>vnc</title><div id="screen" style="width: 320px; height: 240px"></div>
<script type="module">
import RFB from "./core/rfb.js";
window.connect = (target, protocols) => {
  window.told = [];
  window.rfb = new RFB(document.getElementById("screen"), new URL(target, location.href.replace("http", "ws")).href, { wsProtocols: protocols });
  for (const name of ["connect", "disconnect", "securityfailure"]) rfb.addEventListener(name, (event) => told.push([name, event.detail?.clean]));
};
window.pixel = () => [...document.querySelector("canvas").getContext("2d").getImageData(20, 20, 1, 1).data];
window.ready = true;
</script>`;

/** A program of the test's, ended with it; what it says is in \`said\`. */
function start(t, file, words, options = {}) {
  const child = spawn(file, words, { stdio: ["ignore", "pipe", "pipe"], ...options });
  child.said = "";
  child.stdout.on("data", (text) => (child.said += text));
  child.stderr.on("data", (text) => (child.said += text));
  t.after(() => child.kill());
  return child;
}

/** A VNC server on a Unix socket, its display's number chosen by itself. */
async function vncServer(t) {
  const socket = path.join(folder(t), "vnc");
  const server = start(t, "Xtigervnc", ["-displayfd", "1", "-rfbport", "-1", "-rfbunixpath", socket, "-SecurityTypes", "None", "-geometry", "320x240", "-depth", "24", "-ac"]);
  const display = await until(() => server.said.match(/^(\d+)$/m)?.[1], `a display: ${server.said}`, 20000);
  return { socket, env: { ...process.env, DISPLAY: `:${display}` } };
}

test("noVNC shows the framebuffer and sends keys", async (t) => {
  const vnc = await vncServer(t);
  const root = folder(t);
  for (const part of ["core", "vendor"]) cpSync(path.join(library, part), path.join(root, part), { recursive: true });
  writeFileSync(path.join(root, "index.html"), page);
  const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/websockify", `unix:${vnc.socket}`, ["-d", root]);
  start(t, "xsetroot", ["-solid", "#c02040"], { env: vnc.env });

  const browser = await launch();
  t.after(() => browser.close());
  const tab = await browser.newPage();
  const faults = watch(tab);
  await tab.goto(`http://127.0.0.1:${tunnel.port}/`);
  await until(() => tab.evaluate(() => window.ready), "the library");
  await tab.evaluate(() => connect("/websockify", ["binary"]));
  await until(() => tab.evaluate(() => told.some(([name]) => name === "connect")), "the connection", 20000);
  await until(async () => (await tab.evaluate(() => pixel())).join() === "192,32,64,255", "the colour of the root window");
  await picture(tab, "vnc");

  const events = start(t, "xev", ["-geometry", "320x240+0+0"], { env: vnc.env });
  await until(() => /MapNotify/.test(events.said), "a window");
  await until(async () => (await tab.evaluate(() => pixel())).join() === "255,255,255,255", "the window's colour");
  await tab.evaluate(() => {
    const canvas = document.querySelector("canvas");
    for (const type of ["mousemove", "mousedown", "mouseup"]) canvas.dispatchEvent(new MouseEvent(type, { clientX: 100, clientY: 100, bubbles: true }));
    rfb.sendKey(0x7a, "KeyZ");
  });
  await until(() => /KeyPress event[\s\S]*?keysym 0x7a, z/.test(events.said), `the key: ${events.said.slice(-400)}`);

  await tab.evaluate(() => rfb.disconnect());
  assert.deepEqual(await until(() => tab.evaluate(() => told.find(([name]) => name === "disconnect")), "the end"), ["disconnect", true]);
  await until(() => /unix:\S+ closed after .* bytes to it, \d+ from it/.test(tunnel.log), "the line in the log");
  assert.deepEqual(faults, []);
});

test("a page hears why the target can't be reached", async (t) => {
  const root = folder(t);
  writeFileSync(path.join(root, "index.html"), "<!doctype html><title>page</title>");
  const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/websockify", "tcp:127.0.0.1:9", ["-d", root]);
  const browser = await launch();
  t.after(() => browser.close());
  const tab = await browser.newPage();
  await tab.goto(`http://127.0.0.1:${tunnel.port}/`);
  const heard = await tab.evaluate(
    () =>
      new Promise((resolve) => {
        const socket = new WebSocket(location.href.replace("http", "ws") + "websockify", ["binary"]);
        socket.onclose = ({ code, reason }) => resolve({ code, reason });
      }),
  );
  assert.deepEqual(heard, { code: 1014, reason: "the target can't be reached: 127.0.0.1 port 9: connection refused" });
});
