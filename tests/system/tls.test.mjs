// wss and https of towline serve, with clients that we did not write: Node's TLS, ws, openssl, curl, Python's ssl and websockets.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, describe, test } from "node:test";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import WebSocket from "ws";

import { Authority } from "../support/authority.mjs";
import { Raw } from "../support/raw.mjs";
import { Server, loops, program, request, run, serve, sleep, until, within } from "../support/towline.mjs";

const folder = path.dirname(fileURLToPath(import.meta.url));
const execute = promisify(execFile);
const authority = Authority.make(after);
const identity = authority.issue("localhost");
const words = ["-t", "-c", identity.certificate, "-k", identity.key];

/** A TLS connection to the server, its handshake done; rejects when that fails. */
async function connect(server, options = {}) {
  const socket = tls.connect({ host: "127.0.0.1", port: server.port, ca: authority.text, ...options });
  await within(20000, once(socket, "secureConnect"), "the TLS handshake");
  return socket;
}

/** The code of the error with which a connection ends, in the handshake or right after it. */
async function refusal(server, options = {}) {
  const socket = tls.connect({ host: "127.0.0.1", port: server.port, ca: authority.text, ...options });
  socket.on("secureConnect", () => socket.write("GET /.console HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  socket.on("data", () => socket.destroy(Object.assign(new Error("it was let in"), { code: "LET_IN" })));
  const [error] = await within(20000, once(socket, "error"), "a refusal");
  return error.code;
}

/** What the server answers to a plain request on a socket. */
async function get(socket, target = "/.console") {
  socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  const pieces = [];
  socket.on("data", (piece) => pieces.push(piece));
  await within(20000, once(socket, "end"), "the end of the answer");
  return Buffer.concat(pieces).toString("latin1");
}

/** An open WebSocket over TLS. */
async function open(server, options = {}) {
  const socket = new WebSocket(`wss://${server.host}/echo`, { ca: authority.text, perMessageDeflate: false, maxPayload: 64 << 20, ...options });
  socket.binaryType = "nodebuffer";
  await within(20000, once(socket, "open"), "open");
  return socket;
}

async function echo(socket, message) {
  const answer = within(30000, once(socket, "message"), "an answer");
  socket.send(message);
  return (await answer)[0];
}

async function assertEchoes(socket, text = "still there?") {
  assert.equal((await echo(socket, text)).toString(), text);
}

/** curl against the server. */
async function curl(server, ...more) {
  const { stdout } = await execute("curl", ["-sS", "-i", "--cacert", authority.certificate, ...more, `https://${server.host}/.console`], { timeout: 20000 });
  return stdout;
}

/** `openssl s_client`; says `input` and ends. Its output, whatever its exit status. */
async function sClient(server, more = [], input = "") {
  const running = execute("openssl", ["s_client", "-connect", server.host, "-CAfile", authority.certificate, ...more], { timeout: 20000 });
  running.child.stdin.end(input);
  const { stdout, stderr } = await running.catch((error) => error);
  return stdout + stderr;
}

for (const io of loops) {
  describe(`TLS, ${io}`, () => {
    test("versions 1.2 and 1.3 are spoken, older ones are refused by an alert", async (t) => {
      const server = await serve(t, ["--io", io, ...words]);
      for (const version of ["TLSv1.2", "TLSv1.3"]) {
        const socket = await connect(server, { minVersion: version, maxVersion: version });
        assert.equal(socket.getProtocol(), version);
        assert.match(await get(socket), /^HTTP\/1\.1 200 /);
      }
      for (const version of ["TLSv1", "TLSv1.1"]) {
        const code = await refusal(server, { minVersion: version, maxVersion: version, ciphers: "DEFAULT@SECLEVEL=0" });
        assert.equal(code, "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", version);
      }
      await until(() => /TLS: unsupported protocol/.test(server.log), "a line in the log");
    });

    test("only ciphers with forward secrecy and authentication are spoken in 1.2", async (t) => {
      const server = await serve(t, ["--io", io, ...words]);
      for (const ciphers of ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"]) {
        const socket = await connect(server, { maxVersion: "TLSv1.2", ciphers });
        assert.equal(socket.getCipher().name, ciphers);
        socket.destroy();
      }
      for (const ciphers of ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256"])
        assert.equal(await refusal(server, { maxVersion: "TLSv1.2", ciphers }), "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", ciphers);
    });

    test("the chain up to the root is sent, so that the root is all that a client needs", async (t) => {
      const between = authority.intermediate("Between");
      const leaf = between.issue("localhost");
      const chain = authority.write("chain.pem", leaf.text + between.text);
      const server = await serve(t, ["--io", io, "-t", "-c", chain, "-k", leaf.key]);
      const socket = await connect(server);
      assert.equal(socket.authorized, true);
      assert.equal(socket.getPeerCertificate(true).issuerCertificate.subject.CN, "Between");
      socket.destroy();
      assert.match(await curl(server), /^HTTP\/1\.1 200 /);
      assert.match(await sClient(server), /Verify return code: 0 \(ok\)/);
      const alone = await serve(t, ["--io", io, "-t", "-c", leaf.certificate, "-k", leaf.key]);
      assert.equal(await refusal(alone), "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    });

    test("the key may be RSA, and may stand in the certificate's file", async (t) => {
      const rsa = authority.issue("localhost", { rsa: true });
      const server = await serve(t, ["--io", io, "-t", "-c", authority.write("both.pem", rsa.text + rsa.keyText)]);
      for (const maxVersion of ["TLSv1.2", "TLSv1.3"]) {
        const socket = await connect(server, { maxVersion });
        assert.match(await get(socket), /^HTTP\/1\.1 200 /);
      }
    });

    test("of the offered protocols http/1.1 is selected; a client that has only others is refused", async (t) => {
      const server = await serve(t, ["--io", io, ...words]);
      for (const [offered, selected] of [[["h2", "http/1.1"], "http/1.1"], [["http/1.1"], "http/1.1"], [undefined, false]]) {
        const socket = await connect(server, { ALPNProtocols: offered });
        assert.equal(socket.alpnProtocol, selected);
        assert.match(await get(socket), /^HTTP\/1\.1 200 /);
      }
      // RFC 7301, section 3.2: no_application_protocol
      assert.equal(await refusal(server, { ALPNProtocols: ["h2"] }), "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
      assert.match(await sClient(server, ["-alpn", "h2,http/1.1"]), /ALPN protocol: http\/1\.1/);
      assert.match(await curl(server, "--http2"), /^HTTP\/1\.1 200 /);
    });

    test("clients that name a host are served, and those that do not", async (t) => {
      const server = await serve(t, ["--io", io, ...words]);
      for (const servername of ["localhost", ""]) {
        const socket = await connect(server, { servername });
        assert.match(await get(socket), /^HTTP\/1\.1 200 /);
      }
      assert.match(await sClient(server, ["-servername", "localhost", "-verify_hostname", "localhost"]), /Verify return code: 0 \(ok\)/);
      assert.match(await sClient(server, ["-noservername"]), /Verify return code: 0 \(ok\)/);
    });

    for (const maxVersion of ["TLSv1.2", "TLSv1.3"]) {
      test(`a session of ${maxVersion} is resumed on any worker, and after a reload`, async (t) => {
        const server = await serve(t, ["--io", io, "--workers", "2", ...words]);
        const first = await connect(server, { maxVersion });
        let session = maxVersion === "TLSv1.2" ? first.getSession() : null;
        first.on("session", (ticket) => (session = ticket));
        first.write("GET /.console HTTP/1.1\r\nHost: localhost\r\n\r\n"); // in 1.3 tickets come with what is read
        first.resume();
        await until(() => session !== null, "a ticket");
        first.destroy();
        for (let i = 0; i < 10; i++) {
          if (i === 5) {
            server.signal("SIGHUP");
            await until(() => /read again/.test(server.log), "the reload");
          }
          const again = await connect(server, { maxVersion, session });
          assert.equal(again.isSessionReused(), true, `connection ${i}`);
          assert.match(await get(again), /^HTTP\/1\.1 200 /);
        }
      });
    }

    test("no early data is accepted", async (t) => {
      const server = await serve(t, ["--io", io, ...words]);
      const session = authority.write("session.pem", "");
      const early = authority.write("early.txt", "GET /.console HTTP/1.1\r\nHost: localhost\r\n\r\n");
      const first = await sClient(server, ["-sess_out", session, "-ign_eof"], "GET /.console HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      assert.match(first, /Max Early Data: 0/);
      const second = await sClient(server, ["-sess_in", session, "-early_data", early]);
      assert.match(second, /Reused, TLSv1\.3/);
      assert.match(second, /Early data was not sent/);
    });

    test("clients must show a certificate of the named authority", async (t) => {
      const clients = Authority.make((end) => t.after(end), "Clients");
      const strangers = Authority.make((end) => t.after(end), "Strangers");
      const server = await serve(t, ["--io", io, ...words, "--tls-client-ca", clients.certificate]);
      const as = ({ text, keyText }) => ({ cert: text, key: keyText });
      const good = await open(server, as(clients.issue("alice")));
      await assertEchoes(good);
      assert.equal(await refusal(server), "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED");
      assert.equal(await refusal(server, { maxVersion: "TLSv1.2" }), "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE");
      assert.equal(await refusal(server, as(strangers.issue("mallory"))), "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA");
      await until(() => /the client's certificate \(mallory\) is signed by an authority that is not trusted: Strangers/.test(server.log), "the reason in the log");
      assert.match(await sClient(server), /Acceptable client certificate CA names\nCN = Clients/);
      await assertEchoes(good);
      good.terminate();
    });

    test("a client whose certificate was revoked is refused, from the next reload on, and not resumed either", async (t) => {
      const clients = Authority.make((end) => t.after(end), "Clients");
      const alice = clients.issue("alice");
      const bob = clients.issue("bob");
      const carol = clients.issue("carol");
      const list = clients.revoke(bob);
      const server = await serve(t, ["--io", io, "--workers", "1", ...words, "--tls-client-ca", clients.certificate, "--tls-client-crl", list]);
      const as = ({ text, keyText }) => ({ cert: text, key: keyText });
      assert.equal(await refusal(server, as(bob)), "ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED");
      await until(() => /the client's certificate \(bob\) was revoked/.test(server.log), "the reason in the log");
      const before = await open(server, as(carol));
      const socket = await connect(server, as(carol));
      let session = null;
      socket.on("session", (ticket) => (session = ticket));
      assert.match(await get(socket), /^HTTP\/1\.1 200 /);
      await until(() => session !== null, "a ticket");
      clients.revoke(carol);
      server.signal("SIGHUP");
      await until(() => /read again/.test(server.log), "the reload");
      await until(async () => (await refusal(server, as(carol))) === "ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED", "the new list at the worker");
      assert.equal(await refusal(server, { ...as(carol), session }), "ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED");
      await assertEchoes(before, "who is in stays");
      const other = await open(server, as(alice));
      await assertEchoes(other);
      before.terminate();
      other.terminate();
    });

    test("a certificate that is made for the run has the fingerprint that the log says", async (t) => {
      const server = await serve(t, ["--io", io, "--tls-self-signed"]);
      const [, fingerprint] = server.log.match(/SHA-256 fingerprint is ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})$/m);
      const socket = await connect(server, { rejectUnauthorized: false });
      const shown = new X509Certificate(socket.getPeerX509Certificate().raw);
      assert.equal(shown.fingerprint256, fingerprint);
      assert.ok(shown.checkHost("localhost"));
      for (const address of ["127.0.0.1", "::1"]) assert.ok(shown.checkIP(address), address);
      socket.destroy();
      const trusting = await open(server, { ca: shown.toString() });
      await assertEchoes(trusting);
      trusting.terminate();
      server.signal("SIGHUP");
      const later = await connect(server, { rejectUnauthorized: false });
      assert.equal(later.getPeerX509Certificate().fingerprint256, fingerprint, "one for the whole run");
      later.destroy();
    });

    test("plain HTTP on the port is sent to https, with --tls-redirect", async (t) => {
      const server = await serve(t, ["--io", io, ...words, "--tls-redirect"]);
      const { status, headers } = await request({ port: server.port, path: "/.console?a=b" });
      assert.equal(status, 308);
      assert.equal(headers.location, `https://${server.host}/.console?a=b`);
      const plain = await Raw.connect(server.port);
      assert.match(await plain.handshake(server.port), /^HTTP\/1\.1 308 [^]*Location: https:\/\/127\.0\.0\.1:\d+\/echo\r\n/);
      await until(() => plain.received.length > 0 || plain.over, "the answer's body");
      assert.match(plain.received.toString(), /this port speaks wss/);
      plain.destroy();
      const follower = new WebSocket(server.url(), { followRedirects: true, ca: authority.text });
      await within(20000, once(follower, "open"), "a client that follows");
      await assertEchoes(follower);
      follower.terminate();
      const direct = await open(server);
      await assertEchoes(direct);
      direct.terminate();
      const { stdout } = await execute("curl", ["-sS", "-L", "--cacert", authority.certificate, "-o", "/dev/null", "-w", "%{http_code} %{num_redirects}", `http://${server.host}/.console`]);
      assert.equal(stdout, "200 1");
    });

    test("plain HTTP is not answered without it, and the log says what it was", async (t) => {
      const server = await serve(t, ["--io", io, ...words]);
      const plain = await Raw.connect(server.port);
      plain.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await plain.end();
      assert.doesNotMatch(plain.received.toString("latin1"), /HTTP/);
      await until(() => /the peer does not speak TLS/.test(server.log), "a line in the log");
      const socket = await open(server);
      await assertEchoes(socket);
      socket.terminate();
    });

    test("the certificate is replaced under load: who is in stays, who comes sees the new one", async (t) => {
      const certificate = authority.write("served.crt", identity.text);
      const key = authority.write("served.key", identity.keyText);
      const server = await serve(t, ["--io", io, "--workers", "2", "-t", "-c", certificate, "-k", key], { status: true });
      const shown = async () => {
        const socket = await connect(server);
        const fingerprint = socket.getPeerX509Certificate().fingerprint256;
        socket.destroy();
        return fingerprint;
      };
      const sockets = await Promise.all(Array.from({ length: 20 }, () => open(server)));
      let echoes = 0;
      let closed = 0;
      let running = true;
      const load = sockets.map(async (socket, number) => {
        socket.on("close", () => closed++);
        for (let i = 0; running; i++, echoes++) {
          await assertEchoes(socket, `${number} ${i} ${"x".repeat((i * 997) % 40000)}`);
          await sleep(20); // others need the processors, too
        }
      });
      for (const [turn, names] of [[1, "DNS:localhost,IP:127.0.0.1"], [2, "DNS:localhost,IP:127.0.0.1,DNS:second.test"]]) {
        const next = authority.issue(`turn ${turn}`, { names });
        copyFileSync(next.certificate, certificate);
        copyFileSync(next.key, key);
        const before = echoes;
        server.signal("SIGHUP");
        await until(async () => (await shown()) === next.fingerprint, "the new certificate");
        for (let i = 0; i < 8; i++) assert.equal(await shown(), next.fingerprint, "on every worker");
        await until(() => echoes > before + 100, "the load goes on");

        writeFileSync(certificate, "no certificate\n");
        server.signal("SIGHUP");
        await until(() => server.log.split("this is not a certificate in PEM").length === turn + 1, "a line in the log");
        writeFileSync(certificate, identity.text); // which is not this key's
        server.signal("SIGHUP");
        await until(() => server.log.split(/key does not belong|not the certificate's key/).length === turn + 1, "a line in the log");
        for (let i = 0; i < 4; i++) assert.equal(await shown(), next.fingerprint, "the last good one");
      }
      running = false;
      await within(20000, Promise.all(load), "the end of the load");
      assert.equal(closed, 0);
      assert.ok(echoes > 200, `${echoes} echoes`);
      for (const socket of sockets) socket.terminate();
    });

    test("a client is shown the certificate with the name that it asks for", async (t) => {
      const exact = authority.issue("exact", { names: "DNS:a.example.test,DNS:localhost" });
      const wild = authority.issue("wild", { names: "DNS:*.example.test,DNS:b.test" });
      const rsa = authority.issue("rsa", { rsa: true, names: "DNS:b.test" });
      const both = authority.write("exact.pem", exact.text + exact.keyText);
      // keys go to the certificates in order; who is behind the last key has its own in its file
      const named = ["-k", identity.key, "-k", wild.key, "-k", rsa.key, "-c", identity.certificate, "-c", wild.certificate, "-c", rsa.certificate, "-c", both];
      const server = await serve(t, ["--io", io, "-t", ...named]);
      const subject = async (...more) => (await sClient(server, more)).match(/^ ?0 s:CN = (.*)$/m)?.[1];
      for (const version of ["-tls1_2", "-tls1_3"]) {
        const shown = (name) => subject(version, "-servername", name);
        assert.equal(await shown("a.example.test"), "exact", "in full, before a wildcard");
        assert.equal(await shown("B.Example.Test"), "wild");
        assert.equal(await shown("b.test"), "wild");
        for (const other of ["example.test", "c.b.example.test", "unknown.test"]) assert.equal(await shown(other), "localhost", other);
        assert.equal(await subject(version, "-noservername"), "localhost");
        assert.equal(await subject(version, "-servername", "b.test", "-sigalgs", "RSA-PSS+SHA256"), "rsa", "for who can check no other");
      }
      for (const [name, good] of [["a.example.test", true], ["b.example.test", true], ["b.test", true], ["c.b.example.test", false]]) {
        const place = `${name}:${server.port}`;
        const words = ["-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", authority.certificate, "--resolve", `${place}:127.0.0.1`];
        const answer = execute("curl", [...words, "-H", "Host: localhost", `https://${place}/.console`], { timeout: 20000 });
        if (good) assert.equal((await answer).stdout, "200", name);
        else await assert.rejects(answer, /no alternative certificate subject name matches/);
      }
      const socket = await open(server, { servername: "b.example.test" });
      await assertEchoes(socket);
      socket.terminate();
    });

    test("a session of one name is not resumed under another", async (t) => {
      const other = authority.issue("other", { names: "DNS:other.test" });
      const server = await serve(t, ["--io", io, "--workers", "2", ...words, "-c", other.certificate, "-k", other.key]);
      const file = authority.write(`session ${io}.pem`, "");
      for (const version of ["-tls1_2", "-tls1_3"]) {
        const talk = (name, ...more) => sClient(server, [version, "-servername", name, ...more], "GET /.console HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assert.match(await talk("other.test", "-ign_eof", "-sess_out", file), /^New, TLSv1/m);
        assert.match(await talk("other.test", "-sess_in", file), /^Reused, TLSv1/m, "by any worker");
        assert.match(await talk("localhost", "-sess_in", file), /^New, TLSv1/m);
        assert.match(await talk("unknown.test", "-sess_in", file), /^New, TLSv1/m);
      }
    });

    test("all certificates are read again, or none", async (t) => {
      const issue = (name, turn) => authority.issue(`${name} ${turn}`, { names: `DNS:${name}.test` });
      const names = ["first", "second"];
      const files = names.map((name) => ({ name, certificate: authority.write(`${io} ${name}.crt`, ""), key: authority.write(`${io} ${name}.key`, "") }));
      const put = (file, { text, keyText }) => (writeFileSync(file.certificate, text), writeFileSync(file.key, keyText));
      for (const file of files) put(file, issue(file.name, 1));
      const server = await serve(t, ["--io", io, "--workers", "2", "-t", ...files.flatMap((file) => ["-c", file.certificate, "-k", file.key])]);
      const shown = async (name) => {
        const socket = await connect(server, { servername: `${name}.test`, rejectUnauthorized: false });
        const { CN } = socket.getPeerCertificate().subject;
        socket.destroy();
        return CN;
      };
      const expect = async (turn) => {
        for (let i = 0; i < 4; i++) for (const name of names) assert.equal(await shown(name), `${name} ${turn}`);
      };
      await expect(1);
      put(files[0], issue("first", 2)); // good, and not taken without the other
      writeFileSync(files[1].key, issue("second", 2).keyText);
      server.signal("SIGHUP");
      await until(() => server.log.includes(`${files[1].key}: this is not the certificate's key (the certificate is in ${files[1].certificate})`), "a line in the log");
      await expect(1);
      put(files[1], issue("second", 2));
      server.signal("SIGHUP");
      await until(async () => (await shown("second")) === "second 2", "the new certificate");
      await expect(2);
    });

    test("a drain sends 1001, and close_notify before the end", async () => {
      const server = await Server.start(["--io", io, ...words]);
      const socket = await open(server);
      const closed = once(socket, "close");
      const running = execute("/usr/bin/python3", [path.join(folder, "tls_client.py"), "drain", String(server.port), authority.certificate], { timeout: 20000 });
      await within(20000, once(running.child.stdout, "data"), "that Python is connected");
      server.signal("SIGTERM");
      assert.equal((await within(20000, closed, "close"))[0], 1001);
      assert.equal((await running).stdout, "open\n1001\nclose_notify\n");
      assert.equal(await within(20000, server.exit, "the exit"), 0, server.log);
    });

    test("messages of every length come back by ws", async (t) => {
      const server = await serve(t, ["--io", io, ...words]);
      const socket = await open(server);
      for (const length of [0, 1, 125, 126, 16379, 16380, 16384, 16385, 65535, 65536, 100000, 278528, 1 << 20, 16 << 20]) {
        const message = Buffer.alloc(length, `${length} `);
        assert.ok((await echo(socket, message)).equals(message), `${length} bytes`);
      }
      const answers = [];
      const all = new Promise((resolve) => socket.on("message", (data) => answers.push(data) === 3000 && resolve()));
      for (let i = 0; i < 3000; i++) socket.send(Buffer.alloc((i * 131) % 9000, i));
      await within(30000, all, "three thousand answers");
      answers.forEach((data, i) => assert.ok(data.equals(Buffer.alloc((i * 131) % 9000, i)), `message ${i}`));
      const done = once(socket, "close");
      socket.close(1000, "bye");
      assert.equal((await within(20000, done, "close"))[0], 1000);
    });

    test("python3-websockets over TLS", async (t) => {
      const server = await serve(t, ["--io", io, ...words]);
      const environment = { ...process.env, SSL_CERT_FILE: authority.certificate };
      const script = path.join(folder, "websockets_client.py");
      const { stdout } = await execute("/usr/bin/python3", [script, `wss://${server.host}/echo`], { timeout: 120000, env: environment });
      const checks = stdout.trim().split("\n").map((line) => JSON.parse(line));
      assert.equal(checks.length, 8);
      for (const { name, error } of checks) await t.test(name, () => assert.equal(error, null));
    });
  });
}

test("what is wrong with the options of TLS is said in one line", async () => {
  const cases = [
    [["-t"], 2, /--tls: name a certificate with --certificate FILE/],
    [["-k", identity.key], 2, /--key: name its certificate/],
    [["--tls-client-crl", identity.certificate, "--tls-self-signed"], 2, /--tls-client-crl: name the authorities whose list it is with --tls-client-ca/],
    [["--tls-client-ca", authority.certificate], 2, /--tls-client-ca: turn TLS on/],
    [["--tls-self-signed", "--tls-client-ca", authority.certificate, "--tls-client-crl", identity.certificate], 1, /this is not a list of revoked certificates \(CRL\) in PEM/],
    [["-c", "/nowhere/certificate.pem"], 1, /\/nowhere\/certificate\.pem: No such file or directory/],
    [["-c", identity.certificate], 1, /not the certificate's key/],
    [["-c", identity.certificate, "-k", authority.key], 1, /key does not belong|not the certificate's key/],
    [[...words, "-k", authority.key], 2, /--key: there are more keys than certificates: name each one's/],
    [[...words, "-c", authority.certificate, "-k", authority.key], 1, /: this certificate names no host, so that nobody would be shown it: make it the first/],
    [[...words, "-c", authority.certificate, "-k", identity.key], 1, /: this is not the certificate's key \(the certificate is in .*\)/],
    [[...words, "-c", "/nowhere/certificate.pem"], 1, /\/nowhere\/certificate\.pem: No such file or directory/],
  ];
  for (const [more, status, text] of cases) {
    const ended = await run(["serve", "-p", "127.0.0.1:0", ...more]);
    assert.equal(ended.status, status, `${more.join(" ")}: ${ended.errors}`);
    assert.match(ended.errors, text);
  }
  assert.ok(program);
});
