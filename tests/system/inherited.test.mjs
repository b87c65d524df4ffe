// Sockets that somebody else has opened: a descriptor, and those of a socket unit.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import WebSocket from "ws";

import { loops, program, run, until, within } from "../support/towline.mjs";

const socketUnit = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../support/socket_unit.py");

/** A program with these descriptors from 3 on, ended after the test with the status 0. */
function start(t, file, words, descriptors = []) {
  const child = spawn(file, words, { stdio: ["ignore", "ignore", "pipe", ...descriptors] });
  const started = { child, log: "", exit: once(child, "close").then(([code, signal]) => code ?? signal) };
  child.stderr.on("data", (text) => (started.log += text));
  started.stop = async () => {
    if (child.exitCode === null) child.kill("SIGTERM");
    assert.equal(await within(20000, started.exit, "the end"), 0, started.log);
  };
  t.after(started.stop);
  return started;
}

function folder(t) {
  const name = mkdtempSync("/tmp/towline-test-");
  t.after(() => rmSync(name, { recursive: true }));
  return name;
}

async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function echo(url) {
  const socket = new WebSocket(url);
  await within(20000, once(socket, "open"), `an answer from ${url}`);
  socket.send("hello");
  const [data] = await within(20000, once(socket, "message"), "the echo");
  assert.equal(data.toString(), "hello");
  socket.close();
  await once(socket, "close");
}

/** A TCP service that sends back what comes; its port. */
async function echoService(t) {
  const service = net.createServer((socket) => socket.on("error", () => {}).pipe(socket)).listen(0, "127.0.0.1");
  await once(service, "listening");
  t.after(() => service.close());
  return service.address().port;
}

async function tcpEcho(place) {
  const socket = net.connect(place);
  socket.write("hello");
  const [data] = await within(20000, once(socket, "data"), "the echo");
  socket.destroy();
  return data.toString();
}

/** The words that start the program with sockets of a socket unit. */
const unit = (places, words) => [...places, "--", program, ...words];

for (const io of loops) {
  describe(`sockets of others, ${io}`, () => {
    test("-p fd:N serves a socket that listens, and the next process goes on with it", async (t) => {
      const listener = net.createServer();
      listener.listen({ host: "127.0.0.1", port: 0, exclusive: true });
      await once(listener, "listening");
      const { port } = listener.address();
      // A copy in each child: this process closes its own behind the second.
      const words = ["serve", "-p", "fd:3", "--io", io, "--workers", "2"];
      const first = start(t, program, words, [listener._handle.fd]);
      await until(() => first.log.includes(`serving ws://127.0.0.1:${port}/echo`), "the first");
      const second = start(t, program, words, [listener._handle.fd]);
      await until(() => second.log.includes(`serving ws://127.0.0.1:${port}/echo`), "the second");
      listener.close();
      await first.stop();
      for (let i = 0; i < 10; i++) await echo(`ws://127.0.0.1:${port}/echo`);
    });

    test("-p systemd serves all that a socket unit has opened, TCP and Unix", async (t) => {
      const place = `${folder(t)}/socket`;
      const server = start(t, socketUnit, unit(["a=0", `b=${place}`], ["serve", "-p", "systemd", "--io", io]));
      await until(() => server.log.includes("serving on unix:"), "the start");
      const [, port] = server.log.match(/opened \('127\.0\.0\.1', (\d+)\)/);
      assert.ok(server.log.includes(`serving ws://127.0.0.1:${port}/echo`), server.log);
      assert.ok(server.log.includes(`serving on unix:${place}`), server.log);
      await echo(`ws://127.0.0.1:${port}/echo`);
      await echo(`ws+unix://${place}:/echo`);
    });

    test("a tunnel's LISTEN may be such a socket, from either side", async (t) => {
      const service = await echoService(t);
      const front = net.createServer().listen({ host: "127.0.0.1", port: 0, exclusive: true });
      await once(front, "listening");
      const forward = start(t, program, ["tunnel", "ws://fd:3/bytes", `tcp:127.0.0.1:${service}`, "--io", io], [front._handle.fd]);
      const url = `ws://127.0.0.1:${front.address().port}/bytes`;
      await until(() => forward.log.includes(`tunnel from ${url} to`), "the tunnel from WebSocket");
      front.close();
      await echo(url);
      const back = net.createServer().listen({ host: "127.0.0.1", port: 0, exclusive: true });
      await once(back, "listening");
      const { port } = back.address();
      const reverse = start(t, program, ["tunnel", "fd:3", url, "--io", io], [back._handle.fd]);
      await until(() => reverse.log.includes(`tunnel from tcp:127.0.0.1:${port} to ${url}`), "the tunnel from TCP");
      back.close();
      assert.equal(await tcpEcho({ host: "127.0.0.1", port }), "hello");
    });

    test("and all that a socket unit has opened", async (t) => {
      const service = await echoService(t);
      const place = `${folder(t)}/socket`;
      const forward = start(t, socketUnit, unit(["a=0"], ["tunnel", "ws://systemd:a/", `tcp:127.0.0.1:${service}`, "--io", io]));
      await until(() => /tunnel from (ws:\S+) to/.test(forward.log), "the tunnel from WebSocket");
      const url = forward.log.match(/tunnel from (ws:\S+) to/)[1];
      const reverse = start(t, socketUnit, unit(["a=0", `b=${place}`], ["tunnel", "systemd", url, "--io", io]));
      await until(() => reverse.log.includes(`tunnel from unix:${place} to`), "the tunnel from TCP and Unix");
      const port = Number(reverse.log.match(/tunnel from tcp:127\.0\.0\.1:(\d+) to/)[1]);
      assert.equal(await tcpEcho({ host: "127.0.0.1", port }), "hello");
      assert.equal(await tcpEcho({ path: place }), "hello");
      await reverse.stop();
      assert.ok(existsSync(place), "the file is the unit's");
    });
  });
}

test("systemd-socket-activate starts it by a first connection, and names tell its sockets apart", async (t) => {
  const place = `${folder(t)}/status`;
  const port = await freePort();
  const words = ["-l", `127.0.0.1:${port}`, "-l", place, "--fdname=web:status", program, "serve", "-p", "systemd:web", "--status", "systemd:status"];
  const server = start(t, "systemd-socket-activate", words);
  await until(() => server.log.includes(place), "systemd-socket-activate");
  await echo(`ws://127.0.0.1:${port}/echo`);
  assert.ok(server.log.includes(`serving ws://127.0.0.1:${port}/echo`), server.log);
  const answer = await new Promise((resolve, reject) => {
    http.get({ socketPath: place, path: "/health" }, resolve).on("error", reject);
  });
  assert.equal(answer.statusCode, 200);
  answer.resume();
});

for (const [words, pattern] of [
  [["-p", "fd:999"], /^towline serve: --port fd:999: there is no descriptor of this number$/],
  [["-p", "systemd"], /^towline serve: --port systemd: LISTEN_FDS is not set: no socket unit has started this process$/],
  [["-p", "127.0.0.1:0", "--status", "fd:999"], /^towline serve: --status fd:999: there is no descriptor of this number$/],
]) {
  test(`'towline serve ${words.join(" ")}' says what is missing`, async () => {
    const { status, errors } = await run(["serve", ...words]);
    assert.equal(status, 1);
    assert.match(errors.trimEnd(), pattern);
  });
}

for (const [words, pattern] of [
  [["ws://fd:999/", "tcp:localhost:1"], /^towline tunnel: LISTEN fd:999: there is no descriptor of this number$/],
  [["fd:999", "ws://localhost:1/"], /^towline tunnel: LISTEN fd:999: there is no descriptor of this number$/],
  [["systemd", "ws://localhost:1/"], /^towline tunnel: LISTEN systemd: LISTEN_FDS is not set: no socket unit has started this process$/],
]) {
  test(`'towline tunnel ${words.join(" ")}' says what is missing`, async () => {
    const { status, errors } = await run(["tunnel", ...words]);
    assert.equal(status, 1);
    assert.match(errors.trimEnd(), pattern);
  });
}

test("commands behind a tunnel are not told of the sockets of others", async (t) => {
  const tunnel = start(t, socketUnit, unit(["web=0"], ["tunnel", "ws://127.0.0.1:0/", "exec:env"]));
  await until(() => /ws:\/\/127\.0\.0\.1:(\d+)/.test(tunnel.log), "the start");
  const socket = new WebSocket(tunnel.log.match(/ws:\/\/127\.0\.0\.1:\d+/)[0]);
  let output = "";
  socket.on("message", (data) => (output += data));
  await within(20000, once(socket, "close"), "the end of the command");
  assert.match(output, /^PATH=/m);
  assert.doesNotMatch(output, /LISTEN_/);
});
