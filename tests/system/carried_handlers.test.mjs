// What serves a path serves it by Engine.IO and SockJS too: workers, back ends, and handlers that can't.

import assert from "node:assert/strict";
import http from "node:http";
import path from "node:path";
import { cpSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import SockJS from "sockjs-client";

import { configuration, head, start } from "../support/configuration.mjs";
import { begin, session, ways } from "../support/engineio.mjs";
import { temporaryFolder } from "../support/handlers.mjs";
import { request, serve, until, within } from "../support/towline.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** A session of SockJS that is like one of engine.io-client. */
async function sockjs(t, server, target, transports) {
  const socket = new SockJS(`http://${server.host}${target}/sockjs`, null, { transports });
  const messages = [];
  socket.onmessage = ({ data }) => messages.push(data);
  const closed = new Promise((resolve) => (socket.onclose = resolve));
  t.after(() => socket.close());
  await within(20000, Promise.race([new Promise((resolve) => (socket.onopen = resolve)), closed.then(({ code, reason }) => Promise.reject(new Error(`${code} ${reason}`)))]), "open");
  return {
    closed,
    send: (text) => socket.send(text),
    close: () => socket.close(),
    next: (count) => until(() => messages.length >= count, `${count} messages`).then(() => messages.splice(0)),
  };
}

const clients = [
  ...ways.map((transports) => [`Engine.IO, ${transports.join(" and ")}`, (t, server, target) => session(t, server, target, transports)]),
  ...["websocket", "xhr-streaming", "xhr-polling"].map((transport) => [`SockJS, ${transport}`, (t, server, target) => sockjs(t, server, target, transport)]),
];

/** A worker that says who is there and who has left to all. */
const WORKER = `import towline_worker

class Room(towline_worker.Worker):
    def on_open(self, connection):
        connection.send("welcome")
    def on_message(self, connection, message):
        connection.state = message.encode()
        self.broadcast(message)
    def on_close(self, connection, code, reason):
        self.broadcast("%s has left" % connection.state.decode())

Room().run()
`;

async function served(t) {
  const app = http.createServer(async (incoming, outgoing) => {
    let body = "";
    for await (const piece of incoming) body += piece;
    const answers = { open: "welcome", message: body.toUpperCase() };
    outgoing.writeHead(200, { "Content-Type": "text/plain" }).end(answers[incoming.headers["towline-event"]] ?? "");
  });
  await new Promise((resolve) => app.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    app.closeAllConnections();
    app.close();
  });
  const { folder, file, write } = configuration(t, head);
  write(`${head}workers: 2
routes:
  - path: /room
    program: {file: python3, arguments: [${folder}/room.py], worker: true, environment: ["PYTHONPATH=${root}/helpers"]}
  - path: /app
    program: {url: "http://127.0.0.1:${app.address().port}/events"}
`);
  writeFileSync(path.join(folder, "room.py"), WORKER);
  return start(t, file);
}

for (const [name, connect] of clients)
  describe(name, () => {
    test("a worker has many sessions, sends to all, and hears of the end of each", async (t) => {
      const server = await served(t);
      const [one, two] = [await connect(t, server, "/room"), await connect(t, server, "/room")];
      for (const each of [one, two]) assert.deepEqual(await each.next(1), ["welcome"]);
      two.send("bob");
      for (const each of [one, two]) assert.deepEqual(await each.next(1), ["bob"]);
      two.close();
      assert.deepEqual(await one.next(1), ["bob has left"]);
      one.close();
    });

    test("a back end gets a session's events, and answers them", async (t) => {
      const server = await served(t);
      const socket = await connect(t, server, "/app");
      assert.deepEqual(await socket.next(1), ["welcome"]);
      for (const text of ["a", "b"]) socket.send(text);
      assert.deepEqual(await socket.next(2), ["A", "B"]);
      socket.close();
    });
  });

test("what is about bytes is refused with a text: a tunnel at once, also to SockJS that asks what there is", async (t) => {
  const { file } = configuration(t, `${head}routes: [{path: /tunnel, tunnel: {target: "tcp:127.0.0.1:9"}}]\n`);
  const server = await start(t, file);
  for (const target of ["/tunnel/engine.io/?EIO=4&transport=polling", "/tunnel/sockjs/info"]) {
    const { status, body } = await request({ port: server.port, path: target });
    assert.equal(status, 403, target);
    assert.match(body.toString(), /WebSocket only/, target);
  }
});

test("a Python handler that writes bytes behind the handshake ends its session, with 1011 where that is told", async (t) => {
  const folder = temporaryFolder(t);
  cpSync(path.join(root, "tests/handlers/echo_raw_wsh.py"), path.join(folder, "raw_wsh.py"));
  const server = await serve(t, ["-w", folder]);
  await until(() => server.log.includes("serves /raw"), "it is served");
  const polling = await begin(server, "/raw");
  await polling.post("4bytes");
  await until(async () => (await polling.get()).status === 400, "its end");
  const socket = await sockjs(t, server, "/raw", "xhr-polling");
  socket.send("bytes");
  const { code, reason } = await within(20000, socket.closed, "its end");
  assert.deepEqual([code, reason], [1011, "this handler reads or writes bytes: by WebSocket only"]);
});
