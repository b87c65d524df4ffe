// mod_towline in the real Apache, in short: tests/apache has the rest.

import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { test } from "node:test";

import { Apache } from "../support/apache.mjs";
import { open } from "../support/handlers.mjs";
import { request } from "../support/towline.mjs";

const examples = new URL("../../examples/handlers/", import.meta.url).pathname;

test("a Python handler echoes beside an ordinary page", async (t) => {
  const apache = await Apache.start(t, { fill: (folder) => cpSync(`${examples}/echo_wsh.py`, `${folder}/echo_wsh.py`) });
  const socket = await open(t, apache, "/echo", { origin: apache.origin });
  assert.equal(await socket.ask("hello"), "hello");
  assert.equal(await socket.ask("Goodbye"), "Goodbye");
  assert.equal(await socket.closed, 1000);
  assert.equal((await request({ port: apache.port, path: "/page.html" })).body.toString(), "<h1>an ordinary page</h1>\n");
  assert.equal((await request({ port: apache.port, path: "/echo" })).status, 426);
  assert.equal((await request({ port: apache.port, path: "/absent" })).status, 404);
});

test("with a process for each connection it does not start, and says what it needs", async (t) => {
  const apache = new Apache({ mpm: "prefork" });
  t.after(() => apache.stop());
  apache.allowReading();
  assert.equal(await apache.run(), false);
  assert.match(apache.log, /mod_towline needs a threaded MPM, and prefork is none: load mpm_event or mpm_worker/);
});
