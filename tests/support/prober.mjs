// How long another client's echoes take. In a process of its own, so that the work of a test's attackers is not measured; nor is the
// time in which the server, or the prober, would have gone on and another process had the processor.

import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import WebSocket from "ws";

import { within } from "./towline.mjs";

export class Prober {
  /** The server has one worker; `authority` names a file of PEM when `url` is wss. */
  static async start(test, server, url, authority = "") {
    const child = fork(fileURLToPath(import.meta.url), [String(server.pid), url, authority]);
    test.after(() => child.kill());
    await within(20000, once(child, "message"), "a prober's first echo");
    return new Prober(child);
  }

  constructor(child) {
    this.child = child;
  }

  /** The longest that an echo took since the last question, in milliseconds; one that has not come yet counts as well. */
  async longest() {
    const answer = within(20000, once(this.child, "message"), "a prober's word");
    this.child.send("longest");
    return (await answer)[0];
  }
}

/** For how many milliseconds the main thread of a process has waited for a processor so far. */
function delayed(pid) {
  return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[1]) / 1e6;
}

/** Milliseconds, without those in which the server's main thread, or ours, would have gone on and another process had the processor. */
export function clock(server) {
  return performance.now() - delayed(server) - delayed(process.pid);
}

function probe(server, url, authority) {
  const socket = new WebSocket(url, authority ? { ca: readFileSync(authority) } : {});
  let longest = 0;
  let sent = null; // none is on its way
  let first = true;
  const since = () => (sent === null ? 0 : clock(server) - sent);
  const send = () => {
    sent = clock(server);
    socket.send("probe");
  };
  socket.on("open", send);
  socket.on("message", () => {
    longest = Math.max(longest, since());
    sent = null;
    if (first) process.send("ready");
    first = false;
    setTimeout(send, 5);
  });
  socket.on("close", () => process.exit(1));
  process.on("message", () => {
    process.send(Math.max(longest, since()));
    longest = 0;
  });
  process.on("disconnect", () => process.exit());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) probe(...process.argv.slice(2));
