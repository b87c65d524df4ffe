// Who may come in by what they know: credentials, where they may stand, and what becomes of those that are wrong.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import { describe, test } from "node:test";
import WebSocket from "ws";

import { Authority } from "../support/authority.mjs";
import { Server, request, run, serve, until, within } from "../support/towline.mjs";

const hash = (name, password, cost = 5) => execFileSync("htpasswd", ["-nbB", "-C", String(cost), name, password]).toString().trim();
const ann = hash("ann", "s3cret:of-ann");
const basic = (text) => ({ Authorization: `Basic ${Buffer.from(text).toString("base64")}` });
const right = basic("ann:s3cret:of-ann");
const form = (scheme, text) => `${scheme}.${Buffer.from(text).toString("base64url")}`;

/** A folder with these files: { name: text }. */
function folderOf(t, files) {
  const folder = mkdtempSync("/tmp/towline-auth-");
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text, { mode: 0o755 });
  return folder;
}

/** A server with this configuration, beside the users' file and others. */
async function serveConfig(t, config, files = {}) {
  const folder = folderOf(t, { users: `# who may come in\n${ann}\n`, "conf.yaml": config, "page.txt": "the page\n", ...files });
  const server = await Server.start(["-f", path.join(folder, "conf.yaml")]);
  t.after(() => server.stop());
  return Object.assign(server, { folder });
}

/** The answer to a request of HTTP. */
const get = (server, target, headers = {}) => request({ port: server.port, path: target, headers });

/** What becomes of an opening handshake: "open" with the socket, or the status. */
async function knock(t, server, target, { headers = {}, protocols = [] } = {}) {
  const socket = new WebSocket(server.url(target), protocols, { headers });
  t.after(() => socket.terminate());
  socket.on("error", () => {});
  const outcome = await within(60000, Promise.race([
    once(socket, "open").then(() => ({ status: 101 })),
    once(socket, "unexpected-response").then(([, response]) => ({ status: response.statusCode, headers: response.headers })),
  ]), "an answer");
  return { ...outcome, socket };
}

/** Closes it, and waits for the end. */
async function leave(socket) {
  const closed = once(socket, "close");
  socket.close();
  await within(20000, closed, "the close");
}

async function echoes(socket, text) {
  const answer = once(socket, "message");
  socket.send(text);
  assert.equal((await within(20000, answer, "the echo"))[0].toString(), text);
}

describe("a name and a password", () => {
  test("let in to routes of every kind, and nothing else does", async (t) => {
    const target = net.createServer((socket) => socket.on("error", () => {}).pipe(socket));
    target.listen(0, "127.0.0.1");
    await once(target, "listening");
    t.after(() => target.close());
    const server = await serveConfig(t, `basic-auth: users
routes:
  - {path: /echo, echo: true}
  - {path: /tunnel, tunnel: "tcp:127.0.0.1:${target.address().port}"}
  - {path: /count, program: ./cat.sh}
  - {path: /there, respond: hello}
  - {path: "/*", files: .}
`, { "cat.sh": "#!/bin/sh\nexec cat\n" });
    for (const route of ["/echo", "/tunnel", "/count"]) {
      const refused = await knock(t, server, route);
      assert.equal(refused.status, 401, route);
      assert.match(refused.headers["www-authenticate"], /^Basic realm=/);
      assert.equal((await knock(t, server, route, { headers: basic("ann:wrong") })).status, 401, route);
      const { status, socket } = await knock(t, server, route, { headers: right });
      assert.equal(status, 101, route);
      await echoes(socket, route === "/tunnel" ? "bytes" : "text").catch((error) => assert.fail(`${route}: ${error}`));
      await leave(socket);
    }
    for (const page of ["/there", "/page.txt"]) {
      assert.equal((await get(server, page)).status, 401, page);
      assert.equal((await get(server, page, basic("bob:s3cret:of-ann"))).status, 401, page);
      assert.equal((await get(server, page, right)).status, 200, page);
    }
    assert.doesNotMatch(server.log, /s3cret|wrong/);
  });

  test("guard the directory's handlers and what is built in, also when that comes back", async (t) => {
    const folder = folderOf(t, { users: ann });
    const handlers = folderOf(t, { count: "#!/bin/sh\nexec cat\n", echo: "#!/bin/sh\nexec cat\n" });
    const server = await serve(t, ["-w", handlers, "--basic-auth", path.join(folder, "users")]);
    for (const route of ["/count", "/echo"]) {
      assert.equal((await knock(t, server, route)).status, 401, route);
      const { socket } = await knock(t, server, route, { headers: right });
      await echoes(socket, "x");
      await leave(socket);
    }
    rmSync(path.join(handlers, "echo"));
    await until(() => server.log.includes("what is built in does"), "the echo is back");
    assert.equal((await knock(t, server, "/echo")).status, 401);
    await echoes((await knock(t, server, "/echo", { headers: right })).socket, "again");
    assert.equal((await get(server, "/.console")).status, 401);
  });

  test("stand before a handler's own admission, which has its say afterwards", async (t) => {
    const folder = folderOf(t, { users: ann });
    const handlers = folderOf(t, { "own_wsh.py": `def web_socket_do_extra_handshake(request):
    request.ws_protocol = request.headers_in.get("X-Asked")

def web_socket_transfer_data(request):
    request.ws_stream.send_message("let in")
` });
    const server = await serve(t, ["-w", handlers, "--basic-auth", path.join(folder, "users")]);
    assert.equal((await knock(t, server, "/own")).status, 401);
    for (const when of ["when it was checked", "when it was remembered"]) {
      const socket = new WebSocket(server.url("/own"), ["chat"], { headers: { ...right, "X-Asked": "chat" } });
      t.after(() => socket.terminate());
      const [text] = await within(20000, once(socket, "message"), when);
      assert.equal(text.toString(), "let in");
      assert.equal(socket.protocol, "chat", when);
    }
  });

  test("may be in the URL of towline connect", async (t) => {
    const folder = folderOf(t, { users: ann });
    const server = await serve(t, ["--basic-auth", path.join(folder, "users")]);
    const connect = (user) => run(["connect", `ws://${user}@${server.host}/echo`], { input: "hello\n" });
    const taken = await connect("ann:s3cret%3Aof-ann");
    assert.match(taken.output, /hello/);
    const refused = await connect("ann:wrong");
    assert.notEqual(refused.status, 0);
    assert.match(refused.errors, /401/);
  });

  test("that are malformed, huge or of another scheme let nobody in", async (t) => {
    const server = await serveConfig(t, "basic-auth: users\nroutes: [{path: /echo, echo: true}]\n");
    const values = ["", "Basic", "Basic ", "Basic !!!", "Basic YW5u", "Basic YW5uAHg6eA==", "Bearer s3cret", "Digest username=ann", "Basic " + "A".repeat(8000),
      "Basic " + Buffer.from("ann:" + "x".repeat(2500)).toString("base64"), "basic\tYW5uOng=", ...["s3cret:of-ann:", ":s3cret:of-ann", "ann\n:s3cret:of-ann"].map((text) => basic(text).Authorization)];
    for (const Authorization of values) assert.equal((await knock(t, server, "/echo", { headers: { Authorization } })).status, 401, Authorization.slice(0, 40));
    assert.equal((await knock(t, server, "/echo", { headers: { Authorization: "Basic " + "A".repeat(30000) } })).status, 431);
    assert.equal((await knock(t, server, "/echo", { headers: { Authorization: right.Authorization.replace("Basic", "bAsIc") } })).status, 101);
    assert.doesNotMatch(server.log, /s3cret|YW5u|AAAA/);
  });

  test("may stand in a cookie or a subprotocol, for browsers", async (t) => {
    const server = await serveConfig(t, "basic-auth: users\nauth-cookie: session\nroutes: [{path: /echo, echo: true}, {path: /cat, program: ./cat.sh}]\n",
      { "cat.sh": "#!/bin/sh\nexec cat\n" });
    const shown = form("basic", "ann:s3cret:of-ann");
    assert.equal((await knock(t, server, "/echo", { headers: { Cookie: `a=b; session=${shown}` } })).status, 101);
    assert.equal((await knock(t, server, "/echo", { headers: { Cookie: `other=${shown}` } })).status, 401);
    assert.equal((await knock(t, server, "/echo", { headers: { Cookie: `session=${form("basic", "ann:no")}` } })).status, 401);
    const offered = await knock(t, server, "/cat", { protocols: ["authorization", shown] });
    assert.equal(offered.status, 101);
    assert.equal(offered.socket.protocol, "authorization"); // nobody else names one
    await leave(offered.socket);
    assert.equal((await knock(t, server, "/cat", { protocols: ["authorization", form("basic", "ann:no")] })).status, 401);
    assert.doesNotMatch(server.log, new RegExp(`s3cret|${shown.slice(6)}`));
  });

  test("a route may have its own, or none", async (t) => {
    const server = await serveConfig(t, `basic-auth: users
routes:
  - {path: /ann, echo: true}
  - {path: /bob, echo: true, basic-auth: others}
  - {path: /open, echo: true, basic-auth: off}
`, { others: hash("bob", "bob's") });
    const bob = basic("bob:bob's");
    const statuses = async (headers) => Promise.all(["/ann", "/bob", "/open"].map(async (route) => (await knock(t, server, route, { headers })).status));
    assert.deepEqual(await statuses({}), [401, 401, 101]);
    assert.deepEqual(await statuses(right), [101, 401, 101]);
    assert.deepEqual(await statuses(bob), [401, 101, 101]);
  });

  test("are read again on SIGHUP: what is wrong leaves them as they were, and nobody is disconnected", async (t) => {
    const server = await serveConfig(t, "basic-auth: users\nroutes: [{path: /echo, echo: true}]\n");
    const { socket } = await knock(t, server, "/echo", { headers: right });
    const users = path.join(server.folder, "users");
    writeFileSync(users, `${ann}\nbob:$apr1$salt$x\n`);
    server.signal("SIGHUP");
    await until(() => /users: line 2: \$apr1\$ .*htpasswd -B; the users stay as they were/.test(server.log), "the log says so");
    assert.equal((await knock(t, server, "/echo", { headers: right })).status, 101);
    writeFileSync(users, hash("ann", "another"));
    const before = server.log.length;
    server.signal("SIGHUP");
    await until(() => server.log.slice(before).includes("was read again"), "the reload");
    await until(async () => (await knock(t, server, "/echo", { headers: right })).status === 401, "the old password is none"); // though it was remembered
    assert.equal((await knock(t, server, "/echo", { headers: basic("ann:another") })).status, 101);
    await echoes(socket, "still here");
  });

  test("--check names the file and the line", async (t) => {
    const folder = folderOf(t, { users: `${ann}\nbob:plain\n`, "conf.yaml": "routes:\n  - {path: /echo, echo: true, basic-auth: users}\n" });
    for (const words of [["--basic-auth", path.join(folder, "users")], ["-f", path.join(folder, "conf.yaml")], ["--basic-auth", path.join(folder, "none")]]) {
      const { status, errors } = await run(["serve", "--check", ...words]);
      assert.equal(status, 2);
      assert.match(errors, /users: line 2: behind the name there is no hash|none: No such file/);
      assert.doesNotMatch(errors, /plain/);
    }
  });
});

describe("files with secrets", () => {
  const secret = "a-secret-of-32-bytes-or-even-more\n";
  const checked = async (words) => {
    const { status, output, errors } = await run(["serve", "--check", ...words]);
    assert.deepEqual([status, output.replace(/^\S+: /, "")], [0, "all is right\n"], errors);
    return errors.split("\n").filter(Boolean).map((line) => line.replace(/^\S+ warning /, ""));
  };

  test("that everybody may read or write are warned of, each once, with what to do", async (t) => {
    const folder = folderOf(t, { users: `${ann}\n`, key: secret, open: secret, "conf.yaml": "basic-auth: users\npublish-key: open\ntoken-keys: open\npusher: [{id: 1, key: k, secret: key}]\n" });
    const [users, key, open, conf] = ["users", "key", "open", "conf.yaml"].map((name) => path.join(folder, name));
    for (const [file, mode] of [[users, 0o644], [key, 0o600], [open, 0o666]]) chmodSync(file, mode);
    assert.deepEqual(await checked(["-f", conf]), [
      `${conf}:1:13: basic-auth: everybody on this machine may read ${users}: chmod 600 ${users}`,
      `${conf}:2:14: publish-key: everybody on this machine may read and write ${open}: chmod 600 ${open}`,
    ]);
    for (const file of [users, open]) chmodSync(file, 0o640);
    chmodSync(key, 0o602);
    assert.deepEqual(await checked(["--token-keys", open, "--pusher-app", `1:k:${key}`]), [`--pusher-app: everybody on this machine may write ${key}: chmod 600 ${key}`]);
    const server = await serve(t, ["--bearer-token", open]);
    assert.doesNotMatch(server.log, /warning/);
  });

  test("are told on SIGHUP, too", async (t) => {
    const folder = folderOf(t, { key: secret });
    const key = path.join(folder, "key");
    chmodSync(key, 0o600);
    const server = await serve(t, ["--bearer-token", key]);
    chmodSync(key, 0o604);
    server.signal("SIGHUP");
    await until(() => server.log.includes(`--bearer-token: everybody on this machine may read ${key}: chmod 600 ${key}`), "the warning");
  });

  test("are told of public keys only where others may write them", async (t) => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const folder = folderOf(t, { public: publicKey.export({ type: "spki", format: "pem" }) });
    const file = path.join(folder, "public");
    chmodSync(file, 0o644);
    assert.deepEqual(await checked(["--token-keys", file]), []);
    chmodSync(file, 0o666);
    assert.deepEqual(await checked(["--token-keys", file]), [`--token-keys: everybody on this machine may write ${file}: chmod 644 ${file}`]);
  });

  test("are told of private keys, also in a certificate's file", async (t) => {
    const { certificate, key } = Authority.make((end) => t.after(end)).issue("localhost");
    const both = path.join(folderOf(t, { both: readFileSync(certificate) + readFileSync(key) }), "both");
    chmodSync(key, 0o644);
    chmodSync(both, 0o644);
    assert.deepEqual(await checked(["-c", certificate, "-k", key]), [`--key: everybody on this machine may read ${key}: chmod 600 ${key}`]);
    assert.deepEqual(await checked(["-c", both]), [`--certificate: everybody on this machine may read ${both}: chmod 600 ${both}`]);
    chmodSync(key, 0o600);
    assert.deepEqual(await checked(["-c", certificate, "-k", key]), []);
  });

  test("that are not there are named with their option", async (t) => {
    const folder = folderOf(t, { "conf.yaml": "token-keys: none\n", "basic.yaml": "\nbasic-auth: none\n" });
    const none = path.join(folder, "none");
    for (const [words, label] of [
      [["--basic-auth", none], "--basic-auth"], [["--bearer-token", none], "--bearer-token"], [["--token-keys", none], "--token-keys"], [["--publish-key", none], "--publish-key"],
      [["--tls-self-signed", "--tls-client-ca", none], "--tls-client-ca"],
      [["-f", path.join(folder, "conf.yaml")], `${folder}/conf.yaml:1:13: token-keys`], [["-f", path.join(folder, "basic.yaml")], `${folder}/basic.yaml:2:13: basic-auth`],
    ]) {
      const { status, errors } = await run(["serve", "--check", ...words]);
      assert.deepEqual([status, errors], [2, `towline serve: ${label}: ${none}: No such file or directory\n`]);
    }
  });
});

describe("a token", () => {
  test("lets in from the field, the cookie or a subprotocol, and is read again", async (t) => {
    const digest = createHash("sha256").update("hashed-token").digest("hex");
    const server = await serveConfig(t, `bearer-token: tokens
auth-cookie: session
routes: [{path: /echo, echo: true}, {path: "/*", files: .}]
`, { tokens: `# whose\nplain-token.A\nsha256:${digest}\n` });
    for (const token of ["plain-token.A", "hashed-token"]) {
      assert.equal((await knock(t, server, "/echo", { headers: { Authorization: `Bearer ${token}` } })).status, 101);
      assert.equal((await knock(t, server, "/echo", { headers: { Cookie: `session=${token}` } })).status, 101);
      assert.equal((await knock(t, server, "/echo", { headers: { Cookie: `session=${form("bearer", token)}` } })).status, 101);
      assert.equal((await knock(t, server, "/echo", { protocols: ["authorization", form("bearer", token)] })).status, 101);
    }
    for (const Authorization of ["Bearer", "Bearer ", "Bearer plain-token", "Bearer plain-token.A.", "Bearer sha256:" + digest, "Bearer " + digest, right.Authorization, "Bearer " + "x".repeat(9000)]) {
      const refused = await knock(t, server, "/echo", { headers: { Authorization } });
      assert.equal(refused.status, 401, Authorization.slice(0, 40));
      assert.match(refused.headers["www-authenticate"], /^Bearer realm=/);
    }
    assert.equal((await get(server, "/page.txt")).status, 401);
    writeFileSync(path.join(server.folder, "tokens"), "two words\n");
    server.signal("SIGHUP");
    await until(() => /tokens: line 1: a token has no spaces.*; the tokens stay as they were/.test(server.log), "the log says so");
    writeFileSync(path.join(server.folder, "tokens"), "another\n");
    server.signal("SIGHUP");
    await until(async () => (await get(server, "/page.txt", { Authorization: "Bearer another" })).status === 200, "the new token");
    assert.equal((await get(server, "/page.txt", { Authorization: "Bearer plain-token.A" })).status, 401);
    assert.doesNotMatch(server.log, /plain-token|hashed-token|two words/);
  });

  test("or a password, either lets in", async (t) => {
    const server = await serveConfig(t, "basic-auth: users\nbearer-token: tokens\nroutes: [{path: /echo, echo: true}]\n", { tokens: "token\n" });
    assert.equal((await knock(t, server, "/echo", { headers: right })).status, 101);
    assert.equal((await knock(t, server, "/echo", { headers: { Authorization: "Bearer token" } })).status, 101);
    assert.match((await knock(t, server, "/echo")).headers["www-authenticate"], /Basic .*Bearer /);
  });
});

describe("a back end", () => {
  /** One that answers as it is told: `seen` are its requests. */
  async function backEnd(t, answer) {
    const seen = [];
    const server = http.createServer((incoming, outgoing) => {
      seen.push(incoming);
      answer(incoming, outgoing);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return { seen, url: `http://127.0.0.1:${server.address().port}/may-come-in` };
  }
  const config = (url, more = "") => `auth-url: ${url}\n${more}routes: [{path: /echo, echo: true}, {path: /open, echo: true, auth-url: off}, {path: "/*", files: .}]\n`;

  test("is asked with the request's fields, and decides", async (t) => {
    const back = await backEnd(t, (incoming, outgoing) => {
      const status = { "token yes": 204, "token no": 403 }[incoming.headers.authorization] ?? 401;
      outgoing.writeHead(status, status === 401 ? { "WWW-Authenticate": ['Token realm="a"', 'Basic realm="b"'] } : {}).end();
    });
    const server = await serveConfig(t, config(back.url));
    const let_in = await knock(t, server, "/echo?room=1", { headers: { Authorization: "token yes", Cookie: "session=s3cret", "X-Forwarded-Uri": "/forged", "X-Mine": "kept" }, protocols: ["chat"] });
    assert.equal(let_in.status, 101);
    await echoes(let_in.socket, "hello");
    const { headers, method, url } = back.seen[0];
    assert.equal(method, "GET");
    assert.equal(url, "/may-come-in");
    assert.equal(headers["x-forwarded-uri"], "/echo?room=1");
    assert.equal(headers["x-forwarded-method"], "GET");
    assert.equal(headers["x-forwarded-for"], "127.0.0.1");
    assert.equal(headers["x-forwarded-host"], server.host);
    assert.equal(headers["x-mine"], "kept");
    assert.equal(headers.cookie, "session=s3cret");
    assert.equal(headers["sec-websocket-protocol"], "chat");
    for (const name of ["upgrade", "sec-websocket-key", "sec-websocket-extensions"]) assert.equal(headers[name], undefined, name);
    const asked = await knock(t, server, "/echo");
    assert.equal(asked.status, 401);
    assert.equal(asked.headers["www-authenticate"], 'Token realm="a", Basic realm="b"');
    assert.equal((await knock(t, server, "/echo", { headers: { Authorization: "token no" } })).status, 403);
    assert.equal((await get(server, "/page.txt", { Authorization: "token yes" })).status, 200);
    assert.equal((await get(server, "/page.txt")).status, 401);
    const before = back.seen.length;
    assert.equal((await knock(t, server, "/open")).status, 101);
    assert.equal(back.seen.length, before);
    assert.doesNotMatch(server.log, /s3cret|token (yes|no)/);
  });

  test("that says anything else, or is down, lets nobody in", async (t) => {
    let status = 500;
    const back = await backEnd(t, (_, outgoing) => outgoing.writeHead(status, { Location: "/login" }).end("x"));
    const server = await serveConfig(t, config(back.url));
    for (status of [500, 302, 404, 304]) assert.equal((await knock(t, server, "/echo")).status, 502, String(status));
    const large = await backEnd(t, (_, outgoing) => outgoing.writeHead(200).end("x".repeat(1 << 20)));
    assert.equal((await knock(t, await serveConfig(t, config(large.url)), "/echo")).status, 502);
    const down = await serveConfig(t, config("http://127.0.0.1:1/"));
    assert.equal((await knock(t, down, "/echo")).status, 502);
    await until(() => /auth-url: .*127\.0\.0\.1/.test(down.log), "a line that says who does not answer");
  });

  test("that speaks garbage lets nobody in", async (t) => {
    const garbage = net.createServer((socket) => socket.on("error", () => {}).end("HTTP/9.9 200 yes\r\nwhatever"));
    garbage.listen(0, "127.0.0.1");
    await once(garbage, "listening");
    t.after(() => garbage.close());
    const server = await serveConfig(t, config(`http://127.0.0.1:${garbage.address().port}/`));
    assert.equal((await knock(t, server, "/echo")).status, 502);
  });

  test("that is slow is waited for so long", async (t) => {
    const back = await backEnd(t, () => {});
    const server = await serveConfig(t, config(back.url, "auth-seconds: 1\n"));
    assert.equal((await knock(t, server, "/echo")).status, 503);
  });

  test("that is slow is waited for by so many, and nobody else waits", async (t) => {
    const back = await backEnd(t, () => {});
    const server = await serveConfig(t, config(back.url, "auth-seconds: 3600\n"));
    const { socket } = await knock(t, server, "/open");
    const statuses = Array.from({ length: 300 }, async () => (await knock(t, server, "/echo")).status);
    assert.equal(await Promise.any(statuses), 503); // of those that are too many
    await echoes(socket, "meanwhile");
    statuses.forEach((status) => status.catch(() => {})); // the test's end ends them
  });

  test("does not keep a client waiting behind another one that asks without end", async (t) => {
    const back = await backEnd(t, (request, response) => {
      if (request.headers["x-forwarded-for"] === "192.0.2.2") response.end();
    });
    const server = await serveConfig(t, config(back.url, "auth-seconds: 3600\ntrusted-proxy: 127.0.0.1\n"));
    const from = (address) => ({ headers: { "X-Forwarded-For": address } });
    const statuses = Array.from({ length: 100 }, async () => (await knock(t, server, "/echo", from("192.0.2.1"))).status);
    assert.equal(await Promise.any(statuses), 503); // of those that are too many
    assert.equal((await knock(t, server, "/echo", from("192.0.2.2"))).status, 101);
    statuses.forEach((status) => status.catch(() => {})); // the test's end ends them
  });

  test("is not asked any more about who has left, and the end waits for none", async (t) => {
    const back = await backEnd(t, () => {});
    const server = await serveConfig(t, config(back.url, "auth-seconds: 60\ndrain-seconds: 1\n"));
    const sockets = Array.from({ length: 20 }, () => new WebSocket(server.url("/echo")).on("error", () => {}));
    t.after(() => sockets.forEach((socket) => socket.terminate()));
    await until(() => back.seen.length >= 20, "all were asked about");
    sockets.slice(0, 10).forEach((socket) => socket.terminate());
    await server.stop(); // the drain waits for its time, and then for nobody
  });

  test("and passwords contradict each other", async (t) => {
    const { status, errors } = await run(["serve", "--check", "--auth-url", "http://localhost/", "--bearer-token", "/dev/null"]);
    assert.equal(status, 2);
    assert.match(errors, /--auth-url: there is a file of users or tokens already/);
    for (const [key, value] of [["auth-cookie", "session"], ["auth-seconds", "3"]]) {
      const alone = await run(["serve", "--check", `--${key}`, value]);
      assert.equal(alone.status, 2);
      assert.match(alone.errors, new RegExp(`--${key}: .* with --`));
      const folder = folderOf(t, { "conf.yaml": `routes:\n  - path: /echo\n    echo: true\n    ${key}: ${value}\n` });
      assert.match((await run(["serve", "--check", "-f", path.join(folder, "conf.yaml")])).errors, new RegExp(`conf.yaml:4:\\d+: ${key}: `));
    }
    const wrong = await run(["serve", "--check", "--auth-url", "localhost:8000"]);
    assert.equal(wrong.status, 2);
    assert.match(wrong.errors, /--auth-url: 'localhost:8000' is not a URL such as/);
  });
});

describe("many at once", () => {
  test("a hundred clients with wrong passwords do not slow another's echo, and those that are too many get 503", async (t) => {
    const server = await serveConfig(t, "basic-auth: users\nroutes: [{path: /echo, echo: true}]\n", { users: hash("ann", "s3cret:of-ann", 11) });
    const { socket } = await knock(t, server, "/echo", { headers: right });
    let over = false;
    const statuses = Promise.all(Array.from({ length: 100 }, async (_, i) => (await knock(t, server, "/echo", { headers: basic(`ann:no${i}`) })).status)).finally(() => (over = true));
    const times = [];
    while (times.length < 20) {
      const begun = performance.now();
      await echoes(socket, "x");
      times.push(performance.now() - begun);
    }
    assert.ok(!over, "the echoes were before the hundredth answer");
    const { status } = await knock(t, server, "/echo", { headers: right }); // remembered: needs no turn
    assert.equal(status, 101);
    const found = await within(60000, statuses, "their answers");
    assert.ok(found.every((each) => each === 401 || each === 503), String(found));
    assert.ok(found.includes(401) && found.includes(503), String(found));
  });

  test("clients that leave before their answer leave nothing behind", async (t) => {
    const server = await serveConfig(t, "basic-auth: users\nroutes: [{path: /echo, echo: true}]\n", { users: hash("ann", "s3cret:of-ann", 8) });
    for (let i = 0; i < 60; i++) {
      const socket = net.connect(server.port, "127.0.0.1");
      socket.on("error", () => {});
      await once(socket, "connect");
      socket.write(`GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: ${basic(`ann:${i}`).Authorization}\r\n\r\n`);
      setTimeout(() => socket.resetAndDestroy(), i % 7);
    }
    await until(async () => (await knock(t, server, "/echo", { headers: right })).status === 101, "there is room again");
  });

  test("one client with wrong passwords keeps no other out", async (t) => {
    const server = await serveConfig(t, "basic-auth: users\ntrusted-proxy: 127.0.0.1\nroutes: [{path: /echo, echo: true}]\n", { users: hash("ann", "s3cret:of-ann", 11) });
    const from = (address, headers) => ({ headers: { ...headers, "X-Forwarded-For": address } });
    const statuses = Array.from({ length: 70 }, async (_, i) => (await knock(t, server, "/echo", from("192.0.2.1", basic(`ann:no${i}`)))).status);
    assert.equal(await Promise.any(statuses.map(async (status) => ((await status) === 503 ? 503 : Promise.reject()))), 503); // of those that are too many
    assert.equal((await knock(t, server, "/echo", from("192.0.2.2", right))).status, 101);
    await Promise.all(statuses);
  });
});

// What docs/authentication.md tells to type is typed: in a folder with what it names.
describe("the guide", () => {
  const guide = readFileSync(new URL("../../docs/authentication.md", import.meta.url), "utf8");
  const commands = [...guide.matchAll(/^    (\S.*)$/gm)].map(([, line]) => line);
  const pieces = (language) => [...guide.matchAll(new RegExp(`^\\s*\`\`\`${language}\\n(.*?)^\\s*\`\`\`$`, "gms"))].map(([, text]) => text);

  /** The folder after all that is no server has been run in it, with the words of those that are. */
  function typed(t) {
    const folder = folderOf(t, { admins: `${ann}\n`, chat: "#!/bin/sh\ncat\n", admin: "#!/bin/sh\ncat\n" });
    mkdirSync(path.join(folder, "public"));
    const environment = { ...process.env, TOKEN: "the-token" };
    const servers = [];
    for (const line of commands) {
      if (line.startsWith("towline ")) servers.push(line.split(" ").slice(2));
      else execFileSync("sh", ["-c", line.replace("htpasswd -B", "htpasswd -i -B")], { cwd: folder, env: environment, input: "secret\n" });
    }
    return { folder, servers };
  }

  /** A server by words of the guide, in the folder. */
  async function started(t, folder, words) {
    const server = await Server.start(words, { prefix: ["env", "-C", folder] });
    t.after(() => server.stop());
    return server;
  }

  test("has commands that make files which let in", async (t) => {
    const { folder, servers } = typed(t);
    assert.deepEqual(servers.map(([option]) => option), ["--basic-auth", "--bearer-token", "--auth-url"]);
    const [passwords, tokens] = [await started(t, folder, servers[0]), await started(t, folder, servers[1])];
    assert.equal((await knock(t, passwords, "/echo", { headers: basic("ann:secret") })).status, 101);
    assert.equal((await knock(t, passwords, "/echo", { headers: basic("ann:wrong") })).status, 401);
    assert.equal((await knock(t, tokens, "/echo", { headers: { Authorization: "Bearer the-token" } })).status, 101);
    assert.equal((await knock(t, tokens, "/echo", { headers: { Authorization: "Bearer another" } })).status, 401);
    const { status, errors } = await run(["serve", "--check", ...servers[2]]);
    assert.equal(status, 0, errors);
  });

  test("has a page's way to show credentials", async (t) => {
    const { folder, servers } = typed(t);
    const server = await started(t, folder, servers[0]);
    const [script] = pieces("js");
    const made = new Function("WebSocket", `${script.replace("new WebSocket", "return new WebSocket")}`)(class {
      constructor(url, protocols) {
        Object.assign(this, { url, protocols });
      }
    });
    const { status, socket } = await knock(t, server, new URL(made.url).pathname, { protocols: made.protocols });
    assert.equal(status, 101);
    assert.equal(socket.protocol, "authorization");
  });

  test("has a configuration that is right", async (t) => {
    const { folder } = typed(t);
    const texts = pieces("yaml");
    assert.ok(texts.length > 0);
    for (const text of texts) {
      writeFileSync(path.join(folder, "conf.yaml"), text);
      const { status, errors } = await run(["serve", "--check", "-f", path.join(folder, "conf.yaml")]);
      assert.equal(status, 0, errors);
    }
  });
});
