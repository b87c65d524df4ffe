// The HTTP client that handlers ask back ends with, against real servers: Node's, and our own over TLS.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import path from "node:path";
import { after, describe, test } from "node:test";

import { Authority } from "../support/authority.mjs";
import { ask } from "../support/http_client.mjs";
import { loops, serve } from "../support/towline.mjs";

const authority = Authority.make(after);
const stranger = Authority.make(after, "Stranger");
const identity = authority.issue("localhost");
const big = randomBytes(1 << 20);
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** A server of Node on a port of the kernel's choice, or on a Unix socket; counts its connections. */
async function start(t, answer, { secure = false, options = {}, place = { host: "127.0.0.1", port: 0 } } = {}) {
  const server = secure
    ? https.createServer({ key: identity.keyText, cert: identity.text, ...options }, answer)
    : http.createServer(options, answer);
  server.connections = 0;
  server.on(secure ? "secureConnection" : "connection", () => server.connections++);
  server.listen(place.path ?? place);
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  server.url = (target = "/", host = "127.0.0.1") => `http${secure ? "s" : ""}://${host}:${server.address().port}${target}`;
  return server;
}

/** What a request brought, told back. */
async function tell(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  response.setHeader("X-Method", request.method);
  response.setHeader("X-Length", body.length);
  response.setHeader("X-Body", sha256(body));
  if (request.url === "/empty") response.writeHead(204).end();
  else if (request.url === "/chunked") {
    for (let at = 0; at < big.length; at += 70001) response.write(big.subarray(at, at + 70001));
    response.end();
  } else if (request.url === "/big") response.setHeader("Content-Length", big.length).end(big);
  else if (request.url === "/close") response.setHeader("Connection", "close").end("closed");
  else if (request.url === "/early") response.writeEarlyHints({ link: "</a.css>; rel=preload" }, () => response.end("late"));
  else response.end(`${request.method} ${request.url}`);
}

for (const io of loops) {
  for (const secure of [false, true]) {
    describe(`HTTP client, ${io}, ${secure ? "https" : "http"}`, () => {
      const words = ["--io", io, ...(secure ? ["--roots", authority.certificate] : [])];

      test("responses of all kinds over one connection", async (t) => {
        const server = await start(t, tell, { secure });
        const { calls, counts } = await ask(words, [
          `get ${server.url("/a?b=c")}`, "wait", `post ${server.url()} body=hello`, "wait", `head ${server.url("/big")}`, "wait",
          `get ${server.url("/empty")}`, "wait", `get ${server.url("/chunked")}`, "wait", `get ${server.url("/big")} in-pieces`, "wait",
          `put ${server.url()} bytes=3000000`, "wait", `get ${server.url("/early")}`, "wait", "count", `get ${server.url("/close")}`, "wait", "count",
        ]);
        assert.deepEqual(calls.map(({ error, status }) => `${error}${status}`), ["200", "200", "200", "204", "200", "200", "200", "200", "200"]);
        assert.equal(calls[0].body, "GET /a?b=c");
        assert.equal(calls[1].fields["x-body"], sha256("hello"));
        assert.equal(calls[2].length, 0);
        assert.equal(calls[2].fields["content-length"], String(big.length));
        assert.equal(calls[4].sha256, sha256(big));
        assert.equal(calls[5].sha256, sha256(big));
        assert.ok(calls[5].pieces > 1);
        assert.equal(calls[6].fields["x-body"], sha256(Buffer.alloc(3000000)));
        assert.equal(calls[7].body, "late");
        assert.deepEqual(counts[0], { connections: 1, idle: 1, waiting: 0, opened: 1, reused: 7, repeated: 0 });
        assert.equal(counts[1].connections, 0);
        assert.equal(server.connections, 1);
      });

      test("many requests share a few connections", async (t) => {
        const server = await start(t, tell, { secure });
        const { calls, counts } = await ask([...words, "--host", "4"], [
          ...Array.from({ length: 200 }, (_, i) => `get ${server.url(i % 10 === 0 ? "/chunked" : `/${i}`)}`), "wait", "count",
        ]);
        assert.equal(calls.filter(({ status }) => status === 200).length, 200);
        calls.forEach((call, i) => assert.equal(i % 10 === 0 ? call.sha256 : call.body, i % 10 === 0 ? sha256(big) : `GET /${i}`));
        assert.equal(server.connections, 4);
        assert.equal(counts[0].idle, 4);
      });

      test("a server that ends a connection that is used again", async (t) => {
        let requests = 0;
        const server = await start(t, (request, response) => {
          if (++requests % 2 === 0) request.socket.destroy();
          else response.end("here");
        }, { secure });
        const { calls, counts } = await ask(words, [
          `get ${server.url()}`, "wait", `get ${server.url()}`, "wait", `post ${server.url()} body=a`, "wait", "count",
        ]);
        assert.deepEqual(calls.slice(0, 2).map(({ body }) => body), ["here", "here"]);
        assert.match(calls[2].error, /^TOW_ERROR_(ENDED|RESET)$/);
        assert.equal(requests, 4);
        assert.equal(counts[0].repeated, 1);
      });

      test("a server that keeps connections for a moment", async (t) => {
        const server = await start(t, tell, { secure, options: { keepAliveTimeout: 50, keepAliveTimeoutBuffer: 0 } });
        const { calls } = await ask(words, [`get ${server.url()}`, "wait", "closed", `post ${server.url()} body=a`]);
        assert.deepEqual(calls.map(({ status }) => status), [200, 200]);
        assert.equal(server.connections, 2);
      });

      test("limits of time and size", async (t) => {
        const server = await start(t, (request, response) => {
          if (request.url === "/never") return;
          response.setHeader("Content-Length", 100).write("begun");
          if (request.url === "/break") setTimeout(() => request.socket.destroy(), 20);
        }, { secure });
        const { calls } = await ask(words, [
          `get ${server.url("/never")} total=1`, `get ${server.url("/half")} total=1`, `get ${server.url("/half")} max-body=99`, `get ${server.url("/break")}`,
        ]);
        assert.deepEqual(calls.map(({ error }) => error.replace(/RESET/, "ENDED")),
          ["TOW_ERROR_TIMED_OUT", "TOW_ERROR_TIMED_OUT", "TOW_ERROR_HTTP_TOO_LARGE", "TOW_ERROR_ENDED"]);
        assert.match(calls[0].text, /^127\.0\.0\.1 port \d+: it did not answer within 1 seconds$/);
      });
    });
  }

  test(`HTTP client, ${io}: a Unix socket`, async (t) => {
    const folder = mkdtempSync("/tmp/towline-http-");
    t.after(() => rmSync(folder, { recursive: true }));
    const place = path.join(folder, "socket");
    await start(t, tell, { place: { path: place } });
    const { calls } = await ask(["--io", io], [
      `get http://localhost/a unix=${place} header=Host:back.end`, "wait", `get http://localhost/a unix=${place}x`, `get http://localhost/ unix=${"x".repeat(200)}`,
    ]);
    assert.equal(calls[0].body, "GET /a");
    assert.equal(calls[1].error, "TOW_ERROR_NO_FILE");
    assert.ok(calls[1].text.startsWith(`${place}x: `));
    assert.equal(calls[2].error, "TOW_ERROR_ADDRESS");
  });

  test(`HTTP client, ${io}: certificates`, async (t) => {
    const server = await start(t, tell, { secure: true });
    const plain = await start(t, tell);
    const lines = [`get ${server.url()}`, `get ${server.url("/", "127.0.0.2")}`, `get ${plain.url().replace("http", "https")}`];
    assert.deepEqual((await ask(["--io", io, "--roots", authority.certificate], lines)).calls.map(({ error }) => error),
      ["", "TOW_ERROR_REFUSED", "TOW_ERROR_TLS"]);
    assert.deepEqual((await ask(["--io", io, "--roots", stranger.certificate], lines.slice(0, 1))).calls.map(({ error }) => error), ["TOW_ERROR_CERTIFICATE"]);
    assert.deepEqual((await ask(["--io", io], lines.slice(0, 1))).calls.map(({ error }) => error), ["TOW_ERROR_CERTIFICATE"]);
    assert.deepEqual((await ask(["--io", io, "--insecure"], lines.slice(0, 1))).calls.map(({ error }) => error), [""]);
  });

  test(`HTTP client, ${io}: a body ends with the connection where TLS announces that`, async (t) => {
    const answer = (request) => {
      request.socket.write("HTTP/1.1 200 OK\r\n\r\nuntil the end");
      if (request.url === "/whole") request.socket.end();
      else setTimeout(() => request.socket.destroy(), 50); // no close_notify
    };
    const plain = await start(t, answer);
    const secure = await start(t, answer, { secure: true });
    const lines = [`get ${plain.url("/whole")}`, `get ${secure.url("/whole")}`, `get ${secure.url("/cut")}`];
    const { calls } = await ask(["--io", io, "--roots", authority.certificate], lines);
    assert.deepEqual(calls.map(({ error, body }) => error + body), ["until the end", "until the end", "TOW_ERROR_ENDEDuntil the end"]);
  });

  test(`HTTP client, ${io}: our own server`, async (t) => {
    const folder = mkdtempSync("/tmp/towline-http-");
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(path.join(folder, "big.bin"), big);
    writeFileSync(path.join(folder, "a.txt"), "0123456789");
    const server = await serve(t, ["--io", io, "-d", folder, "-t", "-c", identity.certificate, "-k", identity.key]);
    const url = `https://localhost:${server.port}`;
    const { calls, counts } = await ask(["--io", io, "--roots", authority.certificate, "--host", "2"], [
      `get ${url}/a.txt`, "wait", ...Array.from({ length: 20 }, () => `get ${url}/big.bin`), `get ${url}/a.txt header=Range:bytes=2-4`, `get ${url}/none`, `head ${url}/a.txt`, "wait", "count",
    ]);
    assert.equal(calls[0].body, "0123456789");
    for (const call of calls.slice(1, 21)) assert.equal(call.sha256, sha256(big));
    assert.equal(calls[21].body, "234");
    assert.deepEqual(calls.slice(21).map(({ status, length }) => [status, length > 0]), [[206, true], [404, true], [200, false]]);
    assert.equal(counts[0].opened, 2);
  });
}

test("HTTP client: what is said before it was asked for is no response", async (t) => {
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}/`;
  const { calls, counts } = await ask([], [`get ${url}`, "wait", "closed", `get ${url}`, "wait", "count"]);
  assert.deepEqual(calls.map(({ body }) => body), ["a", "a"]);
  assert.equal(counts[0].opened, 2);
});
