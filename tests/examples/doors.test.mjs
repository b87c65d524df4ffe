// examples/doors.c.

import assert from "node:assert/strict";
import { once } from "node:events";
import { WebSocket } from "ws";

import { connect, Example, onEachLoop } from "../support/example.mjs";
import { until, within } from "../support/towline.mjs";

/** The status and the body of a handshake that is refused. */
async function refusal(url) {
  const client = new WebSocket(url);
  const [, response] = await within(20000, once(client, "unexpected-response"), "a refusal");
  let body = "";
  for await (const text of response) body += text;
  return { status: response.statusCode, challenge: response.headers["www-authenticate"], body };
}

/** Starts it, with commands by their lines. */
async function begin(t, io) {
  const server = new Example(t, "doors", ["localhost:0"], { io });
  const url = `ws://localhost:${await server.port()}`;
  const command = (line) => server.child.stdin.write(`${line}\n`);
  return { server, url, command };
}

/** The room is open: whoever says no name is asked for it. */
async function isOpen(url) {
  await until(async () => (await refusal(url)).status === 401, "the room");
}

onEachLoop("rooms open and close, and who is inside stays", async (t, io) => {
  const { server, url, command } = await begin(t, io);
  assert.equal((await refusal(`${url}/tea?anna`)).status, 404);
  command("open tea");
  await isOpen(`${url}/tea`);
  const anna = await connect(t, `${url}/tea?anna`);
  assert.equal(server.io(), io);
  assert.deepEqual(await anna.next(1), ["welcome to tea, anna"]);
  assert.deepEqual(await refusal(`${url}/tea`), { status: 401, challenge: "Name", body: "say who you are: ?NAME\n" });
  assert.deepEqual(await refusal(`${url}/tea?mallory`), { status: 403, challenge: undefined, body: "you are not welcome here\n" });
  command("close tea");
  command("close tea");
  await until(() => server.errors.includes("there is no such room: tea"), "the second close");
  assert.equal((await refusal(`${url}/tea?ben`)).status, 404);
  anna.send("where am I?");
  assert.deepEqual(await anna.next(2), ["welcome to tea, anna", "tea"]);
  assert.equal(server.output, "");
  anna.close();
  await until(() => server.output === "tea is empty\n", "the end of the room");
  server.child.stdin.end();
  assert.equal(await server.ended(), 0, server.errors);
});

onEachLoop("rooms are replaced under load, and each is freed", async (t, io) => {
  const { server, url, command } = await begin(t, io);
  let over = false;
  let welcomed = 0;
  const visit = async (name) => {
    while (!over) {
      const client = new WebSocket(`${url}/tea?${name}`);
      client.on("error", () => {}); // the room may be closed
      client.on("message", () => (welcomed++, client.send("?")));
      setTimeout(() => client.terminate(), Math.random() * 100);
      await new Promise((done) => client.on("close", done));
    }
  };
  const visitors = Array.from({ length: 8 }, (_, i) => visit(`guest${i}`));
  let opened = 0;
  while (opened < 200 || welcomed < 200) {
    command("open tea");
    if (++opened % 3 === 0) command("close tea");
    await new Promise((done) => setTimeout(done, 5));
  }
  over = true;
  await Promise.all(visitors);
  server.child.stdin.end();
  assert.equal(await server.ended(), 0, server.errors);
  assert.equal(server.output, "tea is empty\n".repeat(opened));
});
