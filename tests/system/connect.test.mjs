// towline connect, in pipes and on a terminal.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { test } from "node:test";
import { WebSocketServer } from "ws";

import { program, run, serve, sleep, until, within } from "../support/towline.mjs";

/** A ws server of our own: `connected(socket, request)` for each connection. */
async function listen(t, connected, options = {}) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, ...options });
  server.on("connection", connected);
  await once(server, "listening");
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return `ws://127.0.0.1:${server.address().port}/path`;
}

test("a line from a pipe is a message, and the answer is the output", async (t) => {
  const server = await serve(t);
  const { status, output, errors } = await run(["connect", server.url()], { input: "hello\n" });
  assert.equal(output, "hello\n");
  assert.equal(status, 0, errors);
});

test("many lines come back in order", async (t) => {
  const server = await serve(t);
  const input = Array.from({ length: 2000 }, (_, i) => `line ${i}`).join("\n") + "\n";
  const { status, output } = await run(["connect", server.url()], { input });
  assert.equal(output, input);
  assert.equal(status, 0);
});

test("-x sends, prints the answer, and leaves", async (t) => {
  const server = await serve(t);
  const { status, output } = await run(["connect", "-x", "one", "-x", "two", server.url()], { input: null });
  assert.equal(output, "one\ntwo\n");
  assert.equal(status, 0);
});

test("-v shows the handshake", async (t) => {
  const server = await serve(t);
  const { errors } = await run(["connect", "-v", "-x", "hi", server.url()]);
  assert.match(errors, /> GET \/echo HTTP\/1\.1/);
  assert.match(errors, /> Sec-WebSocket-Version: 13/);
  assert.match(errors, /< HTTP\/1\.1 101 /);
  assert.match(errors, /< Sec-WebSocket-Accept: /i);
});

test("subprotocols, origin and headers are sent, and compression is offered", async (t) => {
  let seen;
  const url = await listen(
    t,
    (socket, request) => {
      seen = request;
      socket.on("message", (data) => socket.send(data.toString()));
    },
    { handleProtocols: (protocols) => [...protocols][1] },
  );
  const words = ["connect", "-s", "soap", "-s", "xmpp", "-o", "https://example.org", "-H", "X-One: 1", "-H", "Authorization: Bearer x", "-v", "-x", "hi", url];
  const { status, errors, output } = await run(words);
  assert.equal(status, 0, errors);
  assert.equal(output, "hi\n");
  assert.equal(seen.headers["sec-websocket-protocol"], "soap, xmpp");
  assert.equal(seen.headers.origin, "https://example.org");
  assert.equal(seen.headers["x-one"], "1");
  assert.equal(seen.headers.authorization, "Bearer x");
  assert.match(seen.headers["sec-websocket-extensions"], /permessage-deflate/);
  assert.match(errors, /xmpp/);
  await run(["connect", "--compression", "off", "-x", "hi", url]);
  assert.equal(seen.headers["sec-websocket-extensions"], undefined);
});

test("compressed messages are understood", async (t) => {
  const long = "again and again ".repeat(10000);
  const url = await listen(t, (socket) => socket.on("message", (data) => socket.send(data.toString())), { perMessageDeflate: { threshold: 0 } });
  for (const kind of ["takeover", "shared"]) {
    const { status, output } = await run(["connect", "--compression", kind, url], { input: `${long}\nshort\n${long}\n` });
    assert.equal(output, `${long}\nshort\n${long}\n`);
    assert.equal(status, 0);
  }
});

test("--echo answers every message with itself until the peer closes", async (t) => {
  const answers = [];
  const url = await listen(t, (socket) => {
    const messages = ["text", Buffer.from([0, 1, 255]), "水".repeat(70000)];
    for (const message of messages) socket.send(message);
    socket.on("message", (data, isBinary) => {
      answers.push(isBinary ? data : data.toString());
      if (answers.length === messages.length) socket.close(1000, "enough");
    });
  });
  const { status, errors } = await run(["connect", "--echo", url], { input: null });
  assert.equal(status, 0, errors);
  assert.deepEqual(answers, ["text", Buffer.from([0, 1, 255]), "水".repeat(70000)]);
});

test("binary messages go to a pipe as they are, or to a file", async (t) => {
  const bytes = Buffer.from("0011223344deadbeef", "hex");
  const url = await listen(t, (socket) => socket.on("message", () => socket.send(bytes)));
  const { bytes: output } = await run(["connect", "-x", "give", url]);
  assert.deepEqual(output, bytes);
  const folder = mkdtempSync("/tmp/towline-test-");
  t.after(() => rmSync(folder, { recursive: true }));
  const { status } = await run(["connect", "-O", `${folder}/file`, "-x", "give", url]);
  assert.equal(status, 0);
  assert.deepEqual(readFileSync(`${folder}/file`), bytes);
});

test("the exit status and the last line tell how it ended", async (t) => {
  for (const [code, reason, expected] of [[1000, "done", 0], [1001, "", 0], [1011, "broken", 120], [4000, "own", 120]]) {
    const url = await listen(t, (socket) => socket.close(code, reason));
    const { status, errors } = await run(["connect", "--linger", "off", url], { input: "" });
    assert.equal(status, expected, `${code}: ${errors}`);
    assert.match(errors, new RegExp(`${code}`));
    assert.match(errors, new RegExp(reason));
  }
});

test("a connection that is cut is a failure", async (t) => {
  const url = await listen(t, (socket) => socket.terminate());
  const { status, errors } = await run(["connect", "--linger", "off", url], { input: "" });
  assert.equal(status, 52);
  assert.match(errors, /1006|reset|ended/);
});

test("--unix connects to a Unix socket", async (t) => {
  const folder = mkdtempSync("/tmp/towline-");
  t.after(() => rmSync(folder, { recursive: true }));
  await serve(t, [], { ports: [`unix:${folder}/socket`] });
  const { status, output, errors } = await run(["connect", "--unix", `${folder}/socket`, "-v", "-x", "hi", "ws://localhost/echo"]);
  assert.equal(output, "hi\n");
  assert.match(errors, /> Host: localhost\r?\n/);
  assert.equal(status, 0);
});

test("a refused connection, another status and a name that is none are failures of one line", async (t) => {
  const server = await serve(t);
  for (const [url, pattern, expected] of [
    ["ws://127.0.0.1:1/", /refused/, 7],
    [server.url("/nothing"), /404/, 22],
    [server.url("/.console"), /200/, 22],
    ["ws://no-such-host.invalid/", /no-such-host\.invalid/, 6],
  ]) {
    const { status, errors, output } = await run(["connect", "-x", "hi", url]);
    assert.equal(status, expected, url);
    assert.match(errors, pattern);
    assert.equal(errors.trim().split("\n").length, 1, errors);
    assert.equal(output, "");
  }
});

test("what a refusal says of itself is told, by whatever server", async (t) => {
  const address = `https://login.example/${"x".repeat(150)}`;
  const server = http.createServer((request, response) => {
    if (request.url === "/moved") response.writeHead(302, { Location: address }).end();
    else if (request.url === "/binary") response.writeHead(403).end(Buffer.from([0, 1, 2]));
    else response.writeHead(401, { "Content-Type": "application/json" }).write('{\n  "error": "expired"', () => setImmediate(() => response.end("\n}\n")));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  for (const [target, text] of [["/", '401 Unauthorized: { "error": "expired" }'], ["/moved", `302 Found: ${address}`], ["/binary", "403 Forbidden"]]) {
    const url = `ws://127.0.0.1:${server.address().port}${target}`;
    const { errors } = await run(["connect", url], { input: null });
    assert.equal(errors, `towline connect: ${url}: the server answered ${text}\n`);
  }
});

test("an error is told in full behind a URL of any length", async () => {
  const url = `ws://127.0.0.1:1/?token=${"x".repeat(5000)}`;
  const { errors } = await run(["connect", url], { input: null });
  assert.equal(errors, `towline connect: ${url}: 127.0.0.1 port 1: connection refused\n`);
});

test("--max-time ends it with 28", async (t) => {
  const server = await serve(t);
  const { status } = await run(["connect", "--max-time", "1", server.url()], { input: null });
  assert.equal(status, 28);
});

test("--ping shows round trips with -v", async (t) => {
  const server = await serve(t);
  const { errors } = await run(["connect", "-v", "--ping", "0.2", "--max-time", "1", server.url()], { input: null });
  assert.match(errors, /[Pp]ong/);
});

test("no colours without a terminal", async (t) => {
  const server = await serve(t);
  const { output, errors } = await run(["connect", "-v", "-x", "hi", server.url()]);
  assert.ok(!output.includes("\x1b") && !errors.includes("\x1b"));
});

test("on a terminal one types, reads, and leaves with /close", async (t) => {
  const server = await serve(t);
  const folder = mkdtempSync("/tmp/towline-test-");
  writeFileSync(`${folder}/bytes`, Buffer.from("0011223344deadbeef", "hex"));
  const tmux = (...words) => execFileSync("tmux", ["-S", `${folder}/tmux`, "-f", "/dev/null", ...words], { encoding: "utf8" });
  const screen = () => tmux("capture-pane", "-p");
  const shows = (pattern, what) =>
    until(() => pattern.test(screen()), what).catch((error) => {
      throw new Error(`${error.message}\n${screen()}`);
    });
  tmux("new-session", "-d", "-x", "100", "-y", "40", `HOME=${folder} sh -c '${program} connect ${server.url()}; echo "status $?"; sleep 30'`);
  t.after(() => {
    tmux("kill-server");
    rmSync(folder, { recursive: true });
  });
  await shows(/>/, "a prompt");
  tmux("send-keys", "hello there", "Enter");
  await shows(/hello there[\s\S]*hello there/, "the message and its answer");
  tmux("send-keys", `/binary ${folder}/bytes`, "Enter");
  await shows(/00 ?11 ?22 ?33 ?44 ?de ?ad ?be\s+ef/, "a hex dump");
  tmux("send-keys", "Up", "Up", "Enter"); // history: the first message again
  await shows(/hello there[\s\S]*hello there[\s\S]*hello there[\s\S]*hello there/, "the same again");
  tmux("send-keys", "/close 1000 bye", "Enter");
  await shows(/1000[\s\S]*status 0/, "the end");
});

test("Ctrl-C leaves with a closing handshake", async (t) => {
  let code;
  const url = await listen(t, (socket) => socket.on("close", (value) => (code = value)));
  const child = spawn(program, ["connect", "--linger", "off", url], { stdio: ["pipe", "pipe", "pipe"] });
  await sleep(500);
  child.kill("SIGINT");
  await within(20000, once(child, "close"), "the end");
  await until(() => code !== undefined, "a close");
  assert.ok([1000, 1001, 1005].includes(code), `${code}`);
});
