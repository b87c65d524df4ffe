"""The servers that are measured: how each is started, where it listens, and how it is ended."""

import os
import re
import select
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
TOWLINE = BUILD / "towline"
# An earlier version's program, to be measured in the same run.
BEFORE = os.environ.get("TOWLINE_BEFORE")
SERVER_CORE, GENERATOR_CORE = (0, 1) if (os.cpu_count() or 1) > 1 else (None, None)


# Of the servers that speak TLS: made anew in each run, by certificate().
CERTIFICATE, KEY = BUILD / "bench/certificate.pem", BUILD / "bench/key.pem"


class Peer:
    """A kind of server. `raw` names the raw echo on the same kind of loop."""

    def __init__(self, name, command, scheme="ws", path="/echo", raw="raw epoll"):
        self.name, self.command, self.scheme, self.path, self.raw = name, command, scheme, path, raw

    @property
    def is_secure(self):
        return self.scheme in ("wss", "tls")


def towline(io, program=TOWLINE):
    return [str(program), "serve", "-p", "127.0.0.1:0", "--workers", "1", "--io", io]


PEERS = [
    Peer("raw epoll", [str(BUILD / "bench/raw-echo-epoll")], "tcp", ""),
    Peer("towline epoll", towline("epoll")),
    Peer("raw io_uring", [str(BUILD / "bench/raw-echo-uring")], "tcp", "", "raw io_uring"),
    Peer("towline io_uring", towline("io_uring"), raw="raw io_uring"),
    Peer("libwebsockets", [str(BUILD / "bench/peer-lws")]),
    Peer("ws", ["node", str(ROOT / "bench/peer_ws.mjs")]),
    Peer("python3-websockets", ["/usr/bin/python3", str(ROOT / "bench/peer_websockets.py")]),
]


IDENTITY = [str(CERTIFICATE), str(KEY)]


def towline_tls(io, program=TOWLINE):
    return [*towline(io, program), "-c", IDENTITY[0], "-k", IDENTITY[1]]


PEERS += [
    Peer("raw TLS", [str(BUILD / "bench/raw-echo-tls"), *IDENTITY], "tls", "", "raw TLS"),
    Peer("towline TLS epoll", towline_tls("epoll"), "wss", raw="raw TLS"),
    Peer("towline TLS io_uring", towline_tls("io_uring"), "wss", raw="raw TLS"),
    Peer("ws TLS", ["node", str(ROOT / "bench/peer_ws.mjs"), *IDENTITY], "wss", raw="raw TLS"),
]
if BEFORE:
    PEERS += [Peer(f"before {io}", towline(io, BEFORE), raw=f"raw {io}") for io in ("epoll", "io_uring")]
    PEERS += [Peer(f"before TLS {io}", towline_tls(io, BEFORE), "wss", raw="raw TLS") for io in ("epoll", "io_uring")]


def make_certificate():
    """For localhost, of the kind that most servers have today, signed by its own key: the generator does not check it."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "1"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    made = subprocess.run([*command, "-keyout", KEY, "-out", CERTIFICATE], capture_output=True, text=True)
    if made.returncode != 0:
        raise Failure(f"no certificate could be made: {made.stderr.strip()}")


def on_core(core, command):
    return command if core is None else ["taskset", "-c", str(core), *command]


class Failure(Exception):
    """What a person must know, in one line."""


class Server:
    """A started peer: its process number and its URL."""

    def __init__(self, peer):
        self.peer = peer
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            on_core(SERVER_CORE, peer.command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.output = b""
        self.port = self._read_port(10)

    def _read_port(self, seconds):
        """The first port that the server says it listens on."""
        while True:
            line = re.search(rb"127\.0\.0\.1:(\d+)\b.*\n", self.output)
            if line:
                return int(line[1])
            left = self.started + seconds - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Failure(f"{self.peer.name} did not say where it listens within {seconds} s: {self.output!r}")
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                raise Failure(f"{self.peer.name} ended with {self.process.wait()}: {self.output.decode(errors='replace')}")
            self.output += chunk

    @property
    def pid(self):
        return self.process.pid

    @property
    def url(self):
        return f"{self.peer.scheme}://127.0.0.1:{self.port}{self.peer.path}"

    def alive(self):
        return self.process.poll() is None

    def resident_bytes(self):
        try:
            fields = Path(f"/proc/{self.pid}/statm").read_text().split()
        except OSError:
            return 0
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self):
        if self.alive():
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
