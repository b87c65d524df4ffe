// The configuration file: what it says, and what is wrong with it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import WebSocket from "ws";

import { configuration, echoes, head, open, refused, start } from "../support/configuration.mjs";
import { request, run, within } from "../support/towline.mjs";

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
    ["a folder of handlers that is not there", "handlers: none\n", "1:11: handlers: @/none: there is no such folder"],
    ["what is scanned and not there", "handlers: .\nscan: none\n", "2:7: scan: @/none: No such file or directory"],
    ["aliases that are not there", "handlers: .\naliases: none\n", "2:10: aliases: @/none: No such file or directory"],
    ["a certificate that is not there", "certificate: none\n", "1:14: certificate: @/none: No such file or directory"],
    ["a key that is not there", "certificate: towline.yaml\nkey: none\n", "2:6: key: @/none: No such file or directory"],
    ["publishing without /*", "routes:\n  - path: /publish\n    publish: true\n", "3:14: publish: channels are published to below a path: write /publish/*"],
    ["a folder that is not there", "routes:\n  - path: /a/*\n    files: none\n", "3:12: files: '@/none' is not a folder"],
  ]) {
    test(`names the place of ${name}`, async (t) => {
      const { folder, file } = configuration(t, text);
      for (const words of [["--check"], []]) {
        const { status, output, errors } = await run(["serve", "-f", file, ...words]);
        assert.equal(errors, `towline serve: ${file}:${expected.replace("@", folder)}\n`);
        assert.equal(status, words.length > 0 || !/folder|low_mark|No such file|below a path/.test(errors) ? 2 : 1);
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

  test("names programs that can't be started, for one connection or many", async (t) => {
    const { folder, file, write } = configuration(t, "");
    writeFileSync(path.join(folder, "text"), "#!/bin/sh\n", { mode: 0o644 });
    for (const [program, why] of [
      ["no-such-program", "no-such-program can't be started: it is not found in PATH (a file is named with a slash, as in ./NAME)"],
      ["text", "text is not found in PATH: write ./text for the file beside the configuration"],
      ["./none", `${folder}/./none can't be started: there is no such file`],
      ["./text", `${folder}/./text can't be started: it may not be executed (chmod +x)`],
      [`${folder}/`, `${folder}/ can't be started: it is not a file`],
    ])
      for (const worker of [false, true]) {
        write(`${head}routes: [{path: /p, program: {file: "${program}", worker: ${worker}}}]\n`);
        const { status, output, errors } = await run(["serve", "-f", file, "--check"]);
        assert.equal(errors, `towline serve: ${file}:2:30: program: ${why}\n`);
        assert.deepEqual([status, output], [2, ""]);
      }
  });

  test("starts no program", async (t) => {
    const { folder, file } = configuration(t, `${head}handlers: h\nroutes: [{path: /w, program: {file: ./worker.sh, worker: true, pool: 3}}, {path: /p, program: ./worker.sh}]\n`);
    mkdirSync(path.join(folder, "h"));
    for (const name of ["worker.sh", "h/own.sh"]) writeFileSync(path.join(folder, name), `#!/bin/sh\necho >>${folder}/traces\n`, { mode: 0o755 });
    const { status, output, errors } = await run(["serve", "-f", file, "--check"]);
    assert.equal(output, `${file}: all is right\n`);
    assert.deepEqual([status, errors], [0, ""]);
    assert.ok(!existsSync(path.join(folder, "traces")));
  });

  test("ends with 2 behind errors about the folder of handlers", async (t) => {
    const { folder } = configuration(t, "");
    writeFileSync(path.join(folder, "none.so"), "no library");
    const { status, output, errors } = await run(["serve", "-w", folder, "--check"]);
    assert.match(errors, /error \S*none\.so can't serve \/none: /);
    assert.deepEqual([status, output], [2, ""]);
  });

  test("has Python files compiled, and not run", async (t) => {
    const { folder, file } = configuration(t, `${head}handlers: h\nroutes: [{path: /p, python: route.py}]\n`);
    mkdirSync(path.join(folder, "h"));
    const check = async (good, bad) => {
      writeFileSync(path.join(folder, good), `open("${folder}/traces", "w")\n`);
      if (bad) writeFileSync(path.join(folder, bad), "\ndef (\n");
      const { status, output, errors } = await run(["serve", "-f", file, "--check"]);
      assert.ok(!existsSync(path.join(folder, "traces")));
      return [status, output === "" ? errors : output];
    };
    const [one, what] = await check("h/a_wsh.py", "route.py");
    assert.match(what, /towline\.yaml:3:\d+: python: \S*route\.py:2: SyntaxError: /);
    const [other, why] = await check("route.py", "h/a_wsh.py");
    assert.match(why, /h\/a_wsh\.py can't serve \/a: \S*a_wsh\.py:2: SyntaxError: /);
    assert.deepEqual([one, other], [2, 2]);
    assert.deepEqual(await check("h/a_wsh.py"), [0, `${file}: all is right\n`]);
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
  - {path: /w, program: {file: cat, worker: true}}
  - {path: /u, program: {url: "http://localhost/"}}
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
  assert.equal((await within(20000, closed, "the close"))[0], 1009);
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
  const [[response]] = await within(20000, Promise.all([once(socket, "upgrade"), once(socket, "open")]), "open");
  assert.equal(socket.protocol, "y");
  assert.equal(response.headers["x-own"], "1");
  const closed = once(socket, "close");
  socket.send("1234");
  assert.equal((await within(20000, closed, "the close"))[0], 1009);
  assert.equal(await refused(server, "/own", { headers, origin: "https://c.example" }), 403);
  assert.equal(await refused(server, "/own", { origin: "https://a.example" }), 421);
  assert.equal(await refused(server, "/plain", { origin: "https://a.example" }), 403);
  await echoes(await open(t, server, "/any", { origin: "https://c.example" }), "1234");
  await echoes(await open(t, server, "/plain"), "1234");
});

// Every piece of YAML in the guide, and the example, are right. What they name is put there; a piece whose first line says that it
// needs something else is read only.
describe("the documentation", () => {
  const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
  const guide = readFileSync(path.join(root, "docs/configuration.md"), "utf8");
  const channels = readFileSync(path.join(root, "docs/channels.md"), "utf8");
  const pieces = [...`${guide}\n${channels}`.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text);

  test("has pieces that are right", async (t) => {
    assert.ok(pieces.length >= 4);
    for (const text of pieces.filter((piece) => !piece.startsWith("listen:"))) { // a tunnel's: tunnel.test.mjs
      const { folder, file } = configuration(t, text.replace(/^(certificate|key): .*\n/gm, ""));
      for (const name of ["public", "build/assets", "bin"]) mkdirSync(path.join(folder, name), { recursive: true });
      writeFileSync(path.join(folder, "secret"), "a secret of 32 bytes or even more");
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
