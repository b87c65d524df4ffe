// towline connect over TLS, and what it says of who it is.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { after, test } from "node:test";
import { WebSocketServer } from "ws";

import { Authority } from "../support/authority.mjs";
import { loops, run, serve, until } from "../support/towline.mjs";

const authority = Authority.make(after);
const usual = authority.issue("localhost");
const trust = ["--cacert", authority.certificate];
const quiet = { ws_proxy: "", WS_PROXY: "", wss_proxy: "", WSS_PROXY: "", http_proxy: "", https_proxy: "", HTTPS_PROXY: "", all_proxy: "", ALL_PROXY: "", no_proxy: "", NO_PROXY: "" };
const connect = (words, environment = {}) => run(["connect", ...words], { environment: { ...quiet, ...environment } });

/** Listens until the test ends, and returns the port. */
async function listen(t, server, where = { host: "127.0.0.1", port: 0 }) {
  const sockets = new Set();
  server.on("connection", (socket) => sockets.add(socket.on("close", () => sockets.delete(socket)).on("error", () => {})));
  server.listen(where);
  await once(server, "listening");
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return server.address().port;
}

/** An echo server of Node's TLS and ws; `seen` gets the clients' certificates. */
async function echo(t, { identity = usual, options = {}, where, seen = [] } = {}) {
  const server = https.createServer({ cert: identity.text, key: identity.keyText, ...options });
  server.on("tlsClientError", () => {});
  new WebSocketServer({ server }).on("connection", (socket, request) => {
    seen.push(request.socket.getPeerCertificate());
    socket.on("message", (data, binary) => socket.send(data, { binary }));
  });
  return listen(t, server, where);
}

test("wss speaks with Node's TLS, and -v tells what it agreed on", async (t) => {
  const port = await echo(t);
  for (const scheme of ["wss", "https"]) {
    const { status, output, errors } = await connect(["-v", ...trust, "-x", "one", "-x", "two", `${scheme}://localhost:${port}/`]);
    assert.equal(output, "one\ntwo\n", errors);
    assert.equal(status, 0);
    assert.match(errors, /^\* TLS with the server: TLSv1\.3, TLS_AES_256_GCM_SHA384$/m);
    assert.match(errors, /^\*   certificate of localhost, signed by Towline test authority, good until \d{4}-\d\d-\d\d, verified$/m);
    assert.ok(errors.includes(`SHA-256 fingerprint ${usual.fingerprint}\n`), errors);
    assert.match(errors, new RegExp(`^\\* connected to wss://localhost:${port}/`, "m"));
  }
  const large = "x".repeat(3000000);
  const long = await run(["connect", ...trust, `wss://localhost:${port}/`], { input: `${large}\n`, environment: quiet });
  assert.equal(long.output, `${large}\n`);
});

test("wss speaks with TLS 1.2 too, and not with less", async (t) => {
  const port = await echo(t, { options: { maxVersion: "TLSv1.2" } });
  const { output, errors } = await connect(["-v", ...trust, "-x", "hi", `wss://localhost:${port}/`]);
  assert.equal(output, "hi\n", errors);
  assert.match(errors, /TLS with the server: TLSv1\.2, /);
  const old = await echo(t, { options: { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } });
  const refused = await connect([...trust, `wss://localhost:${old}/`]);
  assert.equal(refused.status, 35);
  assert.match(refused.errors, /^towline connect: wss:\/\/localhost:\d+\/: localhost port \d+: TLS: .*version/m);
});

test("wss speaks with towline serve on both kinds of loop", async (t) => {
  for (const io of loops) {
    const server = await serve(t, ["--io", io, "-t", "-c", usual.certificate, "-k", usual.key]);
    const { status, output, errors } = await connect([...trust, "-x", "hi", `wss://${server.host}/echo`]);
    assert.equal(output, "hi\n", errors);
    assert.equal(status, 0);
  }
});

test("one line tells why a certificate does not hold", async (t) => {
  const port = await echo(t);
  const elsewhere = await echo(t, { identity: authority.issue("elsewhere", { names: "DNS:example.org,IP:192.0.2.1" }) });
  const revoked = authority.issue("revoked");
  const back = await echo(t, { identity: revoked });
  const nameless = await echo(t, { identity: authority.issue("localhost", { names: "" }) });
  const partial = await echo(t, { identity: authority.issue("localhost", { names: "DNS:local*" }) });
  const misused = await echo(t, { identity: authority.issue("localhost", { usage: "clientAuth" }) });
  const own = await serve(t, ["--tls-self-signed"]);
  for (const [words, host, text] of [
    [[], `localhost:${port}`, "the certificate of localhost is signed by an authority that is not trusted: Towline test authority"],
    [trust, `localhost:${elsewhere}`, "the certificate of localhost is for another host: example.org, 192.0.2.1"],
    [trust, `localhost:${nameless}`, "the certificate of localhost names no host: it has no subjectAltName, and a common name (localhost) does not count"],
    [trust, `localhost:${partial}`, "the certificate of localhost is for another host: local*"],
    [trust, `localhost:${misused}`, "the certificate of localhost is not for a server"],
    [[...trust, "--crl", authority.revoke(revoked)], `localhost:${back}`, "the certificate of localhost was revoked"],
    [[], own.host, "the certificate of 127.0.0.1 is self-signed and not among those trusted"],
  ]) {
    const { status, output, errors } = await connect([...words, "-x", "secret", `wss://${host}/echo`]);
    assert.equal(errors, `towline connect: wss://${host}/echo: ${text}\n`);
    assert.equal(output, "");
    assert.equal(status, 60);
  }
  const good = await connect([...trust, "--crl", authority.revoke(), "-x", "hi", `wss://localhost:${port}/`]);
  assert.equal(good.output, "hi\n", good.errors);
});

test("--insecure takes any certificate, and says so", async (t) => {
  const server = await serve(t, ["--tls-self-signed"]);
  const { status, output, errors } = await connect(["--insecure", "-x", "hi", `wss://${server.host}/echo`]);
  assert.equal(output, "hi\n");
  assert.match(errors, /^towline connect: --insecure: no certificate is checked, so the peer may be anybody\n/);
  assert.equal(status, 0);
  const plain = await serve(t);
  const without = await connect(["--insecure", "-x", "hi", plain.url()]);
  assert.equal(without.status, 2, "where there is no TLS it would say what is not so");
});

test("options of TLS are refused where there is none", async (t) => {
  const server = await serve(t);
  for (const words of [["--insecure"], ["--cacert", usual.certificate], ["--crl", "/nowhere"], ["--cert", usual.certificate]]) {
    const { status, errors } = await connect([...words, "-x", "hi", server.url()]);
    assert.equal(errors, `towline connect: ${words[0]}: this is for wss://, or a proxy at https://: leave it away\n`);
    assert.equal(status, 2);
  }
});

test("a certificate of our own is shown to who asks for it", async (t) => {
  const seen = [];
  const client = authority.issue("a client");
  const port = await echo(t, { seen, options: { requestCert: true, rejectUnauthorized: true, ca: authority.text } });
  const both = authority.write("both.pem", client.text + client.keyText);
  for (const words of [["--cert", client.certificate, "--key", client.key], ["--cert", both]]) {
    const { output, errors } = await connect([...trust, ...words, "-x", "hi", `wss://localhost:${port}/`]);
    assert.equal(output, "hi\n", errors);
    assert.equal(seen.pop().subject.CN, "a client");
  }
  const none = await connect([...trust, "-x", "hi", `wss://localhost:${port}/`]);
  assert.equal(none.status, 35);
  assert.match(none.errors, /TLS: the peer wants a certificate from us$/m);
});

test("files and words that are wrong are told in one line", async () => {
  for (const [words, status, text] of [
    [["--cacert", "/nowhere"], 1, "/nowhere: No such file or directory"],
    [["--cacert", usual.key], 1, `${usual.key}: the authorities are not certificates in PEM`],
    [["--crl", usual.certificate], 1, `${usual.certificate}: this is not a list of revoked certificates (CRL) in PEM`],
    [["--cert", usual.certificate], 1, `${usual.certificate}: this is not the certificate's key in PEM, or it is encrypted with a passphrase`],
    [["--cert", usual.certificate, "--key", authority.key], 1, `${authority.key}: this is not the certificate's key (the certificate is in ${usual.certificate}): key values mismatch`],
    [["--key", usual.key], 2, "--key: name its certificate with --cert FILE"],
    [["--insecure", "--cacert", usual.certificate], 2, "--insecure checks no certificate: leave it or --cacert away"],
    [["--insecure", "--crl", usual.certificate], 2, "--insecure checks no certificate: leave it or --crl away"],
    [["--user", "me:p", "--bearer", "t"], 2, "--user and --bearer: these are two ways to say who you are; take one of them"],
    [["--user", "me:p", "-H", "authorization: x"], 2, "-H Authorization stands beside --user or --bearer, which write it; take one of them"],
    [["--cookie", "a=b", "-H", "Cookie: c=d"], 2, "-H Cookie stands beside --cookie, which writes it; take one of them"],
    [["--echo", "--binary"], 2, "--echo answers each message with one of its type: leave --binary away"],
    [["--echo", "--linger", "1"], 2, "--echo reads no input after whose end it could linger: leave --linger away"],
    [["--half-close", "--linger", "1"], 2, "--half-close waits for the peer's Close, --linger for silence; take one of them"],
    [["--user", "me"], 2, "--user: 'me' is not a user and a password: write USER:PASSWORD"],
    [["--cookie", "a b=c"], 2, "--cookie: 'a b=c' is not a cookie: write NAME=VALUE"],
    [["--bearer", "a b"], 2, "--bearer: 'a b' is not a token: letters, digits and -._~+/, perhaps = at its end"],
  ]) {
    const result = await connect([...words, "wss://localhost:1/"]);
    assert.ok(result.errors.startsWith(`towline connect: ${text}`), `${words}: ${result.errors}`);
    assert.equal(result.errors.trimEnd().split("\n").length, 1);
    assert.equal(result.status, status);
  }
});

test("who we are is said by the URL, --user, --bearer and --cookie", async (t) => {
  const seen = [];
  const server = http.createServer();
  new WebSocketServer({ server }).on("connection", (socket, request) => {
    seen.push(request);
    socket.close(1000);
  });
  const port = await listen(t, server);
  const basic = (text) => `Basic ${Buffer.from(text).toString("base64")}`;
  for (const [words, user, authorization, cookie] of [
    [[], "me:p%40ss%C3%BC@", basic("me:p@ssü"), undefined],
    [["-u", "me:pass:word"], "", basic("me:pass:word"), undefined],
    [["-u", "other:x"], "me:pass@", basic("other:x"), undefined],
    [["--bearer", "abc.DEF-_~+/=="], "me:pass@", "Bearer abc.DEF-_~+/==", undefined],
    [["--cookie", "a=b", "--cookie", "c=\"d e\""], "", undefined, 'a=b; c="d e"'],
  ]) {
    const { status, errors } = await connect(["-v", ...words, `ws://${user}127.0.0.1:${port}/`]);
    assert.equal(status, 0, errors);
    const { headers } = seen.pop();
    assert.equal(headers.authorization, authorization);
    assert.equal(headers.cookie, cookie);
    assert.match(errors, new RegExp(`connected to ws://127\\.0\\.0\\.1:${port}/`), "without the user");
  }
});

test("a Unix socket may carry TLS, for the name of the URL", async (t) => {
  const folder = mkdtempSync("/tmp/towline-secure-");
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  await echo(t, { where: `${folder}/socket` });
  const { output, errors } = await connect([...trust, "--unix", `${folder}/socket`, "-x", "hi", "wss://localhost/"]);
  assert.equal(output, "hi\n", errors);
  const wrong = await connect([...trust, "--unix", `${folder}/socket`, "wss://example.org/"]);
  assert.match(wrong.errors, /the certificate of example\.org is for another host: localhost, 127\.0\.0\.1$/m);
  const missing = await connect(["--unix", `${folder}/nothing`, "ws://localhost/"]);
  assert.equal(missing.errors, `towline connect: ws://localhost/: ${folder}/nothing: there is no such file\n`);
});

test("peers that do something else are told apart", async (t) => {
  const plain = await serve(t);
  const wss = await connect([...trust, `wss://${plain.host}/echo`]);
  assert.match(wss.errors, /: 127\.0\.0\.1 port \d+: TLS: the peer does not speak TLS$/m);
  await until(() => /400 TLS is not spoken here: use ws:\/\/ or http:\/\/$/m.test(plain.log), "a line in the log");
  const secure = await serve(t, ["--tls-self-signed"]);
  const ws = await connect([`ws://${secure.host}/echo`]);
  assert.match(ws.errors, /the server ended the connection and answered nothing: if its port speaks TLS, write wss:\/\/$/m);
  await until(() => /the peer does not speak TLS, but plain HTTP: ws:\/\/ instead of wss:\/\/$/m.test(secure.log), "a line in the log");
  const alerts = net.createServer((socket) => socket.end(Buffer.from([21, 3, 1, 0, 2, 2, 10])));
  await new Promise((done) => alerts.listen(0, "127.0.0.1", done));
  t.after(() => alerts.close());
  const alerted = await connect([`ws://127.0.0.1:${alerts.address().port}/`]);
  assert.match(alerted.errors, /the server speaks TLS here: write wss:\/\/$/m);
  const resets = net.createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  const reset = await connect([`ws://127.0.0.1:${await listen(t, resets)}/`]);
  assert.match(reset.errors, /the server reset the connection and answered nothing: if its port speaks TLS, write wss:\/\/$/m);
  const redirects = http.createServer().on("upgrade", (request, socket) => {
    socket.end("HTTP/1.1 301 Moved Permanently\r\nLocation: wss://example.org/elsewhere\r\n\r\n");
  });
  const port = await listen(t, redirects);
  const moved = await connect([`ws://127.0.0.1:${port}/`]);
  assert.match(moved.errors, /the server answered 301 Moved Permanently: wss:\/\/example\.org\/elsewhere$/m);
  const ends = await listen(t, net.createServer((socket) => socket.end()));
  const ended = await connect([...trust, `wss://127.0.0.1:${ends}/`]);
  assert.match(ended.errors, /the peer (ended|reset) the connection during the TLS handshake$/m);
});

/** A proxy, over TLS if it has an identity; `asked` gets the targets. */
async function proxy(t, asked, identity) {
  const server = identity ? https.createServer({ cert: identity.text, key: identity.keyText }) : http.createServer();
  server.on("tlsClientError", () => {});
  server.on("connect", (request, socket, head) => {
    asked.push(request.url);
    const [, host, port] = request.url.match(/^(.*):(\d+)$/);
    const far = net.connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      far.write(head);
      far.pipe(socket).pipe(far);
    });
    for (const end of [far, socket]) end.on("error", () => (far.destroy(), socket.destroy()));
    t.after(() => far.destroy());
  });
  return listen(t, server);
}

test("wss goes through a proxy, ws through TLS to a proxy, and wss inside of that", async (t) => {
  const secure = await echo(t);
  const plain = await serve(t);
  for (const identity of [undefined, usual])
    for (const url of [`wss://localhost:${secure}/`, plain.url().replace("127.0.0.1", "localhost")]) {
      const asked = [];
      const port = await proxy(t, asked, identity);
      const way = `${identity ? "https" : "http"}://localhost:${port}`;
      const text = "long ".repeat(20000);
      const { status, output, errors } = await connect(["-v", ...trust, "--proxy", way, "-x", "hi", "-x", text, url]);
      assert.equal(output, `hi\n${text}\n`, errors);
      assert.equal(status, 0);
      assert.deepEqual(asked, [new URL(url).host]);
      assert.equal(/TLS with the proxy: TLSv1\.3/.test(errors), identity !== undefined);
      assert.equal(/TLS with the server: TLSv1\.3/.test(errors), url.startsWith("wss"));
    }
});

test("a proxy's certificate must hold too", async (t) => {
  const port = await proxy(t, [], authority.issue("elsewhere", { names: "DNS:example.org" }));
  const { status, errors } = await connect([...trust, "--proxy", `https://localhost:${port}`, "ws://localhost:1/"]);
  assert.equal(status, 60);
  assert.equal(errors, `towline connect: ws://localhost:1/: the proxy localhost port ${port}: the certificate of localhost is for another host: example.org\n`);
});

test("the environment names the proxy of wss in https_proxy", async (t) => {
  const asked = [];
  const secure = await echo(t);
  const port = await proxy(t, asked, usual);
  const words = [...trust, "-x", "hi"];
  const environment = { https_proxy: `https://localhost:${port}`, http_proxy: "http://127.0.0.1:1" };
  const wss = await connect([...words, `wss://localhost:${secure}/`], environment);
  assert.equal(wss.output, "hi\n", wss.errors);
  const same = await connect([...words, `https://localhost:${secure}/`], environment);
  assert.equal(same.output, "hi\n", same.errors);
  assert.deepEqual(asked, [`localhost:${secure}`, `localhost:${secure}`]);
  const ws = await connect([...words, "ws://localhost:2/"], environment);
  assert.match(ws.errors, /the proxy 127\.0\.0\.1 port 1: connection refused$/m);
  const none = await connect([...words, `wss://localhost:${secure}/`], { ...environment, no_proxy: "localhost" });
  assert.equal(none.output, "hi\n", none.errors);
  assert.equal(asked.length, 2);
});
