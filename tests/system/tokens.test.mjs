// Who may do what with channels: tokens of each algorithm in each place, their end, and a back end that decides.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { describe, test } from "node:test";
import WebSocket from "ws";

import { configuration, head, reload, start as startFile } from "../support/configuration.mjs";
import { client } from "../support/socketio.mjs";
import { Server, request, run, until, within } from "../support/towline.mjs";
import { keysOf, soon, tokenOf } from "../support/tokens.mjs";

const SECRET = "a secret of at least thirty-two bytes";
const channels = { subscribe: ["news", "room/*"], publish: "room/7" };

/** A server whose channels want tokens; `options` are lines of its configuration, `keys` the file's text. */
async function start(t, { keys = SECRET, options = "", words = [] } = {}) {
  const folder = mkdtempSync("/tmp/towline-tokens-");
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, "keys"), keys);
  writeFileSync(path.join(folder, "publish.key"), "the-key-for-publishing\n");
  writeFileSync(path.join(folder, "conf.yaml"), `${options || "token-keys: keys"}
publish-key: publish.key
routes:
  - {path: "/channel/*", channel: }
  - {path: "/publish/*", publish: true}
channels:
  - {name: "*", subscribe: token, publish: token}
`);
  const server = await Server.start(["-f", path.join(folder, "conf.yaml"), "--log-level", "debug", ...words]);
  t.after(() => server.stop());
  return Object.assign(server, { keys: path.join(folder, "keys") });
}

/** What becomes of somebody who comes: { status, socket, messages, closed } with 101, or the status of the refusal and its body. */
async function come(t, server, target, { protocols = [], headers = {} } = {}) {
  const socket = new WebSocket(server.url(target), protocols, { headers });
  t.after(() => socket.terminate());
  socket.on("error", () => {});
  const messages = [];
  socket.on("message", (data) => messages.push(data.toString()));
  const closed = once(socket, "close").then(([code, reason]) => ({ code, reason: reason.toString() }), () => ({}));
  const outcome = await within(60000, Promise.race([
    once(socket, "open").then(() => ({ status: 101 })),
    once(socket, "unexpected-response").then(([, response]) => ({ status: response.statusCode })),
  ]), "an answer");
  return { ...outcome, socket, messages, closed };
}

const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });

/** Over towline.v1: says something, and waits for an envelope of this type. */
async function ask({ socket, messages }, envelope, type) {
  const before = messages.length;
  socket.send(JSON.stringify(envelope));
  return until(() => messages.slice(before).map(JSON.parse).find((each) => each.type === type), `${type} after ${JSON.stringify(envelope)}`);
}

describe("a token", () => {
  for (const algorithm of ["RS256", "ES256", "EdDSA"])
    test(`of ${algorithm} lets in by a key in PEM and by a set of keys`, async (t) => {
      const [mine, other] = [keysOf(algorithm, "mine"), keysOf(algorithm, "other")];
      const claims = { sub: "ann", channels };
      for (const keys of [mine.pem, JSON.stringify({ keys: [other.jwk, mine.jwk] })]) {
        const server = await start(t, { keys });
        assert.equal((await come(t, server, "/channel/news", bearer(mine.token(claims)))).status, 101);
        assert.equal((await come(t, server, "/channel/other", bearer(mine.token(claims)))).status, 403);
        assert.equal((await come(t, server, "/channel/news", bearer(keysOf(algorithm, "mine").token(claims)))).status, 401);
        assert.equal((await come(t, server, "/channel/news", bearer(tokenOf(claims, keys)))).status, 401); // no secret
      }
    });

  test("stands in a field, a cookie, a subprotocol or the query, and in no log", async (t) => {
    const server = await start(t, { options: "token-keys: keys\ntoken-cookie: pass" });
    const token = tokenOf({ sub: "ann", channels }, SECRET);
    const places = [["/channel/news", bearer(token)], ["/channel/news", { headers: { Cookie: `a=b; pass=${token}` } }],
      ["/channel/", { protocols: ["towline.v1", `bearer.${token}`] }], [`/channel/news?token=${token}`, {}]];
    for (const [target, options] of places) {
      const guest = await come(t, server, target, options);
      assert.equal(guest.status, 101, target);
      assert.notEqual(guest.socket.protocol, `bearer.${token}`);
      guest.socket.close();
      await within(20000, guest.closed, "the close");
    }
    const answer = await request({ port: server.port, path: `/channel/news?token=${token}` });
    assert.equal(answer.status, 200);
    assert.equal((await request({ port: server.port, path: `/channel/news?token=${token}x` })).status, 401);
    assert.ok(!server.log.includes(token.split(".")[2]) && !server.log.includes(token.split(".")[1]), server.log);
  });

  test("that is no good is refused with 401, and none at all where one is needed", async (t) => {
    const server = await start(t);
    const good = tokenOf({ sub: "ann", channels }, SECRET);
    const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${good.split(".")[1]}.`;
    const bad = ["x", "a.b.c", none, good.slice(0, -4), `${good}A`, tokenOf({ sub: "ann", channels }, `${SECRET}!`), tokenOf({ channels, exp: soon(-1) }, SECRET),
      tokenOf({ channels, exp: undefined }, SECRET), tokenOf({ channels, nbf: soon(3600) }, SECRET), tokenOf({ channels, aud: "somebody" }, SECRET),
      tokenOf({ channels }, SECRET, { alg: "HS512" }), tokenOf({ channels }, SECRET, { crit: ["x"] }), "x".repeat(5000)];
    for (const token of bad) {
      const answer = await request({ port: server.port, path: "/channel/news", ...bearer(token) });
      assert.equal(answer.status, 401, token);
    }
    assert.equal((await come(t, server, "/channel/news")).status, 401);
    assert.equal((await come(t, server, "/channel/news", bearer(good))).status, 101);
    for (const [bytes, status] of [[5800, 101], [6200, 401]]) // of claims: of the token 8 KiB are read
      assert.equal((await come(t, server, "/channel/news", bearer(tokenOf({ channels, more: "x".repeat(bytes) }, SECRET)))).status, status, `${bytes}`);
  });

  test("that ends takes its connection with it, unless another is shown in time", async (t) => {
    const server = await start(t);
    const short = tokenOf({ sub: "ann", channels, exp: soon(8) }, SECRET);
    const plain = await come(t, server, "/channel/news", bearer(short));
    const talker = await come(t, server, "/channel/", { protocols: ["towline.v1"], ...bearer(short) });
    assert.equal(plain.status, 101);
    assert.equal((await ask(talker, { type: "subscribe", channel: "room/1" }, "subscribed")).channel, "room/1");
    assert.equal((await ask(talker, { type: "token", token: "no.to.ken" }, "error")).code, "forbidden");
    assert.equal((await ask(talker, { type: "token", token: tokenOf({ sub: "ann", channels }, SECRET), id: 7 }, "welcome")).user, "ann");
    assert.equal((await within(60000, plain.closed, "the end")).code, 4401);
    assert.equal((await ask(talker, { type: "ping", id: 8 }, "pong")).id, 8);
    assert.equal((await ask(talker, { type: "publish", channel: "room/7", data: "hello", id: 9 }, "published")).id, 9);
    assert.equal((await ask(talker, { type: "publish", channel: "news", data: "hello", id: 10 }, "error")).code, "forbidden");
  });

  test("names its user, whose connections are all disconnected at once", async (t) => {
    const server = await start(t, { words: ["--workers", "2"] });
    const guests = await Promise.all(["ann", "ann", "bob"].map((sub) => come(t, server, "/channel/news", bearer(tokenOf({ sub, channels }, SECRET)))));
    const stream = http.get({ port: server.port, host: "127.0.0.1", path: "/channel/news", headers: { Accept: "text/event-stream", ...bearer(tokenOf({ sub: "ann", channels }, SECRET)).headers } });
    const [response] = await within(20000, once(stream, "response"), "the stream");
    const ended = once(response.resume(), "end");
    const answer = await request({ port: server.port, path: "/publish?user=ann", method: "DELETE", headers: { Authorization: "Bearer the-key-for-publishing" } });
    assert.deepEqual(JSON.parse(answer.body), { disconnected: 3 });
    for (const guest of guests.slice(0, 2)) assert.equal((await within(20000, guest.closed, "the end")).code, 4403);
    await within(20000, ended, "the stream's end");
    assert.equal(guests[2].socket.readyState, WebSocket.OPEN);
  });

  test("is checked by the keys that the file has at the time", async (t) => {
    const server = await start(t);
    const old = tokenOf({ sub: "ann", channels }, SECRET);
    const guest = await come(t, server, "/channel/news", bearer(old));
    writeFileSync(server.keys, "short\n");
    server.signal("SIGHUP");
    await until(() => server.log.includes("the keys stay as they were"), "the complaint");
    assert.equal((await come(t, server, "/channel/news", bearer(old))).status, 101);
    writeFileSync(server.keys, `${SECRET}, another one\n`);
    server.signal("SIGHUP");
    await until(async () => (await come(t, server, "/channel/news", bearer(old))).status === 401, "the old key is none any more");
    assert.equal((await come(t, server, "/channel/news", bearer(tokenOf({ channels }, `${SECRET}, another one`)))).status, 101);
    assert.equal(guest.socket.readyState, WebSocket.OPEN);
  });

  test("needs a file that is right", async (t) => {
    const folder = mkdtempSync("/tmp/towline-tokens-");
    t.after(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, "keys");
    for (const [text, reason] of [["short", /at least 32 bytes/], ["{", /no JSON/], ["-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", /private|PEM/]]) {
      writeFileSync(file, text);
      const { status, errors } = await run(["serve", "--check", "--token-keys", file]);
      assert.equal(status, 2);
      assert.match(errors, reason);
      assert.ok(errors.includes(file));
    }
    assert.equal((await run(["serve", "--check", "--token-keys", "/nowhere"])).status, 2);
    assert.equal((await run(["serve", "--check", "--token-audience", "a"])).status, 2);
    assert.equal((await run(["serve", "--check", "--token-keys", file, "--token-url", "http://localhost:1/"])).status, 2);
  });
});

test("a token is not read by two: --bearer-token does not stand before channels", async (t) => {
  const folder = mkdtempSync("/tmp/towline-tokens-");
  t.after(() => rmSync(folder, { recursive: true }));
  const [keys, list, file] = ["keys", "list", "conf.yaml"].map((name) => path.join(folder, name));
  writeFileSync(keys, SECRET);
  writeFileSync(list, "a-token-of-the-list\n");
  const words = ["serve", "-p", "127.0.0.1:0", "--token-keys", keys, "--bearer-token", list];
  const { status, errors } = await run(words);
  assert.notEqual(status, 0);
  assert.match(errors, /\/channel\/\*: bearer-token and token-keys would both read the one token/);
  const routes = (own) => `token-keys: keys
bearer-token: list
routes:
  - {path: /socket.io, socketio: true${own}}
  - {path: /echo, echo: }
`;
  writeFileSync(file, routes(""));
  assert.match((await run(["serve", "-p", "127.0.0.1:0", "-f", file])).errors, /\/socket\.io: bearer-token and token-keys/);
  writeFileSync(file, routes(", bearer-token: off"));
  const server = await Server.start(["-p", "127.0.0.1:0", "-f", file]);
  t.after(() => server.stop());
  assert.equal((await come(t, server, "/echo", bearer("a-token-of-the-list"))).status, 101);
});

describe("a back end that decides", () => {
  /** One that answers as `decide` does: { status, body } of the request's header fields; NULL: never. */
  async function backEnd(t, decide) {
    const seen = [];
    const back = http.createServer((incoming, outgoing) => {
      seen.push(incoming.headers);
      const answer = decide(incoming.headers);
      if (answer) outgoing.writeHead(answer.status ?? 200, { "Content-Type": "application/json" }).end(answer.body ? JSON.stringify(answer.body) : "");
    });
    back.listen(0, "127.0.0.1");
    await once(back, "listening");
    t.after(() => (back.closeAllConnections(), back.close()));
    return { seen, url: `http://127.0.0.1:${back.address().port}/channels`, back };
  }

  test("says who somebody is, and is asked for each channel", async (t) => {
    const { seen, url } = await backEnd(t, (fields) => {
      if (fields["towline-act"] === "connect") return fields.cookie === "id=7" ? { body: { sub: "ann" } } : { status: 401 };
      return { status: fields["towline-channel"] === "news" && fields["towline-subject"] === "ann" ? 204 : 403 };
    });
    const server = await start(t, { options: `token-url: ${url}` });
    const cookie = { headers: { Cookie: "id=7", "Towline-Act": "publish", "Towline-Subject": "root" } };
    const guest = await come(t, server, "/channel/news", cookie);
    assert.equal(guest.status, 101);
    assert.deepEqual(seen.map((fields) => [fields["towline-act"], fields["towline-channel"], fields["towline-subject"]]),
      [["connect", undefined, undefined], ["subscribe", "news", "ann"]]);
    assert.equal((await come(t, server, "/channel/other", cookie)).status, 403);
    assert.equal((await come(t, server, "/channel/news")).status, 401);
    guest.socket.send("to be published");
    await until(() => seen.at(-1)["towline-act"] === "publish", "the question");
    const answer = await request({ port: server.port, path: "/publish?user=ann", method: "DELETE", headers: { "Towline-Key": "the-key-for-publishing" } });
    assert.deepEqual(JSON.parse(answer.body), { disconnected: 1 });
    assert.equal((await within(20000, guest.closed, "the end")).code, 4403);
  });

  test("is not asked for what the policy leaves to nobody when it answers", async (t) => {
    const waiting = [];
    const back = http.createServer((incoming, outgoing) => {
      if (incoming.headers["towline-act"] === "connect") return void outgoing.end();
      waiting.push(outgoing);
    });
    back.listen(0, "127.0.0.1");
    await once(back, "listening");
    t.after(() => (back.closeAllConnections(), back.close()));
    const text = (access) => `${head}token-url: http://127.0.0.1:${back.address().port}/
channels:
  - {name: open, publish: token}
  - {name: "socketio/main"}
  - {name: "*", subscribe: ${access}, publish: ${access}}
routes:
  - {path: "/channel/*", channel: }
  - {path: /socket.io, any-origin: true, socketio: true}
`;
    const { file, write } = configuration(t, text("token"));
    const server = await startFile(t, file);
    const plain = await come(t, server, "/channel/open");
    plain.socket.send("to be published");
    const talk = await come(t, server, "/channel/", { protocols: ["towline.v1"] });
    talk.socket.send('{"type":"subscribe","channel":"a"}');
    const publisher = await come(t, server, "/channel/", { protocols: ["towline.v1"] });
    publisher.socket.send('{"type":"publish","channel":"a","data":"x"}');
    const guest = client(t, server);
    const rooms = ["subscribe", "publish"].map((event) => guest.asks(event, "a", "said"));
    const comes = [come(t, server, "/channel/b"), request({ port: server.port, path: "/channel/b" })];
    await until(() => waiting.length === 7, "the questions");
    write(text("nobody").replace("publish: token", "publish: nobody"));
    await reload(server);
    for (const outgoing of waiting) outgoing.end();
    assert.deepEqual((await Promise.all(comes)).map(({ status }) => status), [403, 403]);
    assert.deepEqual((await Promise.all(rooms)).map(({ status }) => status), [403, 403]);
    assert.equal((await within(20000, plain.closed, "the end")).code, 1008);
    for (const each of [talk, publisher]) {
      await until(() => each.messages.length > 0, "an answer");
      assert.equal(JSON.parse(each.messages[0]).code, "forbidden");
    }
  });

  test("that is down, slow or confused lets nobody new in, and leaves who is there", async (t) => {
    let answer = { body: { sub: "ann", channels } };
    const { url, back } = await backEnd(t, () => answer);
    const server = await start(t, { options: `token-url: ${url}\ntoken-seconds: 1` });
    const guest = await come(t, server, "/channel/news");
    assert.equal(guest.status, 101);
    for (const [next, status] of [[{ status: 500 }, 502], [{ body: [1] }, 502], [{ body: { sub: 7 } }, 502], [null, 503]]) {
      answer = next;
      assert.equal((await come(t, server, "/channel/news")).status, status, JSON.stringify(next));
    }
    back.closeAllConnections();
    back.close();
    assert.equal((await come(t, server, "/channel/news")).status, 502);
    assert.equal(guest.socket.readyState, WebSocket.OPEN);
    await request({ port: server.port, path: "/publish/news", method: "POST", headers: { "Towline-Key": "the-key-for-publishing" }, body: "hello" });
    await until(() => guest.messages.includes("hello"), "the message");
  });
});
