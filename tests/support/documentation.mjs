// Pages of docs/ as programs: their blocks of code and their lines of commands, which tests take one by one and run.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import WebSocket from "ws";

import { Server, program, until, within } from "./towline.mjs";

/** What a page shows, in its order: blocks in fences, and each row of indented lines; `take(kind)` gives the next of a kind. */
export class Page {
  #blocks = [];

  constructor(name) {
    this.name = name;
    const text = readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");
    for (const [, kind, fenced, indented] of text.matchAll(/^```(\w*)\n([^]*?)^```$|((?:^ {4}\S.*\n)+)/gm))
      this.#blocks.push(indented ? { kind: "commands", text: indented.replace(/^ {4}/gm, "") } : { kind, text: fenced });
  }

  take(kind) {
    const at = this.#blocks.findIndex((block) => block.kind === kind);
    assert.notEqual(at, -1, `${this.name} has no more of ${kind}`);
    return this.#blocks.splice(at, 1)[0].text;
  }

  /** Lines of commands, without the comments behind them. */
  commands() {
    return this.take("commands").trim().split("\n").map((line) => line.replace(/\s+# .*$/, ""));
  }

  /** That the tests have run all that the page shows. */
  assertTaken() {
    assert.deepEqual(this.#blocks, [], `${this.name} shows what no test runs`);
  }
}

/** A home for one test: commands run in it, and find `towline` and what they name; all that runs is ended with the test. */
export function home(t, files = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), "towline-page-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(path.join(folder, "bin"));
  symlinkSync(program, path.join(folder, "bin/towline"));
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(folder, name), content, { mode: 0o600 });
  const environment = { ...process.env, HOME: folder, PATH: `${folder}/bin:${process.env.PATH}` };
  delete environment.STATE_DIRECTORY;
  delete environment.XDG_STATE_HOME;

  /** Begins a command: { output, exit }. */
  const begin = (line) => {
    const child = spawn("bash", ["-c", line], { cwd: folder, env: environment, detached: true, stdio: ["pipe", "pipe", "pipe"] });
    const begun = { output: "" };
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (begun.output += text));
    begun.input = child.stdin;
    begun.exit = new Promise((resolve) => child.on("close", (code) => resolve(code)));
    t.after(async () => {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // it has ended
      }
      await begun.exit;
    });
    begun.says = (text) => until(() => begun.output.includes(text), `${line} says ${text}`);
    return begun;
  };

  return {
    folder,
    begin,
    /** A command that ends well; its output. */
    async does(line) {
      const begun = begin(line);
      begun.input.end();
      assert.equal(await within(30000, begun.exit, line), 0, `${line}: ${begun.output}`);
      return begun.output;
    },
    /** The server of a line "towline serve ...", or of options, on a port of the kernel's choice. */
    async serves(line, options) {
      const prefix = ["env", "-C", folder, "-u", "STATE_DIRECTORY", "-u", "XDG_STATE_HOME", `HOME=${folder}`];
      const server = await Server.start(line.split(" ").slice(2), { prefix, ...options });
      t.after(() => server.stop());
      return server;
    },
    /** A configuration of a page: --check has nothing to say, and it serves. */
    async configured(text) {
      writeFileSync(path.join(folder, "towline.yaml"), text);
      await this.does("towline serve --check -f towline.yaml");
      return this.serves("towline serve -f towline.yaml", /^port:/m.test(text) ? { ports: [] } : {});
    },
  };
}

/** The text with the test's server in place of the one that it names. */
export const toward = (server, text) =>
  text.replaceAll("localhost:9998", server.host).replaceAll("ws.example.org", "127.0.0.1").replaceAll("6001", String(server.port));

/** Runs a script as a page does; `result` is an expression of what it made. An awaited line with a comment behind it gives what that says. */
export function script(text, names = {}, result = "undefined") {
  const checked = text.replace(/^await (.*); \/\/ (\{.*\})$/gm, "assert.deepEqual(await $1, $2);");
  const AsyncFunction = (async () => {}).constructor;
  const all = { assert, ...names };
  return new AsyncFunction(...Object.keys(all), `${checked}\nreturn [${result}];`)(...Object.values(all)).then(([made]) => made);
}

/** A console whose lines are kept. */
export function listening() {
  const lines = [];
  return { console: { log: (...words) => lines.push(words.join(" ")) }, says: (line) => until(() => lines.includes(line), `${line} among ${lines}`) };
}

/** Of a value its names, without what they are: lists have the shape of their first. */
export const shape = (value) =>
  Array.isArray(value) ? value.slice(0, 1).map(shape)
  : value === null || typeof value !== "object" ? typeof value
  : Object.fromEntries(Object.keys(value).sort().map((name) => [name, shape(value[name])]));

/** Says what stands behind ">" of a transcript, and demands what stands behind "<", in shape, in whatever order that comes. */
export async function replay(t, url, protocols, transcript) {
  const socket = new WebSocket(url, protocols);
  t.after(() => socket.terminate());
  const came = [];
  socket.on("message", (data) => came.push(JSON.parse(data)));
  await within(10000, new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject)), "open");
  for (const line of transcript.trim().split("\n"))
    if (line.startsWith("> ")) socket.send(line.slice(2));
    else {
      const wanted = JSON.stringify(shape(JSON.parse(line.slice(2))));
      const at = () => came.findIndex((message) => JSON.stringify(shape(message)) === wanted);
      await until(() => at() >= 0, `${line}, in shape, among ${JSON.stringify(came)}`);
      came.splice(at(), 1);
    }
}
