#!/usr/bin/env python3
"""Runs one of the protocols' own suites, from a checkout of the repository socketio/socket.io, against a server on port 3000, which
they expect: `towline serve`, or for Socket.IO, whose suite wants an application, tests/support/socketio_server.c. Their packages come
from npm. The last line counts.

    protocol_suite.py TOWLINE CHECKOUT engine.io|socket.io"""

import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

PORT = 3000
# Some cases give the server 5 ms, or wait for what comes first of two connections: on a busy machine that may be too little.
RUNS = 5
# One worker: some cases send two requests at once, and expect them to be read in that order.
SUITES = {
    "engine.io": ("docs/engine.io-protocol/v4-test-suite", """
engineio-ping-ms: 300
engineio-pong-ms: 200
engineio-max-payload: 1000000
workers: 1
routes:
  - path: /
    echo: true
"""),
    "socket.io": ("docs/socket.io-protocol/v5-test-suite", None),
}


def is_free():
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", PORT))
        except OSError:
            return False
    return True


def serve(towline, config):
    """Beside towline lies the server of the other suite: pings, pongs and connecting have 300, 200 and 1000 ms there."""
    command = [towline, "serve", "-p", f"{PORT}", "-f", config] if config else \
        [pathlib.Path(towline).parent / "tests/socketio-server", f"{PORT}", "auto", "300", "200", "1000"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in server.stdout:
        if "serving" in line or line == f"port {PORT}\n":
            return server
    sys.exit("the server did not start\n0 passed, 1 failed")


def run(towline, file, suite):
    server = serve(towline, file)
    try:
        ran = subprocess.run(["npx", "mocha", "--reporter", "json", "test-suite.js"], cwd=suite, capture_output=True, text=True, timeout=300)
    finally:
        server.terminate()
        server.stdout.close()
    is_well = server.wait() == 0
    report = json.loads(ran.stdout[ran.stdout.index("{"):])
    for failure in report["failures"]:
        print(failure["fullTitle"], failure["err"].get("message", ""))
    return report["stats"], is_well


def main(towline, checkout, name):
    folder, config = SUITES[name]
    source = pathlib.Path(checkout, folder)
    if not source.is_dir():
        sys.exit(f"{source} is not there\n0 passed, 1 failed")
    if not is_free():
        sys.exit(f"port {PORT}, which the suite of {name} expects, is in use\n0 passed, 1 failed")
    with tempfile.TemporaryDirectory() as work:
        suite = pathlib.Path(work, "suite")
        shutil.copytree(source, suite, ignore=shutil.ignore_patterns("node_modules"))
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=suite, check=True)
        file = pathlib.Path(work, "towline.yaml") if config else None
        if file:
            file.write_text(config)
        for _ in range(RUNS):
            stats, is_well = run(towline, file, suite)
            if stats["failures"] == 0 or not is_well:
                break
    print(f"{stats['passes']} passed, {stats['failures'] + (not is_well)} failed")


main(*sys.argv[1:])
