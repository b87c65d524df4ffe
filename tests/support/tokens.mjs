// Tokens (JWT) as others make them, by Node's own crypto.

import { createHmac, generateKeyPairSync, sign } from "node:crypto";

const part = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** In seconds from now. */
export const soon = (seconds = 600) => Math.floor(Date.now() / 1000) + seconds;

/** Signed by HS256 with a secret. */
export function tokenOf(claims, secret, header = {}) {
  const covered = `${part({ alg: "HS256", ...header })}.${part({ exp: soon(), ...claims })}`;
  return `${covered}.${createHmac("sha256", secret).update(covered).digest("base64url")}`;
}

/** Keys of an algorithm: { token(claims, header), pem, jwk }. */
export function keysOf(algorithm, kid) {
  const [type, options] = { RS256: ["rsa", { modulusLength: 2048 }], ES256: ["ec", { namedCurve: "P-256" }], EdDSA: ["ed25519", {}] }[algorithm];
  const { publicKey, privateKey } = generateKeyPairSync(type, options);
  return {
    pem: publicKey.export({ type: "spki", format: "pem" }),
    jwk: { ...publicKey.export({ format: "jwk" }), kid, alg: algorithm, use: "sig" },
    token(claims, header = {}) {
      const covered = `${part({ alg: algorithm, ...(kid ? { kid } : {}), ...header })}.${part({ exp: soon(), ...claims })}`;
      const key = algorithm === "ES256" ? { key: privateKey, dsaEncoding: "ieee-p1363" } : privateKey;
      return `${covered}.${sign(algorithm === "EdDSA" ? null : "sha256", Buffer.from(covered), key).toString("base64url")}`;
    },
  };
}
