#!/usr/bin/python3
"""Messages a second of the echo handler of examples/handlers, for a hundred connections with one message of 64 bytes on its way, beside
the server that such handlers were written for (the same file, the same Python), and beside the same echo as a program for many
connections (docs/handler-protocol.md). The rounds are interleaved; the figures are medians.

The other server is pywebsocket3, from a folder outside of this one: git clone https://github.com/GoogleChromeLabs/pywebsocket3, then
--pywebsocket FOLDER; without it towline is alone."""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOWLINE = os.environ.get("TOWLINE", str(ROOT / "build/towline"))
HANDLER = ROOT / "examples/handlers/echo_wsh.py"
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """Of a process and its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (int(fields[11]) + int(fields[12])) / TICK + sum(cpu_seconds(int(child)) for child in children)


WORKER = """
import towline_worker

class Echo(towline_worker.Worker):
    def on_message(self, connection, message):
        connection.send(message)

Echo().run()
"""

CONFIG = """
port: ["127.0.0.1:0"]
workers: 1
routes:
  - path: /echo
    program:
      file: {python}
      arguments: [{folder}/worker.py]
      environment: ["PYTHONPATH={helpers}"]
      worker: true
      pool: {pool}
"""


class Server:
    """A server on a port, or one that says where it serves, and by `ready` what."""

    def __init__(self, name, command, ready=None, port=None, **options):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
        self.port = port if port is not None else self._read(ready)

    def _read(self, ready):
        text = ""
        for line in self.process.stderr:
            text += line.decode()
            found = re.search(r"serving ws://127\.0\.0\.1:(\d+)/", text)
            if found and re.search(ready, text):
                return int(found[1])
        sys.exit(f"{self.name} has ended: {text}")

    def measure(self, seconds):
        """Messages a second, and microseconds of the server's CPU time for each."""
        command = [TOWLINE, "bench", f"ws://127.0.0.1:{self.port}/echo", "-c", "100", "-p", "64", "-t", "text", "--warm-up", "0.5",
                   "-s", str(seconds), "--json", "-"]
        before = cpu_seconds(self.process.pid)
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            sys.exit(f"{self.name}: {result.stderr.strip()}")
        figures = json.loads(result.stdout)
        rate = figures["messages_per_second"]
        spent = cpu_seconds(self.process.pid) - before
        return rate, spent / (rate * (seconds + 0.5)) * 1e6

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()


def towline(folder, python):
    return Server("towline", [TOWLINE, "serve", "-p", "127.0.0.1:0", "-w", folder, "--python", python, "--workers", "1"],
                  ready=r"echo_wsh\.py serves /echo")


def persistent(folder, python, pool):
    (Path(folder) / "worker.py").write_text(WORKER)
    config = Path(folder) / "worker.yaml"
    config.write_text(CONFIG.format(folder=folder, python=python, pool=pool, helpers=ROOT / "helpers"))
    return Server("a program" if pool == 1 else f"{pool} programs", [TOWLINE, "serve", "-f", str(config)], ready=r"\[\d+\]: started")


def original(folder, python, source):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server("pywebsocket3", [python, "-m", "pywebsocket3.standalone", "-H", "127.0.0.1", "-p", str(port), "-w", folder, "-d", folder],
                    port=port, env=os.environ | {"PYTHONPATH": source})
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return server
        except OSError:
            time.sleep(0.1)
    sys.exit("pywebsocket3 does not listen")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pywebsocket", metavar="FOLDER", help="where pywebsocket3 was cloned")
    parser.add_argument("--python", default=shutil.which("python3"), help="which Python runs both (default: %(default)s)")
    parser.add_argument("--pool", type=int, nargs="*", default=[1], help="how many programs; several numbers are several servers")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(HANDLER, folder)
        servers = [towline(folder, arguments.python)]
        servers += [persistent(folder, arguments.python, pool) for pool in arguments.pool]
        if arguments.pywebsocket:
            servers.insert(0, original(folder, arguments.python, arguments.pywebsocket))
        try:
            rounds = [[server.measure(arguments.seconds) for server in servers] for _ in range(arguments.rounds)]
        finally:
            for server in servers:
                server.stop()
    print("server        messages a second  (lowest, highest)   CPU for each   of the first")
    for i, server in enumerate(servers):
        rates = [each[i][0] for each in rounds]
        ratio = statistics.median(each[i][0] / each[0][0] for each in rounds)
        spent = statistics.median(each[i][1] for each in rounds)
        print(f"{server.name:13} {statistics.median(rates):17,.0f}  ({min(rates):,.0f}, {max(rates):,.0f}) {spent:10.1f} us   {ratio:9.2f}")


if __name__ == "__main__":
    main()
