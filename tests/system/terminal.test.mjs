// towline connect on a terminal: what is typed, what comes meanwhile, and what must not reach the screen.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { test } from "node:test";
import { WebSocketServer } from "ws";

import { program, sleep, until } from "../support/towline.mjs";
import { Tunnel } from "../support/tunnel.mjs";

/** A ws server whose newest connection is `socket`, and what it got. */
async function listen(t) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  const peer = { messages: [] };
  server.on("connection", (socket) => {
    peer.socket = socket;
    socket.on("message", (data, isBinary) => peer.messages.push(isBinary ? data : data.toString()));
    socket.on("close", (code, reason) => (peer.closed = { code, reason: reason.toString() }));
  });
  await once(server, "listening");
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  peer.url = `ws://127.0.0.1:${server.address().port}/`;
  return peer;
}

class Terminal {
  constructor(t, command, { columns = 60, environment = "" } = {}) {
    this.folder = mkdtempSync("/tmp/towline-test-");
    // The search for leaks hangs when the terminal is taken away from under it.
    this.tmux("new-session", "-d", "-x", `${columns}`, "-y", "30", `env -u XDG_STATE_HOME ${environment} ASAN_OPTIONS=detect_leaks=0 HOME=${this.folder} ${command}; echo "status $?"; sleep 60`);
    t.after(() => {
      this.tmux("kill-server");
      rmSync(this.folder, { recursive: true, maxRetries: 10 }); // what the terminal's programs write last
    });
  }

  tmux(...words) {
    return execFileSync("tmux", ["-S", `${this.folder}/tmux`, "-f", "/dev/null", ...words], { encoding: "utf8" });
  }

  type(...keys) {
    this.tmux("send-keys", ...keys);
  }

  screen(...words) {
    return this.tmux("capture-pane", "-p", ...words);
  }

  shows(pattern, what) {
    return until(() => pattern.test(this.screen()), what).catch((error) => {
      throw new Error(`${error.message}\n${this.screen()}`);
    });
  }
}

test("what comes is shown above the line that is being typed", async (t) => {
  const peer = await listen(t);
  const terminal = new Terminal(t, `${program} connect ${peer.url}`);
  await terminal.shows(/^> *$/m, "a prompt");
  terminal.type("half a line that is longer than the sixty columns of this terminal");
  await terminal.shows(/this\s+terminal/, "the typed line");
  peer.socket.send("from afar");
  await terminal.shows(/^< from afar\n> half a line that is longer than[^\n]*\n?[^\n]*terminal$/m, "the message above the line");
  terminal.type("Home", "X", "Enter");
  await until(() => peer.messages.length > 0, "the message");
  assert.deepEqual(peer.messages, ["Xhalf a line that is longer than the sixty columns of this terminal"]);
});

test("a lone Escape does not hold messages back", async (t) => {
  const peer = await listen(t);
  const terminal = new Terminal(t, `${program} connect ${peer.url}`);
  await terminal.shows(/^> *$/m, "a prompt");
  terminal.type("Escape");
  await sleep(100);
  peer.socket.send("still here");
  await terminal.shows(/^< still here$/m, "the message");
});

test("no control character of a peer reaches the terminal", async (t) => {
  const peer = await listen(t);
  const terminal = new Terminal(t, `${program} connect ${peer.url}`);
  await terminal.shows(/^> *$/m, "a prompt");
  peer.socket.send("a\x1b[2Jb\rc\x07\u009b31m\u202ed\nsecond");
  await terminal.shows(/^< a\\x1b\[2Jb\\rc\\x07\\u009b31m\\u202ed\n  second$/m, "escapes");
  peer.socket.ping("\x1b]0;title\x07");
  peer.socket.close(4000, "\x1b[2Jgone");
  await terminal.shows(/closed by the peer: 4000, "\\x1b\[2Jgone"[\s\S]*status 1/, "the reason");
});

test("UTF-8 is typed and shown without a locale", async (t) => {
  const peer = await listen(t);
  const terminal = new Terminal(t, `${program} connect ${peer.url}`, { environment: "-u LANG -u LC_ALL -u LC_CTYPE" });
  await terminal.shows(/^> *$/m, "a prompt");
  terminal.type("Grüße", "Enter");
  await until(() => peer.messages.length > 0, "the message");
  assert.deepEqual(peer.messages, ["Grüße"]);
});

test("lines of earlier sessions come back, from a file that is the user's alone", async (t) => {
  const peer = await listen(t);
  const terminal = new Terminal(t, `sh -c '${program} connect ${peer.url}; exec ${program} connect ${peer.url}'`);
  const history = `${terminal.folder}/.local/state/towline/history`;
  await terminal.shows(/^> *$/m, "a prompt");
  terminal.type("remember me", "Enter");
  await until(() => peer.messages.length === 1, "the first message");
  terminal.type("C-d");
  await until(() => existsSync(history), "the history");
  assert.equal(statSync(history).mode & 0o777, 0o600);
  assert.match(readFileSync(history, "utf8"), /remember/);
  await terminal.shows(/closed: 1000[\s\S]*connected[\s\S]*^> *$/m, "the second session");
  terminal.type("Up", "Enter");
  await until(() => peer.messages.length === 2, "the second message");
  assert.equal(peer.messages[1], "remember me");
});

test("^D and /close leave by a closing handshake, as the code and reason say", async (t) => {
  const peer = await listen(t);
  const terminal = new Terminal(t, `sh -c '${program} connect ${peer.url}; ${program} connect ${peer.url}'`);
  await terminal.shows(/^> *$/m, "a prompt");
  terminal.type("C-d");
  await until(() => peer.closed, "the first close");
  assert.deepEqual(peer.closed, { code: 1000, reason: "" });
  await terminal.shows(/closed[\s\S]*^> *$/m, "the second prompt");
  terminal.type("/close 4001 was nice", "Enter");
  await until(() => peer.closed.code === 4001, "the second close");
  assert.deepEqual(peer.closed, { code: 4001, reason: "was nice" });
  await terminal.shows(/status 0/, "the exit status");
});

test("NO_COLOR and a dumb terminal are respected", async (t) => {
  const peer = await listen(t);
  const plain = new Terminal(t, `${program} connect ${peer.url}`, { environment: "NO_COLOR=1" });
  await plain.shows(/^> *$/m, "a prompt");
  peer.socket.send("hello");
  await plain.shows(/^< hello$/m, "the message");
  assert.ok(!/\x1b\[(2|3\d)m/.test(plain.screen("-e")));
  const dumb = new Terminal(t, `${program} connect ${peer.url}`, { environment: "TERM=dumb" });
  const before = peer.socket;
  await until(() => peer.socket !== before, "the second connection");
  dumb.type("plain line", "Enter");
  await until(() => peer.messages.includes("plain line"), "the message");
  assert.ok(!dumb.screen("-e").includes("\x1b"));
});

test("--reconnect says what it does above the line, and the next line goes to the new connection", async (t) => {
  const peer = await listen(t);
  const terminal = new Terminal(t, `${program} connect --reconnect ${peer.url}`);
  await terminal.shows(/^> *$/m, "a prompt");
  terminal.type("one", "Enter");
  await until(() => peer.messages.length === 1, "the first message");
  const lost = peer.socket;
  terminal.type("two");
  await terminal.shows(/^> two$/m, "the typed line");
  lost.terminate();
  await terminal.shows(/connecting again in \d+\.\d seconds, attempt 1/, "the wait");
  await until(() => peer.socket !== lost, "another connection");
  await terminal.shows(/attempt 1\n[^]*connected to ws:[^]*\n> two$/m, "the new connection, and the line as it was");
  terminal.type("Enter");
  await until(() => peer.messages.length === 2, "the second message");
  assert.deepEqual(peer.messages, ["one", "two"]);
  terminal.type("C-d");
  await terminal.shows(/status 0/, "the end");
});

test("a tab is a character, typed or pasted, and the screen stays in order", async (t) => {
  const peer = await listen(t);
  const terminal = new Terminal(t, `${program} connect ${peer.url}`);
  await terminal.shows(/^> *$/m, "a prompt");
  terminal.type("a", "Tab", "b", "Enter");
  await until(() => peer.messages.length === 1, "the typed line");
  terminal.tmux("set-buffer", "x\ty\t\tz");
  terminal.tmux("paste-buffer");
  await terminal.shows(/^> x {5}y {15}z$/m, "the pasted line");
  terminal.type("Enter");
  await until(() => peer.messages.length === 2, "the pasted line");
  assert.deepEqual(peer.messages, ["a\tb", "x\ty\t\tz"]);
  terminal.tmux("set-buffer", `${"\t".repeat(8)}end`); // wraps: the screen has 60 columns
  terminal.tmux("paste-buffer");
  await terminal.shows(/^> *\n *end$/m, "a line of two rows");
  peer.socket.send("meanwhile");
  await terminal.shows(/^> x {5}y {15}z\n< meanwhile\n> *\n *end$/m, "the message above the line");
});

test("the colour of the prompt ends with it", async (t) => {
  const peer = await listen(t);
  const terminal = new Terminal(t, `${program} connect ${peer.url}`);
  await terminal.shows(/^> *$/m, "a prompt");
  terminal.type("typed");
  await terminal.shows(/^> typed$/m, "a line");
  assert.match(terminal.screen("-e"), /\x1b\[32m(\x1b\[49m)?>\x1b\[(0|39)m typed$/m);
  terminal.type("C-u", "C-d");
  await terminal.shows(/status 0/, "the end");
  assert.doesNotMatch(terminal.screen("-e"), /\x1b\[32m[^\x1b]*status/);
});

for (const shell of ["sh", "bash --norc"]) {
  test(`after Ctrl-Z and fg in ${shell} the line is edited as before, and the shell has its terminal meanwhile`, async (t) => {
    const peer = await listen(t);
    const terminal = new Terminal(t, `PS1='$ ' HISTFILE= ${shell} -i`);
    await terminal.shows(/^\$ *$/m, "the shell");
    terminal.type(`${program} connect ${peer.url}`, "Enter");
    await terminal.shows(/^> *$/m, "a prompt");
    terminal.type("ac");
    await terminal.shows(/^> ac$/m, "a line");
    terminal.type("C-z");
    await terminal.shows(/Stopped[^]*^\$ *$/m, "the shell again");
    terminal.type("echo seen $((1 + 1))", "Enter");
    await terminal.shows(/^\$ echo seen.*\nseen 2$/m, "what the shell echoes and prints");
    terminal.type("fg", "Enter");
    await terminal.shows(/^> ac$/m, "the line again");
    terminal.type("Left", "b", "Enter");
    await until(() => peer.messages.length === 1, "the message");
    assert.deepEqual(peer.messages, ["abc"]);
    terminal.type("C-d");
    await terminal.shows(/closed: 1000[^]*^\$ *$/m, "the end");
  });
}

test("Ctrl-Z does nothing where no shell could have it go on", async (t) => {
  const peer = await listen(t);
  const terminal = new Terminal(t, `${program} connect ${peer.url}`);
  await terminal.shows(/^> *$/m, "a prompt");
  terminal.type("ac");
  await terminal.shows(/^> ac$/m, "a line"); // Ctrl-Z takes away what was not read yet
  terminal.type("C-z");
  terminal.type("Left", "b", "Enter");
  await until(() => peer.messages.length === 1, "the message");
  assert.deepEqual(peer.messages, ["abc"]);
});

test("--half-close passes ^D on, and shows what comes behind it", async (t) => {
  const tunnel = await Tunnel.start(t, "ws://127.0.0.1:0/", "exec:sort", ["--lines"]);
  const terminal = new Terminal(t, `${program} connect --half-close ws://127.0.0.1:${tunnel.port}/`);
  await terminal.shows(/^> *$/m, "a prompt");
  terminal.type("b", "Enter", "a", "Enter", "C-d");
  await terminal.shows(/^> b\n> a\n< a\n< b\n\* closed: 1000 .*\nstatus 0$/m, "the sorted lines");
});
