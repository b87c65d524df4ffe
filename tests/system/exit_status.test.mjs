// towline connect's exit status: each kind of end has its number, those of curl where curl has one.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { after, describe, test } from "node:test";

import { Authority } from "../support/authority.mjs";
import { BINARY, CLOSE, TEXT, closePayload, frame } from "../support/raw.mjs";
import { program, run, serve, within } from "../support/towline.mjs";

const authority = Authority.make(after);
const identity = authority.issue("localhost");
const fromServer = { masked: false };

/** A server of which `talk(socket, request)` decides every byte once a request has come; returns its port. */
async function listen(t, talk, server = net.createServer({ allowHalfOpen: true }), event = "connection") {
  const sockets = new Set();
  server.on("connection", (socket) => sockets.add(socket.on("error", () => {})));
  server.on(event, (socket) => {
    let request = "";
    socket.on("error", () => {});
    socket.on("data", function read(piece) {
      request += piece.toString("latin1");
      if (!request.includes("\r\n\r\n")) return;
      socket.off("data", read);
      socket.on("data", () => {});
      talk(socket, request);
    });
    socket.on("end", () => socket.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return server.address().port;
}

function accept(request) {
  const key = request.match(/^Sec-WebSocket-Key: (\S+)/im)[1];
  const answer = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${answer}\r\n\r\n`;
}

/** Calls back with the opcode of each frame of a client, none of which is long here. */
function frames(socket, opcode) {
  let bytes = Buffer.alloc(0);
  socket.on("data", (piece) => {
    for (bytes = Buffer.concat([bytes, piece]); bytes.length > 1 && bytes.length >= 6 + (bytes[1] & 0x7f); bytes = bytes.subarray(6 + (bytes[1] & 0x7f))) opcode(bytes[0] & 15);
  });
}

/** A server that opens, says these bytes, goes on as `then` has it, and ends TCP at the client's Close. */
async function opening(t, bytes, { then = () => {}, end = (socket) => socket.end() } = {}) {
  const port = await listen(t, (socket, request) => {
    socket.write(accept(request));
    socket.write(bytes);
    frames(socket, (opcode) => opcode === CLOSE && end(socket));
    then(socket);
  });
  return `ws://127.0.0.1:${port}/`;
}

const closing = (code, reason) => frame(CLOSE, closePayload(code, reason), fromServer);

/** Runs `connect` with these words, and demands that it ends so. */
async function ends(expected, words, { pattern, ...options } = {}) {
  const result = await run(["connect", "--compression", "off", ...words], { input: null, ...options });
  assert.equal(result.status, expected, `${words.join(" ")}: ${result.errors}`);
  if (pattern) assert.match(result.errors, pattern);
  return result;
}

/** A port on which nobody listens. */
async function closedPort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

describe("the way to the server", () => {
  test("2: wrong usage", async () => {
    await ends(2, ["ws://"]);
    await ends(2, ["--no-such-option", "ws://localhost/"]);
    await ends(2, ["--echo", "-x", "a", "ws://localhost/"]);
    for (const words of [["--echo"], ["-x", "a"], ["--reconnect"], ["--linger", "1"]]) await ends(2, ["--half-close", ...words, "ws://localhost/"], { pattern: /--half-close/ });
  });

  test("6 and 5: a name that is unknown, the server's and the proxy's", async () => {
    await ends(6, ["ws://no-such-host.invalid/"], { pattern: /no-such-host\.invalid/ });
    await ends(5, ["--proxy", "http://no-such-proxy.invalid:3128", "ws://localhost/"], { pattern: /no-such-proxy\.invalid/ });
  });

  test("7: refused, by the server, the proxy, or a Unix socket that is not there", async () => {
    const port = await closedPort();
    await ends(7, [`ws://127.0.0.1:${port}/`]);
    await ends(7, ["--proxy", `http://127.0.0.1:${port}`, "ws://localhost/"]);
    await ends(7, ["--unix", "/nonexistent/socket", "ws://localhost/"]);
    await ends(7, [`wss://127.0.0.1:${port}/`]);
  });

  test("22: an HTTP status, the server's and a proxy's", async (t) => {
    const server = await serve(t);
    await ends(22, [server.url("/nothing")], { pattern: /404/ });
    await ends(22, ["--reconnect", server.url("/nothing")], { pattern: /404/ });
    const proxy = await listen(t, (socket) => socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
    await ends(22, ["--proxy", `http://127.0.0.1:${proxy}`, "ws://localhost/"], { pattern: /403/ });
  });

  test("8: an answer that is none, of the server and of a proxy", async (t) => {
    for (const answer of ["220 mail.example ESMTP\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"]) {
      const port = await listen(t, (socket) => socket.write(answer));
      await ends(8, [`ws://127.0.0.1:${port}/`]);
    }
    const proxy = await listen(t, (socket) => socket.write("220 mail.example ESMTP\r\n"));
    await ends(8, ["--proxy", `http://127.0.0.1:${proxy}`, "ws://localhost/"]);
  });

  test("52: the connection ended before the answer", async (t) => {
    const port = await listen(t, (socket) => socket.end());
    await ends(52, [`ws://127.0.0.1:${port}/`]);
    await ends(52, ["--proxy", `http://127.0.0.1:${port}`, "ws://localhost/"]);
  });

  test("28: --max-time before the answer, and after it", async (t) => {
    const silent = await listen(t, () => {});
    await ends(28, ["--max-time", "0.3", `ws://127.0.0.1:${silent}/`], { pattern: /^towline connect: --max-time: 0\.3 seconds are over\n$/ });
    await ends(28, ["--max-time", "0.3", (await serve(t)).url()]);
  });

  test("35: TLS with a server or a proxy that speaks none, or breaks off", async (t) => {
    const answers = [(socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"), (socket) => socket.end(), (socket) => socket.resetAndDestroy()];
    for (const answer of answers) {
      const server = net.createServer((socket) => socket.once("data", () => answer(socket)));
      const port = await listen(t, () => {}, server, "nothing");
      await ends(35, [`wss://127.0.0.1:${port}/`]);
      await ends(35, ["--proxy", `https://127.0.0.1:${port}`, "ws://localhost/"]);
    }
  });

  test("1: a file of ours that is no good", async () => {
    for (const words of [["--cacert", "/nonexistent"], ["--cacert", "/dev/null"], ["--cert", "/nonexistent"]]) await ends(1, [...words, "wss://localhost/"], { pattern: /\/(nonexistent|dev\/null)/ });
  });

  test("60: a certificate of an authority that is not trusted, and one of another host", async (t) => {
    const other = authority.issue("other", { names: "DNS:other.example" });
    for (const [{ text, keyText }, words] of [[identity, []], [other, ["--cacert", authority.certificate]]]) {
      const server = tls.createServer({ cert: text, key: keyText }).on("tlsClientError", () => {});
      const port = await listen(t, () => {}, server, "secureConnection");
      await ends(60, [...words, `wss://localhost:${port}/`]);
    }
  });
});

describe("the end of a connection", () => {
  test("0: a clean Close with 1000, 1001 or no code, and one that we began", async (t) => {
    for (const bytes of [closing(1000), closing(1001), frame(CLOSE, "", fromServer)]) {
      await ends(0, [await opening(t, bytes)]);
      await ends(0, ["--linger", "off", await opening(t, bytes)], { input: "" });
    }
    await ends(0, ["--linger", "0", (await serve(t)).url()], { input: "a\n" });
  });

  test("120: a Close with another code, however late TCP ends", async (t) => {
    for (const code of [1008, 1011, 4001]) {
      await ends(120, [await opening(t, closing(code, "no such user"))], { pattern: /closed by the peer: .*no such user/ });
      const late = { end: (socket) => setTimeout(() => socket.end(), 1500) }; // the pipe's linger is over before
      await ends(120, [await opening(t, closing(code, "no such user"), late)], { input: "", pattern: /closed by the peer: .*no such user/ });
    }
  });

  test("120 also where answers are missing: the peer has left before the linger is over", async (t) => {
    const then = (socket) => socket.once("data", () => socket.write(closing(4001, "enough")));
    const { errors } = await ends(120, [await opening(t, "", { then, end: (socket) => setTimeout(() => socket.end(), 1500) })], { input: "a\nb\n" });
    assert.doesNotMatch(errors, /answer/);
  });

  test("52: TCP ends without a Close, also where ours is not answered", async (t) => {
    await ends(52, [await opening(t, "", { then: (socket) => socket.end() })]);
    await ends(52, [await opening(t, "", { then: (socket) => socket.resetAndDestroy() })]);
    await ends(52, ["--linger", "0", await opening(t, "")], { input: "" });
  });

  test("8: what RFC 6455 forbids", async (t) => {
    for (const bytes of [frame(TEXT, "masked"), frame(TEXT, Buffer.from([0xff]), fromServer), frame(3, "", fromServer)]) {
      await ends(8, [await opening(t, bytes)]);
    }
  });

  test("1: limits and input of our own", async (t) => {
    await ends(1, ["--max-message", "4", await opening(t, frame(TEXT, "12345", fromServer))]);
    await ends(1, [(await serve(t)).url()], { input: Buffer.from([0xff, 10]), pattern: /not valid UTF-8/ });
  });

  test("121: answers that did not come, of -x and of a pipe, are said", async (t) => {
    const answered = async () => opening(t, "", { then: (socket) => socket.once("data", () => socket.write(Buffer.concat([frame(TEXT, "one", fromServer), closing(1000)]))) });
    await ends(121, ["-x", "a", "-x", "b", await answered()], { pattern: /before the answer to 'b' came/ });
    await ends(121, ["-x", "a", "-x", "ä".repeat(80), await answered()], { pattern: /before the answer to 'ä{28}\.\.\.' came/ });
    const silent = () => opening(t, "", { end: (socket) => socket.end(closing(1000)) });
    await ends(121, [await silent()], { input: "a\nb\n", pattern: /no answer to 2 of 2 messages came/ });
    await ends(121, ["--linger", "0.2", await silent()], { input: "a\n", pattern: /no answer to 1 of 1 messages came/ });
    const { errors } = await ends(0, ["--linger", "0", await silent()], { input: "a\n" });
    assert.doesNotMatch(errors, /answer/);
  });
});

describe("23: output that is lost", () => {
  const message = frame(BINARY, "x".repeat(100), fromServer);

  /** Runs it with another standard output. */
  async function outputTo(stdout, words) {
    const child = spawn(program, ["connect", ...words], { stdio: ["ignore", stdout, "pipe"] });
    let errors = "";
    child.stderr.on("data", (text) => (errors += text));
    const [status] = await within(20000, once(child, "close"), "the end");
    return { status, errors };
  }

  test("on a device that is full, and in a file on it", async (t) => {
    const { status, errors } = await outputTo(openSync("/dev/full", "w"), [await opening(t, message)]);
    assert.equal(status, 23, errors);
    assert.match(errors, /writing to standard output: No space left on device/);
    await ends(23, ["--output", "/dev/full", await opening(t, message)], { pattern: /writing to \/dev\/full: No space/ });
    await ends(23, ["--output", "/nonexistent/file", await opening(t, message)]);
  });

  test("in a pipe that is closed, at once or when the connection has ended and bytes still wait", async (t) => {
    const folder = mkdtempSync("/tmp/towline-test-");
    t.after(() => rmSync(folder, { recursive: true }));
    execFileSync("mkfifo", [`${folder}/pipe`]);
    for (const length of [100, 200000]) {
      const url = await opening(t, Buffer.concat([frame(BINARY, Buffer.alloc(length), fromServer), closing(1000)]));
      const reader = openSync(`${folder}/pipe`, constants.O_RDONLY | constants.O_NONBLOCK);
      const writer = openSync(`${folder}/pipe`, "w");
      const child = spawn(program, ["connect", "--compression", "off", url], { stdio: ["ignore", writer, "pipe"] });
      closeSync(writer);
      if (length === 100) closeSync(reader);
      else child.stderr.once("data", () => closeSync(reader));
      const [status] = await within(20000, once(child, "close"), "the end");
      assert.equal(status, 23, `${length} bytes`);
    }
  });
});
