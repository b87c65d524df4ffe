// Floods of channels and sessions by every door: each costs a bounded amount of memory, gets the documented answer, is counted, and another
// client's echoes come all the while.

import assert from "node:assert/strict";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, describe, test } from "node:test";

import { Authority } from "../support/authority.mjs";
import { start } from "../support/configuration.mjs";
import { Flood, many, request } from "../support/flood.mjs";
import { Prober } from "../support/prober.mjs";
import { app } from "../support/pusher.mjs";
import { keysOf, tokenOf } from "../support/tokens.mjs";
import { holdNothingBack, sleep, until, ways } from "../support/towline.mjs";

holdNothingBack();
const mebibyte = 1 << 20;
const all = process.env.TOWLINE_ALL !== undefined;
const authority = Authority.make(after);
const identity = authority.issue("localhost");
const key = { Authorization: "Bearer the-key-of-floods" };
const secret = "a secret of at least thirty-two bytes";
const rsa = keysOf("RS256", "rsa");
const pusherPath = `/app/${app.key}?protocol=7&client=js&version=8.6.0&flash=false`;
const talk = { "Sec-WebSocket-Protocol": "towline.v1" };
const json = JSON.stringify;

/** Something that takes connections and says nothing: a back end that hangs. */
async function silence(t) {
  const sockets = new Set();
  const server = net.createServer((socket) => sockets.add(socket.on("error", () => {})).add(socket));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}/`;
}

/** A server with all doors; `more` are lines of its configuration. */
async function serve(t, words, more = "token-keys: keys\n") {
  const folder = mkdtempSync("/tmp/towline-floods-");
  t.after(() => rmSync(folder, { recursive: true }));
  const hook = await silence(t);
  writeFileSync(path.join(folder, "key"), "the-key-of-floods\n");
  writeFileSync(path.join(folder, "keys"), json({ keys: [{ kty: "oct", kid: "own", alg: "HS256", k: Buffer.from(secret).toString("base64url") }, rsa.jwk] }));
  writeFileSync(path.join(folder, "secret"), app.secret);
  writeFileSync(path.join(folder, "towline.yaml"), `publish-key: key
drain-seconds: 1
${more}routes:
  - {path: /echo, echo: }
  - {path: "/channel/*", channel: }
  - {path: "/publish/*", publish: }
  - {path: /socket.io, any-origin: true, socketio: {recovery-seconds: 2}}
pusher:
  - {id: "${app.id}", key: ${app.key}, secret: secret, client-events: true, subscription-counts: true, webhook: "${hook}hook"}
channels:
  - {name: "open*", publish: same-origin, presence: true}
  - {name: "kept*", publish: same-origin, history: 1000, history-bytes: 1M}
  - {name: "oldest*", publish: same-origin, slow: drop-oldest}
  - {name: "latest*", publish: same-origin, slow: latest}
  - {name: "secret*", subscribe: token}
  - {name: "socketio/*", publish: same-origin}
`);
  return start(t, path.join(folder, "towline.yaml"), words, { ports: ["127.0.0.1:0"], status: true });
}

/** A call of Pusher's HTTP interface, signed by `by`. */
function call(body, by = app.secret) {
  const target = `/apps/${app.id}/events`;
  const query = `auth_key=${app.key}&auth_timestamp=${Math.floor(Date.now() / 1000)}&auth_version=1.0&body_md5=${createHash("md5").update(body).digest("hex")}`;
  const signature = createHmac("sha256", by).update(`POST\n${target}\n${query}`).digest("hex");
  return request("POST", `${target}?${query}&auth_signature=${signature}`, { "Content-Type": "application/json" }, body);
}

const publication = (channel, data, more = {}) => request("POST", `/publish/${channel}`, { ...key, ...more }, data);
const said = (channel, i, more) => json({ type: "publish", id: i, channel, data: "x".repeat(1000), ...more });
const wanted = (name, i, more) => json({ type: "subscribe", id: i, channel: name, ...more });
const nested = (depth) => "[".repeat(depth);
const readers = (flood, count, target, headers) => Promise.all(many(count, () => flood.websocket(target, headers, { reads: false })));

/** The id of a session that begins there. */
async function engineio(flood, at) {
  return (await flood.answer([request("GET", at)], '"sid":"')).text.match(/"sid":"([^"]+)"/)[1];
}

/** A client of the app, and what it is called. */
async function pusher(flood) {
  const socket = await flood.websocket(pusherPath);
  let text = "";
  socket.socket.on("data", (bytes) => (text += bytes.toString("latin1")));
  await until(() => /socket_id[^0-9]+[0-9.]+/.test(text + socket.received.toString("latin1")), "a greeting");
  return { socket, id: (text + socket.received.toString("latin1")).match(/socket_id[^0-9]+([0-9.]+)/)[1] };
}

/** Events of Socket.IO over a WebSocket of its own path; the namespace is connected to. */
async function socketio(flood, options) {
  const socket = await flood.websocket("/socket.io", {}, options);
  socket.says(["0"]);
  return socket;
}

/** What each does, and what is so then (`server` has the counters). All that it has open is closed afterwards. */
const floods = {
  "half-made sessions of Engine.IO": {
    run: (flood) => flood.requests(many(4000, () => request("GET", "/echo/engine.io/?EIO=4&transport=polling"))),
    async holds(server, flood) {
      assert.ok((await server.counter("engineio_half_made")) <= 1000);
      await flood.counts('limit_reached_total{limit="engineio-half-made"}');
    },
  },
  "half-made sessions of SockJS": {
    run: (flood) => flood.requests(many(4000, (i) => request("POST", `/echo/sockjs/1/${randomBytes(4).toString("hex")}${i}/xhr`))),
    async holds(server, flood) {
      assert.ok((await server.counter("sockjs_half_made")) <= 1000);
      await flood.counts('limit_reached_total{limit="sockjs-half-made"}');
    },
  },
  "streams of SockJS that are not read": {
    async run(flood) {
      for (let i = 0; i < 5; i++) {
        const name = `${i % 2 ? "/echo" : "/channel/open-stream"}/sockjs/2/${randomBytes(8).toString("hex")}`;
        await flood.requests([request("POST", `${name}/xhr_streaming`)], { reads: false });
        await sleep(20);
        await flood.requests(many(60, () => request("POST", `${name}/xhr_send`, {}, json(["x".repeat(200000)]))));
      }
      await flood.requests(many(2000, () => publication("open-stream", "x".repeat(4000))));
    },
    holds: (server) => until(async () => (await server.counter("sockjs_receivers")) === 0, "none is there"),
    after: (server) => until(async () => (await server.counter("sockjs_sessions")) === 0, "none is left"),
  },
  "polls of Engine.IO that do not come back": {
    async run(flood) {
      for (let i = 0; i < 6; i++) {
        const at = `${i % 2 ? "/echo" : "/channel/open-poll"}/engine.io/?EIO=4&transport=polling`;
        const sid = await engineio(flood, at);
        await flood.requests(many(60, () => request("POST", `${at}&sid=${sid}`, {}, `4${"x".repeat(200000)}`)));
      }
      await flood.requests(many(2000, () => publication("open-poll", "x".repeat(4000))));
    },
    holds: (server, flood) => flood.counts("channel_slow_ended_total"),
  },
  "long polls that wait": {
    async run(flood) {
      const { text } = await flood.answer([publication("kept-wait", "x"), request("GET", "/channel/kept-wait?wait=0")], '"messages"');
      const since = text.match(/"position":"([^"]+)","messages"/)[1];
      const sockets = await Promise.all(many(200, () => flood.connect()));
      for (const socket of sockets) socket.write(request("GET", `/channel/kept-wait?wait=60&since=${since}`));
      await until(async () => (await flood.server.counter("long_polls")) >= 200, "200 wait");
      await flood.requests([publication("kept-wait", "y")]);
    },
    async after(server) {
      await until(async () => (await server.counter("long_polls")) === 0, "none waits");
    },
  },
  "streams of events that are not read": {
    async run(flood) {
      const events = { Accept: "text/event-stream" };
      await Promise.all(many(20, () => flood.requests([request("GET", "/channel/open-events", events)], { reads: false })));
      await until(async () => (await flood.server.counter("event_streams")) >= 20, "20 streams");
      await flood.requests(many(4000, () => publication("open-events", "x".repeat(4000))));
    },
    async holds(server, flood) {
      await flood.counts("channel_slow_ended_total");
    },
    async after(server) {
      await until(async () => (await server.counter("event_streams")) === 0, "none is there");
    },
  },
  "publications by HTTP to those who do not read": {
    async run(flood) {
      await readers(flood, 10, "/channel/oldest-http");
      await readers(flood, 10, "/channel/latest-http");
      const of = (name) => request("POST", "/publish/", { ...key, "Content-Type": "application/json" }, json(many(100, (i) => ({ channel: name, data: "x".repeat(5000), key: `${i % 10}` }))));
      await flood.requests(many(60, (i) => of(i % 2 ? "oldest-http" : "latest-http")));
    },
    async holds(server, flood) {
      await flood.counts("channel_slow_dropped_total");
      await flood.counts("channel_slow_replaced_total");
    },
  },
  "publications by towline.v1, whose answers are not read": {
    async run(flood) {
      await readers(flood, 10, "/channel/open-talk");
      for (const socket of await readers(flood, 3, "/channel/open-talk", talk)) socket.says(many(20000, (i) => said("open-talk", i)));
    },
  },
  "calls of an app's servers": {
    async run(flood) {
      for (const socket of await readers(flood, 10, pusherPath)) socket.says([json({ event: "pusher:subscribe", data: { channel: "flooded" } })]);
      const body = json({ name: "flood", channel: "flooded", data: "x".repeat(9000) });
      await flood.requests(many(2000, () => call(body)));
    },
  },
  "events of Socket.IO, whose acknowledgements are not read": {
    async run(flood) {
      for (const socket of await Promise.all(many(6, (i) => socketio(flood, { reads: i % 2 > 0 })))) socket.says(['21["subscribe","room"]']);
      const socket = await socketio(flood, { reads: false });
      socket.says(many(20000, (i) => `2${i}["publish","room","said","${"x".repeat(500)}"]`));
    },
  },
  "acknowledgements that nobody waits for": {
    async run(flood) {
      const socket = await socketio(flood);
      socket.says(many(100000, (i) => `3${i}["x"]`));
    },
  },
  "packets with 10,000 attachments": {
    async run(flood) {
      for (let i = 0; i < 200; i++) (await socketio(flood)).says([`510000-["said",${many(100, (n) => `{"_placeholder":true,"num":${n}}`)}]`]);
    },
  },
  "wrong keys": {
    run: (flood) => flood.requests(many(20000, () => request("POST", "/publish/x", { Authorization: "Bearer wrong" }, "x"))),
    async holds(server, flood) {
      await flood.counts('refused_total{what="publish-key"}');
      assert.deepEqual((await flood.answer([request("POST", "/publish/x", { Authorization: "Bearer wrong" }, "x")])).statuses, [401]);
    },
  },
  "wrong signatures of calls": {
    run: (flood) => flood.requests(many(10000, () => call("{}", "wrong"))),
    async holds(server, flood) {
      await flood.counts('refused_total{what="pusher-call"}');
      assert.deepEqual((await flood.answer([call("{}", "wrong")])).statuses, [401]);
    },
  },
  "wrong signatures of clients": {
    async run(flood) {
      const socket = await flood.websocket(pusherPath);
      const auth = `${app.key}:${"0".repeat(64)}`;
      socket.says(many(20000, (i) => json({ event: "pusher:subscribe", data: { channel: `private-${i}`, auth } })));
      socket.says(many(20000, () => json({ event: "pusher:signin", data: { auth, user_data: '{"id":"a"}' } })));
    },
    async holds(server, flood) {
      await flood.counts('refused_total{what="pusher-auth"}');
    },
  },
  "wrong tokens": {
    async run(flood) {
      const wrong = [tokenOf({ subscribe: ["*"] }, "wrong wrong wrong wrong wrong wrong"), `${rsa.token({ subscribe: ["*"] }).slice(0, -6)}AAAAAA`, "x".repeat(4000)];
      await flood.requests(many(9000, (i) => request("GET", "/channel/secret?wait=0", { Authorization: `Bearer ${wrong[i % 3]}` })));
      const socket = await flood.websocket("/channel/", talk);
      socket.says(many(9000, (i) => json({ type: "token", id: i, token: wrong[i % 3] })));
    },
    async holds(server, flood) {
      await flood.counts('refused_total{what="token"}');
      assert.deepEqual((await flood.answer([request("GET", "/channel/secret?wait=0", { Authorization: "Bearer x.y.z" })])).statuses, [401]);
    },
  },
  "100,000 names of channels": {
    bytes: 160 * mebibyte,
    async run(flood) {
      const sockets = await Promise.all(many(20, () => flood.websocket("/channel/", talk)));
      for (const [n, socket] of sockets.entries()) socket.says(many(2000, (i) => wanted(`open-${n}-${i}`, i)));
      const clients = await Promise.all(many(20, () => flood.websocket(pusherPath)));
      for (const [n, socket] of clients.entries()) socket.says(many(2000, (i) => json({ event: "pusher:subscribe", data: { channel: `many-${n}-${i}` } })));
      await flood.requests(many(20000, (i) => request("GET", `/channel/kept-${i}?wait=0`)));
    },
    async after(server) {
      await until(async () => (await server.counter("channel_subscriptions")) < 10, "no subscription is left");
    },
  },
  "who comes into a channel with presence and leaves it": {
    async run(flood) {
      await readers(flood, 10, "/channel/open-room", talk);
      for (const socket of await Promise.all(many(4, () => flood.websocket("/channel/", talk))))
        socket.says(many(3000, (i) => [wanted("open-room", i, { presence: true, info: { name: "x".repeat(200) } }), json({ type: "unsubscribe", id: i, channel: "open-room" })]).flat());
    },
  },
  "who comes into channels and leaves them, while webhooks hang": {
    async run(flood) {
      for (const socket of await Promise.all(many(4, () => flood.websocket(pusherPath))))
        socket.says(many(10000, (i) => [json({ event: "pusher:subscribe", data: { channel: `hook-${i}` } }), json({ event: "pusher:unsubscribe", data: { channel: `hook-${i}` } })]).flat());
    },
    async holds(server, flood) {
      assert.ok((await server.counter("webhook_events_waiting")) <= 10100);
    },
  },
  "members who come and go, while webhooks hang": {
    async run(flood) {
      for (let n = 0; n < 6; n++) {
        const { socket, id } = await pusher(flood);
        socket.says(many(4000, (i) => {
          const data = json({ user_id: `user-${n}-${i}` });
          const auth = `${app.key}:${createHmac("sha256", app.secret).update(`${id}:presence-hook:${data}`).digest("hex")}`;
          return [json({ event: "pusher:subscribe", data: { channel: "presence-hook", auth, channel_data: data } }), json({ event: "pusher:unsubscribe", data: { channel: "presence-hook" } })];
        }).flat());
      }
    },
    async holds(server) {
      assert.ok((await server.counter("webhook_events_waiting")) <= 10100);
    },
  },
  "JSON that is nested deep": {
    async run(flood) {
      const deep = nested(mebibyte);
      const sockets = await Promise.all(many(3, () => flood.websocket("/channel/", talk)));
      for (const socket of sockets) socket.says(many(4, () => `{"type":"publish","channel":"open","data":${deep}`));
      (await flood.websocket(pusherPath)).says(many(100, () => `{"event":"pusher:subscribe","data":${nested(60000)}`));
      (await socketio(flood)).says([`2["publish",${nested(900000)}`]);
      await flood.requests(many(4, () => request("POST", "/publish/", { ...key, "Content-Type": "application/json" }, nested(mebibyte))));
      await flood.requests(many(10, () => request("POST", "/publish/", { ...key, "Content-Type": "application/json" }, json([{ channel: "x", data: 0 }]).replace("0", nested(500000) + "]".repeat(500000)))));
      const name = `/echo/sockjs/3/${randomBytes(8).toString("hex")}`;
      await flood.requests([request("POST", `${name}/xhr`), ...many(10, () => request("POST", `${name}/xhr_send`, {}, deep))]);
      const header = Buffer.from(nested(2900)).toString("base64url");
      await flood.requests(many(1000, () => request("GET", "/channel/secret?wait=0", { Authorization: `Bearer ${header}.x.y` })));
    },
  },
  "idempotency keys": {
    run: (flood) => flood.requests(many(20000, (i) => publication("kept-once", "x", { "Idempotency-Key": `key-${i}` }))),
  },
  "polls of names that nobody uses": {
    bytes: 16 * mebibyte,
    async run(flood) {
      const poll = async (query) => (await flood.answer([request("GET", `/channel/quiet?wait=0${query}`)], '"messages"')).text;
      const since = (await poll("")).match(/"position":"([^"]+)"/)[1];
      const asked = () => flood.server.counter("channel_subscribed_total");
      const before = await asked();
      await flood.requests(many(12000, (i) => request("GET", `/channel/nobody-${i}?wait=0`)));
      await until(async () => (await asked()) >= before + 12000, "all have an answer");
      assert.match(await poll(`&since=${since}`), /"whole":true/);
    },
    async holds(server) {
      assert.ok((await server.counter("channels")) < 5000);
    },
  },
  "histories of many channels": {
    async run(flood) {
      for (let n = 0; n < 4; n++) {
        const socket = await flood.websocket("/channel/", talk);
        socket.says(many(20000, (i) => said(`kept-${n}-${i % 5000}`, i)));
      }
    },
  },
  "posts of sessions that never end": {
    bytes: 128 * mebibyte,
    async run(flood) {
      const at = "/echo/engine.io/?EIO=4&transport=polling";
      const begun = request("POST", `${at}&sid=${await engineio(flood, at)}`, { "Content-Length": 900000 }, "4".padEnd(300000, "x"));
      const sockets = await Promise.all(many(150, () => flood.connect()));
      for (const socket of sockets) socket.write(begun);
      for (const socket of await Promise.all(many(150, () => flood.connect())))
        socket.write(request("POST", `/echo/sockjs/4/${randomBytes(8).toString("hex")}/xhr_send`, { "Content-Length": 900000 }, "[".padEnd(300000)));
      await until(async () => (await flood.server.counter("unfinished_bytes")) > 32 * mebibyte, "bodies are held");
    },
    holds: (server, flood) => flood.counts('limit_reached_total{limit="max-unfinished-per-address"}'),
    after: (server) => until(async () => (await server.counter("unfinished_bytes")) === 0, "none is held"),
  },
  "sessions that are polled once, and left": {
    async run(flood) {
      const at = "/echo/engine.io/?EIO=4&transport=polling&towline=1";
      flood.sessions = await flood.server.counter("engineio_sessions"); // of other floods
      const sids = await Promise.all(many(1000, async () => engineio(flood, at)));
      flood.end();
      for (const sid of sids) (await flood.requests([request("GET", `${at}&sid=${sid}&ack=0`)])).on("data", () => {});
      await until(async () => (await flood.server.counter("engineio_polls")) >= 500, "polls wait");
    },
    async holds(server, flood) {
      assert.ok((await server.counter("engineio_sessions")) <= flood.sessions + 1000);
    },
    after: (server) => until(async () => (await server.counter("engineio_sessions")) === 0, "none is left", 60000),
  },
};

/** Runs a flood for a while. */
async function run(flood, { run: begin, holds }) {
  const { server } = flood;
  const before = server.memory();
  let grown = 0;
  const looks = setInterval(() => (grown = Math.max(grown, server.memory() - before)), 20);
  try {
    await flood.begin();
    await begin(flood);
    await sleep(300);
    await holds?.(server, flood);
  } finally {
    flood.end();
    clearInterval(looks);
  }
  return grown;
}

/** All of them in each way where all is tested; else every third one, each in one of the ways. FLOOD names one of them. */
const chosen = (way) => Object.entries(floods).filter(([name], i) => (process.env.FLOOD ? name.includes(process.env.FLOOD) : all || i % 6 === 3 * way));

for (const [way, { io, secure }] of ways.entries()) {
  const words = ["--io", io, "--workers", "1", ...(secure ? ["-t", "-c", identity.certificate, "-k", identity.key] : [])];
  describe(`floods, ${io}, ${secure ? "over TLS" : "in plain"}`, () => {
    test("none makes another client wait, or the server grow", async (t) => {
      const server = await serve(t, words);
      const url = `${secure ? "wss" : "ws"}://${server.host}/echo`;
      const prober = await Prober.start(t, server, url, secure ? authority.certificate : "");
      const faults = [];
      for (const [name, each] of chosen(way)) {
        let longest = Infinity;
        let grown = 0;
        for (let i = 0; i < 3 && longest >= 500; i++) {
          await prober.longest();
          grown = Math.max(grown, await run(new Flood(server, secure && authority.text), each));
          longest = await prober.longest();
        }
        t.diagnostic(`${name}: ${longest.toFixed(0)} ms, ${(grown / mebibyte).toFixed(1)} MiB`);
        if (longest >= 500) faults.push(`${name}: another client waited ${longest} ms, three times`);
        if (grown >= (each.bytes ?? 96 * mebibyte)) faults.push(`${name}: ${grown} bytes`);
        await each.after?.(server);
      }
      assert.deepEqual(faults, []);
    });

    if (way > 0 && !all) return;
    test("a back end that does not answer costs those who wait for it alone", async (t) => {
      const server = await serve(t, words, `token-url: ${await silence(t)}token\ntoken-seconds: 1\n`);
      const url = `${secure ? "wss" : "ws"}://${server.host}/echo`;
      const prober = await Prober.start(t, server, url, secure ? authority.certificate : "");
      const flood = new Flood(server, secure && authority.text);
      const sockets = await Promise.all(many(400, () => flood.connect()));
      for (const socket of sockets) socket.write(request("GET", "/channel/secret?wait=0", { Authorization: "Bearer x" }));
      await until(async () => (await server.counter("questions_refused_total")) > 0, "some are not asked");
      assert.ok((await server.counter("questions_waiting")) <= 256);
      await until(async () => (await server.counter("questions_waiting")) === 0, "all have an answer");
      assert.ok((await server.counter("questions_timed_out_total")) > 0);
      assert.ok((await prober.longest()) < 500);
      flood.end();
    });
  });
}
