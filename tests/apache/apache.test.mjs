// mod_towline in the real Apache, on both of its threaded ways of working.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";

import { Apache, mod_towline, putProgram } from "../support/apache.mjs";
import { Authority } from "../support/authority.mjs";
import { build, open, put, taggedEcho } from "../support/handlers.mjs";
import { CLOSE, PING, Raw, TEXT, frame } from "../support/raw.mjs";
import { request, until, within } from "../support/towline.mjs";

process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"; // the browser-like clients trust what is made here

const examples = new URL("../../examples/handlers/", import.meta.url).pathname;
const authority = Authority.make(after);
const identity = authority.issue("localhost");

const built = mkdtempSync("/tmp/towline-apache-built-");
after(() => rmSync(built, { recursive: true, force: true }));
const sources = {
  clock: () => readFileSync(`${examples}/clock.c`, "utf8"),
  chat: () => readFileSync(`${examples}/chat.c`, "utf8"),
  echo: () => readFileSync(`${examples}/echo.c`, "utf8"),
  one: () => taggedEcho("one:"),
  two: () => taggedEcho("two:"),
  // An admission that is answered by a timer, a timer on the first worker's loop, and a plain page.
  later: () => `#include <stdio.h>
#include <stdlib.h>
#include <towline/error.h>
#include <towline/handler.h>
#include <towline/timer.h>

static tow_timer *heart;
static int beats;

static void beat(tow_timer *timer) {
    beats++;
}

static int on_load(const tow_handler_host *host, tow_handler *handler) {
    int error = tow_timer_new(&heart, host->loop, beat, NULL);
    return error != 0 ? error : tow_timer_start(heart, 20, 20);
}

static void on_unload(void) {
    tow_timer_free(heart);
}

static void let_in(tow_timer *timer) {
    tow_exchange_accept(tow_timer_user(timer), NULL);
    tow_timer_free(timer);
}

static void on_admit(tow_exchange *exchange, const tow_request *request) {
    tow_timer *timer;
    if (tow_request_header(request, "Upgrade") == NULL) {
        tow_exchange_accept(exchange, NULL);
        return;
    }
    tow_exchange_keep(exchange, NULL);
    tow_timer_new(&timer, tow_exchange_loop(exchange), let_in, exchange);
    tow_timer_start(timer, 50, 0);
}

static void on_body(tow_exchange *exchange, void *user, const void *body, size_t length) {
    tow_exchange_respond(exchange, 200, "text/plain", body, length);
}

static void on_request(tow_exchange *exchange, const tow_request *request) {
    tow_exchange_read_body(exchange, 1000000, on_body, NULL);
}

static void on_message(tow_websocket *socket, const tow_message *message) {
    char text[20];
    int length = snprintf(text, sizeof(text), "%d", beats);
    tow_websocket_send(socket, TOW_TEXT, text, (size_t)length);
}

TOW_HANDLER(.on_admit = on_admit, .on_message = on_message, .on_request = on_request);
TOW_HANDLER_LIFE(.on_load = on_load, .on_unload = on_unload);
`,
};

const libraries = {};
async function library(name) {
  libraries[name] ??= build(built, name, sources[name]());
  return libraries[name];
}

/** Puts native handlers, and examples in Python, into the folder. */
const natives = (...names) => async (folder) => {
  for (const name of names) put(await library(name), path.join(folder, `${name}.so`));
};
const python = (folder, ...names) => names.forEach((name) => cpSync(`${examples}/${name}_wsh.py`, `${folder}/${name}_wsh.py`));

async function closes(socket, code, milliseconds = 20000) {
  assert.equal(await within(milliseconds, socket.closed, "the close"), code);
}

/** The code with which a connection is closed that answers no Ping. */
async function ending(raw) {
  for (;;) {
    const { opcode, payload } = await raw.frame(20000);
    if (opcode === CLOSE) return payload.readUInt16BE(0);
    assert.equal(opcode, PING);
  }
}

const refusal = async (t, apache, target, options) => {
  try {
    (await open(t, apache, target, options)).close();
    return 101;
  } catch (error) {
    return Number(error.message.split(" ").pop());
  }
};

for (const mpm of ["event", "worker"]) {
  const on = (claim, body) => test(`${claim} (${mpm})`, { timeout: 300000 }, body);

  for (const tls of [null, identity])
    on(`handlers of all kinds are served over ${tls ? "wss" : "ws"} beside an ordinary page`, async (t) => {
      const apache = await Apache.start(t, {
        mpm,
        tls,
        async fill(folder) {
          await natives("one", "clock")(folder);
          python(folder, "echo", "counter", "subprotocol", "cookies", "close");
          putProgram(folder, "upper", "#!/bin/sh\nwhile read -r line; do echo \"got $line\"; done\n");
        },
      });
      const echo = await open(t, apache, "/echo", { origin: apache.origin, perMessageDeflate: true });
      const long = "a long message, ".repeat(20000);
      assert.equal(await echo.ask("hello"), "hello");
      assert.equal(await echo.ask(long), long);
      assert.equal(await echo.ask("Goodbye"), "Goodbye");
      await closes(echo, 1000);
      const native = await open(t, apache, "/one", { origin: apache.origin });
      assert.equal(await native.ask("hello"), "one:hello");
      native.close(1000);
      await closes(native, 1000);
      const program = await open(t, apache, "/upper", { origin: apache.origin });
      assert.equal(await program.ask("line"), "got line");
      const clock = await open(t, apache, "/clock", { origin: apache.origin });
      assert.match(await clock.next(), /^\d\d:\d\d:\d\d$/);
      assert.match(await clock.next(), /^\d\d:\d\d:\d\d$/); // a timer of the thread's
      assert.equal(await refusal(t, apache, "/subprotocol", { origin: apache.origin }), 403);
      const page = await (await fetch(`${apache.origin}/page.html`)).text();
      assert.equal(page, "<h1>an ordinary page</h1>\n");
      assert.equal((await fetch(`${apache.origin}/echo`)).status, 426);
      assert.equal((await fetch(`${apache.origin}/absent`)).status, 404);
    });

  on("only the same origin, and those that are named, come in", async (t) => {
    const apache = await Apache.start(t, { mpm, fill: natives("one"), directives: ({ folder }) => `TowlineAllowOrigin https://example.org https://*.example.net\nCustomLog ${folder}/access "%>s %U"` });
    const status = (origin) => refusal(t, apache, "/one", { origin });
    assert.equal(await status(apache.origin), 101);
    assert.equal(await status(apache.origin.replace("http:", "https:")), 403);
    assert.equal(await status("https://example.org"), 101);
    assert.equal(await status("https://a.example.net"), 101);
    assert.equal(await status("https://example.com"), 403);
    const logged = () => readFileSync(path.join(apache.folder, "access"), "utf8");
    await until(() => /^101 \/one$/m.test(logged()) && /^403 \/one$/m.test(logged()), "Apache's log of both");
  });

  on("a message that is too large ends with 1009, one at the limit does not", async (t) => {
    const apache = await Apache.start(t, { mpm, fill: natives("echo"), directives: "TowlineMaxMessage 64K" });
    const socket = await open(t, apache, "/echo");
    for (const length of [65535, 65536]) assert.equal((await socket.ask("x".repeat(length))).length, length);
    socket.send("x".repeat(65537));
    await closes(socket, 1009);
  });

  on("what is posted, timers, later answers and bodies work on a connection's thread", async (t) => {
    const apache = await Apache.start(t, { mpm, children: 1, fill: natives("chat", "later") });
    const ann = await Raw.open(apache.port, "/chat?name=ann");
    assert.equal(String((await ann.message()).payload), "* ann is here");
    const bob = await Raw.open(apache.port, "/chat?name=bob"); // on another thread
    assert.equal(String((await ann.message()).payload), "* bob is here");
    bob.send(frame(TEXT, "hello"));
    assert.match(String((await ann.message()).payload), /bob.*hello/);
    const later = await open(t, apache, "/later");
    const first = Number(await later.ask("?"));
    await until(async () => Number(await later.ask("?")) > first + 2, "the first loop's timer goes on");
    const body = "a body, ".repeat(10000);
    const answer = await request({ port: apache.port, path: "/later", method: "POST", headers: { "Content-Length": body.length }, body });
    assert.equal(answer.body.toString(), body);
    assert.equal((await request({ port: apache.port, path: "/page.html" })).status, 200);
  });

  on("500 connections are open at once, and each is served", async (t) => {
    const apache = await Apache.start(t, {
      mpm,
      threads: 128,
      children: 5,
      first: 5,
      async fill(folder) {
        await natives("one")(folder);
        python(folder, "echo");
      },
    });
    const sockets = [];
    for (let i = 0; i < 500; i += 50)
      sockets.push(...(await Promise.all(Array.from({ length: 50 }, (_, k) => open(t, apache, (i + k) % 4 === 0 ? "/echo" : "/one")))));
    const answers = await Promise.all(sockets.map((socket, i) => socket.ask(`hello ${i}`)));
    answers.forEach((answer, i) => assert.equal(answer.replace("one:", ""), `hello ${i}`));
    assert.equal((await request({ port: apache.port, path: "/page.html" })).status, 200);
    sockets.forEach((socket) => socket.close(1000));
    for (const socket of sockets) await closes(socket, 1000, 60000);
  });

  on("a graceful restart closes with 1001, and leaves nothing of the old generation", async (t) => {
    const apache = await Apache.start(t, {
      mpm,
      async fill(folder) {
        await natives("one")(folder);
        python(folder, "echo");
      },
    });
    const tell = async () => (await (await open(t, apache, "/one")).ask("x")).slice(0, 3);
    assert.equal(await tell(), "one");
    let descriptors;
    for (const [round, name] of ["two", "one", "two"].entries()) {
      const sockets = await Promise.all(["/one", "/echo", "/one", "/echo"].map((target) => open(t, apache, target)));
      for (const socket of sockets) await socket.ask("hello");
      put(await library(name), path.join(apache.handlers, "one.so"));
      apache.allowReading();
      const before = apache.graceful();
      for (const socket of sockets) await closes(socket, 1001);
      await apache.replaced(before);
      assert.equal(await tell(), name);
      await until(() => apache.hosts.length === 2, "the process of Python handlers of before is gone");
      const last = await open(t, apache, "/echo");
      assert.equal(await last.ask("again"), "again");
      last.terminate();
      if (round === 0) descriptors = apache.descriptors;
      else assert.equal(apache.descriptors, descriptors);
    }
    const { folder } = apache;
    await apache.stop();
    await until(() => apache.hosts.length === 0, "no process of Python is left");
    assert.doesNotMatch(apache.log, /Segmentation|AddressSanitizer|long lost child/, folder);
  });

  on("who does not answer its Close is reset when the drain is over", async (t) => {
    const apache = await Apache.start(t, { mpm, fill: natives("echo"), directives: "TowlineDrainSeconds 1" });
    const raw = await Raw.open(apache.port, "/echo");
    const before = apache.graceful();
    const { opcode, payload } = await raw.message(20000);
    assert.equal(opcode, CLOSE);
    assert.equal(payload.readUInt16BE(0), 1001);
    await apache.replaced(before);
    await until(() => raw.over, "the end");
  });

  on("a peer that reads nothing, one that is slow and one that vanishes end, and others are served meanwhile", async (t) => {
    const apache = await Apache.start(t, {
      mpm,
      children: 1,
      fill: natives("echo"),
      directives: "TowlineStallSeconds 2\nTowlineMessageSeconds 2\nTowlineMessageRate off\nTowlinePingSeconds 1\nTowlineIdleSeconds 3",
    });
    const greedy = await Raw.open(apache.port, "/echo");
    greedy.socket.pause();
    const flood = frame(TEXT, "x".repeat(60000));
    let taken = true;
    greedy.socket.on("drain", () => (taken = true));
    const flooding = setInterval(() => {
      while (taken && !greedy.over) taken = greedy.socket.write(flood);
    }, 5);
    t.after(() => clearInterval(flooding));
    const slow = await Raw.open(apache.port, "/echo");
    slow.send(frame(TEXT, "never whole").subarray(0, 9));
    const silent = await Raw.open(apache.port, "/echo");
    for (let i = 0; i < 20; i++) (await Raw.open(apache.port, "/echo")).socket.resetAndDestroy();
    const other = await open(t, apache, "/echo");
    assert.equal(await other.ask("hello"), "hello");
    assert.equal(await ending(slow), 1008);
    assert.equal(await ending(silent), 1001);
    await until(() => /stall-seconds/.test(apache.log), "the one that reads nothing is reset", 60000);
    assert.equal(await other.ask("hello"), "hello");
    clearInterval(flooding);
    greedy.socket.destroy();
    other.close(1000);
    await closes(other, 1000);
  });

  on("a Python handler that ends its process is started again", async (t) => {
    const apache = await Apache.start(t, {
      mpm,
      fill(folder) {
        python(folder, "echo");
        writeFileSync(path.join(folder, "die_wsh.py"), "import os\ndef web_socket_do_extra_handshake(request): pass\ndef web_socket_transfer_data(request): os.abort()\n");
        writeFileSync(path.join(folder, "broken_wsh.py"), "x = 1 +\n");
      },
    });
    await until(() => /broken is not served: .*broken_wsh.py:1/.test(apache.log), "the log tells of the broken file");
    assert.equal(await refusal(t, apache, "/broken"), 404);
    const victim = await open(t, apache, "/echo");
    const murderer = await open(t, apache, "/die");
    await closes(murderer, 1011);
    await closes(victim, 1011);
    const next = await open(t, apache, "/echo");
    assert.equal(await next.ask("hello"), "hello");
  });
}

test("prefixes, aliases, virtual hosts and subprotocols are as configured", async (t) => {
  const apache = await Apache.start(t, {
    async fill(folder) {
      await natives("one")(folder);
      writeFileSync(path.join(folder, "../aliases"), "/ /one\n");
    },
    directives: "TowlineHandlers handlers /ws/\nTowlineAliases aliases\nTowlineProtocol b a\nTowlineHost 127.0.0.1",
  });
  const socket = await open(t, apache, "/ws/one", { protocols: ["a", "b"] });
  assert.equal(socket.protocol, "b");
  assert.equal(await socket.ask("x"), "one:x");
  assert.equal(await (await open(t, apache, "/ws")).ask("x"), "one:x");
  assert.equal(await refusal(t, apache, "/one"), 404);
  assert.equal(await refusal(t, apache, "/wsone"), 404);
  assert.equal(await refusal(t, apache, "/ws/one", { headers: { Host: "elsewhere.example" } }), 421);
});

test("what the manual shows works", async (t) => {
  const manual = readFileSync(new URL("../../docs/apache.md", import.meta.url), "utf8");
  const [host, threads] = [...manual.matchAll(/```apache\n([^]*?)```/g)].map(([, text]) => text);
  const apache = await Apache.start(t, {
    fill: natives("one"),
    directives: ({ port, folder, handlers }) => threads + host.replace(/^LoadModule.*$/m, "").replace("*:80", `127.0.0.1:${port}`)
      .replace("/var/www/html", `${folder}/htdocs`).replace("/srv/handlers", handlers),
  });
  assert.equal(await refusal(t, apache, "/one", { origin: "https://example.org" }), 101);
  assert.equal(await refusal(t, apache, "/one", { origin: "https://example.com" }), 403);
  assert.equal((await request({ port: apache.port, path: "/page.html" })).status, 200);
});

test("what is wrong in the configuration keeps Apache from starting", async (t) => {
  const apache = await Apache.start(t, { fill: natives("one") });
  const tried = (directives) => {
    apache.configure(directives);
    const { status, stderr } = spawnSync("apache2", [...apache.words, "-t"], { encoding: "utf8", env: { ...process.env, LD_PRELOAD: preload } });
    return [status, stderr + apache.log];
  };
  const preload = execFileSync("sh", ["-c", `grep -q __asan_init ${mod_towline} && gcc -print-file-name=libasan.so || true`], { encoding: "utf8" }).trim();
  process.env.ASAN_OPTIONS = "detect_leaks=0:detect_odr_violation=0";
  assert.equal(tried("")[0], 0);
  for (const [directives, words] of [
    ["TowlineMaxMessage many", /TowlineMaxMessage: 'many' is not a number of bytes/],
    ["TowlineMaxMessage 0", /not a number of bytes above 0/],
    ["TowlineCompression maybe", /off, shared or takeover/],
    ["TowlineHandlers handlers ws", /does not begin with a slash/],
    ["TowlineHandlers absent", /TowlineHandlers: .*absent/],
    ["TowlineAllowOrigin example.org", /allow_origins/],
  ]) {
    const [status, said] = tried(directives);
    assert.notEqual(status, 0, directives);
    assert.match(said, words);
  }
});

test("a Python that is not there keeps Apache from starting", async (t) => {
  let said;
  try { // it listens before it looks
    const apache = await Apache.start(t, { fill: (folder) => python(folder, "echo"), directives: "TowlinePython /nowhere/python3" });
    await until(() => apache.ended, "the end");
    said = apache.log;
  } catch (error) {
    said = error.message;
  }
  assert.match(said, /TowlinePython:.*\/nowhere\/python3: No such file/);
});

test("a library of another version is refused", async (t) => {
  const apache = await Apache.start(t, { fill: natives("one") });
  writeFileSync(`${built}/version.c`, 'const char *tow_version(void);\nconst char *tow_version(void) { return "0.0.1"; }\n');
  execFileSync("cc", ["-shared", "-fPIC", `${built}/version.c`, "-o", `${built}/version.so`]);
  const sanitizer = execFileSync("sh", ["-c", `grep -q __asan_init ${mod_towline} && gcc -print-file-name=libasan.so || true`], { encoding: "utf8" }).trim();
  const { status, stderr } = spawnSync("apache2", [...apache.words, "-t"], {
    encoding: "utf8",
    env: { ...process.env, LD_PRELOAD: [sanitizer, `${built}/version.so`].filter(Boolean).join(":"), ASAN_OPTIONS: "detect_leaks=0" },
  });
  assert.notEqual(status, 0);
  assert.match(stderr, /mod_towline is of version .*, but libtowline of 0\.0\.1/);
});
