// What an application does beside towline: it signs for its users, and publishes. In Laravel that is config/broadcasting.php and
// routes/channels.php; here it is a page, two signatures and an order, so that the example runs by itself:
//
//   npm install pusher pusher-js laravel-echo
//   printf %s my-secret > secret; chmod 600 secret; towline serve -f towline.yaml
//   node server.js            and then open http://localhost:8000 in two windows

const { readFileSync } = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const Pusher = require("pusher");

const { PORT = "8000", PUSHER_PORT = "6001", SECRET = path.join(__dirname, "secret") } = process.env;
const pusher = new Pusher({ appId: "1", key: "my-key", secret: readFileSync(SECRET, "utf8").trim(), host: "localhost", port: PUSHER_PORT, useTLS: false });

const files = {
  "/": [path.join(__dirname, "index.html"), "text/html; charset=utf-8"],
  "/pusher.js": [require.resolve("pusher-js/dist/web/pusher.min.js"), "text/javascript"],
  "/echo.js": [require.resolve("laravel-echo/iife"), "text/javascript"],
};
let users = 0;
let orders = 0;

/** Who it is, by a cookie that stands for a login. */
function userOf(request) {
  const [, id] = /\buser=(\d+)/.exec(request.headers.cookie ?? "") ?? [];
  return id && { user_id: id, user_info: { id, name: `user ${id}` } };
}

const calls = {
  /** Who is signed in may be in any room, and sees its own orders. */
  "/broadcasting/auth"(form, user) {
    const channel = form.get("channel_name");
    if (!user || (channel.startsWith("private-orders.") && channel !== `private-orders.${user.user_id}`)) return [403, { message: "no" }];
    return [200, pusher.authorizeChannel(form.get("socket_id"), channel, channel.startsWith("presence-") ? user : undefined)];
  },
  async "/orders"(form, user) {
    await pusher.trigger(`private-orders.${user.user_id}`, "App\\Events\\OrderShipped", { number: ++orders, what: form.get("what") });
    return [200, {}];
  },
};

http.createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (files[pathname]) {
    const [file, type] = files[pathname];
    const signIn = userOf(request) ? {} : { "Set-Cookie": `user=${++users}; HttpOnly; SameSite=Strict` };
    response.writeHead(200, { "Content-Type": type, ...(pathname === "/" ? signIn : {}) }).end(readFileSync(file, "utf8").replaceAll("PUSHER_PORT", PUSHER_PORT));
    return;
  }
  let body = "";
  request.on("data", (piece) => (body += piece));
  request.on("end", async () => {
    const call = calls[pathname] ?? (() => [404, {}]);
    const [status, answer] = await call(new URLSearchParams(body), userOf(request));
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
  });
}).listen(PORT, "localhost", function () {
  console.log(`http://localhost:${this.address().port}/`);
});
