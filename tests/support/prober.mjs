// How long another client's echoes take. In a process of its own, so that the work of a test's attackers is not measured.

import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import WebSocket from "ws";

import { within } from "./towline.mjs";

export class Prober {
  /** `authority` names a file of PEM when `url` is wss. */
  static async start(test, url, authority = "") {
    const child = fork(fileURLToPath(import.meta.url), [url, authority]);
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

function probe(url, authority) {
  const socket = new WebSocket(url, authority ? { ca: readFileSync(authority) } : {});
  let longest = 0;
  let sent = 0; // 0: none is on its way
  let first = true;
  const since = () => (sent === 0 ? 0 : performance.now() - sent);
  const send = () => {
    sent = performance.now();
    socket.send("probe");
  };
  socket.on("open", send);
  socket.on("message", () => {
    longest = Math.max(longest, since());
    sent = 0;
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

if (process.argv[1] === fileURLToPath(import.meta.url)) probe(process.argv[2], process.argv[3]);
