#!/usr/bin/env python3
"""Runs the conformance cases against other implementations and against towline, and rewrites the tables of docs/conformance.md.

    peers.py PROGRAM LIBWEBSOCKETS_SERVER FOLDER [PEER ...]

Leaves a report NAME.json of each run in FOLDER, and the pages servers.html and clients.html of all that are there. The document is
only rewritten when all peers ran. script/conformance installs what it needs.
"""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

# What a server keeps for itself, the key for publishing.
STATE = tempfile.TemporaryDirectory(prefix="towline-state-")
os.environ["STATE_DIRECTORY"] = STATE.name

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DOCUMENT = ROOT / "docs/conformance.md"
PEERS = HERE / "peers"
# Long enough for a peer that waits five seconds before it ends the connection by itself.
PATIENCE = "8"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def debian(package):
    """The version of an installed package, without Debian's own part of it."""
    version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=True).stdout
    return re.sub(r"^\d+:|[-+].*$", "", version)


def npm(package):
    return json.loads((ROOT / f"tests/node_modules/{package}/package.json").read_text())["version"]


@contextlib.contextmanager
def started(*command):
    """A peer's process, which is ended with all that it started."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors="replace", start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def said(process, pattern):
    """Waits for a line of its output that fits, and lets the rest go."""
    for line in process.stdout:
        found = re.search(pattern, line)
        if found:
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return found[1]
    raise RuntimeError(f"{process.args[0]} ended without saying {pattern}")


def wait_for(port):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


# ---- servers: each gives its URL ----


@contextlib.contextmanager
def port_server(*command):
    """A server that prints its port."""
    with started(*command) as process:
        port = said(process, r"^(\d+)$")
        yield f"ws://127.0.0.1:{port}/"


@contextlib.contextmanager
def towline(program, *options):
    with started(program, "serve", "-p", "127.0.0.1:0", *options) as process:
        yield said(process, r"(wss?://\S+/echo)")


@contextlib.contextmanager
def nginx(program):
    """nginx as docs/proxies.md has it, with towline behind it."""
    text = re.search(r"```nginx\n(.*?)```", (ROOT / "docs/proxies.md").read_text(), re.S)[1]
    with towline(program, "--host", "*", "--trusted-proxy", "127.0.0.1") as url, tempfile.TemporaryDirectory() as path:
        port = free_port()
        text = text.replace("127.0.0.1:9998", url.split("/")[2]).replace("listen 80", f"listen 127.0.0.1:{port}")
        places = "".join(f"{name}_temp_path {path}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        pathlib.Path(path, "conf").write_text(
            f"daemon off; master_process off; pid {path}/pid; error_log {path}/error crit; events {{}}\nhttp {{\naccess_log off;\n{places}"
            f"{text}\n}}\n")
        with started("nginx", "-e", f"{path}/error", "-c", f"{path}/conf"):
            wait_for(port)
            yield f"ws://127.0.0.1:{port}/echo"


@contextlib.contextmanager
def websocketd():
    """websocketd with cat(1): a message is a line of it."""
    port = free_port()
    with started("websocketd", "--address", "127.0.0.1", f"--port={port}", "--loglevel=fatal", "cat"):
        wait_for(port)
        yield f"ws://127.0.0.1:{port}/"


# ---- runs ----


def conform(program, name, report, *arguments):
    return [program, "conform", "--timeout", PATIENCE, "--name", name, "--json", str(report), *arguments]


def run_server(program, name, report, server, *options):
    with server as url:
        subprocess.run(conform(program, name, report, *options, url), stdout=subprocess.DEVNULL, check=False)


def run_client(program, name, report, *command):
    with subprocess.Popen(conform(program, name, report, "--listen", "127.0.0.1:0"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True) as judge:
        port = re.search(r"port (\d+)", judge.stderr.readline())[1]
        try:
            subprocess.run([*command, f"ws://127.0.0.1:{port}"], check=True)
        except subprocess.CalledProcessError:
            judge.terminate()
            raise


def run_command(program, name, report, command):
    subprocess.run(conform(program, name, report, "--at-once", "8", "--client", command), stdout=subprocess.DEVNULL, check=False)


# What stands for a line of text, and no more, can be expected of a bridge to a program's lines.
LINES = "handshake.*,masking.wrong.*,control.*,closing.*,utf8.bad.*,framing.reserved-bits.*,framing.opcode.*"


def runs(program, lws_server):
    """{file: (role, name, function)} in the order of the tables."""
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    names = {"ws": f"ws {npm('ws')}", "websockets": f"websockets {debian('python3-websockets')}",
             "lws": f"libwebsockets {debian('libwebsockets-dev')}", "websocketd": f"websocketd {debian('websocketd')}"}
    connect = f"{program} connect --echo --output /dev/null {{url}}"

    def server(name, make, *options):
        return "server", name, lambda report: run_server(program, name, report, make(), *options)

    def client(name, *command):
        return "client", name, lambda report: run_client(program, name, report, *command)

    return {
        "towline": server(f"towline {version}", lambda: towline(program)),
        "towline-tls": server(f"towline {version}, TLS", lambda: towline(program, "--tls-self-signed"), "--insecure"),
        "towline-nginx": server(f"towline behind nginx {debian('nginx')}", lambda: nginx(program)),
        "ws": server(names["ws"], lambda: port_server("node", str(PEERS / "ws_server.mjs"))),
        "websockets": server(names["websockets"], lambda: port_server("/usr/bin/python3", str(PEERS / "websockets_server.py"))),
        # One case at a time: with several, an assertion in its inflater ends the process.
        "libwebsockets": server(names["lws"], lambda: port_server(lws_server), "--at-once", "1"),
        "websocketd": server(names["websocketd"], websocketd, "--only", LINES),
        "towline-client": ("client", f"towline {version}", lambda report: run_command(program, f"towline {version}", report, connect)),
        "ws-client": client(names["ws"], "node", str(PEERS / "ws_client.mjs")),
        "websockets-client": client(names["websockets"], "/usr/bin/python3", str(PEERS / "websockets_client.py")),
    }


# ---- the document ----


def tally(cases):
    """How many pass of those that apply, and how many fail."""
    applicable = [case for case in cases if case["verdict"] != "not applicable"]
    if not applicable:
        return "–"
    passed, failed = (sum(case["verdict"] == verdict for case in applicable) for verdict in ("pass", "FAIL"))
    return f"{passed}/{len(applicable)}" + (f", **{failed} failed**" if failed else "")


def group_of(case):
    return case["id"].split(".")[0]


def table(reports):
    groups = list(dict.fromkeys(group_of(case) for report in reports for case in report["cases"]))
    lines = ["| | " + " | ".join(report["name"] for report in reports) + " |", "| --- |" + " ---: |" * len(reports)]
    for group in [*groups, None]:
        cells = [tally([case for case in report["cases"] if group in (None, group_of(case))]) for report in reports]
        lines.append(f"| {group or 'all'} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def rewrite(text, role, reports):
    """Puts the table between its marks."""
    return re.sub(rf"(<!-- {role}s -->\n).*?(<!-- end -->)", lambda found: f"{found[1]}{table(reports)}\n{found[2]}", text, flags=re.S)


def main(program, lws_server, folder, wanted):
    program, folder = str(pathlib.Path(program).resolve()), pathlib.Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    chosen = runs(program, str(pathlib.Path(lws_server).resolve()))
    for file, (role, name, run) in chosen.items():
        if not wanted or file in wanted:
            print(f"{name} ({role})", flush=True)
            run(folder / f"{file}.json")
    for role in ("server", "client"):
        there = [folder / f"{file}.json" for file, (side, _, _) in chosen.items() if side == role and (folder / f"{file}.json").exists()]
        if there:
            subprocess.run([program, "conform", "--merge", *map(str, there), "--html", str(folder / f"{role}s.html")], check=True)
        if not wanted:
            DOCUMENT.write_text(rewrite(DOCUMENT.read_text(), role, [json.loads(report.read_text()) for report in there]))


if __name__ == "__main__":
    main(*sys.argv[1:4], set(sys.argv[4:]))
