// Starting, running out of descriptors, draining, counting.

import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { describe, test } from "node:test";
import WebSocket from "ws";

import { CLOSE, Raw, TEXT, closePayload, frame } from "../support/raw.mjs";
import { Server, loops, program, request, run, serve, sleep, until, within } from "../support/towline.mjs";

for (const io of loops) {
  describe(`lifecycle, ${io}`, () => {
    test("SIGTERM sends 1001 to all and exits with 0", async () => {
      const server = await Server.start(["--io", io, "--workers", "2", "--drain-seconds", "60"]);
      const sockets = await Promise.all(
        Array.from({ length: 50 }, async () => {
          const socket = new WebSocket(server.url());
          await once(socket, "open");
          return socket;
        }),
      );
      const codes = sockets.map((socket) => once(socket, "close").then(([code]) => code));
      server.signal("SIGTERM");
      assert.deepEqual(await within(20000, Promise.all(codes), "all are closed"), sockets.map(() => 1001));
      assert.equal(await within(20000, server.exit, "an exit that waits for nobody"), 0, server.log);
    });

    test("SIGINT drains too, and soon no worker accepts connections any more", async () => {
      const server = await Server.start(["--io", io, "--drain-seconds", "60"]);
      const raw = await Raw.open(server.port);
      server.signal("SIGINT");
      assert.equal(await raw.closeCode(), 1001);
      const isRefused = () =>
        new Promise((resolve) => {
          const socket = net.connect({ host: "127.0.0.1", port: server.port });
          socket.on("connect", () => resolve(socket.destroy() && false));
          socket.on("error", (error) => resolve(error.code === "ECONNREFUSED"));
        });
      await until(isRefused, "each worker has closed its listener");
      assert.equal(server.child.exitCode, null, "it still waits for the first connection");
      raw.send(frame(CLOSE, closePayload(1001)));
      assert.equal(await within(20000, server.exit, "the exit"), 0, server.log);
    });

    test("peers that do not answer the drain are reset after drain-seconds", async () => {
      const server = await Server.start(["--io", io, "--drain-seconds", "1", "--close-seconds", "60"]);
      const deaf = await Promise.all(Array.from({ length: 5 }, () => Raw.open(server.port)));
      const halfway = await Raw.connect(server.port);
      halfway.send("GET /echo HTTP/1.1\r\nHost:");
      await sleep(50);
      const started = Date.now();
      server.signal("SIGTERM");
      assert.equal(await within(20000, server.exit, "the exit"), 0, server.log);
      const took = Date.now() - started;
      assert.ok(took >= 900 && took < 20000, `${took} ms`);
      for (const raw of deaf) await raw.end();
      halfway.destroy();
    });

    test("an idle server that gets SIGTERM exits at once", async () => {
      const server = await Server.start(["--io", io, "--drain-seconds", "60"]);
      server.signal("SIGTERM");
      assert.equal(await within(20000, server.exit, "the exit"), 0, server.log);
    });

    test("a request that is being answered is finished while draining", async () => {
      const { mkdtempSync, writeFileSync, rmSync } = await import("node:fs");
      const folder = mkdtempSync("/tmp/towline-test-");
      writeFileSync(`${folder}/big`, Buffer.alloc(8 << 20, 1));
      const server = await Server.start(["--io", io, "-d", folder]);
      const raw = await Raw.connect(server.port);
      raw.socket.pause();
      raw.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await sleep(200);
      server.signal("SIGTERM");
      await sleep(100);
      raw.socket.resume();
      await raw.end(10000);
      assert.ok(raw.received.length > 8 << 20, `${raw.received.length} bytes`);
      assert.equal(await within(20000, server.exit, "the exit"), 0, server.log);
      rmSync(folder, { recursive: true });
    });

    test("out of descriptors it goes on serving, rests, and accepts again soon", async (t) => {
      const server = await serve(t, ["--io", io, "--workers", "1", "--max-connections", "1000"], {
        prefix: ["prlimit", "--nofile=64:64"],
        status: true,
      });
      assert.match(server.log, /warning max-connections is more than the \d+ connections that there are descriptors for/);
      const open = [];
      const waiting = [];
      for (let i = 0; i < 80; i++) {
        const raw = await Raw.connect(server.port); // the kernel's queue takes it in any case
        raw.send(Raw.request(server.port, "/echo", {}));
        (i < 20 ? open : waiting).push(raw);
      }
      for (const raw of open) assert.match(await raw.head(), /^HTTP\/1\.1 101 /);
      await sleep(300);
      for (const raw of [...waiting]) {
        if (raw.received.length > 0) {
          assert.match(await raw.head(), /^HTTP\/1\.1 101 /);
          waiting.splice(waiting.indexOf(raw), 1);
          open.push(raw);
        }
      }
      assert.ok(waiting.length >= 20, `${waiting.length} wait for a descriptor`);
      assert.match(server.log, /warning out of file descriptors: who connects now waits/);

      const before = server.cpu();
      await sleep(1000);
      assert.ok(server.cpu() - before < 50, `${server.cpu() - before} ms of CPU in a second`);

      open[0].send(frame(TEXT, "still there?"));
      assert.equal((await open[0].frame()).payload.toString(), "still there?");

      const times = [];
      for (let i = 0; i < 10; i++) {
        const leaver = open.pop();
        leaver.send(frame(CLOSE, closePayload(1000)));
        await leaver.end(); // both sides have ended, and with that the server's descriptor is free
        const started = performance.now();
        await until(() => waiting.some((raw) => raw.received.length > 0), "one of those that wait is let in");
        times.push(performance.now() - started);
        const next = waiting.findIndex((raw) => raw.received.length > 0);
        await waiting[next].head();
        open.push(...waiting.splice(next, 1));
      }
      times.sort((a, b) => a - b);
      assert.ok(times[5] < 500, `${times.map((time) => time.toFixed(1))} ms`);
      for (const raw of [...open, ...waiting]) raw.destroy();
      await until(async () => (await server.counter("websockets").catch(() => -1)) === 0, "all are gone");
      assert.ok((await server.limit("descriptors")) >= 1);
    });
  });
}

test("--status answers until the last worker has drained", async () => {
  const server = await Server.start(["--workers", "3", "--drain-seconds", "2", "--close-seconds", "60"], { status: true });
  const deaf = await Promise.all(Array.from({ length: 12 }, () => Raw.open(server.port)));
  server.signal("SIGTERM");
  for (const raw of deaf) assert.equal(await raw.closeCode(), 1001);
  for (const raw of deaf.slice(1)) raw.destroy(); // one is left, on one worker
  await until(async () => (await server.counter("websockets")) === 1, "one is left");
  await sleep(100);
  const health = await request({ port: server.statusPort, path: "/health" });
  assert.equal(health.status, 503);
  assert.equal(health.body.toString(), "draining\n");
  deaf[0].destroy();
  assert.equal(await within(20000, server.exit, "the exit"), 0, server.log);
});

test("the counters of --status add up", async (t) => {
  const server = await serve(t, ["--workers", "2"], { status: true });
  const sockets = await Promise.all(Array.from({ length: 10 }, () => Raw.open(server.port)));
  assert.equal(await server.counter("websockets"), 10);
  for (const raw of sockets) {
    raw.send(frame(TEXT, "12345"));
    await raw.frame();
  }
  assert.equal(await server.counter("websockets_opened_total"), 10);
  assert.equal(await server.counter("upgrades_total"), 10);
  assert.equal(await server.counter("messages_in_total"), 10);
  assert.equal(await server.counter("messages_out_total"), 10);
  assert.equal(await server.counter("payload_bytes_in_total"), 50);
  assert.equal(await server.counter("payload_bytes_out_total"), 50);
  for (const raw of sockets) raw.destroy();
  await until(async () => (await server.counter("websockets")) === 0, "all are gone");
  assert.equal(await server.counter("websockets_closed_total"), 10);
  const { status, headers, body } = await request({ port: server.statusPort, path: "/metrics" });
  assert.equal(status, 200);
  assert.match(headers["content-type"], /^text\/plain; version=0\.0\.4/);
  for (const line of body.toString().trim().split("\n")) assert.match(line, /^(# (HELP|TYPE) \S+ .+|towline_\w+(\{[^}]*\})? \d+)$/);
});

test("/health says ok", async (t) => {
  const server = await serve(t, [], { status: true });
  const { status, body } = await request({ port: server.statusPort, path: "/health" });
  assert.equal(status, 200);
  assert.equal(body.toString(), "ok\n");
});

test("a port in use is an error that names it", async (t) => {
  const server = await serve(t);
  const { status, errors } = await run(["serve", "-p", server.host]);
  assert.equal(status, 1);
  assert.match(errors, new RegExp(`${server.port}.*in use|in use.*${server.port}`));
  assert.equal(errors.trim().split("\n").length, 1);
});

test("a port in use on one of localhost's addresses is an error too", async () => {
  const holder = net.createServer().listen(0, "::1");
  await once(holder, "listening");
  const { status, errors } = await run(["serve", "-p", `localhost:${holder.address().port}`]);
  holder.close();
  assert.equal(status, 1);
  assert.match(errors, /in use/);
});

for (const [address, pattern] of [
  ["192.0.2.1:0", /192\.0\.2\.1:0: this machine has no such address; use/],
  ["unix:/nonexistent/folder/socket", /unix:\/nonexistent\/folder\/socket: there is no such folder; make it/],
]) {
  for (const words of [["-p", address], ["-p", "127.0.0.1:0", "--status", address]]) {
    test(`'towline serve ${words.join(" ")}' says why it can't listen there`, async () => {
      const { status, errors } = await run(["serve", ...words]);
      assert.equal(status, 1);
      assert.match(errors, pattern);
      assert.match(errors, new RegExp(words.at(-2)));
      assert.equal(errors.trim().split("\n").length, 1);
    });
  }
}

for (const [words, pattern] of [
  [["serve", "--nonsense"], /--nonsense/],
  [["serve", "--workers", "many"], /many/],
  [["serve", "-p", "99999"], /99999/],
  [["serve", "-x", "cgi"], /CGI/],
  [["serve", "--idle-second", "5"], /--idle-seconds/],
  [["nonsense"], /nonsense/],
  [[], /usage/],
  [["connect"], /URL/],
  [["connect", "ftp://localhost/"], /ws:/],
  [["bench"], /URL/],
]) {
  test(`'towline ${words.join(" ")}' exits with 2 and says why`, async () => {
    const { status, errors, output } = await run(words);
    assert.equal(status, 2, errors);
    assert.match(errors, pattern);
    assert.equal(output, "");
  });
}

test("--version and --help are printed to the output", async () => {
  const version = await run(["--version"]);
  assert.equal(version.status, 0);
  assert.match(version.output, /towline 0\.\d+\.\d+/);
  for (const command of ["serve", "connect", "tunnel", "bench", "conform"]) {
    const help = await run([command, "--help"]);
    assert.equal(help.status, 0);
    assert.match(help.output, new RegExp(`towline ${command}`));
  }
});

test("it is ready soon after it is started", async (t) => {
  const times = [];
  for (let i = 0; i < 5; i++) {
    const started = performance.now();
    const server = await Server.start();
    times.push(performance.now() - started);
    await server.stop();
  }
  t.diagnostic(`${times.map((time) => time.toFixed(0))} ms; script/bench --startup measures it`);
  assert.ok(Math.min(...times) < 5000);
});

test("the program needs no environment", async () => {
  const { spawn } = await import("node:child_process");
  const child = spawn(program, ["--version"], { env: {} });
  assert.deepEqual(await once(child, "close"), [0, null]);
});

test("a peer that only ends its side is let go", async (t) => {
  const server = await serve(t, [], { status: true });
  const raw = await Raw.open(server.port);
  raw.socket.end();
  await raw.end();
  assert.equal(await server.counter("websockets"), 0);
});
