// What the pages on programs show does what they say, with the configuration that they show.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { documented, temporaryFolder } from "../support/handlers.mjs";
import { client } from "../support/kind_host.mjs";
import { Server, until } from "../support/towline.mjs";

const helpers = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../helpers");

/** A folder with the examples of a page, and towline running in it. */
async function serveIn(t, folder, words) {
  const server = await Server.start(words, { prefix: ["env", "-C", folder, `PYTHONPATH=${helpers}`] });
  t.after(() => server.stop());
  return server;
}

function write(folder, files) {
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(folder, name), content);
}

const page = "handler-protocol.md";

for (const [file, language, name] of [["chat.py", "python", "python3"], ["chat.mjs", "js", "node"]])
  test(`the chat in ${language}`, async (t) => {
    const folder = temporaryFolder(t);
    write(folder, documented(page, language));
    symlinkSync(helpers, path.join(folder, "helpers"));
    const config = documented(page, "yaml")["worker.yaml"].replace("python3", name).replace("chat.py", file);
    write(folder, { "worker.yaml": `${config}      environment: [PYTHONPATH=helpers]\n` });
    const server = await serveIn(t, folder, ["-f", "worker.yaml"]);
    const [one, two] = [await client(t, server, "/chat?ann"), await client(t, server, "/chat?bob")];
    two.send("hello");
    assert.deepEqual(await one.next(1), ["bob: hello"]);
    one.send("hi");
    assert.deepEqual(await two.next(2), ["bob: hello", "ann: hi"]);
  });

test("the worker without a helper", async (t) => {
  const folder = temporaryFolder(t);
  write(folder, documented(page, "python"));
  write(folder, { "worker.yaml": documented(page, "yaml")["worker.yaml"].replace("chat.py", "shout.py") });
  const server = await serveIn(t, folder, ["-f", "worker.yaml"]);
  const socket = await client(t, server, "/chat");
  for (const text of ["hello", "again"]) socket.send(text);
  assert.deepEqual(await socket.next(2), ["HELLO", "AGAIN"]);
});

test("the back end", async (t) => {
  const folder = temporaryFolder(t);
  const probe = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.on("listening", resolve));
  const { port } = probe.address();
  probe.close();
  write(folder, documented(page, "python"));
  write(folder, { "secret.txt": "open sesame\n", "back_end.yaml": documented(page, "yaml")["back_end.yaml"].replace("8000", port) });
  const app = spawn("python3", ["back_end.py"], { cwd: folder, env: { ...process.env, PORT: String(port) }, stdio: "ignore" });
  t.after(() => app.kill());
  await until(() => new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  }), "the back end");
  const server = await serveIn(t, folder, ["-f", "back_end.yaml"]);
  const socket = await client(t, server, "/chat");
  socket.send("hello");
  assert.deepEqual(await socket.next(1), ["HELLO"]);
});

test("the program in a folder of handlers", async (t) => {
  const folder = temporaryFolder(t);
  const handlers = path.join(folder, "handlers");
  mkdirSync(handlers);
  write(handlers, documented("handlers.md", "sh"));
  chmodSync(path.join(handlers, "count.sh"), 0o755);
  const server = await serveIn(t, folder, ["-w", "handlers"]);
  const socket = await client(t, server, "/count");
  for (const text of ["a", "b"]) socket.send(text);
  assert.deepEqual(await socket.next(3), ["hello, 127.0.0.1", "1: a", "2: b"]);
});

test("the Python handler in a folder of handlers", async (t) => {
  const folder = temporaryFolder(t);
  const handlers = path.join(folder, "handlers");
  mkdirSync(handlers);
  write(handlers, { "shout_wsh.py": documented("handlers.md", "python")["shout_wsh.py"] });
  const server = await serveIn(t, folder, ["-w", "handlers"]);
  await until(() => server.log.includes("shout_wsh.py serves /shout"), "it is loaded", 30000);
  const socket = await client(t, server, "/shout");
  socket.send("hello");
  assert.deepEqual(await socket.next(1), ["you: HELLO"]);
});
