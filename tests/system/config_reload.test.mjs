// The configuration file, read again on SIGHUP.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import WebSocket from "ws";

import { configuration, echoes, head, open, refused, reload, start } from "../support/configuration.mjs";
import { holdNothingBack, loops, request, run, until, within } from "../support/towline.mjs";

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
      assert.equal((await within(20000, closed, "the close"))[0], 1009);
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

test("who may come in by the server's own options changes for all routes, built in and in the folder of handlers as well", async (t) => {
  const routes = "routes: [{path: /e, echo: }, {path: /own, bearer-token: own, echo: }]\n";
  const { folder, file, write } = configuration(t, `${head}${routes}`);
  for (const [name, text] of [["one", "one\n"], ["two", "two\n"], ["own", "own\n"], ["bad", "\n"]]) writeFileSync(path.join(folder, name), text);
  mkdirSync(path.join(folder, "handlers"));
  writeFileSync(path.join(folder, "handlers/cat"), "#!/bin/sh\nexec cat\n", { mode: 0o755 });
  const server = await start(t, file, ["-w", path.join(folder, "handlers")]);
  const as = (token) => ({ headers: { Authorization: `Bearer ${token}` } });
  const before = await open(t, server, "/e");
  const lets = async (token) => {
    for (const target of ["/e", "/cat"]) {
      await echoes(await open(t, server, target, as(token)), `by ${token}`);
      assert.equal(await refused(server, target), 401);
      assert.equal(await refused(server, target, as("own")), 401);
    }
    await echoes(await open(t, server, "/own", as("own")), "its own");
    assert.equal(await refused(server, "/own", as(token)), 401);
  };
  write(`${head}bearer-token: one\n${routes}`);
  assert.doesNotMatch(await reload(server), /next start/);
  await lets("one");
  write(`${head}bearer-token: two\n${routes}`);
  await reload(server);
  await lets("two");
  assert.equal(await refused(server, "/e", as("one")), 401);
  for (const name of ["bad", "none"]) {
    write(`${head}bearer-token: ${name}\n${routes}`);
    assert.match(await reload(server), new RegExp(`error .*${name}.*; the configuration stays as it was`));
    await lets("two");
  }
  await echoes(before, "what is open stays");
  write(`${head}${routes}`);
  await reload(server);
  for (const target of ["/e", "/cat"]) await echoes(await open(t, server, target), "all again");
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
    assert.equal((await within(20000, answer, "what comes back"))[0].toString(), text);
  };
  await told("before");
  write(`${head}routes: []\n`);
  await reload(server);
  await told("after");
  assert.equal(await refused(server, "/t"), 404);
  const closed = once(socket, "close");
  socket.close(1000);
  await within(20000, closed, "the close");
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
    const said = (await within(20000, answer, "the answer"))[0].toString();
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
  assert.equal((await within(20000, answer, "the old one answers"))[0].toString(), "one y");
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

test("a Python route that is closed to some stays open to none while its file is loaded, or can't be", async (t) => {
  const { folder, file, write } = configuration(t, `${head}routes:\n  - {path: /p, python: some_wsh.py}\n`);
  const handler = path.join(folder, "some_wsh.py");
  writeFileSync(handler, "def web_socket_do_extra_handshake(request):\n    pass\n\ndef web_socket_transfer_data(request):\n    request.ws_stream.receive_message()\n");
  writeFileSync(path.join(folder, "users"), "ann:$6$salt$nobody\n");
  const server = await start(t, file);
  const status = async (headers = {}) => (await request({ port: server.port, path: "/p", headers })).status;
  await until(async () => (await status()) === 426, "it is loaded");
  const lasting = await open(t, server, "/p");
  writeFileSync(handler, "this is no Python\n");
  write(`${head}routes:\n  - {path: /p, python: some_wsh.py, host: a.example}\n`);
  await reload(server);
  assert.equal(await status(), 421);
  await until(() => server.log.includes(`error ${file}:3:24: python: `), "it can't be loaded");
  assert.equal(await status(), 421);
  assert.equal(await status({ Host: "a.example" }), 503);
  write(`${head}routes:\n  - {path: /p, python: some_wsh.py, basic-auth: users}\n`);
  await reload(server);
  assert.equal(await status(), 401);
  const closed = once(lasting, "close");
  lasting.send("nobody is disconnected");
  assert.equal((await within(20000, closed, "the end of the old one"))[0], 1000);
});

test("who is taken out of a Python route's file of users is out, though its own file can't be loaded", async (t) => {
  const { folder, file, write } = configuration(t, `${head}routes:\n  - {path: /p, python: some_wsh.py, basic-auth: users}\n`);
  const handler = path.join(folder, "some_wsh.py");
  const users = (...names) => writeFileSync(path.join(folder, "users"), names.map((name) => execFileSync("htpasswd", ["-nbB", name, "secret"], { encoding: "utf8" }).trim() + "\n").join(""));
  writeFileSync(handler, "def web_socket_do_extra_handshake(request):\n    pass\n\ndef web_socket_transfer_data(request):\n    request.ws_stream.receive_message()\n");
  users("ann", "bob");
  const server = await start(t, file);
  const as = (name) => ({ headers: { Authorization: `Basic ${btoa(`${name}:secret`)}` } });
  await until(() => open(t, server, "/p", as("ann")).then(() => true, () => false), "it is loaded");
  writeFileSync(handler, "this is no Python\n");
  users("bob");
  await reload(server);
  await until(() => server.log.includes(`error ${file}:3:24: python: `), "it can't be loaded");
  await open(t, server, "/p", as("bob"));
  assert.equal(await refused(server, "/p", as("ann")), 401);
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
    await within(20000, once(socket, "secureConnect"), "TLS");
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
  for (const end of ["pem", "key"]) copyFileSync(`${folder}/one.${end}`, `${folder}/two.${end}`);
  write(`${text("two")}prt: 80\n`);
  await reload(server);
  assert.equal(await subject(), "two.example");
  write(text("two"));
  await reload(server);
  assert.doesNotMatch(server.log, /no key prt[^]*were read again[^]*was read again: /, "a configuration that is refused leaves them as they were");
  await until(async () => (await subject()) === "one.example", "the file that was replaced");
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
