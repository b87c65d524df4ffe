// towline connect --reconnect, against a server that goes away and comes back.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocketServer } from "ws";

import { program, run, sleep, until, within } from "../support/towline.mjs";

/** A ws server that can go away and come back on the same port. */
class Host {
  constructor(connected) {
    this.connected = connected;
    this.port = 0;
  }

  async come() {
    this.server = new WebSocketServer({ host: "127.0.0.1", port: this.port });
    this.server.on("connection", this.connected);
    await once(this.server, "listening");
    this.port = this.server.address().port;
  }

  async go() {
    for (const client of this.server.clients) client.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }

  get url() {
    return `ws://127.0.0.1:${this.port}/`;
  }
}

async function host(t, connected) {
  const made = new Host(connected);
  await made.come();
  t.after(() => made.go());
  return made;
}

/** A started `towline connect --reconnect` with its pipes open. */
function connect(t, words) {
  const child = spawn(program, ["connect", "--reconnect", ...words]);
  const client = { child, output: "", errors: "", exit: once(child, "close").then(([code, signal]) => code ?? signal) };
  child.stdout.on("data", (text) => (client.output += text));
  child.stderr.on("data", (text) => (client.errors += text));
  child.stdin.on("error", () => {});
  t.after(() => child.exitCode === null && child.signalCode === null && child.kill("SIGKILL"));
  return client;
}

test("a server that goes away and comes back is connected to again, and the input waits meanwhile", async (t) => {
  const heard = [];
  const server = await host(t, (socket) => socket.on("message", (data) => {
    heard.push(data.toString());
    socket.send(`answer to ${data}`);
  }));
  const client = connect(t, [server.url]);
  client.child.stdin.write("one\n");
  await until(() => client.output === "answer to one\n", "the first answer");
  await server.go();
  await until(() => /connecting again in \d+\.\d seconds, attempt 1\n/.test(client.errors), "the wait");
  client.child.stdin.write("two\nthree\n");
  await until(() => /attempt 2\n/.test(client.errors), "a failed attempt");
  assert.match(client.errors, /refused/);
  assert.equal(client.output, "answer to one\n");
  await server.come();
  await until(() => client.output.endsWith("answer to three\n"), "the later answers", 60000);
  assert.match(client.errors, /connected to ws:/);
  assert.deepEqual(heard, ["one", "two", "three"]);
  client.child.stdin.end();
  assert.equal(await within(20000, client.exit, "the end"), 0, client.errors);
});

test("input without end is not read while there is no connection", async (t) => {
  const server = await host(t, () => {});
  const client = connect(t, ["-v", server.url]);
  client.child.stdin.write("one\n");
  await until(() => /connected to/.test(client.errors), "the connection");
  await server.go();
  await until(() => /attempt 1\n/.test(client.errors), "the wait");
  let taken = 0;
  const line = `${"x".repeat(1023)}\n`;
  while (taken < 16 * 1024 && client.child.stdin.write(line)) taken++;
  await sleep(300);
  // A pipe holds some, and Node a little; the rest is still ours.
  assert.ok(client.child.stdin.writableLength > 0, `${taken} KiB were taken`);
  assert.ok(taken < 4096, `${taken} KiB were taken`);
});

test("Ctrl-C ends at once while it waits", async (t) => {
  const server = await host(t, () => {});
  const client = connect(t, ["-v", server.url]);
  await until(() => /connected to/.test(client.errors), "the connection");
  await server.go();
  await until(() => /attempt 1\n/.test(client.errors), "the wait");
  client.child.kill("SIGINT");
  assert.equal(await within(20000, client.exit, "the end"), 1);
});

test("Ctrl-C closes an open connection, and that is the end", async (t) => {
  const codes = [];
  let heard = false;
  const server = await host(t, (socket) => {
    socket.on("message", () => (heard = true));
    socket.on("close", (code) => codes.push(code));
  });
  const client = connect(t, ["--linger", "off", server.url]);
  client.child.stdin.write("hello\n");
  await until(() => heard, "the message");
  client.child.kill("SIGINT");
  assert.equal(await within(20000, client.exit, "the end"), 0, client.errors);
  await until(() => codes.length > 0, "the close");
  assert.deepEqual(codes, [1000]);
  assert.doesNotMatch(client.errors, /connecting again/);
});

test("a clean close with 1000 is the end, one with 1012 is not", async (t) => {
  let connections = 0;
  const server = await host(t, (socket) => {
    connections++;
    socket.close(connections < 3 ? 1012 : 1000, "done");
  });
  const { status, errors } = await run(["connect", "--reconnect", "--linger", "off", server.url], { input: "" });
  assert.equal(status, 0, errors);
  assert.equal(connections, 3);
  assert.match(errors, /closed by the peer: 1012[^]*attempt 1\n[^]*closed by the peer: 1012[^]*attempt 2\n[^]*closed by the peer: 1000/);
});

test("a refusal that would come again is a failure at once", async (t) => {
  const server = await host(t, () => {});
  server.server.options.verifyClient = (info, answer) => answer(false, 403);
  const { status, errors } = await run(["connect", "--reconnect", server.url], { input: "x\n" });
  assert.equal(status, 22);
  assert.match(errors, /403/);
  assert.match(errors, /trying again would fail again/);
  assert.doesNotMatch(errors, /attempt/);
});

test("-x asks again what was not answered, and leaves after the last answer", async (t) => {
  const asked = [];
  const server = await host(t, (socket) => socket.on("message", (data) => {
    asked.push(data.toString());
    if (asked.length === 2) socket.terminate();
    else socket.send(`answer to ${data}`);
  }));
  const { status, output, errors } = await run(["connect", "--reconnect", "-v", "-x", "a", "-x", "b", "-x", "c", server.url]);
  assert.equal(status, 0, errors);
  assert.deepEqual(asked, ["a", "b", "b", "c"]);
  assert.equal(output, "answer to a\nanswer to b\nanswer to c\n");
  assert.equal(errors.match(/> GET \/ HTTP\/1\.1/g).length, 2); // each handshake is shown
});

test("without --reconnect a lost connection is the end", async (t) => {
  const server = await host(t, (socket) => socket.terminate());
  const { status, errors } = await run(["connect", "--linger", "off", server.url], { input: "" });
  assert.equal(status, 52);
  assert.doesNotMatch(errors, /attempt/);
});
