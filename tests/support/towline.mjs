// The tested program: started on ports of the kernel's choice, watched, and ended by its process number.
// TOWLINE names the program; without it build/towline is tested.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
export const program = path.resolve(process.env.TOWLINE ?? path.join(root, "build/towline"));
assert.ok(existsSync(program), `${program} is not there: build it, or name the program to test in TOWLINE`);

// With sanitizers the program is several times slower and larger, so only bounds that allow for it are asserted.
export const loops = ["epoll", "io_uring"];

/** For tests that ask for the server's memory: freed memory is held back for a while by sanitizers, and what counts is what is in use. */
export function holdNothingBack() {
  process.env.ASAN_OPTIONS = [process.env.ASAN_OPTIONS, "quarantine_size_mb=1"].filter(Boolean).join(":");
}

/** Loops and TLS for what takes long: each with each where all is tested. */
export const ways = loops.flatMap((io) => [false, true].map((secure) => ({ io, secure })))
  .filter(({ io, secure }) => process.env.TOWLINE_ALL || secure === (io === "io_uring"));

// What servers keep for themselves, the key for publishing, lies in a folder of the test's file.
if (!process.env.STATE_DIRECTORY) {
  const folder = (process.env.STATE_DIRECTORY = mkdtempSync("/tmp/towline-state-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
}

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until `check` gives something true, and returns that. */
export async function until(check, what, milliseconds = 30000) {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const result = await check();
    if (result) return result;
    assert.ok(Date.now() < deadline, `not within ${milliseconds} ms: ${what}`);
    await sleep(5);
  }
}

/** Rejects if the promise takes longer. */
export async function within(milliseconds, promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: `not within ${milliseconds} ms: ${what}` })), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A started `towline serve`. */
export class Server {
  /** Options: `ports` (default one on 127.0.0.1; an empty list leaves it to the program), `prefix` (a command that executes the program), `status` (serve counters). */
  static async start(words = [], { ports = ["127.0.0.1:0"], prefix = [], status = false } = {}) {
    const command = [...prefix, program, "serve", ...ports.flatMap((port) => ["-p", port]), ...words];
    if (status) command.push("--status", "127.0.0.1:0");
    const server = new Server(command);
    await server.#listening(Math.max(ports.length, 1) + (status ? 1 : 0));
    return server;
  }

  constructor([file, ...words]) {
    this.log = "";
    this.child = spawn(file, words, { stdio: ["ignore", "pipe", "pipe"] });
    this.child.stdout.on("data", (text) => (this.log += text));
    this.child.stderr.on("data", (text) => (this.log += text));
    this.exit = once(this.child, "close").then(([code, signal]) => code ?? signal);
  }

  async #listening(count) {
    const places = () => [...this.log.matchAll(/serving (?:wss?:\/\/\S*?:(\d+)\/|on unix:)|counters http:\/\/\S*?:(\d+)\//g)];
    let ended = false;
    this.exit.then(() => (ended = true));
    await until(() => ended || places().length >= count, "listening", 20000);
    assert.ok(places().length >= count, `the server did not start: ${this.log}`);
    this.ports = places().filter((place) => place[1]).map((place) => Number(place[1]));
    this.port = this.ports[0];
    this.statusPort = Number(places().find((place) => place[2])?.[2]);
  }

  get pid() {
    return this.child.pid;
  }

  get host() {
    return `127.0.0.1:${this.port}`;
  }

  url(target = "/echo") {
    return `ws://${this.host}${target}`;
  }

  signal(name = "SIGTERM") {
    this.child.kill(name);
  }

  /** Ends it and demands that it ends well: 0, so that sanitizers had nothing to say. */
  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.signal();
    const status = await within(60000, this.exit, "the server's end").catch((error) => {
      this.signal("SIGKILL");
      throw error;
    });
    assert.equal(status, 0, this.log);
  }

  /** Bytes resident. */
  memory() {
    return Number(readFileSync(`/proc/${this.pid}/status`, "utf8").match(/^VmRSS:\s+(\d+) kB$/m)[1]) * 1024;
  }

  /** CPU time of all threads so far, in milliseconds. */
  cpu() {
    const tasks = `/proc/${this.pid}/task`;
    const nanoseconds = readdirSync(tasks).map((task) => Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]));
    return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6;
  }

  descriptors() {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** All of --status. */
  async metrics() {
    return (await request({ port: this.statusPort, path: "/metrics" })).body.toString();
  }

  /** A counter of --status, such as counter("messages_in_total") or counter('limit_reached_total{limit="host"}'). */
  async counter(name) {
    const text = await this.metrics();
    const line = text.split("\n").find((each) => each.startsWith(`towline_${name} `));
    assert.ok(line, `no counter ${name} in\n${text}`);
    return Number(line.split(" ").pop());
  }

  limit(option) {
    return this.counter(`limit_reached_total{limit="${option}"}`);
  }
}

/** Starts a server for one test and ends it after the test. */
export async function serve(test, words, options) {
  const server = await Server.start(words, options);
  test.after(() => server.stop());
  return server;
}

/** One HTTP request; headers as given, the path unchanged. */
export function request({ port, path: target = "/", method = "GET", headers = {}, body, agent = false }) {
  return new Promise((resolve, reject) => {
    const outgoing = http.request({ host: "127.0.0.1", port, path: target, method, headers, agent }, (response) => {
      const pieces = [];
      response.on("data", (piece) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces) }));
    });
    outgoing.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode, headers: response.headers, body: Buffer.alloc(0) });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** Runs the program to its end: { status, output, errors, bytes (of the output) }. */
export async function run(words, { input = "", environment = {}, milliseconds = 60000 } = {}) {
  const child = spawn(program, words, { env: { ...process.env, ...environment } });
  const output = [];
  const errors = [];
  child.stdout.on("data", (piece) => output.push(piece));
  child.stderr.on("data", (piece) => errors.push(piece));
  child.stdin.on("error", () => {}); // it may have ended before it read all
  if (input !== null) child.stdin.end(input);
  const timer = setTimeout(() => child.kill("SIGKILL"), milliseconds);
  const [code, signal] = await once(child, "close");
  clearTimeout(timer);
  const bytes = Buffer.concat(output);
  return { status: code ?? signal, output: bytes.toString(), errors: Buffer.concat(errors).toString(), bytes };
}
