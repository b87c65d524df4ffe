// The library's HTTP client by itself (http_client.c), made to ask as a script says.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

import { program, within } from "./towline.mjs";

const client = path.join(path.dirname(program), "tests/http-client");

/** Runs it with the lines on its input; returns what it told: `calls` by their number, and `counts`. */
export async function ask(words, lines) {
  const child = spawn(client, words, { stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.on("data", (text) => (output += text));
  child.stderr.on("data", (text) => (errors += text));
  child.stdin.on("error", () => {}).end(lines.map((line) => `${line}\n`).join(""));
  const [status] = await within(60000, once(child, "close"), "the HTTP client's end").catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  assert.equal(status, 0, errors + output);
  const told = output.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const calls = [];
  for (const each of told.filter((line) => "number" in line)) calls[each.number] = each;
  return { calls, counts: told.filter((line) => "opened" in line) };
}
