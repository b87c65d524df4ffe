// Static files: what a browser and curl would ask for, and ways out of the root that must not be.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { Raw } from "../support/raw.mjs";
import { Server, loops, request } from "../support/towline.mjs";

const big = randomBytes(3 << 20);

/** A folder `root` to serve, beside a file `secret` that must stay one. */
function makeFolder() {
  const folder = mkdtempSync("/tmp/towline-test-");
  const root = path.join(folder, "root");
  mkdirSync(path.join(root, "sub/deeper"), { recursive: true });
  writeFileSync(path.join(folder, "secret"), "secret");
  writeFileSync(path.join(root, "index.html"), "<!doctype html><title>index</title>");
  writeFileSync(path.join(root, "a.txt"), "0123456789");
  writeFileSync(path.join(root, "empty"), "");
  writeFileSync(path.join(root, "big.bin"), big);
  writeFileSync(path.join(root, "sub/<&\"'é.css"), "body{}");
  writeFileSync(path.join(root, "sub/script.js"), "1");
  utimesSync(path.join(root, "a.txt"), 784111777, 784111777);
  symlinkSync("../../secret", path.join(root, "sub/out"));
  symlinkSync("/etc", path.join(root, "etc"));
  symlinkSync("a.txt", path.join(root, "inside"));
  return { folder, root };
}

for (const io of loops) {
  describe(`files, ${io}`, () => {
    let folder;
    let server;
    before(async () => {
      folder = makeFolder();
      server = await Server.start(["--io", io, "-d", folder.root]);
    });
    after(async () => {
      await server.stop();
      rmSync(folder.folder, { recursive: true });
    });
    const get = (target, headers = {}, method = "GET") => request({ port: server.port, path: target, headers, method });

    test("/ is index.html", async () => {
      const { status, headers, body } = await get("/");
      assert.equal(status, 200);
      assert.match(headers["content-type"], /^text\/html/);
      assert.equal(body.toString(), "<!doctype html><title>index</title>");
    });

    test("a file comes with type, length, ETag and time", async () => {
      const { status, headers, body } = await get("/a.txt");
      assert.equal(status, 200);
      assert.match(headers["content-type"], /^text\/plain/);
      assert.equal(headers["content-length"], "10");
      assert.equal(headers["last-modified"], "Sun, 06 Nov 1994 08:49:37 GMT");
      assert.match(headers.etag, /^(W\/)?"[^"]+"$/);
      assert.ok(Date.parse(headers.date) > 0);
      assert.equal(body.toString(), "0123456789");
    });

    test("a large file comes whole, also to a reader that waits", async () => {
      const { body } = await get("/big.bin");
      assert.ok(body.equals(big));
      const raw = await Raw.connect(server.port);
      raw.socket.pause();
      raw.send("GET /big.bin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      await new Promise((resolve) => setTimeout(resolve, 300));
      raw.socket.resume();
      await raw.end(20000);
      assert.ok(raw.received.subarray(-big.length).equals(big));
    });

    test("curl agrees", () => {
      const got = execFileSync("curl", ["-sS", "--compressed", `http://127.0.0.1:${server.port}/big.bin`], { maxBuffer: 8 << 20 });
      assert.equal(createHash("sha256").update(got).digest("hex"), createHash("sha256").update(big).digest("hex"));
    });

    test("HEAD has the head and no body", async () => {
      const { status, headers, body } = await get("/a.txt", {}, "HEAD");
      assert.equal(status, 200);
      assert.equal(headers["content-length"], "10");
      assert.equal(body.length, 0);
    });

    test("other methods get 405 with Allow", async () => {
      for (const method of ["POST", "PUT", "DELETE"]) {
        const { status, headers } = await get("/a.txt", {}, method);
        assert.equal(status, 405);
        assert.match(headers.allow, /GET/);
      }
    });

    test("If-None-Match and If-Modified-Since save the body", async () => {
      const { headers } = await get("/a.txt");
      assert.equal((await get("/a.txt", { "If-None-Match": headers.etag })).status, 304);
      assert.equal((await get("/a.txt", { "If-None-Match": `"other", ${headers.etag}` })).status, 304);
      assert.equal((await get("/a.txt", { "If-None-Match": "*" })).status, 304);
      assert.equal((await get("/a.txt", { "If-None-Match": '"other"' })).status, 200);
      assert.equal((await get("/a.txt", { "If-Modified-Since": headers["last-modified"] })).status, 304);
      assert.equal((await get("/a.txt", { "If-Modified-Since": "Sun, 06 Nov 1994 08:49:36 GMT" })).status, 200);
    });

    for (const [range, status, content, expected] of [
      ["bytes=0-0", 206, "bytes 0-0/10", "0"],
      ["bytes=2-4", 206, "bytes 2-4/10", "234"],
      ["bytes=7-", 206, "bytes 7-9/10", "789"],
      ["bytes=-3", 206, "bytes 7-9/10", "789"],
      ["bytes=-20", 206, "bytes 0-9/10", "0123456789"],
      ["bytes=5-100", 206, "bytes 5-9/10", "56789"],
      ["bytes=10-", 416, "bytes */10", null],
      ["bytes=-0", 416, "bytes */10", null],
      ["lines=1-2", 200, undefined, "0123456789"],
      ["bytes=4-2", 200, undefined, "0123456789"],
    ]) {
      test(`Range: ${range} gets ${status}`, async () => {
        const answer = await get("/a.txt", { Range: range });
        assert.equal(answer.status, status);
        assert.equal(answer.headers["content-range"], content);
        if (expected !== null) assert.equal(answer.body.toString(), expected);
      });
    }

    test("If-Range with another ETag gets the whole file", async () => {
      const { headers } = await get("/a.txt");
      assert.equal((await get("/a.txt", { Range: "bytes=1-2", "If-Range": '"other"' })).status, 200);
      const same = await get("/a.txt", { Range: "bytes=1-2", "If-Range": headers.etag });
      assert.ok(headers.etag.startsWith("W/") ? same.status === 200 : same.status === 206);
    });

    test("a folder without a slash is redirected, with one it is listed", async () => {
      const redirect = await get("/sub");
      assert.ok([301, 302, 307, 308].includes(redirect.status));
      assert.match(redirect.headers.location, /\/sub\/$/);
      const { status, headers, body } = await get("/sub/");
      assert.equal(status, 200);
      assert.match(headers["content-type"], /^text\/html/);
      const text = body.toString();
      assert.ok(text.includes("script.js") && text.includes("deeper"));
      assert.ok(!text.includes("<&\"'é.css"), "names are escaped");
      assert.ok(text.includes("&lt;&amp;"), text);
    });

    test("a name with special characters is found through its encoding", async () => {
      const { status, headers } = await get(`/sub/${encodeURIComponent("<&\"'é.css")}`);
      assert.equal(status, 200);
      assert.match(headers["content-type"], /^text\/css/);
    });

    test("an empty file is empty", async () => {
      const { status, body } = await get("/empty");
      assert.equal(status, 200);
      assert.equal(body.length, 0);
    });

    test("a link within the root is followed", async () => {
      const { status } = await get("/inside");
      assert.ok(status === 200 || status === 404, `${status}`);
    });

    for (const target of [
      "/../secret",
      "/sub/../../secret",
      "/%2e%2e/secret",
      "/..%2fsecret",
      "/%2e%2e%2fsecret",
      "/sub/..%2f..%2fsecret",
      "/..%5csecret",
      "/.%00./secret",
      "/a.txt%00.html",
      "/%252e%252e/secret",
      "/%c0%ae%c0%ae/secret",
      "/....//secret",
      "/sub/out",
      "/etc/passwd",
      "//etc/passwd",
      "/%2fetc/passwd",
    ]) {
      test(`${target} leads nowhere`, async () => {
        const { status, body } = await get(target);
        assert.ok([400, 403, 404].includes(status), `${status}`);
        assert.ok(!body.toString().includes("secret\n") && body.toString() !== "secret" && !body.includes("root:x:"));
      });
    }

    test("the absolute form of a target finds the same file", async () => {
      assert.equal((await get(`http://127.0.0.1:${server.port}/a.txt`)).body.toString(), "0123456789");
    });

    test("/echo and the console stand beside the files", async () => {
      assert.equal((await get("/echo")).status, 426);
      assert.equal((await get("/.console")).status, 200);
      assert.equal((await get("/nothing")).status, 404);
    });
  });
}

test("without -d the console page is at / and /.console", async (t) => {
  const server = await Server.start();
  t.after(() => server.stop());
  for (const target of ["/", "/.console"]) {
    const { status, headers, body } = await request({ port: server.port, path: target });
    assert.equal(status, 200);
    assert.match(headers["content-type"], /^text\/html/);
    assert.match(body.toString(), /<!doctype html>/i);
    assert.doesNotMatch(body.toString(), /(src|href)=["']?https?:/i, "nothing is fetched from elsewhere");
  }
});

test("a document root that is not there is an error that says so", async () => {
  const { run } = await import("../support/towline.mjs");
  const { status, errors } = await run(["serve", "-p", "127.0.0.1:0", "-d", "/nonexistent/folder"]);
  assert.notEqual(status, 0);
  assert.match(errors, /\/nonexistent\/folder/);
  assert.equal(errors.trim().split("\n").length, 1);
});
