// A program of examples/, run as a user would run it, on the kind of loop that the test wants. EXAMPLES names the folder that they
// were built in; without it that is build/examples.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { WebSocket, WebSocketServer } from "ws";

import { until, within } from "./towline.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const folder = path.resolve(process.env.EXAMPLES ?? path.join(here, "../../build/examples"));

/** One test for each kind of loop, or for those in LOOPS. Where the kernel refuses io_uring that one fails: it cannot be run. */
export function onEachLoop(claim, body) {
  for (const io of (process.env.LOOPS ?? "epoll io_uring").split(" ")) test(`${claim} (${io})`, (t) => body(t, io));
}

export class Example {
  /** Starts it; after the test it is ended by its process number. io_uring is what a loop takes by itself, so for epoll it is refused. */
  constructor(t, name, words = [], { io = "io_uring", stdio = ["pipe", "pipe", "pipe"] } = {}) {
    const file = path.join(folder, `example-${name}`);
    assert.ok(existsSync(file), `${file} is not there: build it, or name the folder in EXAMPLES`);
    const command = io === "epoll" ? [path.join(here, "without_io_uring.py"), file] : [file];
    this.output = "";
    this.errors = "";
    this.file = file;
    this.child = spawn(command[0], [...command.slice(1), ...words], { stdio });
    this.child.stdout?.on("data", (text) => (this.output += text));
    this.child.stderr?.on("data", (text) => (this.errors += text));
    this.child.stdin?.on("error", () => {}); // it may have ended
    this.status = once(this.child, "close").then(([code, signal]) => code ?? signal);
    t.after(() => this.end());
  }

  #links() {
    const descriptors = `/proc/${this.child.pid}/fd`;
    return readdirSync(descriptors).flatMap((number) => {
      try {
        return [readlinkSync(`${descriptors}/${number}`)];
      } catch {
        return []; // closed meanwhile
      }
    });
  }

  /** Which kind of loop it runs on, as the kernel sees it. */
  io() {
    return this.#links().includes("anon_inode:[io_uring]") ? "io_uring" : "epoll";
  }

  /** The port that it listens on, when it does. */
  async port() {
    const own = () => new Set(this.#links().map((link) => link.match(/^socket:\[(\d+)\]$/)?.[1]));
    const listening = (inodes) => {
      const rows = readFileSync("/proc/net/tcp", "utf8").trim().split("\n").slice(1).map((row) => row.trim().split(/\s+/));
      return rows.find(([, , , state, , , , , , inode]) => state === "0A" && inodes.has(inode));
    };
    const row = await until(() => {
      assert.equal(this.child.exitCode, null, `it has ended: ${this.errors}`);
      return listening(own());
    }, "listening");
    return parseInt(row[1].split(":")[1], 16);
  }

  /** Its exit status, soon. */
  ended(milliseconds = 20000) {
    return within(milliseconds, this.status, `the end of ${this.file}: ${this.output} ${this.errors}`);
  }

  async end() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGKILL");
    await this.status;
  }
}

/** A WebSocket server of the ws package on a port of the kernel's choice, closed after the test. */
export async function listen(t, options = {}) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, ...options });
  await once(server, "listening");
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return { server, url: `ws://127.0.0.1:${server.address().port}/` };
}

/** A client of the ws package that is open; `messages` are texts and Buffers as they came. */
export async function connect(t, url, options = {}) {
  const client = new WebSocket(url, options);
  client.messages = [];
  client.on("message", (data, binary) => client.messages.push(binary ? data : data.toString()));
  client.closed = once(client, "close").then(([code, reason]) => ({ code, reason: reason.toString() }));
  t.after(() => client.terminate());
  await within(10000, once(client, "open"), "open");
  client.next = (count) => until(() => client.messages.length >= count && client.messages, `${count} messages`);
  return client;
}
