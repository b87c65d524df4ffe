// What pages of docs/ show works as it stands there, but for hosts and ports: commands, configurations, clients and programs.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import EventSource from "eventsource";
import Pusher from "pusher-js";
import { io } from "socket.io-client";
import SockJS from "sockjs-client";

import { Page, home, listening, replay, script, shape, toward } from "../support/documentation.mjs";
import { tokenOf, soon } from "../support/tokens.mjs";
import { program, request, serve, until, within } from "../support/towline.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** Tests of a page, and that they leave out nothing. */
function page(name, tests) {
  const shown = new Page(name);
  describe(name, () => {
    tests(shown);
    test("has nothing else to run", () => shown.assertTaken());
  });
}

async function freePort() {
  const probe = net.createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

/** Compiles a program of a page against the library that is tested, as strictly as ours is; starts it, with `words`. */
async function compiled(t, folder, text, libraries, words = []) {
  const library = path.join(path.dirname(program), "src");
  const sanitized = execFileSync("nm", ["-D", path.join(library, "libtowline.so")]).includes("__asan_init") ? ["-fsanitize=address,undefined"] : [];
  writeFileSync(path.join(folder, "program.c"), text);
  execFileSync("cc", ["-std=c17", "-Wall", "-Wextra", "-Werror", ...sanitized, `-I${root}/include`, "-o", "program", "program.c", `-L${library}`,
    ...["socketio", "../socketio"].map((each) => `-L${path.join(library, each)}`), `-Wl,-rpath,${library}:${path.join(library, "socketio")}`, ...libraries], { cwd: folder, stdio: "pipe" });
  const child = spawn(path.join(folder, "program"), words, { stdio: ["ignore", "pipe", "pipe"] });
  const begun = { output: "", exit: once(child, "close") };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => (begun.output += piece));
  t.after(async () => {
    child.kill("SIGKILL");
    await begun.exit;
  });
  return begun;
}

page("pusher.md", (shown) => {
  const connected = (t, text) => script(text, { Pusher }, "pusher").then(async (pusher) => {
    t.after(() => pusher.disconnect());
    await until(() => pusher.connection.state === "connected", `connected, but ${pusher.connection.state}`);
  });

  test("an app on the command line", async (t) => {
    const [makes, serves] = shown.commands();
    const place = home(t);
    await place.does(makes);
    const server = await place.serves(serves);
    await connected(t, toward(server, 'const pusher = new Pusher("my-key", { cluster: "", wsHost: "ws.example.org", wsPort: 6001, forceTLS: false });'));
  });

  test("apps in a configuration file, and their clients", async (t) => {
    const place = home(t, { secret: "my-secret", "other-secret": "its-secret" });
    const server = await place.configured(shown.take("yaml").replace("*:6001", "127.0.0.1:0").replace("ws.example.org", "127.0.0.1"));
    await connected(t, toward(server, shown.take("js")));
    await connected(t, toward(server, shown.take("js")));
  });
});

page("socketio.md", (shown) => {
  test("rooms of a route, a client, and what is published to it", async (t) => {
    const place = home(t);
    const server = await place.configured(shown.take("yaml"));
    const heard = listening();
    const socket = await script(toward(server, shown.take("js")), { io, console: heard.console }, "socket");
    t.after(() => socket.close());
    await place.does(toward(server, shown.take("sh")));
    await heard.says("good news");
    const other = io(`http://${server.host}`, { forceNew: true });
    t.after(() => other.close());
    await other.emitWithAck("publish", "chat", "said", "hello", { at: 2 });
    await heard.says("hello [object Object]");
    for (const client of [socket, other]) client.close(); // the drain waits for nobody
  });

  test("one channel, every protocol", async (t) => {
    const place = home(t);
    writeFileSync(path.join(place.folder, "secret"), "my-secret", { mode: 0o600 });
    const server = await place.configured(shown.take("yaml"));
    const socket = io(`http://${server.host}`, { forceNew: true });
    t.after(() => socket.close());
    await socket.emitWithAck("subscribe", "news");
    const heard = once(socket, "message");
    await place.does(toward(server, `curl -H "Authorization: Bearer $(cat ~/.local/state/towline/publish.key)" -d hello http://localhost:9998/publish/news`));
    assert.deepEqual(await within(10000, heard, "the message"), ["hello"]);
    socket.close();
  });

  test("a server in C", async (t) => {
    const port = await freePort();
    const text = shown.take("c").replace("tow_server_new(&server, NULL)", `tow_server_new(&server, &(tow_server_options){.listen = "127.0.0.1:${port}"})`);
    const place = home(t);
    const server = await compiled(t, place.folder, text, ["-ltowline-socketio", "-ltowline"]);
    const clients = [1, 2].map(() => io(`http://127.0.0.1:${port}`, { forceNew: true, reconnectionDelay: 50 }));
    t.after(() => clients.forEach((client) => client.close()));
    await until(() => clients.every((client) => client.connected), `connected: ${server.output}`);
    const said = new Promise((resolve) => clients[1].on("said", resolve));
    await within(20000, clients[0].emitWithAck("say", "hello"), "the acknowledgement");
    assert.equal(await within(20000, said, "what was said"), "hello");
  });
});

page("publishing.md", (shown) => {
  test("commands that publish and subscribe", async (t) => {
    const [[serves, curl], [subscribes, publishes, follows]] = [shown.commands(), shown.commands()];
    const place = home(t);
    const server = await place.serves(serves);
    const subscriber = place.begin(toward(server, subscribes));
    await until(async () => {
      await place.does(toward(server, publishes));
      return subscriber.output.includes("hello");
    }, "what was published is heard");
    const before = subscriber.output.length;
    await place.does(toward(server, curl));
    await until(() => subscriber.output.slice(before).includes("hello"), "what curl has published is heard");
    writeFileSync(path.join(place.folder, "access.log"), "");
    const reader = place.begin(toward(server, subscribes.replace(/news$/, "log")));
    place.begin(toward(server, follows));
    await until(() => {
      appendFileSync(path.join(place.folder, "access.log"), "a line\n");
      return reader.output.includes("a line");
    }, "lines of the file are heard");
  });

  test("a Python handler that publishes", async (t) => {
    const [makes, serves] = shown.commands();
    const place = home(t);
    await place.does(makes);
    mkdirSync(path.join(place.folder, "handlers"));
    writeFileSync(path.join(place.folder, "handlers/publish_wsh.py"), shown.take("python"));
    const server = await place.serves(serves);
    await until(() => server.log.includes("serves /publish"), "the handler");
    const subscriber = place.begin(`towline connect ws://${server.host}/channel/news`);
    const publisher = place.begin(`towline connect ws://${server.host}/publish`);
    await until(() => {
      publisher.input.write("from a handler\n");
      return subscriber.output.includes("from a handler");
    }, `what the handler has published: ${server.log}`);
  });

  test("routes with keys of their own, and many publications at once", async (t) => {
    const [keys, others] = ["k".repeat(32), "o".repeat(32)];
    const server = await home(t, { keys, "other-keys": others }).configured(shown.take("yaml"));
    const publish = (target, key, body) =>
      request({ port: server.port, path: target, method: "POST", body, headers: { Authorization: `Bearer ${key}` } });
    assert.equal((await publish("/publish/news", keys, "x")).status, 200);
    assert.equal((await publish("/publish/news", others, "x")).status, 401);
    assert.equal((await publish("/internal/publish/news", others, "x")).status, 200);
    const many = await publish("/publish", keys, shown.take("json"));
    assert.deepEqual([many.status, JSON.parse(many.body)], [200, { published: 3 }], many.body.toString());
  });

  test("a program that publishes", async (t) => {
    const place = home(t, { "publish.key": "k".repeat(32) });
    writeFileSync(path.join(place.folder, "say.sh"), shown.take("sh"), { mode: 0o755 });
    const server = await place.configured(shown.take("yaml"));
    const subscriber = place.begin(`towline connect ws://${server.host}/channel/news`);
    const publisher = place.begin(`towline connect ws://${server.host}/say`);
    await until(() => {
      publisher.input.write("from a program\n");
      return subscriber.output.includes("from a program");
    }, `what the program has published: ${server.log}`);
  });
});

page("tokens.md", (shown) => {
  const staff = "channels:\n  - name: news\n    subscribe: token\n  - name: other\n    subscribe: token\n";

  test("a token that is made of the claims lets in where they say", async (t) => {
    const [makes, serves] = shown.commands();
    const place = home(t, { "towline.yaml": staff });
    await place.does(makes);
    const server = await place.serves(serves);
    const claims = { ...JSON.parse(shown.take("json")), exp: soon() };
    const token = tokenOf(claims, readFileSync(path.join(place.folder, "secret"), "utf8").trim());
    const asks = async (name) => (await request({ port: server.port, path: `/channel/${name}`, headers: { Authorization: `Bearer ${token}` } })).status;
    assert.deepEqual([await asks("news"), await asks("other")], [200, 403]);
    assert.equal((await request({ port: server.port, path: "/channel/news" })).status, 401);
  });

  test("a back end is asked", async (t) => {
    const [serves] = shown.commands();
    const place = home(t, { "towline.yaml": staff });
    await place.does(serves.replace("serve", "serve --check"));
  });
});

page("engineio.md", (shown) => {
  test("a client", async (t) => {
    const place = home(t);
    const server = await place.serves("towline serve");
    symlinkSync(path.join(root, "tests/node_modules"), path.join(place.folder, "node_modules"));
    writeFileSync(path.join(place.folder, "client.mjs"), toward(server, shown.take("js")));
    await place.begin("node client.mjs").says("hello");
  });

  test("a page is a module that the server's own is imported by", () => {
    const text = shown.take("html");
    const [, module] = /<script type="module">\n([^]*)<\/script>/.exec(text);
    assert.match(module, /^ {2}import WebSocket from "\/\.towline\.js";$/m); // tests/browser/documentation.test.mjs runs it
  });

  test("a client in C", async (t) => {
    const server = await serve(t, []);
    const place = home(t);
    const text = `#include <stdio.h>
#include <towline.h>

static void greet(tow_websocket *socket) {
    tow_websocket_send(socket, TOW_TEXT, "hello", 5);
}

static void print(tow_websocket *socket, const tow_message *message) {
    printf("%.*s\\n", (int)message->length, (const char *)message->data);
    tow_websocket_close(socket, 1000, NULL);
}

int main(void) {
    tow_loop *loop;
    if (tow_loop_new(&loop, NULL) != 0)
        return 1;
${shown.take("c").replace("wss://example.org/chat", server.url("/echo"))}
    if (error == 0)
        error = tow_loop_run(loop);
    tow_websocket_free(socket);
    tow_loop_free(loop);
    return error != 0;
}
`;
    const client = await compiled(t, place.folder, text, ["-ltowline"]);
    assert.deepEqual([(await within(20000, client.exit, "its end"))[0], client.output], [0, "hello\n"]);
  });

  test("the open packet between towline's own ends", async (t) => {
    const server = await serve(t, []);
    const { body } = await request({ port: server.port, path: "/channel/engine.io/?EIO=4&transport=polling&towline=1&protocols=towline.v1" });
    const packet = (text) => shape(JSON.parse(text.trim().split("\x1e")[0].slice(1)));
    assert.deepEqual(packet(body.toString()), packet(shown.take("")));
  });
});

page("sockjs.md", (shown) => {
  test("a client", async (t) => {
    const server = await serve(t, []);
    const heard = listening();
    const socket = await script(toward(server, shown.take("js")), { SockJS, console: heard.console }, "socket");
    t.after(() => socket.close());
    await within(20000, new Promise((resolve) => (socket.onopen = resolve)), "open");
    socket.send("hello");
    await heard.says("hello");
  });
});

page("channels.md", (shown) => {
  const publishes = (server, place, name, text = "hello") =>
    place.does(`towline publish http://${server.host} ${name} ${text}`);

  test("commands that subscribe", async (t) => {
    const [serves, connects, streams, polls] = shown.commands();
    const place = home(t);
    const server = await place.serves(serves);
    const subscribers = [connects, streams].map((line) => place.begin(toward(server, line)));
    await until(async () => {
      await publishes(server, place, "news");
      return subscribers.every(({ output }) => output.includes("hello"));
    }, "both hear of it");
    assert.match(await place.does(toward(server, polls)), /"position":/);
  });

  test("what is set for channels, and a conversation by towline.v1", async (t) => {
    const place = home(t, { secret: `${"s".repeat(32)}\n` });
    const server = await place.configured(shown.take("yaml"));
    assert.equal((await request({ port: server.port, path: "/channel/staff/a" })).status, 401);
    await replay(t, server.url("/channel/"), ["towline.v1"], shown.take(""));
  });

  test("routes to channels", async (t) => {
    const place = home(t);
    const server = await place.configured(shown.take("yaml"));
    const statuses = ["/channel/a", "/live/a", "/ticker"].map(async (target) => (await request({ port: server.port, path: target })).status);
    assert.deepEqual(await Promise.all(statuses), [200, 200, 200]);
  });

  test("an EventSource", async (t) => {
    const place = home(t);
    const server = await place.serves("towline serve");
    const shows = [];
    class Relative extends EventSource {
      constructor(target) {
        super(`http://${server.host}${target}`);
      }
    }
    const source = await script(shown.take("js"), { EventSource: Relative, show: (data) => shows.push(data), reload: () => shows.push("reload") }, "source");
    t.after(() => source.close());
    await until(async () => {
      await publishes(server, place, "news");
      return shows.includes("hello");
    }, "the message");
    await request({ port: server.port, path: "/publish/news?event=price", method: "POST", body: "8",
      headers: { Authorization: `Bearer ${readFileSync(path.join(place.folder, ".local/state/towline/publish.key"), "utf8").trim()}` } });
    await until(() => shows.includes("8"), "the price");
  });

  test("URLs and answers of polls", async (t) => {
    assert.match(shown.take("commands"), /^ws:\/\/HOST\/channel\/NAME/);
    assert.match(shown.take("commands"), /^GET \/channel\/NAME/);
    const place = home(t);
    const server = await place.configured("channels:\n  - name: news\n    history: 10\nroutes:\n  - {path: /channel/*, channel: }\n  - {path: /publish/*, publish: true}\n");
    await publishes(server, place, "news");
    const { position } = JSON.parse((await request({ port: server.port, path: "/channel/news" })).body);
    const poll = request({ port: server.port, path: `/channel/news?since=${position}` });
    await publishes(server, place, "news");
    assert.deepEqual(shape(JSON.parse((await poll).body)), shape(JSON.parse(shown.take("json"))));
  });
});
