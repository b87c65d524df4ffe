#!/usr/bin/python3
"""Measures programs behind paths: how many connections a second get a program of their own, beside websocketd; how many messages a
second one Python program answers for a hundred connections; and what its restart does to a thousand connections under load, by plan
and by kill. All rounds are interleaved; the figures are medians, of ratios those of the rounds.

websocketd is Debian's package, or a release of it: apt-get install websocketd, or --websocketd PATH; without it towline is alone."""

import argparse
import asyncio
import base64
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOWLINE = os.environ.get("TOWLINE", str(ROOT / "build/towline"))

WORKER = """
import towline_worker

class Echo(towline_worker.Worker):
    def on_message(self, connection, message):
        connection.send(message)

Echo().run()
"""

COUNTING = """
import os, time
import towline_worker

class Count(towline_worker.Worker):
    def on_start(self):
        fields = open("/proc/self/stat").read().rpartition(")")[2].split()
        begun = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        print("own start: %d ms" % ((time.clock_gettime(time.CLOCK_BOOTTIME) - begun) * 1000))

    def on_message(self, connection, message):
        connection.send("%s %d" % (message, self.again))

Count().run()
# {version}
"""

CONFIG = """
port: ["127.0.0.1:0"]
routes:
  - path: /cat
    program: cat
  - path: /worker
    program:
      file: /usr/bin/python3
      arguments: [{folder}/worker.py]
      environment: ["PYTHONPATH={helpers}"]
      worker: true
"""


def request(port, path):
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def frame(opcode, payload):
    """Of a client, masked with zeros; at most 125 bytes."""
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + b"\0\0\0\0" + payload


class Client(asyncio.Protocol):
    """A connection: `message` gets each text; `ended` is when it is gone."""

    def __init__(self, port, path, message, opened=None):
        self.port, self.path, self.message, self.opened = port, path, message, opened
        self.rest, self.is_open, self.ended = b"", False, None

    def connection_made(self, transport):
        self.transport = transport
        transport.write(request(self.port, self.path))

    def data_received(self, data):
        data = self.rest + data
        if not self.is_open:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self.rest = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                self.transport.abort()
                return
            self.is_open = True
            data = data[end + 4 :]
            if self.opened:
                self.opened(self)
        at = 0
        while len(data) - at >= 2 and len(data) - at - 2 >= (length := data[at + 1]):
            if data[at] == 0x81:
                self.message(self, data[at + 2 : at + 2 + length])
            elif data[at] == 0x89:
                self.transport.write(frame(10, data[at + 2 : at + 2 + length]))
            at += 2 + length
        self.rest = data[at:]

    def connection_lost(self, error):
        self.ended = time.monotonic()
        if self.path == "/cat":
            self.message(self, None)

    def send(self, text):
        self.transport.write(frame(1, text))


async def start_programs(port, path, seconds, at_a_time=8):
    """Connections a second of which each got an answer from a program of its own."""
    done = 0
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds

    async def one():
        nonlocal done
        answered = loop.create_future()

        def message(client, text):
            if not answered.done():
                answered.set_result(text)

        transport, _ = await loop.create_connection(lambda: Client(port, path, message, lambda client: client.send(b"x")), "127.0.0.1", port)
        if await answered == b"x":
            done += 1
        transport.write(frame(8, b"\x03\xe8"))
        transport.close()

    async def again_and_again():
        while loop.time() < deadline:
            await one()

    await asyncio.gather(*(again_and_again() for _ in range(at_a_time)))
    return done / seconds


class Load:
    """Connections that send a number a few times a second, which comes back with the word whether it was given again."""

    def __init__(self, port, rate):
        self.port, self.pause, self.loop = port, 1 / rate, asyncio.get_running_loop()
        self.clients, self.wrong, self.again, self.longest, self.answers = [], 0, 0, 0.0, 0

    async def open(self, count):
        for _ in range(count):
            _, client = await self.loop.create_connection(lambda: Client(self.port, "/worker", self.message, self.begin), "127.0.0.1", self.port)
            self.clients.append(client)
        while not all(client.is_open for client in self.clients):
            await asyncio.sleep(0.05)

    def begin(self, client):
        client.expected = 0
        self.send(client)

    def send(self, client):
        client.sent = time.monotonic()
        if client.ended is None:
            client.send(b"%d" % client.expected)

    def message(self, client, text):
        number, again = map(int, text.split())
        now = time.monotonic()
        self.longest = max(self.longest, now - client.sent)
        self.answers += 1
        self.again += again
        if number != client.expected:
            self.wrong += not (again and number < client.expected)
            return
        client.expected += 1
        self.loop.call_later(self.pause - (now - client.sent) % self.pause, self.send, client)


class Towline:
    def __init__(self, folder, worker, environment=None):
        self.folder = folder
        self.change(worker)
        (folder / "config.yaml").write_text(CONFIG.format(folder=folder, helpers=ROOT / "helpers"))
        self.log = open(folder / "log", "w+")
        words = [TOWLINE, "serve", "-f", str(folder / "config.yaml"), "--log-level", "info"]
        self.process = subprocess.Popen(words, stderr=self.log, env=environment)
        self.port = int(self.wait(r"serving ws://127\.0\.0\.1:(\d+)/")[-1])
        self.wait(r"\[(\d+)\]: started")
        time.sleep(0.3)

    def change(self, worker):
        (self.folder / "new").write_text(worker)
        (self.folder / "new").rename(self.folder / "worker.py")

    def wait(self, pattern, count=1):
        for _ in range(1000):
            found = re.findall(pattern, (self.folder / "log").read_text())
            if len(found) >= count:
                return found
            time.sleep(0.01)
        sys.exit(f"programs.py: no {pattern} in the log:\n{(self.folder / 'log').read_text()}")

    def workers(self):
        return [int(pid) for pid in self.wait(r"\[(\d+)\]: started")]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Websocketd:
    def __init__(self, program):
        with open(os.devnull) as nothing:
            self.port = free_port()
            self.process = subprocess.Popen([program, f"--port={self.port}", "--address=127.0.0.1", "--loglevel=fatal", "cat"], stdin=nothing)
        time.sleep(0.5)

    def stop(self):
        self.process.kill()
        self.process.wait()


def free_port():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def without_language():
    """towline gives LANG to its programs, websocketd does not; and a cat that reads the files of its locale takes longer to start."""
    return {name: value for name, value in os.environ.items() if name != "LANG"}


def measure_starts(arguments, folder):
    servers = {"towline": (Towline(folder, WORKER, without_language()), "/cat")}
    if arguments.websocketd:
        servers["websocketd"] = (Websocketd(arguments.websocketd), "/")
    rates = {name: [] for name in servers}
    for _ in range(arguments.rounds):
        for name, (server, path) in servers.items():
            rates[name].append(asyncio.run(start_programs(server.port, path, arguments.seconds)))
    for server, _ in servers.values():
        server.stop()
    for name, each in rates.items():
        ratio = statistics.median(first / rate for first, rate in zip(rates["towline"], each))
        print(f"a program per connection, {name}: {statistics.median(each):.0f} connections/s ({', '.join(f'{rate:.0f}' for rate in each)}), towline {ratio:.2f} times")


def measure_echo(arguments, folder):
    server = Towline(folder, WORKER)
    worker = server.workers()[-1]
    rates, costs = [], []
    for _ in range(arguments.rounds):
        before = cpu_seconds(worker)
        words = [TOWLINE, "bench", "-c", "100", "-p", "64", "-t", "text", "-s", str(arguments.seconds), "--warm-up", "0.2", "--json", "-"]
        figures = json.loads(subprocess.run([*words, f"ws://127.0.0.1:{server.port}/worker"], capture_output=True, text=True, check=True).stdout)
        rate = next(figures[name] for name in ("messages_per_second", "rate", "messages_a_second") if name in figures)
        rates.append(rate)
        costs.append((cpu_seconds(worker) - before) / (rate * (arguments.seconds + 0.2)) * 1e6)
    server.stop()
    print(
        f"one Python program, 100 connections, 64 B of text: {statistics.median(rates):.0f} messages/s ({', '.join(f'{rate:.0f}' for rate in rates)}), "
        f"{statistics.median(costs):.1f} us of the program's CPU time each"
    )


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def restart_under_load(server, arguments, restart):
    load = Load(server.port, arguments.rate)
    await load.open(arguments.connections)
    await asyncio.sleep(2)
    usual, load.longest = load.longest, 0.0
    restart()
    await asyncio.sleep(3)
    expected = load.answers
    await asyncio.sleep(0.5)
    assert load.answers > expected
    load.lost = sum(client.ended is not None for client in load.clients)
    for client in load.clients:
        client.transport.abort()
    return usual, load


def measure_restart(arguments, folder, what):
    server = Towline(folder, COUNTING.format(version=1))
    restart = {"planned": lambda: server.change(COUNTING.format(version=2)), "killed": lambda: os.kill(server.workers()[-1], signal.SIGKILL)}[what]
    usual, load = asyncio.run(restart_under_load(server, arguments, restart))
    start = int(server.wait(r"own start: (\d+) ms", 2)[1])
    longest = load.longest * 1000
    print(
        f"{what}, {arguments.connections} connections with {arguments.rate:g} messages a second each: {load.lost} connections lost, {load.wrong} messages lost, out of order or doubled without a word, "
        f"{load.again} given again, of {load.answers}; the longest wait for an answer {longest:.0f} ms, before {usual * 1000:.0f} ms; the program's own start {start} ms, "
        f"without it {max(longest - start, 0):.0f} ms"
    )
    server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--connections", type=int, default=1000, help="of the restarts")
    parser.add_argument("--rate", type=float, default=5, help="messages a second of each of them")
    parser.add_argument("--websocketd", default=shutil.which("websocketd"))
    parser.add_argument("--only", choices=["start", "echo", "restart"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.only in (None, "start"):
            measure_starts(arguments, Path(folder))
        if arguments.only in (None, "echo"):
            measure_echo(arguments, Path(folder))
        if arguments.only in (None, "restart"):
            for _ in range(arguments.rounds):
                measure_restart(arguments, Path(folder), "planned")
                measure_restart(arguments, Path(folder), "killed")


main()
