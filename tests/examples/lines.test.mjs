// examples/line_service.c: the same conversation over TCP and over WebSocket.

import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { WebSocket } from "ws";

import { Example, onEachLoop } from "../support/example.mjs";
import { until, within } from "../support/towline.mjs";

async function start(t, io) {
  const example = new Example(t, "line-service", ["127.0.0.1:0", "127.0.0.1:0"], { io });
  const [, tcp, websocket] = await until(() => example.output.match(/port (\d+), and at ws:\/\/localhost:(\d+)\//), "its ports");
  assert.equal(example.io(), io);
  return { example, tcp: Number(tcp), url: `ws://127.0.0.1:${websocket}/lines` };
}

onEachLoop("lines are answered over TCP, wherever they are cut, until quit", async (t, io) => {
  const { tcp } = await start(t, io);
  const socket = net.connect(tcp, "127.0.0.1").setNoDelay();
  let heard = "";
  socket.on("data", (data) => (heard += data));
  for (const piece of ["one\ntw", "o", "\n", "three\nfour\n"]) {
    socket.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await until(() => heard === "ONE\nTWO\nTHREE\nFOUR\n", "the answers");
  socket.write("last\nquit\nnot this\n");
  await within(20000, once(socket, "end"), "the end");
  assert.equal(heard, "ONE\nTWO\nTHREE\nFOUR\nLAST\n");
});

onEachLoop("and over WebSocket by the same code, as text", async (t, io) => {
  const { url } = await start(t, io);
  const socket = new WebSocket(url);
  let heard = "";
  let isText = true;
  socket.on("message", (data, isBinary) => ((heard += data), (isText &&= !isBinary)));
  await once(socket, "open");
  for (const piece of ["one\ntw", Buffer.from("o"), "\n", "grüße\n"]) socket.send(piece);
  await until(() => heard === "ONE\nTWO\nGRüßE\n", "the answers");
  assert.ok(isText);
  socket.send("quit\n");
  const [code] = await within(20000, once(socket, "close"), "the close");
  assert.equal(code, 1000);
});

onEachLoop("who sends without reading, or a line without end, is cut off", async (t, io) => {
  const { tcp } = await start(t, io);
  for (const piece of ["x".repeat(1000) + "\n", "x"]) {
    const socket = net.connect(tcp, "127.0.0.1");
    if (piece !== "x") socket.pause(); // there are no answers to the line without end, and a paused socket hears of no reset
    const gone = new Promise((resolve) => socket.on("error", resolve).on("close", resolve));
    const fill = () => socket.write(piece.repeat(65536 / piece.length)) || socket.once("drain", fill);
    fill();
    if (piece === "x") await within(20000, gone, "the reset");
    socket.destroy();
  }
});
