// Publishing by HTTP with curl and by `towline publish`, and what `towline subscribe` prints.

import assert from "node:assert/strict";
import { spawn, execFile } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import WebSocket from "ws";

import { Authority } from "../support/authority.mjs";
import { gate } from "../support/gate.mjs";
import { Server, program, request, run, until, within } from "../support/towline.mjs";

const KEY = "a-key-of-the-tests";

function folderOf(t, files = {}) {
  const folder = mkdtempSync("/tmp/towline-publish-");
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  return folder;
}

/** A server with a key in a file, and the files given; `folder` has them. */
async function start(t, { words = [], files = {}, config } = {}) {
  const folder = folderOf(t, { key: `# of the tests\n${KEY}\n`, ...files, ...(config ? { "conf.yaml": config } : {}) });
  const server = await Server.start([...(config ? ["-f", path.join(folder, "conf.yaml")] : []), "--publish-key", path.join(folder, "key"), ...words]);
  t.after(() => server.stop());
  return Object.assign(server, { folder, key: path.join(folder, "key"), http: `http://127.0.0.1:${server.port}` });
}

/** A subscriber that collects messages. */
async function subscriber(t, server, channel) {
  const socket = new WebSocket(server.url(`/channel/${channel}`));
  t.after(() => socket.terminate());
  const messages = [];
  socket.on("message", (data, isBinary) => messages.push(isBinary ? data : data.toString()));
  await within(20000, once(socket, "open"), "open");
  return { socket, messages };
}

const curl = async (...words) => (await promisify(execFile)("curl", ["-s", "-S", "-m", "20", ...words])).stdout;
const publish = (server, target, body, headers = {}) =>
  request({ port: server.port, path: target, method: "POST", headers: { Authorization: `Bearer ${KEY}`, ...headers }, body });
const tell = async (server, target) => JSON.parse((await request({ port: server.port, path: target, headers: { "Towline-Key": KEY } })).body);

/** Somebody has to be subscribed before what is published gets there. */
const subscribed = (server, channel, count = 1) =>
  until(async () => ((await tell(server, `/publish/${channel}`)).subscribers ?? 0) >= count, `${count} subscribers of ${channel}`);

describe("the key", () => {
  test("is made once, for its owner alone, and its file is named", async (t) => {
    const folder = folderOf(t);
    const environment = { STATE_DIRECTORY: "", XDG_STATE_HOME: folder };
    const file = path.join(folder, "towline/publish.key");
    const texts = [];
    for (let i = 0; i < 2; i++) {
      const server = await Server.start([], { prefix: ["env", "-u", "STATE_DIRECTORY", `XDG_STATE_HOME=${folder}`] });
      await until(() => server.log.includes(file), "the file is named");
      texts.push(readFileSync(file, "utf8"));
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.ok(!server.log.includes(texts[i].trim()));
      assert.match(await curl("-H", `Authorization: Bearer ${texts[i].trim()}`, "-d", "hello", `http://127.0.0.1:${server.port}/publish/news`), /^\{"subscribers":0/);
      const result = await run(["publish", `http://127.0.0.1:${server.port}`, "news", "hello"], { environment });
      assert.equal(result.status, 0, result.errors);
      await server.stop();
    }
    assert.match(texts[0], /^[0-9a-f]{64}\n$/);
    assert.equal(texts[0], texts[1]);
  });

  test("is in the folder that systemd names, and --check makes none", async (t) => {
    const folder = folderOf(t);
    const file = path.join(folder, "publish.key");
    assert.equal((await run(["serve", "--check", "-p", "0"], { environment: { STATE_DIRECTORY: folder } })).status, 0);
    assert.ok(!existsSync(file));
    const server = await Server.start([], { prefix: ["env", `STATE_DIRECTORY=${folder}`] });
    await until(() => server.log.includes(file), "the file is named");
    assert.ok(existsSync(file));
    await server.stop();
  });

  test("that can't be made is told, and all else is served", async (t) => {
    const folder = folderOf(t, { file: "" });
    const server = await Server.start([], { prefix: ["env", `STATE_DIRECTORY=${folder}/file`] });
    t.after(() => server.stop());
    await until(() => /publishing is refused/.test(server.log), "it is told");
    assert.equal((await request({ port: server.port, path: "/publish" })).status, 401);
    assert.equal((await request({ port: server.port, path: "/.console" })).status, 200);
  });

  test("is wanted for everything, and stands in no log", async (t) => {
    const server = await start(t, { words: ["--log-level", "debug"] });
    for (const headers of [{}, { Authorization: "Bearer wrong" }, { "Towline-Key": `${KEY}x` }])
      for (const [method, target] of [["POST", "/publish/news"], ["POST", "/publish"], ["GET", "/publish"], ["GET", "/publish/news?history"], ["DELETE", "/publish?user=a"]]) {
        const answer = await request({ port: server.port, path: target, method, headers });
        assert.equal(answer.status, 401);
        assert.match(answer.headers["www-authenticate"], /Bearer/);
      }
    assert.equal((await publish(server, "/publish/news", "hello")).status, 200);
    assert.ok(!server.log.includes(KEY));
  });

  test("is read again on SIGHUP", async (t) => {
    const server = await start(t);
    writeFileSync(server.key, "another-key\n");
    server.signal("SIGHUP");
    await until(async () => (await publish(server, "/publish/news", "a")).status === 401, "the old key is none any more");
    assert.equal((await publish(server, "/publish/news", "a", { Authorization: "Bearer another-key" })).status, 200);
  });
});

describe("what is published", () => {
  test("by curl reaches subscribers, as text and as bytes", async (t) => {
    const server = await start(t);
    const { messages } = await subscriber(t, server, "news");
    await subscribed(server, "news");
    const authorization = ["-H", `Authorization: Bearer ${KEY}`];
    assert.match(await curl(...authorization, "-d", "hello", `${server.http}/publish/news`), /^\{"subscribers":1/);
    assert.equal((await publish(server, "/publish/news", Buffer.from([0, 255]), { "Content-Type": "application/octet-stream" })).status, 200);
    const batch = JSON.stringify([{ channel: "news", data: "a" }, { channel: "elsewhere", data: "b" }, { channel: "news", data: { c: [1] } }]);
    assert.equal(await curl(...authorization, "-d", batch, `${server.http}/publish`), '{"published":3}\n');
    await until(() => messages.length >= 4, "all messages");
    assert.deepEqual(messages, ["hello", Buffer.from([0, 255]), "a", '{"c":[1]}']);
  });

  test("again with the same idempotency key gets there once", async (t) => {
    const server = await start(t);
    const { messages } = await subscriber(t, server, "news");
    await subscribed(server, "news");
    for (let i = 0; i < 3; i++) {
      const answer = await publish(server, "/publish/news", "once", { "Idempotency-Key": "k1" });
      assert.equal(answer.status, 200);
      assert.equal(JSON.parse(answer.body).repeated ?? false, i > 0);
    }
    assert.equal((await publish(server, "/publish/news", "other", { "Idempotency-Key": "k1" })).status, 422);
    await publish(server, "/publish/news", "last");
    await until(() => messages.includes("last"), "the last");
    assert.deepEqual(messages, ["once", "last"]);
  });

  test("is kept as the configuration says, and told by position", async (t) => {
    const server = await start(t, { config: "channels:\n  - {name: 'k*', history: 10}\nroutes:\n  - {path: '/publish/*', publish: true}\n" });
    const positions = [];
    for (const text of ["one", "two", "three"]) positions.push(JSON.parse((await publish(server, "/publish/k", text)).body).position);
    assert.deepEqual((await tell(server, "/publish/k?history")).messages.map(({ data }) => data), ["one", "two", "three"]);
    const rest = await tell(server, `/publish/k?history&since=${positions[0]}`);
    assert.deepEqual(rest.messages.map(({ data, position }) => [data, position]), [["two", positions[1]], ["three", positions[2]]]);
    assert.equal(rest.whole, true);
    assert.equal((await tell(server, "/publish?prefix=k")).channels[0].channel, "k");
  });
});

describe("what is wrong", () => {
  test("gets its error, and costs nobody else anything", async (t) => {
    const server = await start(t);
    const { messages } = await subscriber(t, server, "news");
    await subscribed(server, "news");
    const cases = [
      ["/publish/%01", "a", {}, 400], ["/publish/%zz", "a", {}, 400], [`/publish/${"n".repeat(201)}`, "a", {}, 400],
      ["/publish/news", Buffer.from([255]), {}, 400], ["/publish/news", "{", { "Content-Type": "application/json" }, 400],
      [`/publish/news?event=${"e".repeat(201)}`, "a", {}, 400], [`/publish/news?key=${"e".repeat(201)}`, "a", {}, 400],
      ["/publish", "[", {}, 400], ["/publish", "[".repeat(100000), {}, 400], ["/publish", "[{}]", {}, 400],
      ["/publish/news", "x".repeat(1048577), {}, 413], ["/publish", `[${'{"channel":"a","data":"b"},'.repeat(1000)}{"channel":"a","data":"b"}]`, {}, 400],
    ];
    for (const [target, body, headers, status] of cases) {
      const answer = await publish(server, target, body, headers);
      assert.equal(answer.status, status, `${target} ${answer.body}`);
    }
    assert.equal((await publish(server, "/publish/news", "x".repeat(1048576))).status, 200);
    await publish(server, "/publish/news", "last");
    await until(() => messages.includes("last"), "the last");
    assert.equal(messages.length, 2);
  });

  test("half a request, and a thousand of them, keep nobody waiting", async (t) => {
    const server = await start(t);
    const { messages } = await subscriber(t, server, "news");
    await subscribed(server, "news");
    const sockets = Array.from({ length: 200 }, () => {
      const socket = net.connect(server.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write(`POST /publish/news HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${KEY}\r\nContent-Length: 1000000\r\n\r\nbegun`);
      return socket;
    });
    t.after(() => sockets.forEach((socket) => socket.destroy()));
    await publish(server, "/publish/news", "hello");
    await until(() => messages.length > 0, "the message");
    assert.deepEqual(messages, ["hello"]);
  });
});

describe("towline publish and subscribe", () => {
  test("lines go through in their order", async (t) => {
    const server = await start(t);
    const lines = Array.from({ length: 2500 }, (_, i) => `line ${i} é`);
    const printed = spawn(program, ["subscribe", "-n", String(lines.length), server.http, "log/a b"]);
    const ended = once(printed, "close");
    let output = "";
    printed.stdout.on("data", (text) => (output += text));
    await subscribed(server, "log/a%20b");
    const result = await run(["publish", "-v", "--publish-key", server.key, server.http, "log/a b"], { input: lines.join("\n"), milliseconds: 120000 });
    assert.equal(result.status, 0, result.errors);
    assert.match(result.errors, /2500 published/);
    const [code] = await within(60000, ended, "the subscriber's end");
    assert.equal(code, 0);
    assert.deepEqual(output.trimEnd().split("\n"), lines);
  });

  test("an argument, JSON and bytes", async (t) => {
    const server = await start(t);
    const { messages } = await subscriber(t, server, "news");
    await subscribed(server, "news");
    const words = ["publish", "--publish-key", server.key, server.http, "news"];
    assert.equal((await run([...words, "hello"])).status, 0);
    assert.equal((await run([...words, "--json"], { input: '{"a": 1}\n[2]\n' })).status, 0);
    assert.equal((await run([...words, "--binary"], { input: Buffer.from([0, 10, 255]) })).status, 0);
    await until(() => messages.length >= 4, "all of them");
    assert.deepEqual(messages, ["hello", '{"a": 1}', "[2]", Buffer.from([0, 10, 255])]);
  });

  test("a proxy is gone through, that of the environment too, with its password", async (t) => {
    const server = await start(t);
    const { messages } = await subscriber(t, server, "news");
    await subscribed(server, "news");
    const between = await gate(t, server.port);
    const words = ["publish", "--publish-key", server.key];
    const onward = ["http://localhost:9", "news"]; // which the proxy knows better
    const way = `http://user:pass%20word@127.0.0.1:${between.port}`;
    const none = { http_proxy: "", all_proxy: "", ws_proxy: "", no_proxy: "" };
    assert.equal((await run([...words, "--proxy", way, ...onward, "one"], { environment: none })).status, 0);
    assert.equal((await run([...words, ...onward, "two"], { environment: { ...none, http_proxy: way } })).status, 0);
    assert.equal(between.forwarded, 2);
    assert.deepEqual(between.credentials, ["Basic dXNlcjpwYXNzIHdvcmQ=", "Basic dXNlcjpwYXNzIHdvcmQ="]);
    assert.equal((await run([...words, "--proxy", "off", server.http, "news", "three"], { environment: { http_proxy: way } })).status, 0);
    assert.equal((await run([...words, server.http, "news", "four"], { environment: { http_proxy: way, no_proxy: "127.0.0.1" } })).status, 0);
    assert.equal(between.forwarded, 2);
    await until(() => messages.length === 4, "all of them");
    assert.deepEqual(messages, ["one", "two", "three", "four"]);
    const lost = await run([...words, "--proxy", "http://127.0.0.1:1", ...onward, "x"], { environment: none });
    assert.equal(lost.status, 7, lost.errors);
    assert.equal((await run([...words, "--proxy", "http://nowhere.invalid", ...onward, "x"], { environment: none })).status, 5);
    assert.equal((await run([...words, "--proxy", way, "--unix", "/x", ...onward, "x"])).status, 2);
  });

  test("say who one is, as other commands do", async (t) => {
    const seen = [];
    const server = http.createServer((request, response) => {
      seen.push(request.headers);
      request.resume().on("end", () => response.end('{"published":1}'));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const url = `http://127.0.0.1:${server.address().port}`;
    const words = ["publish", "--publish-key", path.join(folderOf(t, { key: KEY }), "key")];
    const asked = async (...more) => {
      const { status, errors } = await run([...words, ...more, url, "news", "a"]);
      assert.equal(status, 0, errors);
      return seen.pop();
    };
    const one = await asked("-u", "ann:secret", "--cookie", "a=1", "--cookie", "b=2", "-H", "X-Note: x");
    assert.deepEqual([one.authorization, one.cookie, one["x-note"]], ["Basic YW5uOnNlY3JldA==", "a=1; b=2", "x"]);
    assert.deepEqual([one["towline-key"], one["content-type"]], [KEY, "application/json"]);
    assert.equal((await asked("--bearer", "t0ken")).authorization, "Bearer t0ken");
    for (const wrong of [["-H", "towline-key: x"], ["-H", "Content-Length: 1"], ["-u", "a:b", "--bearer", "c"]]) {
      const { status, errors } = await run([...words, ...wrong, url, "news", "a"]);
      assert.equal(status, 2);
      assert.match(errors, /^towline publish: .*(not yours|take one of them)/);
    }
    assert.equal(seen.length, 0);
  });

  test("an interrupt ends the input, and the second one all; what has no answer is told", async (t) => {
    const asked = [];
    const server = http.createServer((request, response) => {
      request.resume().on("end", () => asked.push(response));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => (server.closeAllConnections(), server.close()));
    const words = ["publish", "-v", "--publish-key", path.join(folderOf(t, { key: KEY }), "key"), `http://127.0.0.1:${server.address().port}`, "news"];
    const begin = async () => {
      const child = spawn(program, words);
      t.after(() => child.kill("SIGKILL"));
      const one = { child, errors: "", exit: once(child, "close") };
      child.stderr.on("data", (text) => (one.errors += text));
      child.stdin.on("error", () => {});
      child.stdin.write("one\n");
      one.response = await until(() => asked.shift(), "a request");
      return one;
    };
    const patient = await begin();
    patient.child.kill("SIGINT");
    await until(() => patient.errors.includes("no more is read"), "the first interrupt");
    patient.response.end('{"published":1}');
    assert.deepEqual((await within(20000, patient.exit, "the end"))[0], 0, patient.errors);
    assert.match(patient.errors, /1 published/);

    const lost = await begin();
    lost.response.end('{"published":1}');
    lost.child.stdin.write("two\nthree\nfour\n");
    (await until(() => asked.shift(), "a request")).destroy();
    await until(() => { asked.forEach((response) => response.destroy()); return lost.errors.includes("perhaps not published: line 2"); }, "the lines");
    assert.equal((await within(20000, lost.exit, "the end"))[0], 52, lost.errors);

    asked.length = 0;
    const hasty = await begin();
    hasty.response.end('{"published":1}');
    hasty.child.stdin.write("two\n");
    await until(() => asked.shift(), "a request");
    hasty.child.stdin.end();
    await until(() => { hasty.child.kill("SIGINT"); return hasty.errors.includes("interrupted"); }, "the end of it");
    assert.equal((await within(20000, hasty.exit, "the end"))[0], 1);
    assert.match(hasty.errors, /interrupted\ntowline publish: perhaps not published: line 2; what came before is/);
  });

  test("have a certificate of their own, where the server asks for one", async (t) => {
    const authority = Authority.make((end) => t.after(end));
    const identity = authority.issue("127.0.0.1");
    const alice = authority.issue("alice");
    const server = await start(t, { words: ["-t", "-c", identity.certificate, "-k", identity.key, "--tls-client-ca", authority.certificate] });
    const url = `https://127.0.0.1:${server.port}`;
    const own = ["--cacert", authority.certificate, "--cert", alice.certificate, "--key", alice.key];
    const printed = run(["subscribe", "-n", "1", ...own, url, "news"], { input: null });
    const publishing = (...words) => run(["publish", "--publish-key", server.key, ...words, url, "news", "hello"]);
    let ended = false;
    printed.then(() => (ended = true));
    await until(async () => ((await publishing(...own)).status, ended), "the subscriber's end");
    assert.deepEqual((await printed).output, "hello\n");
    const none = await publishing("--cacert", authority.certificate);
    assert.equal(none.status, 35, none.errors);
  });

  test("tell what is wrong by their exit status", async (t) => {
    const server = await start(t, { files: { other: "another-key\n" } });
    const words = ["publish", "--publish-key", server.key];
    const refused = await run(["publish", "--publish-key", path.join(server.folder, "other"), server.http, "news", "a"]);
    assert.equal(refused.status, 22);
    assert.match(refused.errors, /401: a key is needed/);
    const elsewhere = await run([...words, `${server.http}/echo/`, "news", "a"]);
    assert.equal(elsewhere.status, 22);
    assert.match(elsewhere.errors, /answers 404: is this the path where it takes publications\?/);
    assert.equal((await run([...words, "http://127.0.0.1:1", "news", "a"])).status, 7);
    assert.equal((await run([...words, "http://nowhere.invalid", "news", "a"])).status, 6);
    assert.equal((await run([...words, server.http, "a\x01b", "a"])).status, 2);
    assert.equal((await run([...words, `${server.http}/?a`, "news", "a"])).status, 2);
    for (const command of [words, ["subscribe", "--max-time", "9"]]) {
      const { status, errors } = await run([...command, `ftp://127.0.0.1:${server.port}`, "news"]);
      assert.equal(status, 2);
      assert.match(errors, /ftp:.*: name the server, http:\/\/ or https:/);
    }
    const nowhere = await run(["publish", "--publish-key", "/nowhere", server.http, "news", "a"]);
    assert.deepEqual([nowhere.status, nowhere.errors], [2, "towline publish: --publish-key: /nowhere: No such file or directory: give the key of the server\n"]);
    const noText = await run([...words, server.http, "news"], { input: Buffer.from([0x61, 10, 0xff, 10]) });
    assert.equal(noText.status, 1);
    assert.match(noText.errors, /line 2: this is not UTF-8/);
    const small = await start(t, { words: ["--publish-max", "100k"] });
    const tooLong = await run(["publish", "--publish-key", small.key, small.http, "news"], { input: `a\n${"b".repeat(200000)}\n` });
    assert.equal(tooLong.status, 22);
    assert.match(tooLong.errors, /the server answers 413.*\ntowline publish: not published: line [12]/s);
    assert.equal((await run(["subscribe", `${server.http}/nothing/`, "news"], { input: null })).status, 22);
    assert.equal((await run(["subscribe", "http://127.0.0.1:1", "news"])).status, 7);
    assert.equal((await run(["subscribe", "--since", "7", server.http, "news"])).status, 2);
    assert.equal((await run(["subscribe", "--max-time", "0.2", server.http, "news"])).status, 28);
    chmodSync(server.key, 0o600);
  });
});
