// A certificate authority that is made when the tests run, by Debian's openssl: what it signs lies in a folder of the system's
// temporary ones, which the maker removes.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

function openssl(...words) {
  return execFileSync("openssl", words, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
}

/** A key, a certificate signed with it (file names), and the certificate's text. */
class Identity {
  constructor(certificate, key) {
    this.certificate = certificate;
    this.key = key;
  }

  get text() {
    return readFileSync(this.certificate, "utf8");
  }

  get keyText() {
    return readFileSync(this.key, "utf8");
  }

  /** SHA-256 in hexadecimal with colons. */
  get fingerprint() {
    return openssl("x509", "-in", this.certificate, "-noout", "-fingerprint", "-sha256").trim().split("=")[1];
  }
}

export class Authority extends Identity {
  #folder;
  #count = 0;
  #revoked = [];

  /** For one test, or for all of a file (`after` of node:test), after which the folder is removed. */
  static make(after, name = "Towline test authority") {
    const folder = mkdtempSync(path.join(os.tmpdir(), "towline-authority-"));
    after(() => rmSync(folder, { recursive: true, force: true }));
    return new Authority(folder, name);
  }

  constructor(folder, name, issuer = null) {
    super(path.join(folder, `${name}.crt`), path.join(folder, `${name}.key`));
    this.#folder = folder;
    this.name = name;
    const words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", this.key, "-out", this.certificate];
    words.push("-subj", `/CN=${name}`, "-days", "2", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign");
    if (issuer !== null) words.push("-CA", issuer.certificate, "-CAkey", issuer.key);
    openssl(...words);
  }

  /** An authority between this one and what it signs. */
  intermediate(name) {
    return new Authority(this.#folder, name, this);
  }

  /** Signs a certificate. `names` as openssl writes them, "" for none; `rsa` for a key of that kind; `usage` of the key. */
  issue(name, { names = "DNS:localhost,IP:127.0.0.1", rsa = false, usage = "" } = {}) {
    const base = path.join(this.#folder, `${this.name}-${++this.#count}`);
    const identity = new Identity(`${base}.crt`, `${base}.key`);
    const kind = rsa ? ["rsa:2048"] : ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    openssl("req", "-x509", "-newkey", ...kind, "-noenc", "-keyout", identity.key, "-out", identity.certificate, "-subj", `/CN=${name}`,
      "-days", "1", "-set_serial", String(1000 + this.#count), "-addext", "basicConstraints=critical,CA:FALSE",
      ...(names === "" ? [] : ["-addext", `subjectAltName=${names}`]), ...(usage === "" ? [] : ["-addext", `extendedKeyUsage=${usage}`]), "-CA", this.certificate, "-CAkey", this.key);
    identity.serial = 1000 + this.#count;
    return identity;
  }

  /** Takes back what it signed; returns the file of the list (CRL) with all that were taken back so far. */
  revoke(...identities) {
    this.#revoked.push(...identities);
    const base = path.join(this.#folder, `${this.name}-list`);
    const lines = this.#revoked.map(({ serial }) => `R\t491231235959Z\t240101000000Z\t${serial.toString(16).toUpperCase().padStart(4, "0")}\tunknown\t/CN=revoked`);
    writeFileSync(`${base}.txt`, lines.map((line) => `${line}\n`).join(""));
    writeFileSync(`${base}.cnf`, `[ca]\ndefault_ca = all\n[all]\ndatabase = ${base}.txt\ndefault_md = sha256\ndefault_crl_days = 2\n`);
    openssl("ca", "-config", `${base}.cnf`, "-gencrl", "-cert", this.certificate, "-keyfile", this.key, "-out", `${base}.pem`);
    return `${base}.pem`;
  }

  /** Writes a file next to the certificates, and returns its name. */
  write(name, text) {
    const file = path.join(this.#folder, name);
    writeFileSync(file, text);
    return file;
  }
}
