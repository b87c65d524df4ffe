// Apache with mod_towline, for tests: a server root of its own in a folder that is gone afterwards, on a port of the kernel's
// choice, ended by its process number.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { freePort } from "./daemon.mjs";
import { program, until, within } from "./towline.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const modules = "/usr/lib/apache2/modules";
export const mod_towline = path.join(path.dirname(program), "modules/apache/mod_towline.so");

/** Apache is no program of ours: a module with sanitizers needs theirs there first. What Apache itself leaves is not looked for. */
function environment() {
  if (!readFileSync(mod_towline).includes("__asan_init")) return process.env;
  const library = execFileSync("gcc", ["-print-file-name=libasan.so"], { encoding: "utf8" }).trim();
  return { ...process.env, LD_PRELOAD: library, ASAN_OPTIONS: "detect_leaks=0:detect_odr_violation=0" };
}

const accepts = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });

const parentOf = (pid) => {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").pop().split(" ")[1]);
  } catch {
    return 0; // it has ended meanwhile
  }
};

const pids = () => readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number);

const commandLine = (pid) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
};

export class Apache {
  /** Options: `mpm`, `threads` of a child, `children` at most and `first` so many, `tls` (an identity), `directives` (or what makes them, with the server), `fill(folder)`
   * which puts handlers there. */
  static async start(t, options = {}) {
    assert.ok(existsSync(mod_towline), `${mod_towline} is not there: build with Debian's apache2-dev`);
    for (let attempt = 0; ; attempt++) {
      const apache = new Apache(options);
      await options.fill?.(apache.handlers);
      apache.allowReading();
      if (await apache.run()) {
        t.after(() => apache.stop());
        return apache;
      }
      const { log } = apache;
      await apache.stop();
      assert.ok(/Address already in use/.test(log) && attempt < 5, `apache2 did not start: ${log}`);
    }
  }

  constructor(options) {
    this.options = { mpm: "event", threads: 64, children: 4, first: 1, tls: null, directives: "", ...options };
    this.folder = mkdtempSync("/tmp/towline-apache-");
    this.handlers = path.join(this.folder, "handlers");
    for (const name of ["handlers", "htdocs", "run"]) mkdirSync(path.join(this.folder, name));
    writeFileSync(path.join(this.folder, "htdocs/page.html"), "<h1>an ordinary page</h1>\n");
    cpSync(path.join(root, "python"), path.join(this.folder, "python"), { recursive: true });
  }

  /** Children run as another user. */
  allowReading() {
    execFileSync("chmod", ["-R", "a+rX", this.folder]);
  }

  get configuration() {
    const { mpm, threads, children, first, tls } = this.options;
    const directives = typeof this.options.directives === "function" ? this.options.directives(this) : this.options.directives;
    const loaded = [`mpm_${mpm}`, "authz_core", "reqtimeout", ...(tls ? ["ssl", "socache_shmcb"] : [])];
    const user = process.getuid() === 0 ? "User www-data\nGroup www-data\n" : "";
    const secure = tls ? `SSLEngine on\nSSLCertificateFile "${tls.certificate}"\nSSLCertificateKeyFile "${tls.key}"\n` : "";
    return `${loaded.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so\n`).join("")}
LoadModule towline_module ${mod_towline}
ServerRoot ${this.folder}
DefaultRuntimeDir ${this.folder}/run
PidFile ${this.folder}/pid
ErrorLog ${this.folder}/error
LogLevel warn towline:info
Mutex file:${this.folder}/run
ServerName localhost
${user}Listen 127.0.0.1:${this.port}
DocumentRoot ${this.folder}/htdocs
ServerLimit ${children}
StartServers ${first}
<IfModule !mpm_prefork_module>
ThreadLimit ${threads}
ThreadsPerChild ${threads}
MinSpareThreads ${threads / 2}
MaxSpareThreads ${threads * children}
</IfModule>
MaxRequestWorkers ${threads * children}
RequestReadTimeout header=5 body=5
${secure}TowlinePythonModules ${this.folder}/python
TowlineHandlers handlers
${directives}
`;
  }

  configure(directives) {
    this.options.directives = directives;
    writeFileSync(path.join(this.folder, "conf"), this.configuration);
  }

  /** Whether it serves. */
  async run() {
    this.port = await freePort();
    this.configure(this.options.directives);
    this.words = ["-f", path.join(this.folder, "conf")];
    this.said = "";
    this.child = spawn("apache2", [...this.words, "-DFOREGROUND"], { env: environment(), stdio: ["ignore", "pipe", "pipe"] });
    this.gone = once(this.child, "close").then(() => (this.ended = true));
    this.child.stdout.on("data", (text) => (this.said += text));
    this.child.stderr.on("data", (text) => (this.said += text));
    await until(async () => this.ended || (await accepts(this.port)), "apache2 listens", 60000);
    return !this.ended;
  }

  get log() {
    const file = path.join(this.folder, "error");
    return this.said + (existsSync(file) ? readFileSync(file, "utf8") : "");
  }

  get pid() {
    return this.child.pid;
  }

  url(target) {
    return `${this.options.tls ? "wss" : "ws"}://127.0.0.1:${this.port}${target}`;
  }

  get origin() {
    return `${this.options.tls ? "https" : "http"}://127.0.0.1:${this.port}`;
  }

  /** The processes that serve. */
  get children() {
    return pids().filter((pid) => parentOf(pid) === this.pid);
  }

  /** The processes of Python handlers. */
  get hosts() {
    return pids().filter((pid) => commandLine(pid).includes(`${this.folder}/python/towline_host.py`));
  }

  get descriptors() {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** As `apachectl graceful`; returns the children of before. */
  graceful() {
    const before = this.children;
    const { status, stderr } = spawnSync("apache2", [...this.words, "-k", "graceful"], { env: environment(), encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return before;
  }

  /** Waits until none of these children is there, and others are. */
  async replaced(before) {
    await until(() => this.children.length > 0 && this.children.every((pid) => !before.includes(pid)), "the children of before are gone", 60000);
  }

  async stop() {
    if (!this.ended) {
      this.child.kill("SIGTERM");
      await within(60000, this.gone, "apache2 ends").catch(() => this.child.kill("SIGKILL"));
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Puts an executable file there. */
export function putProgram(folder, name, text) {
  writeFileSync(path.join(folder, name), text);
  chmodSync(path.join(folder, name), 0o755);
}
