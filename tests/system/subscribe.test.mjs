// `towline subscribe`: what it prints of a channel, and how it goes on when the connection was lost.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";

import { gate } from "../support/gate.mjs";
import { Server, program, request, run, until, within } from "../support/towline.mjs";

const KEY = "a-key-of-the-tests";

/** A server whose channel `kept` keeps messages; `words` start it again. */
async function start(t) {
  const folder = mkdtempSync("/tmp/towline-subscribe-");
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, "key"), `${KEY}\n`);
  writeFileSync(path.join(folder, "conf.yaml"), "channels: [{name: kept, history: 100}, {name: long, history: 20000, history-bytes: 64M}, {name: closed, subscribe: nobody}]\n");
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

  test("is told to be incomplete where what came after a position is gone", async (t) => {
    const server = await start(t);
    await publish(server, "kept", "one");
    const { status, output, errors } = await run(["subscribe", "--since", "AAAAAAAAAAB:7", "-n", "1", `http://${server.host}`, "kept"], { input: null });
    assert.deepEqual([status, output.toString()], [122, "one\n"]);
    assert.match(errors, /^towline subscribe: messages are missing: not all that came after AAAAAAAAAAB:7 is kept\n/);
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
