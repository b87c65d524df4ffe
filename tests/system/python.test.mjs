// python3-websockets, a second client that we did not write.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { loops, serve } from "../support/towline.mjs";

const script = path.join(path.dirname(fileURLToPath(import.meta.url)), "websockets_client.py");

for (const io of loops) {
  test(`python3-websockets against ${io}`, async (t) => {
    const server = await serve(t, ["--io", io]);
    const { stdout } = await promisify(execFile)("/usr/bin/python3", [script, server.url()], { timeout: 120000 });
    const checks = stdout.trim().split("\n").map((line) => JSON.parse(line));
    assert.equal(checks.length, 8);
    for (const { name, error } of checks) await t.test(name, () => assert.equal(error, null));
  });
}
