// A web application behind a path: a POST for each event, what its answers do, what a failure means, and what it sends later.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { describe, test } from "node:test";

import { client, serveKind } from "../support/kind_host.mjs";
import { request, sleep, until } from "../support/towline.mjs";

const SECRET = "a secret that both have";
const sign = (...parts) => {
  const hmac = createHmac("sha256", SECRET);
  parts.forEach((part, i) => hmac.update(i ? "\n" : "").update(part));
  return hmac.digest("hex");
};

/** A frame as programs write them, for the connection (0: the one that is answered). */
function frame(type, fixed, data) {
  const bytes = Buffer.concat([fixed, Buffer.from(data)]);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(bytes.length, 0);
  header[4] = type;
  return Buffer.concat([header, bytes]);
}
const send = (text) => frame(18, Buffer.alloc(9), text);
const toAll = (text) => frame(19, Buffer.alloc(5), text);

/** Serves a path by an application: `answer` gets an event, and may return { status, headers, body }. Events are noted. */
async function application(t, answer, ...options) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "towline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, "secret"), `${SECRET}\n`);
  const events = [];
  const app = http.createServer(async (incoming, outgoing) => {
    const pieces = [];
    for await (const piece of incoming) pieces.push(piece);
    const body = Buffer.concat(pieces);
    const { "towline-event": name, "towline-connection": id, "towline-time": time, "towline-state": state = "", "towline-signature": signature } = incoming.headers;
    assert.equal(signature, sign(time, name, id, state, body));
    assert.ok(Math.abs(Number(time) - Date.now() / 1000) < 60);
    const event = { name, id, body, text: body.toString(), again: incoming.headers["towline-again"] === "1", state: Buffer.from(state, "base64").toString(), type: incoming.headers["content-type"] };
    events.push(event);
    const { status = 200, headers = {}, body: reply = "" } = (await answer(event)) ?? {};
    outgoing.writeHead(status, headers).end(reply);
  });
  await new Promise((resolve) => app.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    app.closeAllConnections();
    app.close();
  });
  const server = await serveKind(t, "--workers", 2, "/*", "program", `url=http://127.0.0.1:${app.address().port}/events`, `secret=${folder}/secret`, ...options);
  /** A signed request of the application. */
  const later = (id, body, { time = String(Math.floor(Date.now() / 1000)), state = "", close = "", type = "text/plain", signature } = {}) => {
    const headers = { "Content-Type": type, "Towline-Time": time, "Towline-Signature": signature ?? sign(time, "later", id, state, close, body) };
    if (id) headers["Towline-Connection"] = id;
    if (state) headers["Towline-State"] = state;
    if (close) headers["Towline-Close"] = close;
    return request({ port: server.port, path: "/anything", method: "POST", headers, body });
  };
  return { server, events, later };
}

const text = { "Content-Type": "text/plain" };

describe("answers", () => {
  test("are messages, text or binary, for the connection; events come in order with their request, type and end", async (t) => {
    const { server, events } = await application(t, ({ name, body, type }) => {
      if (name === "open") return { headers: text, body: "welcome" };
      if (name === "message") return { headers: { "Content-Type": type }, body };
      return { status: 204 };
    });
    const socket = await client(t, server, "/a?b=c");
    socket.send("grüße");
    socket.send(Buffer.from([0, 255]));
    assert.deepEqual(await socket.next(3), ["welcome", "grüße", Buffer.from([0, 255])]);
    socket.close(4001, "enough");
    await until(() => events.length === 4, "the end");
    assert.deepEqual(events.map(({ name }) => name), ["open", "message", "message", "close"]);
    assert.ok(events[0].text.split("\n").includes("QUERY_STRING=b=c"));
    assert.equal(events[3].text, "4001 enough");
    assert.equal(new Set(events.map(({ id }) => id)).size, 1);
    assert.match(events[0].id, /^[0-9a-f]{16}$/);
  });

  test("may have frames for many, a state that comes back, and a Close", async (t) => {
    const { server, events } = await application(t, ({ name, text: said, state }) => {
      if (name !== "message") return { status: 204 };
      if (said === "frames") return { headers: { "Content-Type": "application/vnd.towline.frames" }, body: Buffer.concat([send("one"), send("two"), toAll("all")]) };
      if (said === "attach") return { headers: { "Towline-State": Buffer.from("kept").toString("base64") } };
      if (said === "state") return { headers: text, body: state };
      return { headers: { ...text, "Towline-Close": "4005 bye now" }, body: "last" };
    });
    const [one, two] = [await client(t, server, "/"), await client(t, server, "/")];
    await until(() => events.length === 2, "both");
    for (const said of ["frames", "attach", "state", "close"]) one.send(said);
    assert.deepEqual(await one.end(), { code: 4005, reason: "bye now" });
    assert.deepEqual(one.messages, ["one", "two", "all", "kept", "last"]);
    assert.deepEqual(await two.next(1), ["all"]);
  });

  test("that are none close with 1011", async (t) => {
    for (const answer of [{ headers: { "Towline-Close": "x" } }, { headers: { "Towline-State": "=" } }, { headers: { "Content-Type": "application/vnd.towline.frames" }, body: "garbage!" }]) {
      const { server } = await application(t, ({ name }) => (name === "open" ? answer : { status: 204 }));
      assert.equal((await (await client(t, server, "/")).end()).code, 1011);
    }
  });
});

describe("one at a time", () => {
  test("for each connection, while others go on", async (t) => {
    let now = 0, most = 0, slow = 0;
    const { server } = await application(t, async ({ name, text: said, id }) => {
      if (name !== "message") return { status: 204 };
      most = Math.max(most, ++now);
      if (said === "slow") {
        slow++;
        assert.equal(slow, 1);
        await sleep(200);
        slow--;
      }
      now--;
      return { headers: text, body: said };
    });
    const [one, two] = [await client(t, server, "/"), await client(t, server, "/")];
    for (let i = 0; i < 3; i++) one.send("slow");
    for (let i = 0; i < 5; i++) two.send(String(i));
    assert.deepEqual(await two.next(5), ["0", "1", "2", "3", "4"]);
    assert.ok(one.messages.length < 2);
    assert.deepEqual(await one.next(3), ["slow", "slow", "slow"]);
    assert.equal(most, 2);
  });
});

describe("failures", () => {
  test("5xx and no answer: the event is given again, marked; the third time it is the end, with 1011", async (t) => {
    const tries = new Map();
    const { server, events } = await application(t, async ({ name, text: said, again }) => {
      if (name !== "message") return { status: 204 };
      const number = (tries.get(said) ?? 0) + 1;
      tries.set(said, number);
      assert.equal(again, number > 1);
      if (said === "twice" && number < 3) return { status: 503 };
      if (said === "late" && number === 1) await sleep(1500);
      if (said === "never") return { status: 500 };
      return { headers: text, body: said };
    }, "call-seconds=1");
    const socket = await client(t, server, "/");
    for (const said of ["twice", "late", "after", "never", "not any more"]) socket.send(said);
    assert.deepEqual(await socket.end(20000), { code: 1011, reason: "the back end does not answer" });
    assert.deepEqual(socket.messages, ["twice", "late", "after"]);
    assert.equal(tries.get("never"), 3);
    assert.equal(tries.get("not any more"), undefined);
    await until(() => events.at(-1).name === "close", "its end");
    assert.match(server.log, /it answered a message with 503/);
  });

  test("4xx refuses the connection with 1008, and nobody else's", async (t) => {
    const { server } = await application(t, ({ name, text: said }) => (name === "open" && said.includes("QUERY_STRING=bad") ? { status: 403 } : { headers: text, body: "ok" }));
    assert.deepEqual(await (await client(t, server, "/?bad")).end(), { code: 1008, reason: "the back end refuses" });
    assert.deepEqual(await (await client(t, server, "/?good")).next(1), ["ok"]);
  });

  test("a back end that is not there closes with 1011, and the server ends well meanwhile", async (t) => {
    const server = await serveKind(t, "/*", "program", "url=http://127.0.0.1:1/");
    assert.equal((await (await client(t, server, "/")).end(20000)).code, 1011);
    await client(t, server, "/");
    await server.stop();
  });
});

describe("later", () => {
  test("a signed request sends, attaches and closes; to all too", async (t) => {
    const { server, events, later } = await application(t, ({ name, state }) => (name === "message" ? { headers: text, body: state } : { status: 204 }));
    const [one, two] = [await client(t, server, "/"), await client(t, server, "/")];
    await until(() => events.length === 2, "both");
    const id = events[0].id;
    assert.equal((await later(id, "hello", { state: Buffer.from("new").toString("base64") })).status, 202);
    assert.equal((await later("", toAll("everybody"), { type: "application/vnd.towline.frames" })).status, 202);
    const socket = await until(() => [one, two].find(({ messages }) => messages.length === 2), "both messages");
    assert.deepEqual(socket.messages, ["hello", "everybody"]);
    socket.send("state?");
    assert.equal((await socket.next(3))[2], "new");
    assert.equal((await later(id, "", { close: "4010 later" })).status, 202);
    assert.deepEqual(await socket.end(), { code: 4010, reason: "later" });
    assert.equal((await later(id, "too late")).status, 202);
  });

  test("one that is not signed, badly, or long ago gets 403", async (t) => {
    const { events, server, later } = await application(t, () => ({ status: 204 }));
    const socket = await client(t, server, "/");
    await until(() => events.length === 1, "it");
    const { id } = events[0];
    const old = String(Math.floor(Date.now() / 1000) - 1000);
    for (const options of [{ signature: "" }, { signature: "0".repeat(64) }, { time: old }, { signature: sign(String(Math.floor(Date.now() / 1000)), "later", id, "", "", "another") }])
      assert.equal((await later(id, "evil", options)).status, 403);
    const withoutKey = await serveKind(t, "/*", "program", "url=http://127.0.0.1:1/");
    assert.equal((await request({ port: withoutKey.port, method: "POST", body: "x" })).status, 426);
    assert.deepEqual(socket.messages, []);
  });
});
