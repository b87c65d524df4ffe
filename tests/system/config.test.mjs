// The configuration file: what it says, what is wrong with it, and how it is read again.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import WebSocket from "ws";

import { Server, holdNothingBack, loops, request, run, until, within } from "../support/towline.mjs";

/** A folder for one test, with the file in it: { folder, file, write(text) }, where a text takes the file's place at once. */
function configuration(t, text) {
  const folder = mkdtempSync("/tmp/towline-config-");
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "towline.yaml");
  const write = (next) => {
    writeFileSync(`${file}.new`, next);
    renameSync(`${file}.new`, file);
  };
  write(text);
  return { folder, file, write };
}

async function start(t, file, words = [], options = { ports: [] }) {
  const server = await Server.start(["-f", file, ...words], options);
  t.after(() => server.stop());
  return server;
}

/** Sends SIGHUP and waits for the log to say what became of it. */
async function reload(server) {
  const before = server.log.length;
  server.signal("SIGHUP");
  const said = /was read again: .*|.*stays as it was/;
  await until(() => said.test(server.log.slice(before)), "the reload is in the log");
  return server.log.slice(before);
}

async function open(t, server, target, options) {
  const socket = new WebSocket(server.url(target), options);
  t.after(() => socket.terminate());
  await within(10000, once(socket, "open"), "open");
  return socket;
}

async function echoes(socket, text) {
  const answer = once(socket, "message");
  socket.send(text);
  assert.equal((await within(10000, answer, "the echo"))[0].toString(), text);
}

async function refused(server, target, options) {
  const socket = new WebSocket(server.url(target), options);
  socket.on("error", () => {});
  const [, response] = await within(10000, once(socket, "unexpected-response"), "a refusal");
  socket.terminate();
  return response.statusCode;
}

const head = "port: 127.0.0.1:0\n";

describe("--check", () => {
  test("says that all is right", async (t) => {
    const { file } = configuration(t, `${head}routes:\n  - {path: /e, echo: }\n`);
    const { status, output, errors } = await run(["serve", "-f", file, "--check"]);
    assert.equal(status, 0, errors);
    assert.equal(output, `${file}: all is right\n`);
    assert.equal(errors, "");
  });

  for (const [name, text, expected] of [
    ["an unknown key", "prt: 80\n", "1:1: no key prt here; did you mean port?"],
    ["a wrong value", "port: 1\nworkers: many\n", "2:10: workers: 'many' is not a whole number"],
    ["what is no YAML", "port: [80\n", "2:1: did not find expected ',' or ']' while parsing a flow sequence"],
    ["a key twice", "port: 80\nport: 81\n", "2:1: port stands twice: in line 1 already"],
    ["what contradicts itself", "tls: true\n", "1:6: tls: name a certificate with --certificate FILE, or have one made with --tls-self-signed"],
    ["a kind that is none", "routes:\n  - {path: /a, fils: b}\n", "2:16: no key fils here; did you mean files?"],
    ["limits that contradict the server's", "max-message: 1K\nroutes:\n  - {path: /e, echo: , low-mark: 300K}\n", "3:22: echo: low_mark: it must be below high_mark"],
    ["a folder that is not there", "routes:\n  - path: /a/*\n    files: none\n", "3:12: files: '@/none' is not a folder"],
  ]) {
    test(`names the place of ${name}`, async (t) => {
      const { folder, file } = configuration(t, text);
      for (const words of [["--check"], []]) {
        const { status, output, errors } = await run(["serve", "-f", file, ...words]);
        assert.equal(errors, `towline serve: ${file}:${expected.replace("@", folder)}\n`);
        assert.equal(status, words.length > 0 || !/folder|low_mark/.test(errors) ? 2 : 1);
        assert.equal(output, "");
      }
    });
  }

  test("looks at certificates, and listens nowhere", async (t) => {
    const { folder, file } = configuration(t, "port: 192.0.2.1:80\ncertificate: cert.pem\n");
    const { status, errors } = await run(["serve", "-f", file, "--check"]);
    assert.equal(status, 2);
    assert.match(errors, new RegExp(`${folder}/cert.pem`));
  });

  test("is for the command line too", async () => {
    assert.equal((await run(["serve", "-p", "192.0.2.1:80", "--check"])).status, 0);
    assert.equal((await run(["serve", "--tls", "--check"])).status, 2);
  });
});

describe("--print-config", () => {
  test("says what holds and where each value comes from", async (t) => {
    const { file } = configuration(t, `port: [80, "unix:a.sock"]\nmax-message: 1536K\nidle-seconds: off\nroutes:\n  - {path: /e, echo: , host: b.example}\n`);
    const { status, output, errors } = await run(["serve", "-f", file, "--workers", "3", "--print-config"]);
    assert.equal(status, 0, errors);
    const lines = output.split("\n");
    for (const line of [
      `port: ["80", "unix:${path.dirname(file)}/a.sock"]  # ${file}:1`,
      `max-message: 1536K  # ${file}:2`,
      `idle-seconds: off  # ${file}:3`,
      "workers: 3  # command line",
      "max-queue: 1M  # default",
      "compression: shared  # default",
      "tls: false  # default",
      "# status:  # default: none",
      "# max-unfinished:  # default: 256M, or 16 times --max-message if that is more",
      "    echo: true",
      `    host: ["b.example"]  # ${file}:5`,
    ])
      assert.ok(lines.includes(line), `${line} in\n${output}`);
  });

  test("read back it gives the same", async (t) => {
    const text = `message-seconds: off
compression: off
allow-origin: ["https://a.example", "null"]
log-file: some.log
routes:
  - {path: /e, echo: , max-queue: off, fields: {A: "b \\"c\\" \\\\ \u00e9: d"}}
  - {path: /f/*, files: /tmp, any-origin: true, subprotocol: [x]}
  - {path: /p, program: {file: bin/cat, arguments: ["-u", "a b"], environment: {N: "1"}}}
  - {path: /r, redirect: {target: /a, status: 307}}
  - {path: /t, tunnel: "unix:run.sock"}
  - {path: /s, respond: {body: "one\\n\\ttwo\\x07"}}
`;
    const { file, write } = configuration(t, text);
    const print = async (...words) => {
      const { status, output, errors } = await run(["serve", ...words, "--print-config"]);
      assert.equal(status, 0, errors);
      return output;
    };
    const values = (output) => output.replaceAll(/ {2}# .*/g, "");
    for (const words of [[], ["-f", file]]) {
      const first = await print(...words, "-d", "public", "-p", "unix:there", "--ping-seconds", "7");
      write(first);
      const second = await print("-f", file);
      assert.equal(values(second), values(first));
      write(text);
    }
  });
});

test("a file that is not there is told", async () => {
  const { status, errors } = await run(["serve", "-f", "/no/such.yaml"]);
  assert.equal(status, 2);
  assert.equal(errors, "towline serve: /no/such.yaml: No such file or directory\n");
});

test("the command line goes before the file", async (t) => {
  const { file } = configuration(t, `port: 192.0.2.1:80\nmax-message: 10\nroutes: [{path: /e, echo: }]\n`);
  const server = await start(t, file, ["--max-message", "3"], { ports: ["127.0.0.1:0"] });
  const socket = await open(t, server, "/e");
  const closed = once(socket, "close");
  socket.send("1234");
  assert.equal((await within(10000, closed, "the close"))[0], 1009);
});

test("without routes the built-in ones are there, with routes only these", async (t) => {
  const { file } = configuration(t, head);
  const plain = await start(t, file);
  await echoes(await open(t, plain, "/echo"), "hello");
  const own = configuration(t, `${head}routes: [{path: /e, echo: }]\n`);
  const server = await start(t, own.file);
  assert.equal(await refused(server, "/echo"), 404);
  assert.equal((await request({ port: server.port, path: "/.console" })).status, 404);
  await echoes(await open(t, server, "/e"), "hello");
});

test("each kind does what its route says", async (t) => {
  const { folder, file } = configuration(
    t,
    `${head}routes:
  - {path: /echo, echo: }
  - {path: /.console, console: true}
  - path: /files/*
    files: public
    fields: {Cache-Control: no-store}
  - {path: /cat, tunnel: "exec:cat"}
  - {path: /program, program: cat}
  - path: /old/*
    redirect: {target: /files, status: 308}
  - path: /gone
    respond: {status: 410, type: text/html, body: "<p>gone", fields: {X-Why: moved}}
  - {path: /ok, respond: "fine\\n"}
`,
  );
  mkdirSync(path.join(folder, "public"));
  writeFileSync(path.join(folder, "public/a.txt"), "a file\n");
  const server = await start(t, file);
  const get = (target) => request({ port: server.port, path: target });
  assert.match(server.log, new RegExp(`8 routes of ${file}`));
  await echoes(await open(t, server, "/echo"), "hello");
  await echoes(await open(t, server, "/cat", { perMessageDeflate: false }), "hello").catch(() => {});
  await echoes(await open(t, server, "/program"), "hello");
  assert.match((await get("/.console")).body.toString(), /<\/html>/);
  const page = await get("/files/a.txt");
  assert.equal(page.body.toString(), "a file\n");
  assert.equal(page.headers["cache-control"], "no-store");
  assert.equal((await get("/files/none")).status, 404);
  const moved = await get("/old/a.txt?x=1");
  assert.equal(moved.status, 308);
  assert.equal(moved.headers.location, "/files/a.txt?x=1");
  const gone = await get("/gone");
  assert.deepEqual([gone.status, gone.headers["content-type"], gone.headers["x-why"]], [410, "text/html", "moved"]);
  assert.equal(gone.body.toString(), "<p>gone");
  assert.equal((await get("/ok")).body.toString(), "fine\n");
});

test("what a route sets is for it alone", async (t) => {
  const { file } = configuration(
    t,
    `${head}routes:
  - path: /own
    echo:
    max-message: 3
    allow-origin: https://a.example
    host: b.example
    subprotocol: [x, y]
    fields: {X-Own: "1"}
  - {path: /any, echo: , any-origin: true}
  - {path: /plain, echo: }
`,
  );
  const server = await start(t, file);
  const headers = { Host: "b.example" };
  const socket = new WebSocket(server.url("/own"), ["z", "y"], { headers, origin: "https://a.example" });
  t.after(() => socket.terminate());
  const [[response]] = await within(10000, Promise.all([once(socket, "upgrade"), once(socket, "open")]), "open");
  assert.equal(socket.protocol, "y");
  assert.equal(response.headers["x-own"], "1");
  const closed = once(socket, "close");
  socket.send("1234");
  assert.equal((await within(10000, closed, "the close"))[0], 1009);
  assert.equal(await refused(server, "/own", { headers, origin: "https://c.example" }), 403);
  assert.equal(await refused(server, "/own", { origin: "https://a.example" }), 421);
  assert.equal(await refused(server, "/plain", { origin: "https://a.example" }), 403);
  await echoes(await open(t, server, "/any", { origin: "https://c.example" }), "1234");
  await echoes(await open(t, server, "/plain"), "1234");
});

for (const io of loops) {
  describe(`SIGHUP, ${io}`, () => {
    test("new routes serve, those that are gone do not, and nobody is disconnected", async (t) => {
      const { file, write } = configuration(t, `${head}routes:\n  - {path: /stays, echo: }\n  - {path: /goes, echo: }\n  - {path: /changes, respond: before}\n`);
      const server = await start(t, file, ["--io", io, "--workers", "2"]);
      const stays = await open(t, server, "/stays");
      const goes = await open(t, server, "/goes");
      write(`${head}routes:\n  - {path: /comes, echo: }\n  - {path: /stays, echo: }\n  - {path: /changes, respond: after}\n`);
      assert.match(await reload(server), /3 routes, of which 2 are new or changed; 1 are gone/);
      await echoes(stays, "still there");
      await echoes(goes, "still there");
      await echoes(await open(t, server, "/comes"), "new");
      await echoes(await open(t, server, "/stays"), "again");
      assert.equal(await refused(server, "/goes"), 404);
      assert.equal((await request({ port: server.port, path: "/changes" })).body.toString(), "after");
    });

    test("origins, hosts and limits of all routes change", async (t) => {
      const { file, write } = configuration(t, `${head}routes: [{path: /e, echo: }, {path: /own, echo: , max-message: 100}]\n`);
      const server = await start(t, file, ["--io", io, "--workers", "2"]);
      const before = await open(t, server, "/e");
      assert.equal(await refused(server, "/e", { origin: "https://a.example" }), 403);
      write(`${head}allow-origin: https://a.example\nhost: [b.example, 127.0.0.1]\nmax-message: 3\nroutes: [{path: /e, echo: }, {path: /own, echo: , max-message: 100}]\n`);
      assert.match(await reload(server), /of which 0 are new or changed; 0 are gone/);
      await until(async () => (await request({ port: server.port, path: "/", headers: { Host: "c.example" } })).status === 421, "hosts");
      const origin = "https://a.example";
      await until(() => open(t, server, "/e", { origin }).then(() => true, () => false), "origins");
      const socket = await open(t, server, "/e", { origin, headers: { Host: "b.example" } });
      const closed = once(socket, "close");
      socket.send("1234");
      assert.equal((await within(10000, closed, "the close"))[0], 1009);
      await echoes(before, "1234");
      await echoes(await open(t, server, "/own"), "1234");
    });

    test("a file that is wrong changes nothing", async (t) => {
      const good = `${head}routes: [{path: /e, echo: }]\n`;
      const { folder, file, write } = configuration(t, good);
      const server = await start(t, file, ["--io", io]);
      const socket = await open(t, server, "/e");
      for (const [text, expected] of [
        [`${head}routes: [{path: /n, echo: }, {path: /m, ecco: }]\n`, "2:41: no key ecco here; did you mean echo?"],
        [`${head}routes: [{path: /n, echo: }, {path: /m/*, files: none}]\n`, `2:50: files: '${folder}/none' is not a folder`],
        [`${head}tls: true\n`, "2:6: tls: name a certificate"],
        ["port: [\n", "2:1: "],
      ]) {
        write(text);
        const log = await reload(server);
        assert.ok(log.includes(`error ${file}:${expected}`), log);
        assert.match(log, /; the configuration stays as it was/);
        await echoes(socket, "still there");
        await echoes(await open(t, server, "/e"), "and for new ones");
        assert.equal(await refused(server, "/n"), 404);
      }
      rmSync(file);
      assert.match(await reload(server), /No such file or directory; the configuration stays as it was/);
      write(good);
      await reload(server);
      await echoes(await open(t, server, "/e"), "still there");
    });
  });
}

test("what can't change while it runs is named", async (t) => {
  const { file, write } = configuration(t, `${head}workers: 1\nroutes: []\n`);
  const server = await start(t, file);
  write("port: 127.0.0.1:1\nworkers: 2\ndrain-seconds: 3\nmax-message: 4K\nroutes: []\n");
  for (let i = 0; i < 2; i++) {
    const log = await reload(server);
    const named = [...log.matchAll(/notice \S+:\d+:\d+: (\S+): takes effect at the next start/g)].map(([, name]) => name);
    assert.deepEqual(named.sort(), ["drain-seconds", "port", "workers"], log);
  }
  write(`${head}workers: 1\nroutes: []\n`);
  assert.doesNotMatch(await reload(server), /next start/);
});

test("built-in routes follow the options and come again", async (t) => {
  const { folder, file, write } = configuration(t, head);
  mkdirSync(path.join(folder, "public"));
  writeFileSync(path.join(folder, "public/index.html"), "index");
  const server = await start(t, file);
  const get = async (target) => (await request({ port: server.port, path: target })).body.toString();
  await open(t, server, "/echo", { origin: "https://a.example" });
  write(`${head}document-root: public\nallow-origin: https://b.example\n`);
  await reload(server);
  assert.equal(await get("/"), "index");
  assert.equal(await refused(server, "/echo", { origin: "https://a.example" }), 403);
  write(`${head}routes: [{path: /echo, respond: mine}]\n`);
  await reload(server);
  assert.equal(await get("/echo"), "mine");
  assert.match(await get("/"), /nothing is served/);
  write(head);
  await reload(server);
  assert.match(await get("/"), /<\/html>/);
  await open(t, server, "/echo", { origin: "https://a.example" });
});

test("a tunnel whose route is gone carries what is open to its end", async (t) => {
  const { file, write } = configuration(t, `${head}routes: [{path: /t, tunnel: "exec:cat"}]\n`);
  const server = await start(t, file);
  const socket = await open(t, server, "/t");
  const told = async (text) => {
    const answer = once(socket, "message");
    socket.send(text);
    assert.equal((await within(10000, answer, "what comes back"))[0].toString(), text);
  };
  await told("before");
  write(`${head}routes: []\n`);
  await reload(server);
  await told("after");
  assert.equal(await refused(server, "/t"), 404);
  const closed = once(socket, "close");
  socket.close(1000);
  await within(10000, closed, "the close");
});

test("a Python file is loaded, again when it has changed, and a broken one keeps the old", async (t) => {
  const handler = (word) => `def web_socket_do_extra_handshake(request):\n    pass\n\ndef web_socket_transfer_data(request):\n    while True:\n        line = request.ws_stream.receive_message()\n        if line is None:\n            return\n        request.ws_stream.send_message('${word} ' + line)\n`;
  const text = `${head}routes:\n  - {path: /p, python: some_wsh.py}\n`;
  const { folder, file, write } = configuration(t, text);
  const change = (body) => {
    writeFileSync(path.join(folder, "new"), body);
    renameSync(path.join(folder, "new"), path.join(folder, "some_wsh.py"));
  };
  change(handler("one"));
  const server = await start(t, file);
  const asked = async (options) => {
    const socket = new WebSocket(server.url("/p"), options);
    socket.on("error", () => {});
    const opened = await Promise.race([once(socket, "open").then(() => true), once(socket, "unexpected-response").then(() => false)]);
    if (!opened) return "refused";
    const answer = once(socket, "message");
    socket.send("x");
    const said = (await within(10000, answer, "the answer"))[0].toString();
    socket.terminate();
    return said;
  };
  await until(async () => (await asked()) === "one x", "it is loaded");
  const lasting = await open(t, server, "/p");
  change(handler("two"));
  await reload(server);
  await until(async () => (await asked()) === "two x", "the new one is loaded");
  const answer = once(lasting, "message");
  lasting.send("y");
  assert.equal((await within(10000, answer, "the old one answers"))[0].toString(), "one y");
  change("this is no Python\n");
  await reload(server);
  await until(() => server.log.includes(`error ${file}:3:24: python: `), "what is wrong with it is in the log");
  assert.equal(await asked(), "two x");
  change(handler("three"));
  await reload(server);
  await until(async () => (await asked()) === "three x", "a good one is loaded");
  assert.equal(await asked({ origin: "https://a.example" }), "three x"); // such files judge for themselves
  write(`${head}allow-origin: https://b.example\nroutes:\n  - {path: /p, python: some_wsh.py}\n`);
  await reload(server);
  await until(async () => (await asked({ origin: "https://a.example" })) === "refused", "what is asked for holds everywhere");
  assert.equal((await run(["serve", "-f", file, "--check"])).status, 0);
  rmSync(path.join(folder, "some_wsh.py"));
  assert.equal((await run(["serve", "-f", file, "--check"])).status, 2);
});

test("certificates change", async (t) => {
  const { folder, file, write } = configuration(t, "");
  for (const name of ["one", "two"]) {
    const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=${name}.example -keyout ${folder}/${name}.key -out ${folder}/${name}.pem`;
    execFileSync("openssl", words.split(" "), { stdio: "ignore" });
  }
  const text = (name) => `${head}certificate: ${name}.pem\nkey: ${name}.key\n`;
  write(text("one"));
  const server = await start(t, file);
  const subject = async () => {
    const { connect } = await import("node:tls");
    const socket = connect({ host: "127.0.0.1", port: server.port, rejectUnauthorized: false });
    await within(10000, once(socket, "secureConnect"), "TLS");
    const { subject: name } = socket.getPeerCertificate();
    socket.destroy();
    return name.CN;
  };
  assert.equal(await subject(), "one.example");
  write(text("two"));
  await reload(server);
  await until(async () => (await subject()) === "two.example", "the other certificate");
  write(text("three"));
  assert.match(await reload(server), /stays as it was/);
  assert.equal(await subject(), "two.example");
});

test("a hundred reloads leak nothing", async (t) => {
  holdNothingBack();
  const text = (n) => `${head}max-message: ${1000 + n}\nroutes:\n  - {path: /e, echo: }\n  - {path: /r, respond: "${n}"}\n  - {path: /t${n % 3}, tunnel: "exec:cat"}\n  - {path: /p${n % 2}, program: cat}\n`;
  const { file, write } = configuration(t, text(0));
  const server = await start(t, file, ["--workers", "2"]);
  const socket = await open(t, server, "/e");
  let descriptors = 0;
  let memory = 0;
  for (let i = 1; i <= 120; i++) {
    write(text(i));
    await reload(server);
    if (i % 10 === 0) {
      const tunnel = await open(t, server, `/t${i % 3}`);
      tunnel.terminate();
      await echoes(socket, `${i}`);
    }
    if (i === 20) [descriptors, memory] = [server.descriptors(), server.memory()];
  }
  await until(() => server.descriptors() <= descriptors, "no descriptor more");
  assert.ok(server.memory() < memory + (8 << 20), `${memory} to ${server.memory()} bytes`);
  assert.equal((await request({ port: server.port, path: "/r" })).body.toString(), "120");
});

// Every piece of YAML in the guide, and the example, are right. What they name is put there; a piece whose first line says that it
// needs something else is read only.
describe("the documentation", () => {
  const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
  const guide = readFileSync(path.join(root, "docs/configuration.md"), "utf8");
  const pieces = [...guide.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text);

  test("has pieces that are right", async (t) => {
    assert.ok(pieces.length >= 4);
    for (const text of pieces) {
      const { folder, file } = configuration(t, text.replace(/^(certificate|key): .*\n/gm, ""));
      for (const name of ["public", "build/assets", "bin"]) mkdirSync(path.join(folder, name), { recursive: true });
      writeFileSync(path.join(folder, "bin/count"), "#!/bin/sh\necho 1\n", { mode: 0o755 });
      const needs = text.startsWith("# needs:");
      const { status, errors } = await run(["serve", "-f", file, needs ? "--print-config" : "--check"]);
      assert.equal(status, 0, `${text}\n${errors}`);
    }
  });

  test("names each kind of route", async (t) => {
    const { errors } = await run(["serve", "-f", configuration(t, "routes: [{path: /x}]\n").file, "--check"]);
    const [, kinds] = errors.match(/a route has one of (.*); this has none/);
    for (const kind of kinds.split(", ")) assert.ok(guide.includes(`\n| \`${kind}\` |`), kind);
  });

  test("has an example that serves", async (t) => {
    const example = path.join(root, "examples/towline.yaml");
    const { status, errors } = await run(["serve", "-f", example, "--check"]);
    assert.equal(status, 0, errors);
    const server = await start(t, example, [], { ports: ["127.0.0.1:0"] });
    await echoes(await open(t, server, "/echo", { origin: "https://anybody.example" }), "hello");
    assert.equal((await request({ port: server.port, path: "/health" })).body.toString(), "ok");
    assert.equal((await request({ port: server.port, path: "/" })).headers.location, "/.console");
  });
});
