// `towline subscribe`: what it prints of a channel, and how it goes on when the connection was lost.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import WebSocket, { WebSocketServer } from "ws";

import { gate } from "../support/gate.mjs";
import { Server, program, request, run, until, within } from "../support/towline.mjs";

const KEY = "a-key-of-the-tests";

/** A server whose channel `kept` keeps messages; `words` start it again. */
async function start(t) {
  const folder = mkdtempSync("/tmp/towline-subscribe-");
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, "key"), `${KEY}\n`);
  writeFileSync(path.join(folder, "conf.yaml"), "channels: [{name: kept, history: 100}, {name: long, history: 20000, history-bytes: 64M}, {name: closed, subscribe: nobody}, {name: room, presence: true}]\n");
  const words = ["-f", path.join(folder, "conf.yaml"), "--publish-key", path.join(folder, "key")];
  const server = await Server.start(words);
  t.after(() => server.stop());
  return Object.assign(server, { words, key: path.join(folder, "key") });
}

async function publish(server, channel, ...bodies) {
  for (const body of bodies) {
    const headers = { Authorization: `Bearer ${KEY}`, ...(Buffer.isBuffer(body) ? { "Content-Type": "application/octet-stream" } : {}) };
    assert.equal((await request({ port: server.port, path: `/publish/${channel}`, method: "POST", headers, body })).status, 200);
  }
}

/** A started `towline subscribe -v`. */
function subscribe(t, port, words, channel = "kept") {
  const child = spawn(program, ["subscribe", "-v", ...words, `http://127.0.0.1:${port}`, channel]);
  const client = { child, output: "", errors: "", exit: once(child, "close").then(([code, signal]) => code ?? signal) };
  child.stdout.on("data", (text) => (client.output += text));
  child.stderr.on("data", (text) => (client.errors += text));
  t.after(() => child.exitCode === null && child.signalCode === null && child.kill("SIGKILL"));
  client.lines = () => client.output.split("\n").slice(0, -1);
  client.subscribed = (times = 1) => until(() => {
    assert.equal(child.exitCode, null, client.errors);
    return client.errors.split("* subscribed").length > times;
  }, "the subscription", 120000).catch((error) => assert.fail(`${error.message}\n${client.errors}`));
  return client;
}

describe("what is printed", () => {
  test("are positions, from which it can be gone on, and what was kept", async (t) => {
    const server = await start(t);
    await publish(server, "kept", "one", "two", "three");
    const last = await run(["subscribe", "--last", "2", "-n", "2", "--positions", `http://${server.host}`, "kept"], { input: null });
    assert.equal(last.status, 0, last.errors);
    assert.match(last.output.toString(), /^\S{11}:2 two\n\S{11}:3 three\n$/);
    const since = last.output.toString().split(" ")[0];
    const rest = await run(["subscribe", "--since", since, "-n", "1", `http://${server.host}`, "kept"], { input: null });
    assert.deepEqual([rest.status, rest.output.toString()], [0, "three\n"], rest.errors);
  });

  test("are bytes as they are, and envelopes whole", async (t) => {
    const server = await start(t);
    const plain = subscribe(t, server.port, ["-n", "2"]);
    const json = subscribe(t, server.port, ["-n", "2", "--json"]);
    await Promise.all([plain.subscribed(), json.subscribed()]);
    await publish(server, "kept", Buffer.from("a\0b"), "line\nline");
    assert.deepEqual([await plain.exit, plain.output], [0, "a\0bline\nline\n"]);
    assert.equal(await json.exit, 0);
    const envelopes = json.lines().map((line) => JSON.parse(line));
    assert.deepEqual(envelopes.map(({ type, base64, data }) => [type, base64 ?? data]), [["subscribed", undefined], ["message", "YQBi"], ["message", "line\nline"]]);
  });

  test("is why nobody may, with an exit status", async (t) => {
    const server = await start(t);
    const { status, errors } = await run(["subscribe", `http://${server.host}`, "closed"], { input: null });
    assert.notEqual(status, 0);
    assert.match(errors, /towline subscribe: .*(forbidden|not allowed)/);
  });

  test("is that another server does not know channels", async (t) => {
    const port = await playServer(t, () => {}, false);
    const { status, errors } = await run(["subscribe", `http://127.0.0.1:${port}/chat`, "kept"], { input: null });
    assert.equal(status, 8, errors);
    assert.match(errors, /\ntowline subscribe: what answers does not speak towline\.v1: is this the path/);
  });

  test("is told to be incomplete where what came after a position is gone", async (t) => {
    const server = await start(t);
    await publish(server, "kept", "one");
    const { status, output, errors } = await run(["subscribe", "--since", "AAAAAAAAAAB:7", "-n", "1", `http://${server.host}`, "kept"], { input: null });
    assert.deepEqual([status, output.toString()], [122, "one\n"]);
    assert.match(errors, /^towline subscribe: messages are missing: not all that came after AAAAAAAAAAB:7 is kept\n/);
  });
});

/** A member of the channel `room`, until its connection ends. */
async function member(t, server, info) {
  const socket = new WebSocket(server.url("/channel/"), "towline.v1");
  t.after(() => socket.terminate());
  await within(20000, once(socket, "open"), "open");
  socket.send(JSON.stringify({ type: "subscribe", channel: "room", presence: true, info }));
  await within(20000, once(socket, "message"), "a member");
  return socket;
}

/** A server of towline.v1, or of another protocol, in whose place `hear` says what it has to: once at first, then to each message. */
async function playServer(t, hear, protocol = "towline.v1") {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => protocol });
  t.after(() => server.close());
  server.on("connection", (socket) => {
    const say = (what) => socket.send(JSON.stringify(what));
    hear(say);
    socket.on("message", (text) => hear(say, JSON.parse(text)));
  });
  await once(server, "listening");
  return server.address().port;
}

describe("who is there", () => {
  test("is told, with who comes and goes, and in envelopes", async (t) => {
    const server = await start(t);
    await member(t, server, { name: "Ann" });
    const client = subscribe(t, server.port, ["--presence", "--reconnect", "-n", "1"], "room");
    const json = subscribe(t, server.port, ["--presence", "--json", "-n", "1"], "room");
    await Promise.all([client.subscribed(), json.subscribed()]);
    await until(() => /^\* here: guest-\w+ \{"name":"Ann"\}$/m.test(client.errors), "Ann");
    const bob = await member(t, server, "Bob");
    const [, name] = await until(() => client.errors.match(/^\* joined: (guest-\w+) "Bob"$/m), "Bob comes");
    bob.close();
    await until(() => client.errors.includes(`* left: ${name}\n`), "Bob goes");
    await publish(server, "room", "hello");
    assert.deepEqual([await client.exit, client.output, await json.exit], [0, "hello\n", 0]);
    assert.doesNotMatch(json.errors, /here:|joined:|left:/);
    const envelopes = json.lines().map((line) => JSON.parse(line));
    assert.ok(envelopes[0].members.some(({ info }) => info?.name === "Ann"));
    assert.deepEqual(envelopes.filter(({ user }) => user === name).map(({ type }) => type), ["joined", "left"]);
  });

  test("is asked for until all are told", async (t) => {
    const port = await playServer(t, (say, said) => {
      if (!said) return say({ type: "subscribed", channel: "kept", members: [{ user: "a" }, { user: "b\u001b\n" }], more: true });
      const { id, after } = said;
      assert.deepEqual(said, { type: "presence", id, channel: "kept", after });
      if (after === "b\u001b\n") return say({ type: "presence", id, channel: "kept", more: true, members: [{ user: "c" }] });
      say({ type: "error", id, code: "busy", reason: "later" });
      say({ type: "message", channel: "kept", event: "message", data: "x" });
    });
    const client = subscribe(t, port, ["--presence", "-n", "1"]);
    assert.equal(await client.exit, 0, client.errors);
    const told = client.errors.split("\n").filter((line) => /^\* here|^towline/.test(line));
    assert.equal(told.length, 4, client.errors);
    assert.equal(told[0], "* here: a");
    assert.doesNotMatch(told[1], /\u001b/);
    assert.deepEqual(told.slice(2), ["* here: c", "towline subscribe: not all are told who are here: busy, later"]);
  });

  test("is not known everywhere, which is told", async (t) => {
    const server = await start(t);
    const unknown = await run(["subscribe", "--presence", `http://${server.host}`, "kept"], { input: null });
    assert.equal(unknown.status, 120);
    assert.match(unknown.errors, /not subscribed: unsupported/);
  });
});

test("who is too slow is subscribed again, and goes on where it was", async (t) => {
  const server = await start(t);
  const client = subscribe(t, server.port, ["--reconnect", "-n", "20000"], "long");
  await client.subscribed();
  client.child.kill("SIGSTOP");
  const lines = Array.from({ length: 20000 }, (_, i) => `${i} ${randomBytes(750).toString("base64")}`);
  const words = ["publish", "--publish-key", server.key, `http://${server.host}`, "long"];
  const { status, errors } = await run(words, { input: lines.join("\n"), milliseconds: 120000 });
  assert.equal(status, 0, errors);
  client.child.kill("SIGCONT");
  assert.equal(await within(120000, client.exit, "the end"), 0, client.errors);
  assert.match(client.errors, /the subscription has ended: slow/);
  assert.deepEqual(client.lines(), lines);
});

for (const fallback of [false, true]) {
  const words = ["--reconnect", ...(fallback ? ["--fallback"] : [])];
  describe(fallback ? "by polling" : "by WebSocket", () => {
    test("a connection that is cut loses nothing that is kept", async (t) => {
      const server = await start(t);
      const between = await gate(t, server.port, { upgrades: !fallback, cutMilliseconds: 700 });
      const client = subscribe(t, between.port, [...words, "-n", "9"]);
      await client.subscribed();
      for (let i = 0; i < 3; i++) {
        await publish(server, "kept", `${3 * i}`, `${3 * i + 1}`, `${3 * i + 2}`);
        const cuts = between.cuts;
        if (i < 2) await until(() => between.cuts > cuts, "a cut", 60000);
      }
      assert.equal(await within(60000, client.exit, "the end"), 0, client.errors);
      assert.deepEqual(client.lines(), Array.from({ length: 9 }, (_, i) => `${i}`));
    });

    test("a server that ends and comes back is gone on with, and what it has forgotten is told", async (t) => {
      const server = await start(t);
      const between = await gate(t, server.port, { upgrades: !fallback });
      const client = subscribe(t, between.port, [...words, "-n", "2"]);
      await client.subscribed();
      await publish(server, "kept", "before");
      await until(() => client.lines().length === 1, "the first message");
      await server.stop();
      const again = await Server.start(server.words, { ports: [`127.0.0.1:${server.port}`] });
      t.after(() => again.stop());
      await client.subscribed(2);
      await publish(again, "kept", "after");
      assert.equal(await within(60000, client.exit, "the end"), 122);
      assert.deepEqual(client.lines(), ["before", "after"]);
      assert.match(client.errors, /towline subscribe: messages are missing: not all that came after \S{11}:1 is kept/);
    });
  });
}
