// Who may connect: hosts, origins, versions, methods; and requests that are not HTTP.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Raw } from "../support/raw.mjs";
import { request, serve } from "../support/towline.mjs";

const handshake = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** The status that an opening handshake with these headers gets. */
async function status(server, headers = {}, path = "/echo") {
  return (await request({ port: server.port, path, headers: { ...handshake, ...headers } })).status;
}

describe("hosts", () => {
  test("on loopback, names of this machine are served and others get 421", async (t) => {
    const server = await serve(t, [], { status: true });
    for (const host of ["localhost", `localhost:${server.port}`, "LOCALHOST", "app.localhost", "127.0.0.1", "[::1]:80", "192.0.2.7"])
      assert.equal(await status(server, { Host: host }), 101, host);
    for (const host of ["example.org", "localhost.example.org", "rebound.example:80"])
      assert.equal(await status(server, { Host: host }), 421, host);
    assert.equal((await request({ port: server.port, path: "/.console", headers: { Host: "example.org" } })).status, 421);
    assert.equal(await server.limit("host"), 4);
    assert.match(server.log, /--host/);
  });

  test("--host names those that are served", async (t) => {
    const server = await serve(t, ["--host", "example.org", "--host", "example.com"]);
    assert.equal(await status(server, { Host: "example.org" }), 101);
    assert.equal(await status(server, { Host: "example.com:8443" }), 101);
    assert.equal(await status(server, { Host: "localhost" }), 421);
  });

  test("--host * serves any", async (t) => {
    const server = await serve(t, ["--host", "*"]);
    assert.equal(await status(server, { Host: "anything.example" }), 101);
  });

  test("the status port is guarded too", async (t) => {
    const server = await serve(t, [], { status: true });
    assert.equal((await request({ port: server.statusPort, path: "/metrics", headers: { Host: "rebound.example" } })).status, 421);
    assert.equal((await request({ port: server.statusPort, path: "/metrics" })).status, 200);
  });
});

describe("origins", () => {
  test("/echo accepts any origin", async (t) => {
    const server = await serve(t, []);
    for (const origin of ["https://example.org", "null", "file://"]) assert.equal(await status(server, { Origin: origin }), 101, origin);
  });

  test("with --allow-origin, /echo accepts those and its own only", async (t) => {
    const server = await serve(t, ["--allow-origin", "https://example.org", "--allow-origin", "https://*.example.net"]);
    const own = `http://127.0.0.1:${server.port}`;
    const host = { Host: `127.0.0.1:${server.port}` };
    for (const origin of ["https://example.org", "https://a.example.net", own])
      assert.equal(await status(server, { ...host, Origin: origin }), 101, origin);
    for (const origin of ["https://evil.example", "null", "file://", "https://example.net"])
      assert.equal(await status(server, { ...host, Origin: origin }), 403, origin);
    assert.match(server.log, /origin https:\/\/evil\.example is not the server's: --allow-origin https:\/\/evil\.example \(allow_origins in C\) would allow it/);
    const any = await serve(t, ["--allow-origin", "*"]);
    assert.equal(await status(any, { Origin: "https://evil.example" }), 101);
  });
});

describe("opening handshakes", () => {
  test("another version gets 426 and is told which", async (t) => {
    const server = await serve(t, []);
    for (const version of ["8", "12", "14", "0"]) {
      const answer = await request({ port: server.port, path: "/echo", headers: { ...handshake, "Sec-WebSocket-Version": version } });
      assert.equal(answer.status, 426, version);
      assert.equal(answer.headers["sec-websocket-version"], "13");
    }
  });

  test("a plain request to /echo gets 426", async (t) => {
    const server = await serve(t, []);
    const answer = await request({ port: server.port, path: "/echo" });
    assert.equal(answer.status, 426);
    assert.equal(answer.headers.upgrade, "websocket");
  });

  test("an unknown path gets 404", async (t) => {
    const server = await serve(t, []);
    assert.equal(await status(server, {}, "/nothing"), 404);
    assert.equal(await status(server, {}, "/echo/"), 404);
    assert.equal(await status(server, {}, "/ECHO"), 404);
  });

  for (const [name, headers] of [
    ["no key", { "Sec-WebSocket-Key": null }],
    ["a key of 15 bytes", { "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAA" }],
    ["a key of 17 bytes", { "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAAA=" }],
    ["a key that is no base64", { "Sec-WebSocket-Key": "!!!!!!!!!!!!!!!!!!!!!!==" }],
    ["no token upgrade in Connection", { Connection: "keep-alive" }],
    ["a subprotocol that is no token", { "Sec-WebSocket-Protocol": "so ap" }],
    ["a subprotocol twice", { "Sec-WebSocket-Protocol": "soap, soap" }],
  ]) {
    test(`${name} gets 400`, async (t) => {
      const server = await serve(t, []);
      const raw = await Raw.connect(server.port);
      assert.match(await raw.handshake(server.port, "/echo", headers), /^HTTP\/1\.1 400 /);
      raw.destroy();
    });
  }

  test("header names and tokens may have any case, and lists other members", async (t) => {
    const server = await serve(t, []);
    const raw = await Raw.connect(server.port);
    raw.send(`GET /echo HTTP/1.1\r\nhOST: localhost\r\nUPGRADE: h2c, WebSocket\r\nconnection: keep-alive, UPGRADE\r\n` +
      `sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nSEC-WEBSOCKET-VERSION: 13\r\n\r\n`);
    assert.match(await raw.head(), /^HTTP\/1\.1 101 [\s\S]*s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/i);
    raw.destroy();
  });

  test("a POST that asks for WebSocket is refused", async (t) => {
    const server = await serve(t, []);
    const answer = await request({ port: server.port, path: "/echo", method: "POST", headers: { ...handshake, "Content-Length": "0" } });
    assert.ok([400, 405].includes(answer.status), `${answer.status}`);
  });
});

describe("requests that are not HTTP", () => {
  for (const [name, bytes, statuses] of [
    ["a bare LF", "GET /echo HTTP/1.1\nHost: localhost\n\n", [400]],
    ["a bare CR in a value", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n", [400]],
    ["a folded line", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", [400]],
    ["white space before the colon", "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", [400]],
    ["no Host", "GET / HTTP/1.1\r\n\r\n", [400]],
    ["two Hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", [400]],
    ["two keys", Raw.request(1, "/echo", { Host: "localhost", "Sec-WebSocket-Key ": "" }).replace("Sec-WebSocket-Key : ", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), [400]],
    ["a NUL", "GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n", [400]],
    ["length and chunks together", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", [400]],
    ["two different lengths", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", [400]],
    ["a negative length", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", [400]],
    ["HTTP/2.0 in the line", "GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", [400, 505]],
    ["an unknown transfer coding", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", [400, 501]],
    ["TLS", Buffer.from("16030100f8010000f40303", "hex"), [400]],
    ["HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 505]],
    ["a space in the target", "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n", [400]],
  ]) {
    test(`${name} gets ${statuses.join(" or ")} and the connection ends`, async (t) => {
      const server = await serve(t, []);
      const raw = await Raw.connect(server.port);
      raw.send(bytes);
      const head = await raw.head();
      assert.ok(statuses.some((status) => head.startsWith(`HTTP/1.1 ${status} `)), head);
      await raw.end();
    });
  }

  test("pipelined requests are answered in order", async (t) => {
    const server = await serve(t, []);
    const raw = await Raw.connect(server.port);
    raw.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\nHEAD /.console HTTP/1.1\r\nHost: localhost\r\n\r\n" +
      "GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    await raw.end();
    const statuses = [...raw.received.toString("latin1").matchAll(/HTTP\/1\.1 (\d+) /g)].map((match) => match[1]);
    assert.deepEqual(statuses, ["200", "200", "426"]);
  });
});
