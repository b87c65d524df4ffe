// A real SSH server behind two tunnels: ssh → TCP port → wss → TCP → sshd, started for the test on a Unix user's own rights.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";

import { Authority } from "../support/authority.mjs";
import { until, within } from "../support/towline.mjs";
import { Tunnel, folder, readAll } from "../support/tunnel.mjs";

/** Starts sshd for each connection, as inetd would, so that no port has to be chosen; returns the tunnel's target. */
function sshd(t) {
  const place = folder(t);
  const keygen = (name) => execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path.join(place, name)]);
  keygen("host");
  keygen("user");
  if (process.getuid() === 0) mkdirSync("/run/sshd", { recursive: true }); // it separates privileges there
  const lines = [`HostKey ${place}/host`, `AuthorizedKeysFile ${place}/user.pub`, "StrictModes no", "UsePAM no", "PermitRootLogin yes", "PasswordAuthentication no", "PidFile none"];
  writeFileSync(path.join(place, "config"), lines.map((line) => `${line}\n`).join(""));
  writeFileSync(path.join(place, "known_hosts"), `towline ${readFileSync(path.join(place, "host.pub"))}`);
  return { place, command: `/usr/sbin/sshd -i -e -f ${place}/config 2>/dev/null` };
}

/** Runs a command over ssh on a port; `input` goes to it. */
async function ssh({ place }, port, command, input = "") {
  const options = ["-F", "/dev/null", "-i", path.join(place, "user"), "-o", "IdentitiesOnly=yes", "-o", `UserKnownHostsFile=${place}/known_hosts`, "-o", "HostKeyAlias=towline"];
  const child = spawn("ssh", [...options, "-p", String(port), `${os.userInfo().username}@127.0.0.1`, command], { stdio: ["pipe", "pipe", "pipe"] });
  const errors = readAll(child.stderr);
  const output = readAll(child.stdout);
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [status] = await within(60000, once(child, "close"), `ssh ${command}`);
  return { status, output: await output, errors: (await errors).toString() };
}

/** A TCP port where each connection gets an sshd of its own. */
async function listen(t, server) {
  const listener = net.createServer({ allowHalfOpen: true }, (socket) => {
    const child = spawn("/usr/sbin/sshd", ["-i", "-e", "-f", path.join(server.place, "config")], { stdio: ["pipe", "pipe", "ignore"] });
    socket.on("error", () => {});
    child.stdin.on("error", () => {});
    socket.pipe(child.stdin);
    child.stdout.pipe(socket);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  t.after(() => listener.close());
  return listener.address().port;
}

for (const kind of ["tcp", "exec"]) {
  test(`ssh crosses two tunnels to sshd (${kind})`, async (t) => {
    const server = sshd(t);
    const target = kind === "tcp" ? `tcp:127.0.0.1:${await listen(t, server)}` : `exec:${server.command}`;
    const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/ssh", target);
    const reverse = await Tunnel.start(t, "tcp:127.0.0.1:0", `ws://127.0.0.1:${tunnel.port}/ssh`);
    const hello = await ssh(server, reverse.port, "echo hello; exit 7");
    assert.deepEqual({ status: hello.status, output: hello.output.toString() }, { status: 7, output: "hello\n" }, hello.errors);
    const file = path.join(server.place, "file");
    const content = randomBytes(4 * 1024 * 1024);
    assert.equal((await ssh(server, reverse.port, `cat > ${file}`, content)).status, 0);
    assert.ok(readFileSync(file).equals(content), "what went there");
    const back = await ssh(server, reverse.port, `cat ${file}`);
    assert.ok(back.output.equals(content), "what came back");
    await until(() => (reverse.log.match(/closed after/g) ?? []).length === 3, "three connections closed");
  });
}

test("ssh crosses wss", async (t) => {
  const server = sshd(t);
  const authority = Authority.make((callback) => t.after(callback));
  const { certificate, key } = authority.issue("tunnel");
  const tunnel = await Tunnel.start(t, "wss://127.0.0.1:0/ssh", `exec:${server.command}`, ["-c", certificate, "-k", key]);
  const reverse = await Tunnel.start(t, "tcp:127.0.0.1:0", `wss://localhost:${tunnel.port}/ssh`, ["--cacert", authority.certificate]);
  const content = randomBytes(1024 * 1024);
  const { output, errors } = await ssh(server, reverse.port, "cat", content);
  assert.ok(output.equals(content), errors);
});
