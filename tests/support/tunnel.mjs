// A started `towline tunnel`, in either direction; and small services for it to lead to.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";

import { Server, program, until } from "./towline.mjs";

export class Tunnel extends Server {
  /** Starts it and waits until it listens; it is ended with the test, and must end well. `prefix`: a command that executes it. */
  static async start(t, listen, target = [], words = [], prefix = []) {
    const tunnel = new Tunnel([...prefix, program, "tunnel", ...words, listen, ...[target].flat()]);
    let ended = false;
    tunnel.exit.then(() => (ended = true));
    t.after(() => tunnel.stop());
    const place = () => tunnel.log.match(/tunnel from (?:(?:wss?:\/\/|tcp:)\S*?:(\d+)(?:\/\S*)? |unix:)/);
    await until(() => ended || place(), "listening", 20000);
    assert.ok(place(), `the tunnel did not start: ${tunnel.log}`);
    tunnel.port = Number(place()[1]);
    return tunnel;
  }
}

/** A TCP or Unix server for the test, each connection of which `serve` gets. */
export async function service(t, serve, place = { port: 0, host: "127.0.0.1" }) {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    serve(socket);
  });
  const sockets = new Set();
  server.on("connection", (socket) => sockets.add(socket));
  server.listen(place);
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return server.address().port ?? place.path;
}

/** Sends back what comes, and its end. */
export const echo = (socket) => socket.pipe(socket);

export function folder(t) {
  const made = mkdtempSync(path.join(os.tmpdir(), "towline-tunnel-"));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** All that comes on a socket until its end. */
export async function readAll(socket) {
  const pieces = [];
  for await (const piece of socket) pieces.push(piece);
  return Buffer.concat(pieces);
}
