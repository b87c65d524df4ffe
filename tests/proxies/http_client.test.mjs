// The HTTP client that handlers ask back ends with, against nginx.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";

import { Authority } from "../support/authority.mjs";
import { freePort, start } from "../support/daemon.mjs";
import { ask } from "../support/http_client.mjs";
import { loops } from "../support/towline.mjs";

const authority = Authority.make(after);
const identity = authority.issue("localhost");
const pem = authority.write("localhost.pem", identity.text + identity.keyText);
const big = randomBytes(1 << 20);
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** nginx with files, chunked answers (SSI), redirects, and what it closes by itself; on a port, with TLS too, and on a Unix socket. */
async function nginx(t) {
  const path = mkdtempSync("/tmp/towline-nginx-");
  t.after(() => rmSync(path, { recursive: true, force: true }));
  mkdirSync(`${path}/root`);
  writeFileSync(`${path}/root/big.bin`, big);
  writeFileSync(`${path}/root/a.txt`, "0123456789");
  writeFileSync(`${path}/root/page.shtml`, "<!--#echo var=\"request_method\" -->!");
  const [plain, secure] = [await freePort(), await freePort()];
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${path}/${name};`).join("\n");
  writeFileSync(
    `${path}/conf`,
    `daemon off; master_process off; pid ${path}/pid; error_log ${path}/error; events {}\nhttp {\naccess_log off;\n${temporary}\n` +
      `server {\nlisten 127.0.0.1:${plain}; listen 127.0.0.1:${secure} ssl; listen unix:${path}/socket;\n` +
      `ssl_certificate ${pem}; ssl_certificate_key ${pem};\nroot ${path}/root; types { text/html shtml; } ssi on; keepalive_requests 5;\n` +
      "client_max_body_size 1000; location /moved { return 302 /a.txt; } location /none { return 204; } location /drop { return 444; } }\n}\n",
  );
  await start(t, plain, "nginx", ["-e", `${path}/error`, "-c", `${path}/conf`]);
  return { socket: `${path}/socket`, places: [`http://127.0.0.1:${plain}`, `https://localhost:${secure}`] };
}

for (const io of loops) {
  test(`nginx answers the HTTP client, ${io}`, async (t) => {
    const { socket, places } = await nginx(t);
    const words = ["--io", io, "--roots", authority.certificate];
    for (const [place, way] of [...places.map((url) => [url, ""]), ["http://localhost", ` unix=${socket}`]]) {
      const { calls, counts } = await ask(words, [
        `get ${place}/a.txt${way}`, "wait", `get ${place}/big.bin${way}`, "wait", `head ${place}/big.bin${way}`, "wait", `get ${place}/none${way}`, "wait",
        `get ${place}/page.shtml${way}`, "wait", "count", `get ${place}/moved${way}`, "wait", `get ${place}/a.txt${way} header=Range:bytes=2-4`, "wait",
        `post ${place}/a.txt${way} bytes=5000000`, "wait", `get ${place}/drop${way}`, "wait", `get ${place}/big.bin${way} in-pieces`,
      ]);
      assert.deepEqual(calls.map(({ status }) => status), [200, 200, 200, 204, 200, 302, 206, 413, 0, 200]);
      assert.equal(calls[0].body, "0123456789");
      assert.equal(calls[1].sha256, sha256(big));
      assert.equal(calls[2].length, 0);
      assert.equal(calls[4].fields["transfer-encoding"], "chunked");
      assert.equal(calls[4].body, "GET!");
      assert.deepEqual([counts[0].opened, counts[0].idle], [1, 0]); // nginx ends it behind the fifth
      assert.match(calls[5].fields.location, /\/a\.txt$/);
      assert.equal(calls[6].body, "234");
      assert.equal(calls[8].error, "TOW_ERROR_ENDED");
      assert.equal(calls[9].sha256, sha256(big));
    }
  });

  test(`many requests to nginx, ${io}`, async (t) => {
    const { places } = await nginx(t);
    for (const place of places) {
      const { calls } = await ask(["--io", io, "--roots", authority.certificate, "--host", "5"], Array.from({ length: 150 }, (_, i) => `get ${place}/${i % 7 === 0 ? "big.bin" : "a.txt"}`));
      calls.forEach((call, i) => assert.equal(call.sha256, sha256(i % 7 === 0 ? big : "0123456789"), call.text));
      assert.equal(calls.length, 150);
    }
  });
}
