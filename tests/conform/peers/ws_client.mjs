// A client with ws (npm) that plays all conformance cases of the server at a URL, some at the same time.
//
//     ws_client.mjs URL
import { once } from "node:events";
import { WebSocket } from "ws";

const [base] = process.argv.slice(2);
const AT_ONCE = 8;
const PATIENCE = 20000; // milliseconds

/** Echoes until the connection is over, however it ends. */
async function play(target) {
  const socket = new WebSocket(base + target, { perMessageDeflate: true });
  const timer = setTimeout(() => socket.terminate(), PATIENCE);
  socket.on("error", () => {}); // a close follows
  socket.on("message", (data, binary) => socket.send(data, { binary }));
  await new Promise((resolve) => socket.on("close", resolve));
  clearTimeout(timer);
}

async function count() {
  const socket = new WebSocket(`${base}/cases`);
  const [text] = await once(socket, "message");
  return Number(text);
}

const cases = await count();
let next = 1;
async function playSome() {
  while (next <= cases) await play(`/case/${next++}`);
}
await Promise.all(Array.from({ length: AT_ONCE }, playSome));
await play("/report");
