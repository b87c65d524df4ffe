// A directory of handlers, as a deployment uses it: files come, are replaced, break and go while connections are open.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { asked, build, documented, open, put, refusal, serveHandlers, taggedEcho, temporaryFolder } from "../support/handlers.mjs";
import { Server, loops, program, request, run, until } from "../support/towline.mjs";

const examples = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../examples/handlers");

let built; // libraries
before(async () => {
  const folder = mkdtempSync("/dev/shm/towline-test-");
  built = { folder };
  [built.one, built.two] = await Promise.all([
    build(folder, "one", taggedEcho("one ")),
    build(folder, "two", taggedEcho("two ")),
  ]);
  built.nothing = path.join(folder, "nothing.so");
  execFileSync("cc", ["-shared", "-fPIC", "-x", "c", "-o", built.nothing, "-"], { input: "int there_is_nothing_here;\n" });
});
after(() => rmSync(built.folder, { recursive: true }));

/** How many versions of libraries the process has loaded. */
const loaded = (server) =>
  readFileSync(`/proc/${server.pid}/maps`, "utf8").split("\n").filter((line) => line.includes("memfd:towline-") && line.includes(" r-xp ")).length;

for (const io of loops) {
  describe(`handlers, ${io}`, () => {
    test("what is dropped in is served, replaced for new connections, and gone when it is removed", async (t) => {
      const folder = temporaryFolder(t);
      const server = await serveHandlers(t, folder, ["--io", io]);
      assert.equal(await refusal(t, server, "/a/chat"), 404);
      put(built.one, path.join(folder, "a/chat.so"));
      await server.logged("a/chat.so serves /a/chat");
      const old = await open(t, server, "/a/chat");
      assert.equal(await old.ask("x"), "one x");
      put(built.two, path.join(folder, "a/chat.so"));
      await until(async () => (await asked(t, server, "/a/chat")) === "two x", "the new handler");
      assert.equal(await old.ask("y"), "one y");
      assert.equal(loaded(server), 2);
      old.close();
      await until(() => loaded(server) === 1, "the old version is unloaded");
      unlinkSync(path.join(folder, "a/chat.so"));
      await until(async () => (await refusal(t, server, "/a/chat")) === 404, "404");
      await until(() => loaded(server) === 0, "nothing is loaded");
    });

    test("a handler takes the place of the built-in echo, which comes back", async (t) => {
      const folder = temporaryFolder(t);
      put(built.one, path.join(folder, "echo.so"));
      const server = await serveHandlers(t, folder, ["--io", io]);
      assert.equal(await asked(t, server, "/echo"), "one x");
      rmSync(path.join(folder, "echo.so"));
      await until(async () => (await asked(t, server, "/echo")) === "x", "the built-in echo");
    });
  });
}

test("a library that is overwritten in place harms nobody", async (t) => {
  const folder = temporaryFolder(t);
  const file = path.join(folder, "chat.so");
  put(built.one, file);
  const server = await serveHandlers(t, folder);
  const old = await open(t, server, "/chat");
  writeFileSync(file, "no library any more");
  await server.logged("it is no shared library; what is served there stays");
  assert.equal(await old.ask("x"), "one x");
  assert.equal(await asked(t, server, "/chat"), "one x");
  copyFileSync(built.two, file);
  await until(async () => (await asked(t, server, "/chat")) === "two x", "the new handler");
});

test("broken and hostile files are passed over with a line that says why", async (t) => {
  const folder = temporaryFolder(t);
  const file = (name) => path.join(folder, name);
  const server = await serveHandlers(t, folder);
  put(built.nothing, file("nothing.so"));
  await server.logged("nothing.so can't serve /nothing: it is no handler: its source has to say TOW_HANDLER(...)");
  copyFileSync(built.one, file(".cut"));
  truncateSync(file(".cut"), 9000);
  put(file(".cut"), file("cut.so"));
  await server.logged("cut.so can't serve /cut: it is cut off");
  execFileSync("mkfifo", [file("fifo.so")]);
  const listener = net.createServer().listen(file("socket.so"));
  t.after(() => listener.close());
  symlinkSync("loop.so", file("loop.so"));
  symlinkSync("/etc/passwd", file("out.so"));
  symlinkSync(".", file("round"));
  mkdirSync(file("folder.so"));
  for (const name of ["a~.so", ".hidden.so", "backup.so~"]) copyFileSync(built.one, file(name));
  writeFileSync(file("text.txt"), "no program");
  chmodSync(file("text.txt"), 0o755);
  const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x61, 0x20, 0xff, 0x0a]), Buffer.from(".so")]);
  copyFileSync(built.one, odd);
  await server.logged("a \\xFF\\x0A.so serves /a%20%FF%0A");
  await server.logged("a~.so serves /a~");
  assert.equal(await asked(t, server, "/a%20%FF%0A"), "one x");
  assert.equal(await asked(t, server, "/a~"), "one x");
  for (const target of ["/nothing", "/cut", "/fifo", "/socket", "/loop", "/out", "/folder", "/.hidden", "/backup", "/text", "/round/a~"])
    assert.equal(await refusal(t, server, target), 404, target);
});

test("links lead to files inside, whether they are relative or absolute", async (t) => {
  const folder = temporaryFolder(t);
  put(built.one, path.join(folder, "versions/first.so"));
  symlinkSync("versions/first.so", path.join(folder, "near.so"));
  symlinkSync(path.join(folder, "versions/first.so"), path.join(folder, "far.so"));
  const server = await serveHandlers(t, folder);
  for (const target of ["/near", "/far", "/versions/first"]) assert.equal(await asked(t, server, target), "one x", target);
});

test("a folder that is moved away serves nothing, and is followed again when it is back", async (t) => {
  const home = temporaryFolder(t);
  const folder = path.join(home, "handlers");
  put(built.one, path.join(folder, "chat.so"));
  const server = await serveHandlers(t, folder);
  const old = await open(t, server, "/chat");
  renameSync(folder, path.join(home, "elsewhere"));
  await server.logged("handlers is not there: nothing of it is served until it is back");
  await until(async () => (await refusal(t, server, "/chat")) === 404, "it is not served");
  assert.equal(await old.ask("x"), "one x");
  renameSync(path.join(home, "elsewhere"), folder);
  await until(async () => (await refusal(t, server, "/chat")) === 101, "it is served again");
  put(built.two, path.join(folder, "later.so"));
  await server.logged("later.so serves /later");
  rmSync(folder, { recursive: true });
  await until(async () => (await refusal(t, server, "/later")) === 404, "nothing is served");
  put(built.two, path.join(folder, "chat.so"));
  await until(async () => (await refusal(t, server, "/chat")) === 101 && (await asked(t, server, "/chat")) === "two x", "what stands in its place is served");
});

test("aliases, and what claims a path in vain", async (t) => {
  const folder = temporaryFolder(t);
  put(built.one, path.join(folder, "chat.so"));
  writeFileSync(path.join(folder, "chat.sh"), "#!/bin/sh\necho program\n", { mode: 0o755 });
  const aliases = path.join(folder, "aliases.txt");
  writeFileSync(aliases, "# the door\n/ /chat\n/door /chat\n");
  const server = await serveHandlers(t, folder, ["-m", aliases]);
  assert.match(server.log, /chat\.sh is passed over: \S*chat\.so serves \/chat/);
  for (const target of ["/", "/door", "/chat"]) assert.equal(await asked(t, server, target), "one x", target);
  put(built.two, path.join(folder, "chat.so"));
  await until(async () => (await asked(t, server, "/door")) === "two x", "the alias follows");
  const { status, output } = await run(["serve", "-w", folder, "-m", aliases, "--list"]);
  assert.equal(status, 0);
  const rows = output.trim().split("\n").map((line) => line.split(/ +/).join(" "));
  assert.deepEqual(rows.slice(0, 3), ["/ alias /chat", `/chat module ${folder}/chat.so`, "/door alias /chat"]);
  assert.ok(rows.includes("/echo built-in echo"), output);
});

test("a hundred reloads under load leak nothing, and no message is lost", async (t) => {
  const folder = temporaryFolder(t);
  const file = path.join(folder, "chat.so");
  put(built.one, file);
  const server = await serveHandlers(t, folder, ["--workers", "2"]);
  const load = { running: true, answers: 0 };
  const lasting = await open(t, server, "/chat");
  const talk = async () => {
    while (load.running) {
      const socket = await open(t, server, "/chat");
      for (let i = 0; i < 5; i++) assert.match(await socket.ask(`${i}`), new RegExp(`^(one|two) ${i}$`));
      load.answers += 5;
      socket.close();
      await socket.closed;
    }
  };
  const reload = async (times) => {
    for (let i = 0; i < times; i++) {
      const before = server.log.split("chat.so serves").length;
      put(i % 2 ? built.one : built.two, file);
      await until(() => server.log.split("chat.so serves").length > before, "the next version", 20000);
    }
  };
  const talkers = Array.from({ length: 8 }, talk);
  await reload(20);
  const settled = async () => {
    await until(() => loaded(server) <= 2, "old versions are unloaded", 20000);
    return { descriptors: server.descriptors(), maps: readFileSync(`/proc/${server.pid}/maps`, "utf8").split("\n").length };
  };
  load.running = false;
  await Promise.all(talkers);
  const before = { ...(await settled()), memory: server.memory() };
  load.running = true;
  const again = Array.from({ length: 8 }, talk);
  await reload(100);
  load.running = false;
  await Promise.all(again);
  const end = { ...(await settled()), memory: server.memory() };
  assert.match(await lasting.ask("x"), /^one x$/);
  assert.ok(load.answers > 100, `${load.answers} answers`);
  assert.ok(end.descriptors <= before.descriptors + 2, `${before.descriptors} descriptors, then ${end.descriptors}`);
  assert.ok(end.maps <= before.maps + 40, `${before.maps} maps, then ${end.maps}`);
  // with sanitizers what is freed stays for a while
  assert.ok(end.memory - before.memory < 64 << 20, `${before.memory} bytes, then ${end.memory}`);
});

test("with --dev a source is built when it changes, and the page has the compiler's words", async (t) => {
  const folder = temporaryFolder(t);
  const source = path.join(folder, "chat.c");
  writeFileSync(source, taggedEcho("first "));
  const server = await serveHandlers(t, folder, ["--dev"]);
  await server.logged("chat.c serves /chat", 60000);
  const old = await open(t, server, "/chat");
  writeFileSync(source, 'int broken = "<script>" +;\n');
  await server.logged("chat.c can't serve /chat: it can't be built", 60000);
  const page = await request({ port: server.port, path: "/chat" });
  assert.equal(page.status, 500);
  assert.match(page.headers["content-type"], /^text\/plain/);
  assert.equal(page.headers["x-content-type-options"], "nosniff");
  assert.match(page.body.toString(), /chat\.c:1:.*error: expected expression/);
  assert.match(server.log, /chat\.c:1:.*error: expected expression/);
  assert.equal(await old.ask("x"), "first x");
  writeFileSync(source, taggedEcho("second "));
  await until(async () => (await refusal(t, server, "/chat")) === 101, "it is built again", 60000);
  assert.equal(await asked(t, server, "/chat"), "second x");
});

test("what is asked for and not there is said at once", async (t) => {
  const folder = temporaryFolder(t);
  const says = async (words, expected) => {
    const { status, errors } = await run(["serve", "-p", "127.0.0.1:0", ...words]);
    assert.notEqual(status, 0);
    assert.match(errors, expected);
  };
  await says(["-w", path.join(folder, "none")], /^towline serve: --handlers: \S*none: there is no such folder\n$/);
  await says(["-w", folder, "-m", path.join(folder, "none")], /^towline serve: --aliases: \S*none: No such file or directory\n$/);
  await says(["-w", folder, "-s", "/tmp"], /^towline serve: --scan: \/tmp: it is not below the folder of handlers\n$/);
  const { status, errors } = await run(["handler", "build", path.join(folder, "none.c")]);
  assert.equal(status, 1);
  assert.match(errors, /none\.c: No such file or directory/);
  writeFileSync(path.join(folder, "main.c"), "int main(void) {\n    return 0;\n}\n");
  const main = await run(["handler", "build", path.join(folder, "main.c")], { milliseconds: 60000 });
  assert.equal(main.status, 1);
  assert.match(main.errors, /^towline handler: \S*main\.c: it is no handler: its source has to say TOW_HANDLER/);
  assert.ok(!existsSync(path.join(folder, "main.so")));
  await says(["--dev"], /^towline serve: --dev: name the folder of handlers with --handlers DIR\n$/);
});

test("a configuration that is read again leaves the folder's paths alone, but for those that it names", async (t) => {
  const folder = temporaryFolder(t);
  const file = path.join(folder, "config.yaml");
  put(built.one, path.join(folder, "handlers/echo.so"));
  put(built.one, path.join(folder, "handlers/chat.so"));
  writeFileSync(file, "routes: [{path: /chat, echo: true}]\n");
  const server = await serveHandlers(t, path.join(folder, "handlers"), ["-f", file]);
  assert.match(server.log, /chat\.so is passed over: another route serves \/chat/);
  assert.equal(await asked(t, server, "/chat"), "x");
  writeFileSync(file, "max-message: 1M\n");
  for (let i = 0; i < 2; i++) {
    server.log = "";
    server.signal("SIGHUP");
    await server.logged("was read again");
    assert.equal(await asked(t, server, "/echo"), "one x");
    await until(async () => (await refusal(t, server, "/chat")) === 101 && (await asked(t, server, "/chat")) === "one x", "the file serves the path that is free");
  }
  unlinkSync(path.join(folder, "handlers/echo.so"));
  await until(async () => (await asked(t, server, "/echo")) === "x", "the built-in echo");
  writeFileSync(file, "routes: [{path: /chat, echo: true}]\n");
  server.signal("SIGHUP");
  await until(async () => (await asked(t, server, "/chat")) === "x", "the route that the file names");
  await server.logged("chat.so does not serve /chat any more");
  assert.equal(await asked(t, server, "/chat"), "x");
});

test("the documentation's native handlers are built and answer", async (t) => {
  const folder = temporaryFolder(t);
  const examples = documented("handlers.md", "c");
  assert.deepEqual(Object.keys(examples), ["shout.c"]);
  await build(folder, "shout", examples["shout.c"]);
  const server = await serveHandlers(t, folder);
  assert.equal(await asked(t, server, "/shout", "hello, w\u00f6rld"), "HELLO, W\u00f6RLD");
});

test("the examples do what they say", async (t) => {
  const folder = temporaryFolder(t);
  for (const name of ["chat", "clock", "echo"]) {
    const { status, errors } = await run(["handler", "build", path.join(examples, `${name}.c`), "-o", path.join(folder, `${name}.so`)], { milliseconds: 60000 });
    assert.equal(status, 0, errors);
    assert.equal(errors, "");
  }
  const server = await serveHandlers(t, folder, ["--workers", "2"]);
  assert.equal(await asked(t, server, "/echo"), "x");

  const clocks = await Promise.all([1, 2, 3, 4].map(() => open(t, server, "/clock")));
  for (const clock of clocks) assert.match(await clock.next(), /^\d\d:\d\d:\d\d$/);

  assert.equal(await refusal(t, server, "/chat"), 400);
  const hears = (socket, text) => new Promise((resolve) => socket.on("message", (data) => data.toString() === text && resolve()));
  const ann = await open(t, server, "/chat?name=Ann", { protocols: ["other", "chat"] });
  assert.equal(ann.protocol, "chat");
  const bobIsHere = hears(ann, "* Bob is here");
  const bob = await open(t, server, "/chat?name=Bob");
  await bobIsHere;
  const said = [hears(ann, "Bob: hello"), hears(bob, "Bob: hello")];
  bob.send("hello");
  await Promise.all(said);
  assert.equal((await request({ port: server.port, path: "/chat" })).body.toString(), "2 here\n");
  const bobHasLeft = hears(ann, "* Bob has left");
  bob.close();
  await bobHasLeft;
});

describe("a handler that takes its time to load", () => {
  const slow = "import time\ntime.sleep(SECONDS)\n\ndef web_socket_do_extra_handshake(request):\n    pass\n\n\ndef web_socket_transfer_data(request):\n    request.ws_stream.send_message(request.ws_stream.receive_message())\n";
  const folderOf = (t, seconds) => {
    const folder = temporaryFolder(t);
    writeFileSync(path.join(folder, "late_wsh.py"), slow.replace("SECONDS", seconds));
    return folder;
  };

  test("is there when the server says that it serves", async (t) => {
    const server = await serveHandlers(t, folderOf(t, "1.5"));
    assert.equal(await asked(t, server, "/late"), "x");
  });

  test("does not keep the server from being stopped", async (t) => {
    const server = new Server([program, "serve", "-p", "127.0.0.1:0", "-w", folderOf(t, "3600")]);
    t.after(() => server.signal("SIGKILL"));
    await until(() => readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8") !== "", "the process of the handlers");
    await server.stop();
    assert.doesNotMatch(server.log, /serving/);
  });
});
