// What stands between clients and servers on networks that do not let WebSocket through: HTTP proxies that mean well.

import http from "node:http";
import https from "node:https";
import net from "node:net";
import { once } from "node:events";

const hopByHop = ["connection", "keep-alive", "transfer-encoding", "upgrade"];

/** What a request in absolute-form asks the server for. */
const pathOf = (url) => (url.startsWith("http://") ? url.slice(url.indexOf("/", 7)) : url);

/** A proxy in front of `port`, which holds answers back until they are whole. `upgrades` lets WebSocket through, `identity` ({ text,
 * keyText }) has it speak TLS, `cutMilliseconds` ends every connection after that time, `single` has each carry one request.
 * `upgradesSeen` counts those that were asked for, `forwarded` the requests in absolute-form, `tunnels` those for a tunnel, which are refused, `credentials` what Proxy-Authorization said; while `swallows` is set no request goes
 * further, and none is answered. */
export async function gate(t, port, { upgrades = false, cutMilliseconds = 0, single = false, identity } = {}) {
  const gate = { upgradesSeen: 0, requests: 0, cuts: 0, forwarded: 0, tunnels: 0, credentials: [], swallows: false };
  const pass = (request, response) => {
    gate.requests++;
    if (gate.swallows) return;
    gate.forwarded += request.url.startsWith("http://");
    if (request.headers["proxy-authorization"]) gate.credentials.push(request.headers["proxy-authorization"]);
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !hopByHop.includes(name)));
    const onward = http.request({ host: "127.0.0.1", port, path: pathOf(request.url), method: request.method, headers, agent: false }, async (answer) => {
      const pieces = [];
      try {
        for await (const piece of answer) pieces.push(piece);
      } catch {
        return response.destroy();
      }
      const fields = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !hopByHop.includes(name)));
      if (single) fields.connection = "close";
      response.writeHead(answer.statusCode, fields).end(Buffer.concat(pieces));
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  };
  const server = identity
    ? https.createServer({ keepAliveTimeout: 0, cert: identity.text, key: identity.keyText }, pass)
    : http.createServer({ keepAliveTimeout: 0 }, pass);
  server.on("connect", (request, socket) => {
    gate.tunnels++;
    socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  });
  server.on("upgrade", (request, socket, head) => {
    gate.upgradesSeen++;
    socket.on("error", () => {});
    if (!upgrades) return socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    const onward = net.connect(port, "127.0.0.1");
    const lines = request.rawHeaders.reduce((text, word, i) => text + word + (i % 2 ? "\r\n" : ": "), "");
    onward.write(`GET ${request.url} HTTP/1.1\r\n${lines}\r\n`);
    onward.write(head);
    onward.on("error", () => socket.destroy());
    onward.on("close", () => socket.destroy());
    socket.on("close", () => onward.destroy());
    onward.pipe(socket).pipe(onward);
  });
  server.on("connection", (socket) => {
    if (!cutMilliseconds) return;
    const timer = setTimeout(() => {
      gate.cuts++;
      socket.destroy();
    }, cutMilliseconds);
    socket.on("close", () => clearTimeout(timer));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(gate, { port: server.address().port });
}
