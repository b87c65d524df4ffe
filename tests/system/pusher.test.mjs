// Pusher's protocol, with pusher-js, laravel-echo and the pusher SDK, and by hand where these are too well-behaved.

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, test } from "node:test";

import Echo from "laravel-echo";
import Pusher from "pusher-js";
import { io } from "socket.io-client";
import WebSocket from "ws";

import { configuration, head, refused, reload, start } from "../support/configuration.mjs";
import { Bare, answer, app, client, connected, event, hook, sdk, serve, subscribed } from "../support/pusher.mjs";
import { CLOSE, Raw, TEXT, closePayload, frame } from "../support/raw.mjs";
import { tokenOf } from "../support/tokens.mjs";
import { request, run, serve as serveWords, until, within } from "../support/towline.mjs";

const hmac = (text) => createHmac("sha256", app.secret).update(text).digest("hex");
const auth = (text) => `${app.key}:${hmac(text)}`;

/** Subscribes a bare client. */
function subscribe(bare, socket, channel, { data, sign = true } = {}) {
  const text = data === undefined ? `${socket}:${channel}` : `${socket}:${channel}:${data}`;
  bare.say({ event: "pusher:subscribe", data: { channel, auth: sign ? auth(text) : "", channel_data: data } });
}

describe("connections", () => {
  test("are greeted, and answer pings", async (t) => {
    const server = await serve(t);
    const bare = await Bare.open(t, server);
    const { socket_id: id, activity_timeout: seconds } = await bare.greeted();
    assert.match(id, /^\d+\.\d+$/);
    assert.equal(seconds, 120);
    bare.say({ event: "pusher:ping", data: {} });
    assert.equal((await bare.named("pusher:pong")).data, "{}");
    const other = await Bare.open(t, server);
    assert.notEqual((await other.greeted()).socket_id, id);
  });

  test("that are refused are let in and told why", async (t) => {
    const server = await serve(t, ["max-connections: 1"]);
    const codes = {
      [`/app/other-key?protocol=7`]: 4001,
      [`/app/${app.key}/more?protocol=7`]: 4005,
      [`/app/${app.key}`]: 4008,
      [`/app/${app.key}?protocol=`]: 4008,
      [`/app/${app.key}?protocol=seven`]: 4006,
      [`/app/${app.key}?protocol=4`]: 4007,
      [`/app/${app.key}?protocol=8`]: 4007,
    };
    for (const [target, code] of Object.entries(codes)) {
      const bare = await Bare.open(t, server, { target });
      assert.equal((await within(20000, bare.closed, target)).code, code, target);
    }
    const first = await Bare.open(t, server, { target: `/app/${app.key}?protocol=5` });
    await first.greeted();
    assert.equal((await (await Bare.open(t, server)).closed).code, 4004);
    first.socket.close();
    for (const protocol of [6, 7]) {
      const one = await until(async () => { // the one before may not be gone yet
        const bare = await Bare.open(t, server, { target: `/app/${app.key}?protocol=${protocol}` });
        const code = await Promise.race([bare.greeted().then(() => 0), bare.closed.then((end) => end.code)]);
        assert.ok(code === 0 || code === 4004, `${code}`);
        return code === 0 && bare;
      }, "there is room");
      one.socket.close();
    }
  });

  test("of an app that is disabled, or for TLS only, are refused", async (t) => {
    const disabled = await serve(t, ["disabled: true"]);
    assert.equal((await (await Bare.open(t, disabled)).closed).code, 4003);
    await assert.rejects(sdk(disabled).trigger("c", "e", {}), (error) => error.status === 403);
    const secure = await serve(t, ["tls-only: true"], { top: "trusted-proxy: 127.0.0.1\n" });
    assert.equal((await (await Bare.open(t, secure)).closed).code, 4000);
  });

  test("that have to sign something and do not are ended", async (t) => {
    const server = await serve(t, ["authorize-seconds: 1"]);
    const lazy = await Bare.open(t, server);
    const busy = await Bare.open(t, server);
    const { socket_id: id } = await busy.greeted();
    subscribe(busy, id, "private-c");
    await busy.named("pusher_internal:subscription_succeeded");
    assert.equal((await lazy.closed).code, 4009);
    busy.say({ event: "pusher:ping" });
    await busy.named("pusher:pong");
  });

  test("that are silent are pinged, and ended without a pong", async (t) => {
    const server = await serve(t, ["activity-seconds: 1"]);
    const bare = await Bare.open(t, server);
    await bare.named("pusher:ping");
    bare.say({ event: "pusher:pong", data: {} });
    await bare.named("pusher:ping");
  });

  test("get 4200 when the server ends, and pusher-js comes back at once", async (t) => {
    const server = await serve(t);
    const bare = await Bare.open(t, server);
    await bare.greeted();
    server.signal();
    assert.equal((await bare.closed).code, 4200);
  });

  test("are told what is wrong with what they say, and stay", async (t) => {
    const server = await serve(t);
    const bare = await Bare.open(t, server);
    await bare.greeted();
    for (const text of ["x", "{}", "[]", '{"event":1}', '{"event":"pusher:subscribe"}', '{"event":"pusher:subscribe","data":"x"}', '{"event":"nothing"}', '{"event":"pusher_internal:member_added","channel":"c","data":"{}"}', "{".repeat(1000)]) {
      bare.say(text);
      assert.equal((await bare.named("pusher:error")).data.code, null, text);
    }
    bare.say({ event: "pusher:ping" });
    await bare.named("pusher:pong");
    bare.say("x".repeat(65 * 1024));
    assert.equal((await bare.closed).code, 1009);
  });
});

describe("public channels", () => {
  test("pass data on as they were signed, to all but one", async (t) => {
    const server = await serve(t);
    const one = client(t, server);
    const other = client(t, server);
    const id = await connected(one);
    const { channel: mine } = await subscribed(one, "news");
    const { channel: theirs } = await subscribed(other, "news");
    const got = [];
    mine.bind("hello", (data) => got.push(data));
    let came = event(theirs, "hello");
    assert.deepEqual(await answer(sdk(server).trigger("news", "hello", { a: 1.5, b: ["ä"] }, { socket_id: id })), {});
    assert.deepEqual(await came, { a: 1.5, b: ["ä"] });
    came = event(mine, "hello");
    await sdk(server).trigger(["other", "news"], "hello", { last: true });
    assert.deepEqual(await came, { last: true });
    assert.deepEqual(got, [{ last: true }]);
  });

  test("keep the bytes of data", async (t) => {
    const server = await serve(t);
    const bare = await Bare.open(t, server);
    const { socket_id: id } = await bare.greeted();
    subscribe(bare, id, "news", { sign: false });
    assert.deepEqual(await bare.named("pusher_internal:subscription_succeeded"), { event: "pusher_internal:subscription_succeeded", channel: "news", data: "{}" });
    for (const data of ['{ "b":1.50, "a" : 123456789012345678901234567890 }', "", "plain ä\u2028\u0000", '"']) {
      await sdk(server).post({ path: "/events", body: { name: "e", data, channels: ["news"] } });
      assert.deepEqual(await bare.named("e"), { event: "e", channel: "news", data });
    }
    await sdk(server).post({ path: "/events", body: { name: "e", data: { by: "hand" }, channel: "news" } });
    assert.equal((await bare.named("e")).data, '{"by":"hand"}');
  });

  test("are subscribed once, and left", async (t) => {
    const server = await serve(t, ["max-channels: 2"]);
    const bare = await Bare.open(t, server);
    const { socket_id: id } = await bare.greeted();
    subscribe(bare, id, "a", { sign: false });
    await bare.named("pusher_internal:subscription_succeeded");
    subscribe(bare, id, "a", { sign: false });
    assert.match((await bare.named("pusher:error")).data.message, /Existing subscription to channel a/);
    subscribe(bare, id, "b", { sign: false });
    await bare.named("pusher_internal:subscription_succeeded");
    subscribe(bare, id, "c", { sign: false });
    assert.equal((await bare.named("pusher:subscription_error")).data.status, 429);
    await sdk(server).trigger(["a", "b"], "e", "1");
    assert.equal((await bare.named("e")).channel, "a");
    assert.equal((await bare.named("e")).channel, "b");
    bare.say({ event: "pusher:unsubscribe", data: { channel: "a" } });
    bare.say({ event: "pusher:unsubscribe", data: { channel: "a" } });
    bare.say({ event: "pusher:ping" });
    await bare.named("pusher:pong");
    await sdk(server).trigger(["a", "b"], "e", "2");
    assert.equal((await bare.named("e")).channel, "b");
    for (const channel of ["", "a b", "a/b", "#x", "x".repeat(165), "#server-to-user-u1"]) {
      subscribe(bare, id, channel, { sign: false });
      assert.match((await bare.named("pusher:subscription_error")).data.type, /InvalidChannel|AuthError/, channel);
    }
  });
});

describe("private channels", () => {
  test("are for who has a signature", async (t) => {
    const server = await serve(t);
    const bare = await Bare.open(t, server);
    const { socket_id: id } = await bare.greeted();
    for (const wrong of [undefined, "", "x", `${app.key}:`, `other:${hmac(`${id}:private-c`)}`, auth("1.1:private-c"), auth(`${id}:private-d`), auth(`${id}:private-c`).toUpperCase(), `${auth(`${id}:private-c`)}0`]) {
      bare.say({ event: "pusher:subscribe", data: { channel: "private-c", auth: wrong } });
      const { channel, data } = await bare.named("pusher:subscription_error");
      assert.equal(channel, "private-c");
      assert.deepEqual([data.type, data.status], ["AuthError", 401]);
    }
    subscribe(bare, id, "private-c");
    assert.equal((await bare.named("pusher_internal:subscription_succeeded")).channel, "private-c");
  });

  test("are not open by another door", async (t) => {
    const server = await serve(t, ["share: [news, private-c, presence-c]"]);
    for (const target of [`/channel/pusher/${app.id}/private-c`, "/channel/private-c", "/channel/presence-c", `/channel/pusher%2F${app.id}%2Fpresence-x`, `/channel/pusher/${app.id}/%23server-to-user-u1`]) {
      const { status } = await request({ port: server.port, path: target, headers: { Accept: "text/event-stream" } });
      assert.ok([401, 403, 404].includes(status), `${target}: ${status}`);
    }
  });

  test("that are encrypted pass on what nobody here can read", async (t) => {
    const server = await serve(t);
    const key = Buffer.alloc(32, 7).toString("base64");
    const api = sdk(server, { encryptionMasterKeyBase64: key });
    const reader = client(t, server, null, {
      channelAuthorization: { customHandler: ({ socketId, channelName }, callback) => callback(null, api.authorizeChannel(socketId, channelName)) },
    });
    const { channel } = await subscribed(reader, "private-encrypted-c");
    const came = event(channel, "secret");
    await api.trigger("private-encrypted-c", "secret", { a: 1 });
    assert.deepEqual(await came, { a: 1 });
  });
});

describe("client events", () => {
  test("go to the others, in the form they came", async (t) => {
    const server = await serve(t, ["client-events: true"]);
    const [one, other] = [await Bare.open(t, server), await Bare.open(t, server)];
    for (const bare of [one, other]) {
      const { socket_id: id } = await bare.greeted();
      subscribe(bare, id, "private-c");
      await bare.named("pusher_internal:subscription_succeeded");
    }
    one.say('{"event":"client-a","channel":"private-c","data":{ "n":1.50 },"user_id":"forged"}');
    one.say('{"event":"client-b","channel":"private-c","data":"text"}');
    await other.named("client-b");
    assert.deepEqual(other.texts.slice(-2), ['{"event":"client-a","channel":"private-c","data":{ "n":1.50 }}', '{"event":"client-b","channel":"private-c","data":"text"}']);
    one.say({ event: "pusher:ping" });
    await one.named("pusher:pong");
    assert.ok(!one.messages.some((message) => message.event.startsWith("client-")));
  });

  test("say who sent them in presence channels", async (t) => {
    const server = await serve(t, ["client-events: true"]);
    const one = client(t, server, { id: "u1", info: { name: "Zoë" } });
    const other = client(t, server, { id: "u2" });
    const { channel: mine } = await subscribed(one, "presence-c");
    const { channel: theirs } = await subscribed(other, "presence-c");
    const came = within(20000, new Promise((resolve) => theirs.bind("client-x", (data, metadata) => resolve({ data, metadata }))), "client-x");
    mine.trigger("client-x", { a: 1 });
    assert.deepEqual(await came, { data: { a: 1 }, metadata: { user_id: "u1" } });
  });

  test("have their limits", async (t) => {
    const server = await serve(t, ["client-events: true", "max-client-events: 3"]);
    const [one, other] = [await Bare.open(t, server), await Bare.open(t, server)];
    for (const bare of [one, other]) {
      const { socket_id: id } = await bare.greeted();
      for (const channel of ["private-c", "news", "private-encrypted-c"]) {
        subscribe(bare, id, channel);
        await bare.named("pusher_internal:subscription_succeeded");
      }
    }
    for (const [name, channel, data] of [["client-x", "news", 1], ["client-x", "private-encrypted-c", 1], ["client-x", "private-other", 1], ["client-x", undefined, 1], ["client-x", "private-c", "x".repeat(10240)]]) {
      one.say({ event: name, channel, data });
      assert.equal((await one.named("pusher:error")).data.code, null);
    }
    for (let i = 0; i < 20; i++) one.say({ event: "client-flood", channel: "private-c", data: i });
    assert.equal((await one.named("pusher:error")).data.code, 4301);
    one.say({ event: "pusher:ping" });
    await one.named("pusher:pong");
    const rejected = one.messages.filter((message) => message.data?.code === 4301).length;
    await sdk(server).trigger("private-c", "last", "");
    await other.named("last");
    assert.equal(other.messages.filter((message) => message.event === "client-flood").length + rejected, 20);
    assert.ok(rejected > 0);
  });

  test("are off by default", async (t) => {
    const server = await serve(t);
    const bare = await Bare.open(t, server);
    const { socket_id: id } = await bare.greeted();
    subscribe(bare, id, "private-c");
    await bare.named("pusher_internal:subscription_succeeded");
    bare.say({ event: "client-x", channel: "private-c", data: 1 });
    assert.match((await bare.named("pusher:error")).data.message, /not enabled/);
  });
});

describe("presence channels", () => {
  test("count users, not connections", async (t) => {
    const server = await serve(t, [], { top: "workers: 2\n" });
    const one = client(t, server, { id: "u1", info: { name: "Zoë" } });
    const { channel, data } = await subscribed(one, "presence-c");
    assert.equal(data.count, 1);
    assert.deepEqual(data.me, { id: "u1", info: { name: "Zoë" } });
    const seen = [];
    channel.bind("pusher:member_added", (member) => seen.push(`+${member.id}`));
    channel.bind("pusher:member_removed", (member) => seen.push(`-${member.id}`));
    const others = [client(t, server, { id: "u2", info: { x: 1 } }), client(t, server, { id: "u2", info: { x: 1 } })];
    for (const other of others) assert.equal((await subscribed(other, "presence-c")).data.count, 2);
    const third = client(t, server, { id: "u3" });
    assert.deepEqual(Object.keys((await subscribed(third, "presence-c")).data.members).sort(), ["u1", "u2", "u3"]);
    others[0].disconnect();
    third.unsubscribe("presence-c");
    await until(() => seen.includes("-u3"), "u3 leaves");
    others[1].disconnect();
    await until(() => seen.includes("-u2"), "u2 leaves");
    assert.deepEqual(seen, ["+u2", "+u3", "-u3", "-u2"]);
    assert.equal(channel.members.count, 1);
  });

  test("are for users with a description, and not for too many", async (t) => {
    const server = await serve(t, ["max-members: 2"]);
    const bare = await Bare.open(t, server);
    const { socket_id: id } = await bare.greeted();
    for (const data of [undefined, "", "1", "{}", '{"user_id":""}', '{"user_id":null}', `{"user_id":"${"u".repeat(129)}"}`, `{"user_id":"u","user_info":"${"x".repeat(1024)}"}`]) {
      subscribe(bare, id, "presence-c", { data });
      assert.equal((await bare.named("pusher:subscription_error")).data.type, "InvalidData", data);
    }
    subscribe(bare, id, "presence-c", { data: '{"user_id":10,"user_info":{ "n":1.0 }}' });
    const { data } = await bare.named("pusher_internal:subscription_succeeded");
    assert.equal(data, '{"presence":{"count":1,"ids":["10"],"hash":{"10":{ "n":1.0 }}}}');
    const [second, third] = [await Bare.open(t, server), await Bare.open(t, server)];
    subscribe(second, (await second.greeted()).socket_id, "presence-c", { data: '{"user_id":"u2"}' });
    await second.named("pusher_internal:subscription_succeeded");
    assert.deepEqual(JSON.parse((await bare.named("pusher_internal:member_added")).data), { user_id: "u2" });
    subscribe(third, (await third.greeted()).socket_id, "presence-c", { data: '{"user_id":"u3"}' });
    assert.equal((await third.named("pusher:subscription_error")).data.type, "LimitReached");
  });
});

describe("cache channels", () => {
  test("give the last event, or say that there is none", async (t) => {
    const server = await serve(t, ["client-events: true"]);
    const one = client(t, server);
    const channel = one.subscribe("private-cache-c");
    await event(channel, "pusher:cache_miss");
    const prices = [];
    channel.bind("price", ({ n }) => prices.push(n));
    await sdk(server).trigger("private-cache-c", "price", { n: 1 });
    await sdk(server).trigger("private-cache-c", "price", { n: 2 });
    await until(() => prices.length === 2, "two prices");
    channel.trigger("client-x", 3); // is not kept
    const other = client(t, server);
    const cached = other.subscribe("private-cache-c");
    assert.deepEqual(await event(cached, "price"), { n: 2 });
    const { cache } = await answer(sdk(server).get({ path: "/channels/private-cache-c", params: { info: "cache" } }));
    assert.equal(cache.data, '{"n":2}');
    assert.ok(cache.ttl > 1700 && cache.ttl <= 1800);
    assert.equal((await answer(sdk(server).get({ path: "/channels/cache-other", params: { info: "cache" } }))).cache, null);
  });
});

describe("users", () => {
  test("sign in, are sent to, and can be disconnected", async (t) => {
    const server = await serve(t, [], { top: "workers: 2\n" });
    const one = client(t, server, { id: "u1", user_info: { name: "Zoë" } });
    one.signin();
    await event(one.connection, "connected");
    await until(() => one.user.user_data, "signed in");
    await until(() => one.user.serverToUserChannel?.subscribed, "the user's channel");
    const came = new Promise((resolve) => one.user.bind("hello", resolve));
    await sdk(server).sendToUser("u1", "hello", { to: "u1" });
    assert.deepEqual(await within(20000, came, "hello"), { to: "u1" });
    const gone = event(one.connection, "disconnected");
    await sdk(server).terminateUserConnections("u1");
    await gone;
    assert.equal(one.connection.state, "disconnected"); // 4009: it does not come back
  });

  test("need a signature, and stay who they are", async (t) => {
    const server = await serve(t);
    const bare = await Bare.open(t, server);
    const { socket_id: id } = await bare.greeted();
    const signin = (data, signed = auth(`${id}::user::${data}`)) => bare.say({ event: "pusher:signin", data: { auth: signed, user_data: data } });
    for (const data of ["", "{}", '{"id":""}', '{"id":1}', "x"]) {
      signin(data);
      assert.equal((await bare.named("pusher:error")).data.code, 4009, data);
    }
    signin('{"id":"u1"}', auth(`${id}:{"id":"u1"}`));
    assert.equal((await bare.named("pusher:error")).data.code, 4009);
    const data = '{"id":"u1", "user_info":{"n":1.0}}';
    signin(data);
    assert.deepEqual(JSON.parse((await bare.named("pusher:signin_success")).data), { user_data: data });
    signin('{"id":"u2"}');
    assert.equal((await bare.named("pusher:error")).data.code, 4009);
    subscribe(bare, id, "#server-to-user-u2", { sign: false });
    assert.equal((await bare.named("pusher:subscription_error")).data.status, 401);
    subscribe(bare, id, "presence-c"); // without channel_data
    assert.equal(JSON.parse((await bare.named("pusher_internal:subscription_succeeded")).data).presence.hash.u1.n, 1);
  });

  test("hear what is for them where all channels need a proof", async (t) => {
    const server = await serve(t, [], { top: 'channels:\n  - {name: "*", subscribe: token}\n' });
    const bare = await Bare.open(t, server);
    const { socket_id: id } = await bare.greeted();
    const data = '{"id":"u1"}';
    bare.say({ event: "pusher:signin", data: { auth: auth(`${id}::user::${data}`), user_data: data } });
    await bare.named("pusher:signin_success");
    subscribe(bare, id, "#server-to-user-u1", { sign: false });
    await bare.named("pusher_internal:subscription_succeeded");
    await sdk(server).sendToUser("u1", "letter", 1);
    assert.equal((await bare.named("letter")).channel, "#server-to-user-u1");
  });

  test("see who of their watchlist is online", async (t) => {
    const server = await serve(t, [], { top: "workers: 2\n" });
    const bare = await Bare.open(t, server);
    const { socket_id: id } = await bare.greeted();
    const data = '{"id":"u1","watchlist":["u1","u2","u3"]}';
    bare.say({ event: "pusher:signin", data: { auth: auth(`${id}::user::${data}`), user_data: data } });
    const seen = async () => JSON.parse((await bare.named("pusher_internal:watchlist_events")).data).events;
    assert.deepEqual(await seen(), [{ name: "online", user_ids: ["u1"] }, { name: "offline", user_ids: ["u2", "u3"] }]);
    const others = [client(t, server, { id: "u2" }), client(t, server, { id: "u2" })];
    for (const other of others) {
      other.signin();
      await until(() => other.user.user_data, "signed in");
    }
    assert.deepEqual(await seen(), [{ name: "online", user_ids: ["u2"] }]);
    for (const other of others) other.disconnect();
    assert.deepEqual(await seen(), [{ name: "offline", user_ids: ["u2"] }]);
    const long = JSON.stringify({ id: "u9", watchlist: Array.from({ length: 101 }, (_, i) => `w${i}`) });
    const other = await Bare.open(t, server);
    const { socket_id: socket } = await other.greeted();
    other.say({ event: "pusher:signin", data: { auth: auth(`${socket}::user::${long}`), user_data: long } });
    await other.named("pusher:signin_success");
    assert.equal((await other.named("pusher:error")).data.code, 4302);
  });
});

describe("the HTTP interface", () => {
  test("tells of channels and users", async (t) => {
    const server = await serve(t, [], { top: "workers: 2\n" });
    const clients = [client(t, server, { id: "u1" }), client(t, server, { id: "u1" }), client(t, server, { id: "u 2" })];
    for (const each of clients) {
      await subscribed(each, "presence-c");
      await subscribed(each, "news");
    }
    const api = sdk(server);
    assert.deepEqual(await answer(api.get({ path: "/channels" })), { channels: { news: {}, "presence-c": {} } });
    assert.deepEqual(await answer(api.get({ path: "/channels", params: { filter_by_prefix: "presence-", info: "user_count" } })), { channels: { "presence-c": { user_count: 2 } } });
    assert.deepEqual(await answer(api.get({ path: "/channels/presence-c", params: { info: "user_count,subscription_count" } })), { occupied: true, user_count: 2, subscription_count: 3 });
    assert.deepEqual(await answer(api.get({ path: "/channels/nobody" })), { occupied: false });
    assert.deepEqual((await answer(api.get({ path: "/channels/presence-c/users" }))).users.map((user) => user.id).sort(), ["u 2", "u1"]);
    for (const [target, params] of [["/channels", { info: "user_count" }], ["/channels/news", { info: "user_count" }], ["/channels/news/users", {}], ["/channels/a%20b", {}]])
      await assert.rejects(api.get({ path: target, params }), (error) => error.status === 400, target);
    assert.deepEqual(await answer(api.trigger(["news", "presence-c"], "e", {}, { info: "user_count,subscription_count" })), { channels: { news: { subscription_count: 3 }, "presence-c": { subscription_count: 3, user_count: 2 } } });
    assert.deepEqual(await answer(api.triggerBatch([{ channel: "news", name: "e", data: "1", info: "subscription_count" }, { channel: "x", name: "e", data: "2" }])), { batch: [{ subscription_count: 3 }, {}] });
    assert.deepEqual(await answer(api.triggerBatch([{ channel: "news", name: "e", data: "1" }])), {});
  });

  test("is for who signs, and refuses what is none", async (t) => {
    const server = await serve(t);
    const now = Math.floor(Date.now() / 1000);
    const call = (method, target, body = "", { key = app.key, time = now, md5 = createHash("md5").update(body).digest("hex"), more = {}, secret = app.secret } = {}) => {
      const parameters = { auth_key: key, auth_timestamp: time, auth_version: "1.0", ...(body ? { body_md5: md5 } : {}), ...more };
      const query = Object.keys(parameters).sort().map((name) => `${name}=${parameters[name]}`).join("&");
      const signature = createHmac("sha256", secret).update(`${method}\n${target}\n${query}`).digest("hex");
      return request({ port: server.port, method, path: `${target}?${query}&auth_signature=${signature}`, headers: { "Content-Type": "application/json" }, body }).then(({ status }) => status);
    };
    const events = `/apps/${app.id}/events`;
    const body = JSON.stringify({ name: "e", data: "x", channels: ["c"] });
    assert.equal(await call("POST", events, body), 200);
    assert.equal(await call("POST", events, body, { secret: "other" }), 401);
    assert.equal(await call("POST", events, body, { key: "other" }), 401);
    assert.equal(await call("POST", events, body, { time: now - 700 }), 401);
    assert.equal(await call("POST", events, body, { md5: "0".repeat(32) }), 401);
    assert.equal((await request({ port: server.port, method: "POST", path: events, body })).status, 401);
    assert.equal(await call("POST", "/apps/43/events", body), 404);
    const wrong = await request({ port: server.port, method: "POST", path: "/apps/43/events", body });
    assert.deepEqual([wrong.status, wrong.body.toString()], [404, "there is no app with this id\n"]);
    assert.equal((await request({ port: server.port, path: "/app/other" })).status, 426);
    assert.equal(await refused(server, "/apps/43/events"), 404);
    assert.equal(await call("POST", `/apps/${app.id}/nothing`, body), 404);
    assert.equal(await call("GET", events), 405);
    for (const wrong of ["x", "[]", "{}", '{"name":"e","data":"x"}', '{"name":"pusher:e","data":"x","channel":"c"}', '{"name":"e","data":"x","channel":"a b"}', '{"name":"e","data":"x","channel":"c","socket_id":"x"}']) assert.equal(await call("POST", events, wrong), 400, wrong);
    const sized = (length) => JSON.stringify({ name: "e", data: "x".repeat(length), channel: "c" });
    assert.equal(await call("POST", events, sized(10240)), 200);
    assert.equal(await call("POST", events, sized(10241)), 413);
    assert.equal(await call("POST", events, `{"x":"${"y".repeat(1 << 20)}"}`), 413);
    const channels = (count) => JSON.stringify({ name: "e", data: "x", channels: Array.from({ length: count }, (_, i) => `c${i}`) });
    assert.equal(await call("POST", events, channels(100)), 200);
    assert.equal(await call("POST", events, channels(101)), 400);
    assert.equal(await call("POST", `/apps/${app.id}/channels/c/events`, "raw", { more: { name: "e" } }), 202);
    assert.equal(await call("POST", `/apps/${app.id}/users/u%201/terminate_connections`, "{}"), 200);
  });
});

describe("clients that misbehave", () => {
  test("cost nobody else anything when they do not read", async (t) => {
    const server = await serve(t);
    const slow = await Raw.open(server.port, `/app/${app.key}?protocol=7`);
    t.after(() => slow.socket.destroy());
    slow.send(frame(TEXT, JSON.stringify({ event: "pusher:subscribe", data: { channel: "news" } })));
    await until(() => slow.received.includes("subscription_succeeded"), "the slow one's subscription");
    slow.socket.pause();
    const quick = await Bare.open(t, server);
    subscribe(quick, (await quick.greeted()).socket_id, "news", { sign: false });
    await quick.named("pusher_internal:subscription_succeeded");
    const data = "x".repeat(10000);
    const batch = (first) => Array.from({ length: 10 }, (_, i) => ({ channel: "news", name: `e${first + i}`, data }));
    for (let i = 0; i < 2000; i += 10) await sdk(server).triggerBatch(batch(i));
    await quick.named("e1999");
    assert.equal(quick.messages.filter((message) => /^e\d+$/.test(message.event)).length, 2000);
    slow.socket.resume();
    await until(() => slow.received.includes(frame(CLOSE, closePayload(4100, "too slow: messages would be lost"), { masked: false })), "4100");
  });

  test("are answered whatever they flood with", async (t) => {
    const server = await serve(t);
    const [flood, other] = [await Bare.open(t, server), await Bare.open(t, server)];
    for (let i = 0; i < 3000; i++) flood.say(i % 3 === 0 ? "{" : { event: "pusher:subscribe", data: { channel: `private-${i}`, auth: "x" } });
    other.say({ event: "pusher:ping" });
    await other.named("pusher:pong");
    flood.say({ event: "pusher:ping" });
    await flood.named("pusher:pong");
    assert.equal(flood.messages.filter((message) => /error/.test(message.event)).length, 3000);
  });
});

describe("channels that are shared", () => {
  test("are those of the other doors, with their presence", async (t) => {
    const server = await serve(t, ["share: [news, presence-c]"], { top: "workers: 2\n" });
    const plain = new WebSocket(server.url("/channel/news"));
    t.after(() => plain.terminate());
    await within(20000, once(plain, "open"), "open");
    const { channel } = await subscribed(client(t, server), "news");
    const [came, here] = [once(plain, "message"), event(channel, "e")];
    await until(async () => (await answer(sdk(server).get({ path: "/channels/news", params: { info: "subscription_count" } }))).subscription_count === 2, "two subscribers");
    await sdk(server).trigger("news", "e", { n: 1 });
    assert.equal((await within(20000, came, "a message"))[0].toString(), '{"n":1}');
    assert.deepEqual(await here, { n: 1 });
    assert.deepEqual(await answer(sdk(server).get({ path: "/channels" })), { channels: { news: {} } });
    assert.equal((await subscribed(client(t, server, { id: "u1" }), "presence-c")).data.count, 1);
  });
});

describe("channels that are set to be closed", () => {
  test("take no client events", async (t) => {
    const server = await serve(t, ["client-events: true", "share: [private-shared]"], {
      top: "channels:\n  - {name: pusher/42/private-quiet, publish: nobody}\n  - {name: private-shared, publish: nobody}\n  - {name: pusher/42/private-loud, history: 1}\n",
    });
    const [one, other] = [await Bare.open(t, server), await Bare.open(t, server)];
    for (const bare of [one, other]) {
      const { socket_id: id } = await bare.greeted();
      for (const channel of ["private-quiet", "private-shared", "private-loud"]) {
        subscribe(bare, id, channel);
        await bare.named("pusher_internal:subscription_succeeded");
      }
    }
    for (const channel of ["private-quiet", "private-shared"]) {
      one.say({ event: "client-x", channel, data: 1 });
      assert.match((await one.named("pusher:error")).data.message, /off for this channel/);
    }
    one.say({ event: "client-y", channel: "private-loud", data: 1 });
    assert.equal((await other.named("client-y")).channel, "private-loud");
    assert.ok(!other.messages.some((message) => message.event === "client-x"));
  });

  test("are not open by way of an app that shares them", async (t) => {
    const server = await serve(t, ["share: [news, private-news, closed]"], {
      top: "channels:\n  - {name: news, subscribe: token}\n  - {name: private-news, subscribe: token}\n  - {name: closed, subscribe: nobody}\n  - {name: pusher/42/own, subscribe: nobody}\n",
    });
    const bare = await Bare.open(t, server);
    const { socket_id: id } = await bare.greeted();
    for (const channel of ["news", "closed", "own"]) {
      subscribe(bare, id, channel, { sign: false });
      assert.equal((await bare.named("pusher:subscription_error")).data.status, 403, channel);
    }
    subscribe(bare, id, "private-news"); // signed: that is a proof
    await bare.named("pusher_internal:subscription_succeeded");
  });
});

test("who published at another door is named in a presence channel, binary data or not", async (t) => {
  const secret = "a secret of at least thirty-two bytes";
  const folder = mkdtempSync(path.join(tmpdir(), "towline-keys-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, "keys"), secret, { mode: 0o600 });
  const server = await serve(t, [], {
    top: `token-keys: ${path.join(folder, "keys")}\nroutes:\n  - {path: "/channel/*", channel: }\nchannels: [{name: "pusher/42/*", publish: token}]\n`,
  });
  const bare = await Bare.open(t, server);
  subscribe(bare, (await bare.greeted()).socket_id, "presence-c", { data: '{"user_id":"u1"}' });
  await bare.named("pusher_internal:subscription_succeeded");
  const token = tokenOf({ sub: "ann", channels: { publish: "pusher/42/*" } }, secret);
  const other = new WebSocket(server.url("/channel/"), ["towline.v1"], { headers: { Authorization: `Bearer ${token}` } });
  t.after(() => other.terminate());
  await once(other, "open");
  for (const data of [{ event: "text", data: "hello" }, { event: "bytes", base64: "aGVsbG8=" }]) {
    other.send(JSON.stringify({ type: "publish", channel: "pusher/42/presence-c", ...data }));
    const { user_id, data: got } = await bare.named(data.event);
    assert.deepEqual([user_id, got], ["ann", data.data ?? data.base64]);
  }
});

test("what an app shares is for pages that other doors let in", async (t) => {
  const see = async (server, origin, channel) => {
    const bare = await Bare.open(t, server, { options: { headers: { Origin: origin } } });
    await bare.greeted();
    bare.say({ event: "pusher:subscribe", data: { channel } });
    const { event, data } = await bare.next((message) => /subscription_(succeeded|error)$/.test(message.event), "an answer");
    return event === "pusher:subscription_error" ? data.status : 200;
  };
  const server = await serve(t, ["share: [news]"]);
  assert.equal(await see(server, "https://elsewhere.example", "news"), 403);
  assert.equal(await see(server, "https://elsewhere.example", "own"), 200);
  assert.equal(await see(server, `http://127.0.0.1:${server.port}`, "news"), 200);
  for (const origins of ["https://elsewhere.example", '"*"']) {
    const open = await serve(t, ["share: [news]", `allow-origin: ${origins}`]);
    assert.equal(await see(open, "https://elsewhere.example", "news"), 200, origins);
  }
});

describe("several apps", () => {
  test("know nothing of each other", async (t) => {
    const server = await serve(t, [], { others: "  - {id: other, key: other-key, secret: secret}\n" });
    const [one, other] = [await Bare.open(t, server), await Bare.open(t, server, { target: "/app/other-key?protocol=7" })];
    for (const bare of [one, other]) {
      subscribe(bare, (await bare.greeted()).socket_id, "news", { sign: false });
      await bare.named("pusher_internal:subscription_succeeded");
    }
    await sdk(server, { appId: "other", key: "other-key" }).trigger("news", "theirs", "");
    await sdk(server).trigger("news", "ours", "");
    await one.named("ours");
    await other.named("theirs");
    assert.ok(!one.messages.some((message) => message.event === "theirs"));
    assert.deepEqual(await answer(sdk(server).get({ path: "/channels/news", params: { info: "subscription_count" } })), { occupied: true, subscription_count: 1 });
    await assert.rejects(sdk(server, { appId: "other" }).trigger("news", "e", ""), (error) => error.status === 401);
  });

  test("are told apart and checked when the configuration is read", async (t) => {
    const { folder, file, write } = configuration(t, "");
    writeFileSync(path.join(folder, "secret"), "s");
    for (const [apps, what] of [
      ["- {id: 1, key: a, secret: secret}\n  - {id: 1, key: b, secret: secret}", /\/apps\/1\/\* is served already/],
      ["- {id: 1, key: a}", /towline.yaml:2:5: pusher: .* this has no secret/],
      ["- {id: 1, key: a/b, secret: secret}", /key/],
      ["- {id: 1, key: a, secret: nowhere}", /the secret in .*nowhere: No such file/],
      ["- {id: 1, key: a, secret: secret, share: ['a b']}", /share/],
      ["- {id: 1, key: a, secret: secret, webhook: nowhere}", /webhook/],
      ["- {id: 1, key: a, secret: secret, webhook: 'http://'}", /webhook: 'http:\/\/' is not a URL such as/],
      ["- {id: 1, key: a, secret: secret, webhook: 'http://a/', webhook-events: client_event}", /there is no client_event without client-events/],
      ["- {id: 1, key: a, secret: secret, tls-only: true}", /pusher: tls-only: nobody could come by TLS: turn it on with --certificate FILE, or .*--trusted-proxy/],
      ["- {id: 1, key: a, secret: secret, colour: red}", /colour/],
      ["{id: 1}", /a list of apps/],
    ]) {
      write(`pusher:\n  ${apps}\n`);
      const { status, errors } = await run(["serve", "--check", "-f", file]);
      assert.equal(status, 2, apps);
      assert.match(errors, what);
    }
    write("pusher:\n  - {id: 1, key: a, secret: secret, client-events: true, allow-origin: https://example.org}\n");
    assert.equal((await run(["serve", "--check", "-f", file])).status, 0);
    const printed = await run(["serve", "--print-config", "-f", file]);
    write(printed.output);
    assert.equal((await run(["serve", "--check", "-f", file])).status, 0, printed.output);
    assert.match(printed.output, /client-events: true/);
  });

  test("come, change and go with the configuration, and who is there stays", async (t) => {
    const { folder, file, write } = configuration(t, "");
    writeFileSync(path.join(folder, "secret"), app.secret);
    const own = `  - {id: ${app.id}, key: ${app.key}, secret: secret`;
    write(`${head}pusher:\n${own}}\n`);
    const server = await start(t, file);
    const bare = await Bare.open(t, server);
    const { socket_id: id } = await bare.greeted();
    subscribe(bare, id, "news", { sign: false });
    await bare.named("pusher_internal:subscription_succeeded");
    write(`${head}pusher:\n${own}, max-channels: 7}\n  - {id: new, key: new, secret: secret}\n`);
    await reload(server);
    await (await Bare.open(t, server, { target: "/app/new?protocol=7" })).greeted();
    await sdk(server).trigger("news", "still", "");
    await bare.named("still");
    write(`${head}pusher:\n  - {id: new, key: new, secret: secret}\n`);
    await reload(server);
    assert.equal((await (await Bare.open(t, server)).closed).code, 4001);
    await assert.rejects(sdk(server).trigger("news", "e", ""), (error) => error.status === 404);
    bare.say({ event: "pusher:ping" });
    await bare.named("pusher:pong");
  });

  test("may stand on the command line", async (t) => {
    const folder = mkdtempSync("/tmp/towline-pusher-");
    t.after(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, "secret");
    writeFileSync(file, app.secret);
    const server = await serveWords(t, ["--pusher-app", `${app.id}:${app.key}:${file}`]);
    const { channel } = await subscribed(client(t, server), "private-c");
    const came = event(channel, "e");
    await sdk(server).trigger("private-c", "e", "x");
    assert.equal(await came, "x");
    assert.equal((await run(["serve", "--pusher-app", "1:2"])).status, 2);
  });
});

describe("subscription counts", () => {
  test("are told to subscribers where that is wanted", async (t) => {
    const server = await serve(t, ["subscription-counts: true"]);
    const bare = await Bare.open(t, server);
    subscribe(bare, (await bare.greeted()).socket_id, "news", { sign: false });
    const others = [client(t, server), client(t, server)];
    for (const other of others) await subscribed(other, "news");
    await bare.next((message) => message.event === "pusher_internal:subscription_count" && message.data === '{"subscription_count":3}', "a count of 3");
    for (const other of others) other.disconnect();
    await bare.next((message) => message.data === '{"subscription_count":1}', "a count of 1");
  });

  test("are for nobody at the other doors of a channel that is shared", async (t) => {
    const routes = ["/channel/*:\n    channel:", "/socket.io:\n    socketio: {namespaces: [/, /room], channels: {/room: news}}"];
    const server = await serve(t, ["subscription-counts: true", "share: [news]"], {
      top: `workers: 2\nroutes:\n${routes.map((each) => `  - path: ${each.replace(":\n", "\n")}\n`).join("")}channels: [{name: news, publish: same-origin}]\n`,
    });
    const got = { plain: [], envelopes: [], events: "", socketio: [] };
    const plain = new WebSocket(server.url("/channel/news"));
    plain.on("message", (data) => got.plain.push(data.toString()));
    const envelopes = new WebSocket(server.url("/channel/news"), ["towline.v1"]);
    envelopes.on("message", (data) => got.envelopes.push(JSON.parse(data)));
    const outgoing = http.get({ host: "127.0.0.1", port: server.port, path: "/channel/news", headers: { Accept: "text/event-stream" }, agent: false });
    outgoing.on("response", (response) => response.on("error", () => {}).setEncoding("utf8").on("data", (text) => (got.events += text)));
    outgoing.on("error", () => {});
    const socket = io(`http://127.0.0.1:${server.port}/room`, { transports: ["websocket"] });
    socket.onAny((...event) => got.socketio.push(event));
    t.after(() => [plain.terminate(), envelopes.terminate(), outgoing.destroy(), socket.disconnect()]);
    await until(() => plain.readyState === WebSocket.OPEN && got.envelopes.length > 0 && got.events !== "" && socket.connected, "all doors");
    const polled = request({ port: server.port, path: `/channel/news?since=${got.envelopes[0].position}` });
    const bare = await Bare.open(t, server);
    subscribe(bare, (await bare.greeted()).socket_id, "news", { sign: false });
    await bare.next((message) => message.data === '{"subscription_count":6}', "a count of 6");
    plain.send("hello");
    const last = await bare.next((message) => message.event === "message", "the message");
    assert.equal(last.data, "hello");
    await until(() => got.plain.length > 0 && got.envelopes.length > 1 && got.events.includes("hello") && got.socketio.length > 0, "the message at all doors");
    assert.deepEqual(got.plain, ["hello"]);
    assert.deepEqual(got.envelopes.map(({ type, data }) => data ?? type), ["subscribed", "hello"]);
    assert.deepEqual(got.socketio, [["message", "hello"]]);
    assert.doesNotMatch(got.events, /subscription_count|event:/);
    assert.deepEqual(JSON.parse((await polled).body).messages.map(({ data }) => data), ["hello"]);
  });
});

describe("webhooks", () => {
  test("tell what happens, signed, in order", async (t) => {
    const told = await hook(t);
    const server = await serve(t, [`webhook: ${told.url}`, "client-events: true"], { top: "workers: 2\n" });
    const one = client(t, server, { id: "u1" });
    const { channel } = await subscribed(one, "presence-c");
    channel.trigger("client-x", { a: 1 });
    await event(one.subscribe("cache-c"), "pusher:cache_miss");
    await until(() => told.events.length >= 5, "five events");
    one.disconnect();
    const kinds = (name) => told.events.filter((each) => each.channel === name);
    await until(() => told.events.filter((each) => each.name === "channel_vacated").length === 2, "the channels are vacated");
    assert.deepEqual(kinds("presence-c"), [
      { name: "channel_occupied", channel: "presence-c" },
      { name: "member_added", channel: "presence-c", user_id: "u1" },
      { name: "client_event", channel: "presence-c", event: "client-x", data: '{"a":1}', socket_id: kinds("presence-c")[2].socket_id, user_id: "u1" },
      { name: "member_removed", channel: "presence-c", user_id: "u1" },
      { name: "channel_vacated", channel: "presence-c" },
    ]);
    assert.ok(kinds("cache-c").some((each) => each.name === "cache_miss"));
    for (const { headers, body } of told.requests) {
      const webhook = sdk(server).webhook({ headers, rawBody: body });
      assert.ok(webhook.isValid(), body);
      assert.ok(Math.abs(webhook.getTime() - Date.now()) < 60000);
    }
    const times = told.requests.map(({ body }) => JSON.parse(body).time_ms);
    assert.deepEqual(times, times.slice().sort((a, b) => a - b));
    assert.ok(times.some((time) => time % 1000 !== 0), "milliseconds");
  });

  test("are told again when they fail, and nobody is told who comes back at once", async (t) => {
    const told = await hook(t, (count) => (count < 2 ? 500 : 200));
    const url = told.url.replace("//", "//someone:hidden-word@");
    const server = await serve(t, [`webhook: ${url}`, "webhook-events: [channel_occupied, channel_vacated]"]);
    const bare = await Bare.open(t, server);
    const { socket_id: id } = await bare.greeted();
    subscribe(bare, id, "news", { sign: false });
    bare.say({ event: "pusher:unsubscribe", data: { channel: "news" } });
    subscribe(bare, id, "news", { sign: false });
    subscribe(bare, id, "last", { sign: false });
    await until(() => told.events.some((each) => each.channel === "last"), "the last channel");
    assert.deepEqual(told.events.filter((each) => each.channel === "news"), [{ name: "channel_occupied", channel: "news" }]);
    assert.equal(told.requests[0].body, told.requests[1].body);
    assert.match(server.log, /webhook http:\/\/127\.0\.0\.1:\d+\/hook: it answered with 500/);
    assert.ok(!server.log.includes(app.secret));
    assert.ok(!server.log.includes("hidden-word"));
  });
});

describe("Laravel Echo", () => {
  test("joins, listens and whispers", async (t) => {
    const server = await serve(t, ["client-events: true"]);
    const echo = (user) => {
      const made = new Echo({ broadcaster: "pusher", client: client(t, server, user), Pusher });
      return made;
    };
    const [one, other] = [echo({ id: "1", info: { name: "A" } }), echo({ id: "2", info: { name: "B" } })];
    const here = within(20000, new Promise((resolve) => one.join("room").here(resolve)), "here");
    assert.deepEqual(await here, [{ name: "A" }]);
    const joining = within(20000, new Promise((resolve) => one.join("room").joining(resolve)), "joining");
    const theirs = other.join("room");
    assert.deepEqual(await joining, { name: "B" });
    const whisper = within(20000, new Promise((resolve) => theirs.listenForWhisper("typing", resolve)), "a whisper");
    const shipped = within(20000, new Promise((resolve) => theirs.listen("OrderShipped", resolve)), "an event");
    await until(() => theirs.subscription.subscribed, "subscribed");
    one.join("room").whisper("typing", { name: "A" });
    assert.deepEqual(await whisper, { name: "A" });
    await sdk(server).trigger("presence-room", "App\\Events\\OrderShipped", { order: 1 });
    assert.deepEqual(await shipped, { order: 1 });
    const error = within(20000, new Promise((resolve) => {
      const refused = new Echo({ broadcaster: "pusher", client: client(t, server, null, { channelAuthorization: { customHandler: (_, callback) => callback(null, { auth: "x:y" }) } }) });
      refused.private("room").error(resolve);
    }), "an error");
    assert.equal((await error).status, 401);
  });
});
