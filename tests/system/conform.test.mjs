// towline conform as a command: what it runs, writes and ends with. What it judges is tested in tests/conform.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { WebSocket } from "ws";

import { Authority } from "../support/authority.mjs";
import { program, run, serve, until, within } from "../support/towline.mjs";

const few = ["--only", "control.ping.1,control.ping.distinct,closing.code.1000"];

function folder(t) {
  const name = mkdtempSync("/tmp/towline-conform-");
  t.after(() => rmSync(name, { recursive: true }));
  return name;
}

/** A file with a case that no server passes: the echo is another. */
function wrongCase(t, level = "must") {
  const file = path.join(folder(t), "own.cases");
  writeFileSync(file, `group own RFC 6455\n\ncase wrong\n  ${level} Texts come back changed.\n  send text "a"\n  expect text "b"\n  finish\n`);
  return file;
}

/** A started `towline conform --listen`, with its URL. */
async function listen(t, words) {
  const child = spawn(program, ["conform", "--listen", "127.0.0.1:0", ...words], { stdio: ["ignore", "pipe", "pipe"] });
  const judge = { output: "", errors: "", exit: once(child, "close").then(([code, signal]) => code ?? signal) };
  child.stdout.on("data", (text) => (judge.output += text));
  child.stderr.on("data", (text) => (judge.errors += text));
  t.after(() => child.kill("SIGKILL"));
  await until(() => /on port \d+/.test(judge.errors), "listening");
  judge.host = `127.0.0.1:${judge.errors.match(/on port (\d+)/)[1]}`;
  return judge;
}

/** An echoing client; the texts that it got, when it is closed. */
async function play(url, options) {
  const socket = new WebSocket(url, options);
  const texts = [];
  socket.on("error", () => {}); // a close follows
  socket.on("message", (data, binary) => {
    texts.push(data.toString());
    socket.send(data, { binary });
  });
  await within(20000, new Promise((resolve) => socket.on("close", resolve)), `the end of ${url}`);
  return texts;
}

async function playAll(judge, scheme, options) {
  const [count] = await play(`${scheme}://${judge.host}/cases`, options);
  for (let number = 1; number <= Number(count); number++) await play(`${scheme}://${judge.host}/case/${number}`, options);
  await play(`${scheme}://${judge.host}/report`, options);
  return Number(count);
}

test("--list names each case with its level, section and sentence", async () => {
  const servers = (await run(["conform", "--list"])).output.trim().split("\n");
  const clients = (await run(["conform", "--list", "--client", "x {url}"])).output.trim().split("\n");
  for (const line of [...servers, ...clients]) assert.match(line, /^\S+ +(MUST|SHOULD|MAY) +RFC \d+.*: \S.*\.$/);
  assert.ok(servers.length >= 500 && clients.length >= 500, `${servers.length}, ${clients.length}`);
  assert.ok(servers.some((line) => line.startsWith("handshake.")) && !clients.some((line) => line.startsWith("handshake.")));
});

test("what can't be is said in one line, with status 2", async () => {
  for (const [words, expected] of [
    [[], /what is to be tested\?/],
    [["--only", "nothing.*", "ws://localhost/"], /no case fits --only nothing\.\*; see --list/],
    [["--client", "no-hole"], /needs \{url\}/],
    [["--listen", "nowhere at all"], /--listen nowhere at all is not \[HOST:\]PORT/],
    [["--listen", "0", "ws://localhost/"], /one of them/],
    [["--merge", "a.json"], /--merge needs --html FILE/],
    [["--insecure", "--listen", "0"], /--insecure and --cacert are for the URL/],
    [["--tls-self-signed", "ws://localhost/"], /are for --listen and --client/],
    [["--key", "x", "--listen", "0"], /--key: name its certificate/],
    [["--insecure", "ws://localhost/"], /--insecure: this is for wss:/],
    [["--merge", "a.json", "--html", "a.html", "--strict"], /--strict: no case is run/],
    [["--list", "--json", "a.json"], /--json: no case is run/],
    [["ftp://localhost/"], /ftp:\/\/localhost\/: /],
  ]) {
    const { status, output, errors } = await run(["conform", ...words]);
    assert.equal(status, 2, `${words}: ${errors}`);
    assert.match(errors, expected);
    assert.match(errors, /^towline conform: .*\n$/);
    assert.equal(output, "");
  }
});

test("a server that is not there is an error, not a result", async () => {
  const { status, output, errors } = await run(["conform", "ws://127.0.0.1:1/"]);
  assert.deepEqual([status, output, errors], [1, "", "towline conform: ws://127.0.0.1:1/: connection refused\n"]);
});

test("a failed MUST ends with status 1 and is explained; SHOULD and MAY do so only with --strict", async (t) => {
  const server = await serve(t);
  const failed = await run(["conform", "--only", "own.*", "--cases", wrongCase(t), server.url()]);
  assert.equal(failed.status, 1);
  assert.match(failed.output, /FAIL own\.wrong: a text message of 1 bytes with another payload/);
  assert.match(failed.output, /RFC 6455: Texts come back changed\./);
  assert.match(failed.output, /1 cases in .*: 0 passed, 1 failed/);
  for (const level of ["should", "may"]) {
    const words = ["conform", "--only", "own.*", "--cases", wrongCase(t, level), server.url()];
    assert.equal((await run(words)).status, 0);
    assert.equal((await run([...words, "--strict"])).status, 1);
  }
});

test("--json has each case with what was sent and received; --html and --merge make pages of it", async (t) => {
  const server = await serve(t);
  const here = folder(t);
  const [json, page, merged] = ["a.json", "a.html", "all.html"].map((name) => path.join(here, name));
  const { status } = await run(["conform", ...few, "--name", "<one> 'n' \"two\"", "--json", json, "--html", page, server.url()]);
  assert.equal(status, 0);
  const report = JSON.parse(readFileSync(json, "utf8"));
  assert.deepEqual([report.name, report.role], ["<one> 'n' \"two\"", "server"]);
  const one = report.cases.find((each) => each.id === "control.ping.1");
  assert.deepEqual([one.verdict, one.level, one.section], ["pass", "MUST", "RFC 6455, section 5.5.3"]);
  assert.ok(one.transcript.some((entry) => entry.direction === ">" && entry.hex.startsWith("89 81")), "the Ping");
  assert.ok(one.transcript.some((entry) => entry.direction === "<" && entry.hex.startsWith("8a 01")), "the Pong");
  const html = readFileSync(page, "utf8");
  assert.ok(html.includes("control.ping.1") && html.includes("89 81") && html.includes("RFC 6455, section 5.5.3"));
  assert.ok(!html.includes("<one>"), "a name is text, not markup");

  assert.equal((await run(["conform", "--merge", json, json, "--html", merged])).status, 0);
  assert.ok(readFileSync(merged, "utf8").match(/<th scope=col>/g).length === 2);
  writeFileSync(json, "{}");
  const wrong = await run(["conform", "--merge", page, json, "--html", merged]);
  assert.deepEqual([wrong.status, wrong.output], [1, ""]);
  assert.match(wrong.errors, /^towline conform: report 1 is not one of towline conform --json: .*\n$/);
});

test("--merge keeps groups together, whatever cases each run had", async (t) => {
  const server = await serve(t);
  const here = folder(t);
  const reports = [];
  for (const only of ["control.ping.1,closing.code.1000", "control.ping.distinct"]) {
    reports.push(path.join(here, `${reports.length}.json`));
    assert.equal((await run(["conform", "--only", only, "--json", reports.at(-1), server.url()])).status, 0);
  }
  assert.equal((await run(["conform", "--merge", ...reports, "--html", path.join(here, "page.html")])).status, 0);
  const html = readFileSync(path.join(here, "page.html"), "utf8");
  assert.deepEqual([...html.matchAll(/<section id='(.*?)'|<summary><span><code>(.*?)</g)].map((found) => found[1] ?? found[2]), [
    "control",
    "control.ping.1",
    "control.ping.distinct",
    "closing",
    "closing.code.1000",
  ]);
});

test("--json - takes the place of the text", async (t) => {
  const server = await serve(t);
  const { status, output } = await run(["conform", ...few, "--json", "-", server.url()]);
  assert.equal(status, 0);
  assert.equal(JSON.parse(output).cases.length, 3);
});

test("--client runs a command for each case, and one that does not play fails it", async () => {
  const echo = await run(["conform", ...few, "--client", `'${program}' connect --echo --output /dev/null {url}`]);
  assert.equal(echo.status, 0, echo.output);
  assert.match(echo.output, /0 failed/);
  const idle = await run(["conform", "--only", "control.ping.1", "--client", "exit 7 # {url}"]);
  assert.equal(idle.status, 1);
  assert.match(idle.output, /FAIL control\.ping\.1: the command ended \(status 7\) without playing the case/);
});

test("--listen tells the number of cases, plays each, and ends with /report", async (t) => {
  const judge = await listen(t, [...few, "--strict"]);
  const count = await playAll(judge, "ws");
  assert.equal(await within(20000, judge.exit, "its end"), 0, judge.output);
  assert.match(judge.output, new RegExp(`^${count} cases in .*: ${count} passed, 0 failed$`, "m"));
});

test("cases that no client came for have no result, and status 1", async (t) => {
  const judge = await listen(t, few);
  await play(`ws://${judge.host}/report`);
  assert.equal(await within(20000, judge.exit, "its end"), 1);
  assert.match(judge.output, /without result/);
});

test("a server over TLS is tested when its certificate holds, or with --insecure", async (t) => {
  const authority = Authority.make(t.after.bind(t));
  const identity = authority.issue("localhost");
  const server = await serve(t, ["--certificate", identity.certificate, "--key", identity.key]);
  const url = `wss://localhost:${server.port}/echo`;
  const refused = await run(["conform", ...few, url]);
  assert.equal(refused.status, 1);
  assert.match(refused.errors, /^towline conform: wss:\S+: the certificate of localhost .*\n$/);
  assert.equal((await run(["conform", ...few, "--strict", "--cacert", authority.certificate, url])).status, 0);
  assert.equal((await run(["conform", ...few, "--strict", "--insecure", url])).status, 0);
  const absent = await run(["conform", ...few, "--cacert", "/there/is/none", url]);
  assert.deepEqual([absent.status, absent.errors], [1, `towline conform: ${url}: /there/is/none: No such file or directory\n`]);
});

test("clients are tested over TLS, with a certificate of one's own or one made for the run", async (t) => {
  const authority = Authority.make(t.after.bind(t));
  const identity = authority.issue("localhost");
  const own = await listen(t, [...few, "--strict", "-c", identity.certificate, "-k", identity.key]);
  await playAll(own, "wss", { ca: authority.text });
  assert.equal(await within(20000, own.exit, "its end"), 0, own.output);
  const made = await listen(t, [...few, "--strict", "-t"]);
  assert.match(made.errors, /SHA-256 fingerprint: [0-9A-F]{2}(:[0-9A-F]{2}){31}\n/);
  await playAll(made, "wss", { rejectUnauthorized: false });
  assert.equal(await within(20000, made.exit, "its end"), 0, made.output);
});

test("on a terminal a bar tells how far it is", async (t) => {
  const server = await serve(t);
  const here = folder(t);
  const tmux = (...words) => execFileSync("tmux", ["-S", `${here}/tmux`, "-f", "/dev/null", ...words], { encoding: "utf8" });
  const slow = path.join(here, "slow.cases");
  writeFileSync(slow, "group slow RFC 6455\n\ncase last\n  must It ends.\n  wait 2500\n  finish\n");
  const command = `${program} conform --cases ${wrongCase(t)} --cases ${slow} --only 'own.*,slow.*,control.ping.1' -n 1 ${server.url()}`;
  // The shell ends by itself, should the test fail.
  tmux("new-session", "-d", "-x", "100", "-y", "30", `ASAN_OPTIONS=detect_leaks=0 ${command}; echo "status $?"; sleep 20`);
  await until(() => /^\[#+ +\] 2 of 3, 1 failed$/m.test(tmux("capture-pane", "-p")), "the bar");
  await until(() => /status 1/.test(tmux("capture-pane", "-p")), "the end");
  assert.doesNotMatch(tmux("capture-pane", "-p"), /^\[#/m);
  tmux("kill-server");
});
