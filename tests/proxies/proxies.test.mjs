// Real proxies: the configurations of docs/proxies.md in front of the server, and tinyproxy and microsocks before the client.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { after, test } from "node:test";
import WebSocket from "ws";

import { Authority } from "../support/authority.mjs";
import { freePort, start } from "../support/daemon.mjs";
import { gate } from "../support/gate.mjs";
import { run, serve, until, within } from "../support/towline.mjs";

const client = "127.0.0.2"; // proxies come from 127.0.0.1
const authority = Authority.make(after);
const identity = authority.issue("localhost");
const pem = authority.write("localhost.pem", identity.text + identity.keyText);
const trust = ["--cacert", authority.certificate];
const manual = readFileSync(new URL("../../docs/proxies.md", import.meta.url), "utf8");

/** The fenced block of this kind in the manual, with its ports replaced; with TLS if the server is to be reached by wss. */
function configuration(kind, port, server) {
  const block = manual.match(new RegExp("```" + kind + "\n([^]*?)```"));
  assert.ok(block, `docs/proxies.md has no ${kind}`);
  const text = block[1].replaceAll("127.0.0.1:9998", server.host);
  const changed = text
    .replace("listen 80;", server.secure ? `listen 127.0.0.1:${port} ssl;\nssl_certificate ${pem};\nssl_certificate_key ${pem};` : `listen 127.0.0.1:${port};`)
    .replace("bind :80", `bind 127.0.0.1:${port}${server.secure ? ` ssl crt ${pem}` : ""}`)
    .replace("<VirtualHost *:80>", `<VirtualHost 127.0.0.1:${port}>`);
  assert.notEqual(changed, text);
  return changed;
}

function folder(t) {
  const path = mkdtempSync("/tmp/towline-proxy-");
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function nginx(t, port, server) {
  const path = folder(t);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${path}/${name};`).join("\n");
  writeFileSync(
    `${path}/conf`,
    `daemon off; master_process off; pid ${path}/pid; error_log ${path}/error; events {}\nhttp {\naccess_log off;\n${temporary}\n` +
      `${configuration("nginx", port, server)}\n}\n`,
  );
  await start(t, port, "nginx", ["-e", `${path}/error`, "-c", `${path}/conf`]);
}

function haproxy(kind) {
  return async (t, port, server) => {
    const path = folder(t);
    writeFileSync(`${path}/conf`, configuration(kind, port, server));
    await start(t, port, "haproxy", ["-db", "-f", `${path}/conf`]);
  };
}

async function apache(t, port, server) {
  const path = folder(t);
  mkdirSync(`${path}/run`);
  const modules = ["mpm_event", "authz_core", "proxy", "proxy_http", "headers"];
  writeFileSync(
    `${path}/conf`,
    modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so\n`).join("") +
      `ServerRoot ${path}\nDefaultRuntimeDir ${path}/run\nPidFile ${path}/pid\nErrorLog ${path}/error\nMutex file:${path}/run\n` +
      `ServerName localhost\nUser www-data\nGroup www-data\nListen 127.0.0.1:${port}\n${configuration("apache", port, server)}`,
  );
  await start(t, port, "apache2", ["-DFOREGROUND", "-f", `${path}/conf`]);
}

const trusting = ["--host", "example.org", "--trusted-proxy", "127.0.0.1", "--max-connections-per-address", "1", "--log-level", "debug"];

function connect(port) {
  return new WebSocket(`ws://127.0.0.1:${port}/echo`, {
    localAddress: client,
    headers: { Host: `example.org:${port}` },
  });
}

async function echo(socket, message) {
  const answer = once(socket, "message");
  socket.send(message);
  return (await within(20000, answer, "the echo"))[0];
}

async function status(port) {
  const socket = connect(port);
  socket.on("error", () => {});
  const [what] = await within(
    10000,
    Promise.race([once(socket, "open").then(() => [101]), once(socket, "unexpected-response").then(([, response]) => [response.statusCode])]),
    "an answer",
  );
  socket.terminate();
  return what;
}

for (const [name, begin, options, spoofed] of [
  ["nginx", nginx, [], true],
  ["HAProxy", haproxy("haproxy"), [], true],
  ["HAProxy with the PROXY protocol", haproxy("haproxy-tcp"), ["--proxy-protocol"], false],
  ["Apache", apache, [], true],
]) {
  test(`${name} brings messages through`, async (t) => {
    const server = await serve(t, [...trusting, ...options]);
    const port = await freePort();
    await begin(t, port, server);
    const socket = connect(port);
    await within(20000, once(socket, "open"), "open");
    assert.equal(String(await echo(socket, "hello")), "hello");
    const large = Buffer.alloc(1 << 20, "0123456789");
    assert.ok(large.equals(await echo(socket, large)));
    const closed = once(socket, "close");
    socket.close(1000, "done");
    assert.equal((await within(20000, closed, "close"))[0], 1000);
  });

  test(`${name} names the client, and nobody else does`, async (t) => {
    const server = await serve(t, [...trusting, ...options]);
    const port = await freePort();
    await begin(t, port, server);
    const lies = spoofed ? { "X-Forwarded-For": "203.0.113.9", Forwarded: "for=203.0.113.9" } : {};
    const [response] = await once(
      http.get({ host: "127.0.0.1", port, path: "/absent", localAddress: client, headers: { Host: "example.org", ...lies } }),
      "response",
    );
    response.resume();
    assert.equal(response.statusCode, 404);
    await until(() => /GET \/absent/.test(server.log), "the log");
    assert.match(server.log, /127\.0\.0\.2(:\d+)? GET \/absent/);
    assert.doesNotMatch(server.log, /203\.0\.113\.9/);
  });

  test(`${name}: limits for each address count the clients`, async (t) => {
    const server = await serve(t, [...trusting, ...options]);
    const port = await freePort();
    await begin(t, port, server);
    const first = connect(port);
    await within(20000, once(first, "open"), "open");
    assert.equal(await status(port), 503);
    const other = new WebSocket(`ws://127.0.0.1:${port}/echo`, { localAddress: "127.0.0.3", headers: { Host: "example.org" } });
    await within(20000, once(other, "open"), "open");
    other.terminate();
    first.terminate();
  });
}

for (const [name, begin, options] of [
  ["nginx", nginx, []],
  ["HAProxy", haproxy("haproxy"), []],
  ["HAProxy with the PROXY protocol", haproxy("haproxy-tcp"), ["--proxy-protocol"]],
])
  test(`towline connect speaks TLS with ${name} before the server`, async (t) => {
    const server = await serve(t, ["--host", "localhost", "--trusted-proxy", "127.0.0.1", ...options]);
    const port = await freePort();
    server.secure = true;
    await begin(t, port, server);
    const long = "0123456789".repeat(10000);
    const { status, output, errors } = await run(["connect", "-v", ...trust, "-x", "hi", "-x", long, `wss://localhost:${port}/echo`]);
    assert.equal(output, `hi\n${long}\n`, errors);
    assert.equal(status, 0);
    assert.match(errors, /TLS with the server: TLSv1\.[23]/);
    const wrong = await run(["connect", `wss://localhost:${port}/echo`]);
    assert.match(wrong.errors, /signed by an authority that is not trusted/);
  });

// On the way out.

async function tinyproxy(t, port, more = "") {
  const path = folder(t);
  writeFileSync(`${path}/conf`, `Port ${port}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nLogFile "${path}/log"\n${more}`);
  await start(t, port, "tinyproxy", ["-d", "-c", `${path}/conf`]);
}

const talk = ["-x", "hi"];

test("tinyproxy: CONNECT, by option and by the environment", async (t) => {
  const server = await serve(t);
  const port = await freePort();
  await tinyproxy(t, port);
  const url = `http://127.0.0.1:${port}`;
  const option = await run(["connect", "-v", "--proxy", url, ...talk, server.url()]);
  assert.equal(option.output, "hi\n", option.errors);
  assert.match(option.errors, new RegExp(`through the proxy 127.0.0.1 port ${port}`));
  const environment = { http_proxy: url, no_proxy: "", NO_PROXY: "" };
  const byEnvironment = await run(["connect", "-v", ...talk, server.url()], { environment });
  assert.equal(byEnvironment.output, "hi\n", byEnvironment.errors);
  assert.match(byEnvironment.errors, /through the proxy/);
});

test("no_proxy and --proxy off go directly", async (t) => {
  const server = await serve(t);
  const nowhere = { http_proxy: "http://127.0.0.1:1" };
  const wrong = await run(["connect", ...talk, server.url()], { environment: { ...nowhere, no_proxy: "example.org", NO_PROXY: "" } });
  assert.equal(wrong.status, 7);
  assert.match(wrong.errors, /the proxy 127\.0\.0\.1 port 1: connection refused/);
  const listed = await run(["connect", ...talk, server.url()], { environment: { ...nowhere, no_proxy: "example.org,127.0.0.0/8" } });
  assert.equal(listed.output, "hi\n", listed.errors);
  const off = await run(["connect", "--proxy", "off", ...talk, server.url()], { environment: { ...nowhere, no_proxy: "" } });
  assert.equal(off.output, "hi\n", off.errors);
});

test("tinyproxy: Basic authentication", async (t) => {
  const server = await serve(t);
  const port = await freePort();
  await tinyproxy(t, port, "BasicAuth me secret\n");
  const good = await run(["connect", "--proxy", `http://me:secret@127.0.0.1:${port}`, ...talk, server.url()]);
  assert.equal(good.output, "hi\n", good.errors);
  const none = await run(["connect", "--proxy", `http://127.0.0.1:${port}`, ...talk, server.url()]);
  assert.equal(none.status, 22);
  assert.match(none.errors, /wants a user and a password: 407/);
  const bad = await run(["connect", "--proxy", `http://me:wrong@127.0.0.1:${port}`, ...talk, server.url()]);
  assert.match(bad.errors, /does not accept the user and password: 401/);
  assert.doesNotMatch(bad.errors, /wrong/);
});

test("microsocks: with and without a password", async (t) => {
  const server = await serve(t);
  for (const scheme of ["socks5", "socks5h"]) {
    const port = await freePort();
    await start(t, port, "microsocks", ["-i", "127.0.0.1", "-p", String(port)]);
    const url = server.url().replace("127.0.0.1", "localhost");
    const open = await run(["connect", "--proxy", `${scheme}://127.0.0.1:${port}`, ...talk, url]);
    assert.equal(open.output, "hi\n", open.errors);
  }
  const port = await freePort();
  await start(t, port, "microsocks", ["-i", "127.0.0.1", "-p", String(port), "-u", "me", "-P", "secret"]);
  const good = await run(["connect", "--proxy", `socks5h://me:secret@127.0.0.1:${port}`, ...talk, server.url()]);
  assert.equal(good.output, "hi\n", good.errors);
  const bad = await run(["connect", "--proxy", `socks5h://me:wrong@127.0.0.1:${port}`, ...talk, server.url()]);
  assert.match(bad.errors, /does not accept the user and password/);
  const none = await run(["connect", "--proxy", `socks5h://127.0.0.1:${port}`, ...talk, server.url()]);
  assert.match(none.errors, /wants a user and a password/);
  const refused = await run(["connect", "--proxy", `socks5h://me:secret@127.0.0.1:${port}`, ...talk, "ws://127.0.0.1:1/"]);
  assert.match(refused.errors, /did not reach 127\.0\.0\.1 port 1: connection refused/);
});

/** `towline serve` over TLS, and its URL. */
async function serveSecurely(t) {
  const server = await serve(t, ["-t", "-c", identity.certificate, "-k", identity.key]);
  return server.url().replace("ws://127.0.0.1", "wss://localhost");
}

test("wss goes through tinyproxy and microsocks", async (t) => {
  const url = await serveSecurely(t);
  const [http, socks] = [await freePort(), await freePort()];
  await tinyproxy(t, http);
  await start(t, socks, "microsocks", ["-i", "127.0.0.1", "-p", String(socks)]);
  for (const proxy of [`http://127.0.0.1:${http}`, `socks5h://127.0.0.1:${socks}`]) {
    const { output, errors } = await run(["connect", ...trust, "--proxy", proxy, ...talk, url]);
    assert.equal(output, "hi\n", errors);
    const wrong = await run(["connect", "--proxy", proxy, ...talk, url]);
    assert.match(wrong.errors, /the certificate of localhost is signed by an authority that is not trusted/);
  }
  const environment = { https_proxy: `http://127.0.0.1:${http}`, no_proxy: "", NO_PROXY: "" };
  const byEnvironment = await run(["connect", "-v", ...trust, ...talk, url], { environment });
  assert.equal(byEnvironment.output, "hi\n", byEnvironment.errors);
  assert.match(byEnvironment.errors, new RegExp(`through the proxy 127.0.0.1 port ${http}`));
});

test("TLS to tinyproxy, by HAProxy before it, with ws and wss inside", async (t) => {
  const secure = await serveSecurely(t);
  const plain = (await serve(t)).url();
  const [inner, port] = [await freePort(), await freePort()];
  const path = folder(t);
  await tinyproxy(t, inner, "BasicAuth me secret\n");
  writeFileSync(
    `${path}/conf`,
    `listen proxy\n  mode tcp\n  bind 127.0.0.1:${port} ssl crt ${pem}\n  timeout client 75s\n  timeout connect 5s\n  timeout server 75s\n` +
      `  server proxy 127.0.0.1:${inner}\n`,
  );
  await start(t, port, "haproxy", ["-db", "-f", `${path}/conf`]);
  const long = "0123456789".repeat(10000);
  for (const url of [plain, secure]) {
    const words = ["connect", "-v", ...trust, ...talk, "-x", long, url];
    const { output, errors } = await run([...words, "--proxy", `https://me:secret@localhost:${port}`]);
    assert.equal(output, `hi\n${long}\n`, errors);
    assert.match(errors, /TLS with the proxy: TLSv1\.3/);
    assert.equal(/TLS with the server/.test(errors), url === secure);
    const refused = await run([...words, "--proxy", `https://localhost:${port}`]);
    assert.match(refused.errors, /the proxy localhost port \d+ wants a user and a password: 407/);
  }
});

test("--fallback: tinyproxy that connects to port 443 alone passes polls on", async (t) => {
  const server = await serve(t);
  const port = await freePort();
  await tinyproxy(t, port, "ConnectPort 443\nBasicAuth me secret\n");
  const proxy = ["--proxy", `http://me:secret@127.0.0.1:${port}`];
  const without = await run(["connect", ...proxy, ...talk, server.url()]);
  assert.match(without.errors, /answered 403/);
  const { output, errors } = await run(["connect", "-v", "--fallback", ...proxy, ...talk, "-x", "0123456789".repeat(10000), server.url()]);
  assert.equal(output, `hi\n${"0123456789".repeat(10000)}\n`, errors);
  assert.match(errors, /by polling/);
});

test("--fallback: polls go on the way of the WebSocket, by CONNECT and SOCKS, to what drops upgrades", async (t) => {
  const server = await serve(t);
  const [http, socks] = [await freePort(), await freePort()];
  await tinyproxy(t, http);
  await start(t, socks, "microsocks", ["-i", "127.0.0.1", "-p", String(socks)]);
  for (const secure of [false, true]) {
    const dropping = await gate(t, server.port, secure ? { identity } : {});
    for (const proxy of [`http://127.0.0.1:${http}`, `socks5h://127.0.0.1:${socks}`]) {
      const url = `${secure ? "wss" : "ws"}://localhost:${dropping.port}/echo`;
      const { output, errors } = await run(["connect", "-v", "--fallback", ...(secure ? trust : []), "--proxy", proxy, ...talk, url]);
      assert.equal(output, "hi\n", errors);
      assert.match(errors, /by polling/);
    }
    assert.ok(dropping.requests >= 6);
  }
});
