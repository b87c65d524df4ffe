// Other people's servers, for tests: started on a port, and ended with the test.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";

import { until, within } from "./towline.mjs";

/** A port that was free a moment ago, for programs that can't tell which one they got. */
export async function freePort() {
  const server = net.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

const accepts = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });

/** A program that listens on the port until the test ends. */
export async function start(t, port, command, words) {
  let log = "";
  const child = spawn(command, words, { stdio: ["ignore", "pipe", "pipe"] });
  let gone = false;
  child.on("error", (error) => (log += error));
  child.on("close", () => (gone = true));
  child.stdout.on("data", (text) => (log += text));
  child.stderr.on("data", (text) => (log += text));
  t.after(async () => {
    if (gone) return;
    child.kill("SIGTERM");
    await within(10000, once(child, "close"), `${command} ends`).catch(() => child.kill("SIGKILL"));
  });
  await until(async () => gone || (await accepts(port)), `${command} listens`, 20000);
  assert.ok(!gone, `${command} did not start: ${log}`);
}

