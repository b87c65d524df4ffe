// towline connect --fallback: through what does not let WebSocket through, to our server and to others.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import { after, test } from "node:test";
import { Server as EngineServer } from "engine.io";

import { Authority } from "../support/authority.mjs";
import { gate } from "../support/gate.mjs";
import { holdNothingBack, program, run, serve, sleep, until, within } from "../support/towline.mjs";

holdNothingBack();
const authority = Authority.make(after);
const identity = authority.issue("localhost");
const quiet = { ws_proxy: "", WS_PROXY: "", wss_proxy: "", WSS_PROXY: "", http_proxy: "", https_proxy: "", HTTPS_PROXY: "", all_proxy: "", ALL_PROXY: "", no_proxy: "", NO_PROXY: "" };
const connect = (words, { environment = {}, ...options } = {}) =>
  run(["connect", ...words], { environment: { ...quiet, ...environment }, milliseconds: 60000, ...options });

/** A `towline connect` that is written to and read from: { child, output, errors, write(text), exit }. */
function talk(t, words) {
  const child = spawn(program, ["connect", ...words], { env: { ...process.env, ...quiet } });
  const self = { child, output: "", errors: "", write: (text) => child.stdin.write(text) };
  child.stdout.on("data", (piece) => (self.output += piece));
  child.stderr.on("data", (piece) => (self.errors += piece));
  child.stdin.on("error", () => {});
  self.exit = once(child, "close").then(([code, signal]) => code ?? signal);
  t.after(() => child.kill("SIGKILL"));
  return self;
}

const memoryOf = (child) => Number(readFileSync(`/proc/${child.pid}/status`, "utf8").match(/^VmRSS:\s+(\d+) kB$/m)[1]) * 1024;

/** An HTTP server of our own until the test ends; its port. */
async function listen(t, server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return server.address().port;
}

test("a proxy that drops upgrades is no end, with --fallback", async (t) => {
  const server = await serve(t);
  const proxy = await gate(t, server.port);
  const url = `ws://127.0.0.1:${proxy.port}/echo`;
  const input = Array.from({ length: 500 }, (_, i) => `line ${i}`).join("\n") + "\n";
  const without = await connect([url], { input });
  assert.equal(without.status, 22, without.errors);
  assert.match(without.errors, /the server answered 400.*\n.*: if something between .* stops WebSocket: --fallback goes by polling then\n$/);
  const { status, output, errors } = await connect(["--fallback", "-v", url], { input });
  assert.equal(output, input, errors);
  assert.equal(status, 0);
  assert.match(errors, /^\* WebSocket does not get through: the server answered 400 Bad Request\n\* connected to ws:\/\/127\.0\.0\.1:\d+\/echo, by polling$/m);
  assert.match(errors, /^> GET \/echo\/engine\.io\/\?EIO=4&transport=polling&towline=1 HTTP\/1\.1/m);
  assert.match(errors, /^< HTTP\/1\.1 200 /m);
});

test("who does not fall back is told of it once, and where that may help", async (t) => {
  const server = await serve(t);
  const port = await listen(t, http.createServer().on("upgrade", (request, socket) => socket.destroy()));
  const advice = /--fallback goes by polling then/g;
  const said = async (words) => (await connect(words, { input: "" })).errors;
  const again = talk(t, ["--reconnect", `ws://127.0.0.1:${port}/`]);
  await until(() => /attempt 2/.test(again.errors), "a second attempt");
  assert.equal(again.errors.match(advice).length, 1, again.errors);
  for (const url of [server.url("/nothing"), "ws://127.0.0.1:1/"]) assert.doesNotMatch(await said([url]), advice);
  assert.doesNotMatch(await said(["--fallback", `ws://127.0.0.1:${port}/`]), advice);
});

test("where WebSocket gets through nothing else is used", async (t) => {
  const server = await serve(t);
  const { status, output, errors } = await connect(["--fallback", "-v", "-x", "hi", server.url()]);
  assert.equal(output, "hi\n");
  assert.equal(status, 0);
  assert.doesNotMatch(errors, /polling/);
});

test("binary messages and large ones go by polling", async (t) => {
  const server = await serve(t);
  const proxy = await gate(t, server.port);
  const bytes = Buffer.from(Array.from({ length: 300000 }, (_, i) => (i * 7) & 255));
  const result = await connect(["--fallback", "--binary", "--linger", "2", `ws://127.0.0.1:${proxy.port}/echo`], { input: bytes });
  assert.ok(result.bytes.equals(bytes), result.errors);
});

test("an upgrade is taken where it gets through", async (t) => {
  const server = await serve(t);
  let seen = 0;
  const open = await gate(t, server.port, { upgrades: true });
  // the opening handshake at /echo itself is refused, as by a filter of paths
  const filter = http.createServer((request, response) => {
    const onward = http.request({ host: "127.0.0.1", port: open.port, path: request.url, method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  filter.on("upgrade", (request, socket, head) => {
    if (!request.url.includes("engine.io")) return socket.destroy();
    seen++;
    const onward = http.request({ host: "127.0.0.1", port: open.port, path: request.url, headers: request.headers });
    onward.on("upgrade", (answer, far, rest) => {
      const fields = answer.rawHeaders.reduce((text, word, i) => text + word + (i % 2 ? "\r\n" : ": "), "");
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`);
      socket.write(rest);
      far.pipe(socket).pipe(far);
      far.on("error", () => socket.destroy());
      socket.on("error", () => far.destroy());
    });
    onward.end(head);
  });
  const port = await listen(t, filter);
  const client = talk(t, ["--fallback", `ws://127.0.0.1:${port}/echo`]);
  client.write("first\n");
  await until(() => client.output === "first\n", "the echo");
  await until(() => seen === 1, "the upgrade");
  for (let i = 0; i < 100; i++) {
    client.write(`${i}\n`);
    await until(() => client.output.endsWith(`\n${i}\n`), "its echo");
  }
  const before = open.requests;
  for (let i = 100; i < 200; i++) {
    client.write(`${i}\n`);
    await until(() => client.output.endsWith(`\n${i}\n`), "its echo");
  }
  assert.equal(client.output, `first\n${Array.from({ length: 200 }, (_, i) => `${i}\n`).join("")}`);
  assert.equal(open.requests, before, "no request is needed any more");
  client.child.stdin.end();
  assert.equal(await within(20000, client.exit, "its end"), 0, client.errors);
});

test("over TLS too", async (t) => {
  const server = await serve(t);
  const proxy = await gate(t, server.port, { identity });
  const url = `wss://localhost:${proxy.port}/echo`;
  const { status, output, errors } = await connect(["--fallback", "-v", "--cacert", authority.certificate, "-x", "one", "-x", "two", url]);
  assert.equal(output, "one\ntwo\n", errors);
  assert.equal(status, 0);
  assert.match(errors, /by polling/);
  const untrusted = await connect(["--fallback", "-x", "one", url]);
  assert.equal(untrusted.status, 60, untrusted.errors); // which is no affair of proxies
});

test("through a proxy that lets no tunnel through but requests", async (t) => {
  const server = await serve(t);
  const proxy = await gate(t, server.port);
  for (const by of [["--proxy", `http://127.0.0.1:${proxy.port}`], []]) {
    const environment = by.length === 0 ? { http_proxy: `http://127.0.0.1:${proxy.port}` } : {};
    const { status, output, errors } = await connect(["--fallback", "-x", "hello", ...by, "ws://far.localhost:9/echo"], { environment });
    assert.equal(output, "hello\n", errors);
    assert.equal(status, 0);
  }
  assert.ok(proxy.tunnels >= 2);
  assert.ok(proxy.forwarded >= 6);
  const refused = await connect(["--fallback", "-x", "hello", "--proxy", `http://127.0.0.1:${proxy.port}`, "wss://far.localhost:9/echo"]);
  assert.equal(refused.status, 22, refused.errors); // https: needs a tunnel as well
});

test("a proxy that cuts every connection costs no message, whichever worker gets the next", async (t) => {
  const server = await serve(t, ["--workers", "2"]);
  const cutMilliseconds = process.env.TOWLINE_ALL ? 10000 : 700;
  const proxy = await gate(t, server.port, { cutMilliseconds });
  const client = talk(t, ["--fallback", `ws://127.0.0.1:${proxy.port}/echo`]);
  for (let i = 0; i < 200; i++) {
    client.write(`${i}\n`);
    if (i % 50 === 49) {
      const cuts = proxy.cuts;
      await until(() => proxy.cuts > cuts, "a cut", 30000);
    }
  }
  const all = Array.from({ length: 200 }, (_, i) => `${i}\n`).join("");
  await until(() => client.output.length >= all.length, "all echoes");
  assert.equal(client.output, all);
  client.child.stdin.end();
  assert.equal(await within(20000, client.exit, "its end"), 0, client.errors);
});

test("one that lets WebSocket through, and cuts it, is left for polling by --reconnect", async (t) => {
  const server = await serve(t);
  const proxy = await gate(t, server.port, { upgrades: true, cutMilliseconds: 1500 });
  const client = talk(t, ["--fallback", "--reconnect", `ws://127.0.0.1:${proxy.port}/echo`]);
  await until(() => /connected .* by polling/.test(client.errors), "polling", 60000);
  const seen = proxy.upgradesSeen;
  for (let i = 0; i < 20; i++) {
    client.write(`${i}\n`);
    if (i % 5 === 4) {
      const cuts = proxy.cuts;
      await until(() => proxy.cuts > cuts, "a cut");
    }
  }
  await until(() => client.output.split("\n").length > 20, "all echoes");
  assert.equal(client.output, Array.from({ length: 20 }, (_, i) => `${i}\n`).join(""));
  assert.equal(proxy.upgradesSeen, seen, "no WebSocket is tried any more");
});

test("subscribers hear a channel by polling, with its subprotocol", async (t) => {
  const server = await serve(t);
  const proxy = await gate(t, server.port);
  const child = spawn(program, ["subscribe", "--fallback", `ws://127.0.0.1:${proxy.port}`, "news"], { env: { ...process.env, ...quiet } });
  t.after(() => child.kill("SIGKILL"));
  let output = "";
  let errors = "";
  child.stdout.on("data", (piece) => (output += piece));
  child.stderr.on("data", (piece) => (errors += piece));
  await until(async () => {
    await run(["publish", `http://${server.host}`, "news", "extra"]);
    return output.includes("extra");
  }, `a publication (${errors})`);
});

test("what the server refuses polls with is what is told", async (t) => {
  const server = await serve(t);
  const proxy = await gate(t, server.port);
  const { status, errors } = await connect(["--fallback", "-o", "http://evil.example", "-x", "hi", `ws://127.0.0.1:${proxy.port}/chat`]);
  assert.equal(status, 22);
  assert.match(errors, /the server answered 400 Bad Request; by polling: the server answered 40[34]/);
});

/* Plain Engine.IO. */

test("a server of npm's engine.io is talked to", async (t) => {
  const web = http.createServer();
  const ends = [];
  const engine = new EngineServer({ pingInterval: 1000, pingTimeout: 1000 });
  engine.on("connection", (socket) => {
    socket.on("message", (data) => {
      if (data === "leave") return socket.close();
      socket.send(data);
    });
    socket.on("close", (reason) => ends.push(reason));
  });
  engine.attach(web, { path: "/path/engine.io", addTrailingSlash: true });
  const port = await listen(t, web);
  t.after(() => engine.close());
  web.on("upgrade", (request, socket) => request.url.includes("engine.io") || socket.destroy());
  const url = `ws://127.0.0.1:${port}/path`;
  for (const upgrades of [true, false]) {
    engine.opts.transports = upgrades ? ["polling", "websocket"] : ["polling"];
    engine.opts.allowUpgrades = upgrades;
    const client = talk(t, ["--fallback", "-v", url]);
    client.write("héllo\n");
    await until(() => client.output === "héllo\n", `the echo (${client.errors})`);
    assert.match(client.errors, /by polling/);
    await sleep(2500); // its Pings are answered
    client.write("again\n");
    await until(() => client.output === "héllo\nagain\n", "its echo");
    client.write("leave\n");
    assert.equal(await within(20000, client.exit, "its end"), 0, client.errors);
    assert.match(client.errors, /closed by the peer: 1005/);
  }
  const bytes = Buffer.from([0, 1, 254, 255, 30, 10]);
  const binary = await connect(["--fallback", "--binary", "--linger", "1", url], { input: bytes });
  assert.ok(binary.bytes.equals(bytes), binary.errors);
  await until(() => ends.length === 3, "the server hears of each end");
});

/* Others. */

const open = '0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}';
const extended = `${open.slice(0, -1)},"towline":1,"protocol":"","linger":2000}`;

/** A server that begins a session with `first` and answers polls by `poll(response, request)`. */
async function hostile(t, first, poll) {
  const server = http.createServer((request, response) => {
    if (!request.url.includes("sid=")) return response.end(first);
    if (request.method === "POST") {
      request.resume();
      return response.end("ok");
    }
    poll(response, request);
  });
  server.on("upgrade", (request, socket) => socket.destroy());
  return `ws://127.0.0.1:${await listen(t, server)}/`;
}

test("packets against the rules end it, and say so", async (t) => {
  for (const body of ["", "x", "9", "b!", "4a\x1e", "0{}", "t/w=="]) {
    const url = await hostile(t, open, (response) => response.end(body));
    const { status, errors } = await connect(["--fallback", "-x", "hi", url]);
    assert.notEqual(status, 0);
    assert.match(errors, body === "t/w==" ? /UTF-8/ : /a packet of Engine\.IO or SockJS against its rules/, JSON.stringify(body));
  }
});

test("what opens no session is told as what the opening handshake was", async (t) => {
  for (const first of ["", "hello", "0", "0{", '0{"sid":""}', `0{"sid":"${"x".repeat(1000)}","pingInterval":1,"pingTimeout":1}`, "x".repeat(3000000)]) {
    const url = await hostile(t, first, (response) => response.end("6"));
    const { status, errors } = await connect(["--fallback", "-x", "hi", url]);
    assert.notEqual(status, 0);
    assert.match(errors, /; by polling: /);
  }
});

test("bodies without an end cost a bounded amount of memory", async (t) => {
  for (const first of [open, extended]) {
    const url = await hostile(t, first, (response) => {
      const piece = "4".padEnd(1000000, "x");
      const more = () => {
        while (!response.destroyed && response.write(piece));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    });
    const client = talk(t, ["--fallback", "--max-message", "1M", url]);
    let most = 0;
    const watch = setInterval(() => {
      try {
        most = Math.max(most, memoryOf(client.child));
      } catch {}
    }, 5);
    const status = await within(60000, client.exit, "its end");
    clearInterval(watch);
    assert.notEqual(status, 0);
    assert.match(client.errors, /larger than max_message/);
    assert.ok(most < 200e6, `${most} bytes`);
  }
});

test("Pings without number cost no memory where their answers are not taken", async (t) => {
  const pings = Array(20000).fill("2" + "x".repeat(40)).join("\x1e");
  let polls = 0;
  const server = http.createServer((request, response) => {
    if (!request.url.includes("sid=")) return response.end(extended);
    if (request.method === "POST") return request.resume(); // and no answer
    polls++;
    response.end(pings);
  });
  server.on("upgrade", (request, socket) => socket.destroy());
  const client = talk(t, ["--fallback", `ws://127.0.0.1:${await listen(t, server)}/`]);
  await until(() => polls >= 5, "it polls");
  const before = memoryOf(client.child);
  await until(() => polls >= 60, "it goes on");
  assert.ok(memoryOf(client.child) - before < 30e6, `${before} to ${memoryOf(client.child)} bytes`);
});

test("polls that are refused end the session, at once or when they go on being so", async (t) => {
  const refused = await hostile(t, extended, (response) => response.writeHead(400).end('{"code":1,"message":"Session ID unknown"}'));
  const failing = await hostile(t, extended, (response) => response.writeHead(502).end());
  const ends = await Promise.all([refused, failing].map((url) => talk(t, ["--fallback", url])).map(async (client) => ({ status: await client.exit, errors: client.errors })));
  for (const { status } of ends) assert.notEqual(status, 0);
  assert.match(ends[0].errors, /has given the session up: it answered 400/);
  assert.match(ends[1].errors, /has given the session up: it answered 502/);
});

test("answers at once are asked for no faster than they are told", async (t) => {
  let polls = 0;
  const url = await hostile(t, extended, (response) => {
    polls++;
    setTimeout(() => response.end("6"), 1);
  });
  const client = talk(t, ["--fallback", url]);
  await until(() => polls > 200, "polls");
  assert.ok(memoryOf(client.child) < 200e6);
  client.child.kill("SIGINT");
  await within(20000, client.exit, "its end");
});

test("a post that somebody else answers is no post", async (t) => {
  const port = await listen(t, http.createServer((incoming, outgoing) => {
    if (incoming.method === "POST") return void outgoing.writeHead(200, { "Content-Type": "text/html" }).end("<p>Sign in to this network");
    if (!incoming.url.includes("sid=")) outgoing.writeHead(200).end('0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000,"towline":1,"protocol":"","linger":15000}');
  }));
  const { status, errors } = await connect(["--fallback", `ws://127.0.0.1:${port}/echo`], { input: "hello\n" });
  assert.notEqual(status, 0);
  assert.match(errors, /answered with something else than ok/);
});
