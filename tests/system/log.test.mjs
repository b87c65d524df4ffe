// The log of towline serve: where it goes, how it looks, and that nobody waits for it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import http from "node:http";
import { test } from "node:test";
import WebSocket from "ws";

import { Raw } from "../support/raw.mjs";
import { loops, program, request, run, serve, Server, until, within } from "../support/towline.mjs";

function folder(t) {
  const name = mkdtempSync("/tmp/towline-test-");
  t.after(() => rmSync(name, { recursive: true }));
  return name;
}

/** A server that logs to a file, so that its start is read there. */
async function serveInto(t, file, words = []) {
  const child = spawn(program, ["serve", "-p", "127.0.0.1:0", "-l", file, ...words], { stdio: ["ignore", "ignore", "inherit"] });
  const port = await until(() => {
    try {
      return Number(readFileSync(file, "utf8").match(/serving ws:\/\/127\.0\.0\.1:(\d+)/)?.[1]);
    } catch {
      return false;
    }
  }, "the first line");
  const stop = async () => {
    if (child.exitCode === null) child.kill("SIGTERM");
    if (child.exitCode === null) await within(20000, once(child, "close"), "the end");
    assert.equal(child.exitCode, 0);
  };
  t.after(stop);
  return { child, port, stop };
}

test("a file says why there was no listening, as standard error does", async (t) => {
  const file = `${folder(t)}/log`;
  const { port } = await serve(t);
  const { status, errors } = await run(["serve", "-p", `127.0.0.1:${port}`, "-l", file]);
  assert.equal(status, 1);
  assert.match(errors, new RegExp(`^towline serve: 127.0.0.1:${port} is already in use.*\n$`));
  assert.match(
    readFileSync(file, "utf8"),
    new RegExp(`^\\S+ error listen: cannot listen on 127.0.0.1:${port}: the address is already in use\n$`),
  );
});

test("SIGHUP opens the file again", async (t) => {
  const file = `${folder(t)}/log`;
  const server = await serveInto(t, file);
  await request({ port: server.port, path: "/before" });
  renameSync(file, `${file}.1`);
  await request({ port: server.port, path: "/moved" });
  server.child.kill("SIGHUP");
  await until(async () => {
    await request({ port: server.port, path: "/after" });
    try {
      return readFileSync(file, "utf8").includes("/after");
    } catch {
      return false;
    }
  }, "the new file");
  const old = readFileSync(`${file}.1`, "utf8");
  assert.match(old, /\/before/);
  assert.match(old, /\/moved/);
  assert.doesNotMatch(readFileSync(file, "utf8"), /\/before/);
});

test("json is one object a line", async (t) => {
  const file = `${folder(t)}/log`;
  const server = await serveInto(t, file, ["--log-format", "json", "--log-level", "debug"]);
  await request({ port: server.port, path: '/a"b?token=secret' });
  await server.stop();
  const lines = readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  assert.ok(lines.length >= 3);
  for (const line of lines) {
    assert.deepEqual(Object.keys(line).slice(0, 3), ["time", "level", "message"]);
    assert.ok(!Number.isNaN(Date.parse(line.time)));
  }
  const { peer, why, ...answered } = lines.find((line) => line.message === "request");
  assert.match(peer, /^127\.0\.0\.1:\d+$/);
  assert.match(why, /nothing is served/);
  assert.deepEqual({ ...answered, time: "" }, { time: "", level: "notice", message: "request", method: "GET", path: '/a"b', status: 404 });
  assert.doesNotMatch(readFileSync(file, "utf8"), /secret/);
});

for (const io of loops) {
  test(`each connection's end is a line that says who, why and what was carried, ${io}`, async (t) => {
    const server = await serve(t, ["--io", io, "--max-message", "1000", "--log-format", "json"]);
    const open = async () => {
      const socket = new WebSocket(server.url("/echo?token=secret"));
      await once(socket, "open");
      return socket;
    };
    const ends = () => server.log.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line)).filter((line) => line.message === "closed");
    const next = async () => {
      const { time, level, message, peer, milliseconds, ...line } = await until(() => ends()[count], "the line");
      count++;
      assert.match(peer, /^127\.0\.0\.1:\d+$/);
      assert.ok(milliseconds >= 0);
      return line;
    };
    let count = 0;
    const polite = await open();
    polite.send("hello");
    await once(polite, "message");
    polite.close(4001, "enough\n");
    const carried = { messages_in: 1, bytes_in: 5, messages_out: 1, bytes_out: 5 };
    const nothing = { messages_in: 0, bytes_in: 0, messages_out: 0, bytes_out: 0 };
    assert.deepEqual(await next(), { path: "/echo", code: 4001, reason: "enough\\x0A", by: "client", why: "close", ...carried });
    const greedy = await open();
    greedy.on("error", () => {});
    greedy.send(Buffer.alloc(1001));
    const limit = "max-message";
    assert.deepEqual(await next(), { path: "/echo", code: 1009, reason: "the message is larger than max-message", by: "server", why: limit, limit, ...nothing });
    const reset = await open();
    reset._socket.resetAndDestroy();
    assert.deepEqual(await next(), { path: "/echo", code: 1006, by: "client", why: "reset", ...nothing });
    await open();
    server.signal();
    assert.deepEqual(await next(), { path: "/echo", code: 1001, by: "server", why: "drain", ...nothing });
    assert.doesNotMatch(server.log, /secret/);
  });
}

test("with --log-level warning a good day leaves no line", async (t) => {
  const place = folder(t);
  const child = spawn(program, ["serve", "-p", `unix:${place}/socket`, "-l", `${place}/log`, "--log-level", "warning"]);
  await until(() => existsSync(`${place}/socket`), "listening");
  const [response] = await once(http.get({ socketPath: `${place}/socket`, path: "/.console" }), "response");
  response.resume();
  assert.equal(response.statusCode, 200);
  child.kill("SIGTERM");
  const [code] = await within(20000, once(child, "close"), "the end");
  assert.equal(code, 0);
  assert.equal(readFileSync(`${place}/log`, "utf8"), "");
});

test("a log that nobody reads holds nobody up", async (t) => {
  const child = spawn(program, ["serve", "-p", "127.0.0.1:0", "--io", "epoll"], { stdio: ["ignore", "ignore", "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  const [first] = await once(child.stderr, "data");
  const port = Number(first.toString().match(/serving ws:\/\/127\.0\.0\.1:(\d+)/)[1]);
  child.stderr.pause();
  const target = `/${"x".repeat(800)}`;
  for (let i = 0; i < 1200; i++) {
    const { status } = await within(20000, request({ port, path: target }), "an answer");
    assert.equal(status, 404);
  }
  child.kill("SIGTERM");
  child.stderr.resume();
  const [code] = await within(20000, once(child, "close"), "the end");
  assert.equal(code, 0);
});

test("a second SIGINT ends a drain at once, with 0", async (t) => {
  const server = await Server.start(["--drain-seconds", "60"]);
  const raw = await Raw.open(server.port);
  server.signal("SIGINT");
  await until(() => server.log.includes("draining"), "the drain");
  await until(() => raw.received.length > 0, "a Close");
  server.signal("SIGINT");
  assert.equal(await within(20000, server.exit, "the end"), 0);
  raw.socket.destroy();
});
