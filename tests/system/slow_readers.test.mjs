// Nothing is lost for clients that read late, with what the kernel and TLS really hold.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { loops, serve } from "../support/towline.mjs";

const script = path.join(path.dirname(fileURLToPath(import.meta.url)), "slow_readers.py");
const folder = mkdtempSync(path.join(tmpdir(), "slow-readers-"));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(path.join(folder, "eight.bin"), randomBytes(8 << 20));

for (const io of loops) {
  for (const [kind, words] of [["plain", []], ["tls", ["--tls-self-signed"]]]) {
    test(`slow readers over ${kind} get all of it from ${io}`, async (t) => {
      const server = await serve(t, ["--io", io, "-d", folder, ...words]);
      const { stdout } = await promisify(execFile)("/usr/bin/python3", [script, String(server.port), kind], { timeout: 180000 });
      for (const { name, cut } of stdout.trim().split("\n").map((line) => JSON.parse(line))) assert.equal(cut, 0, name);
    });
  }
}
