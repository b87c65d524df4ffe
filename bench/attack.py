#!/usr/bin/env python3
"""What one client that means harm costs another one.

For each attack two servers with one worker each run side by side: one is attacked, by one process, the other is not. Beside each a
prober, a process of its own, sends an echo of one byte every five milliseconds. The figure is how much longer the 99th percentile of
the echoes takes where the attack is; at most 20 ms are wanted.

    bench/attack.py [--seconds N] [--io epoll] [--io io_uring] [NAME ...]

TOWLINE names the program, else build/towline is measured. The table that it prints is for bench/results.md."""

import argparse
import base64
import contextlib
import multiprocessing
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOWLINE = os.environ.get("TOWLINE", str(ROOT / "build" / "towline"))
WANTED = 0.020
NAMES = 2000  # in the large folder
MAX_MESSAGE = 16 << 20


class Server:
    def __init__(self, folder, io, secure):
        words = [TOWLINE, "serve", "-p", "127.0.0.1:0", "--workers", "1", "--io", io, "-d", str(folder)]
        words += ["--tls-self-signed"] if secure else []
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.port = None
        for line in self.process.stderr:
            found = re.search(r"serving wss?://127\.0\.0\.1:(\d+)/", line)
            if found:
                self.port = int(found[1])
                break
        if self.port is None:
            sys.exit("the server did not start")
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def peak(self):
        """Bytes that it had resident at most."""
        with open(f"/proc/{self.process.pid}/status") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

    def stop(self):
        self.process.terminate()
        self.process.wait()


def connect(port, secure, buffer=None):
    plain = socket.socket()
    if buffer is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    plain.connect(("127.0.0.1", port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not secure:
        return plain
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain)


def open_websocket(port, secure, fields=""):
    connection = connect(port, secure)
    key = base64.b64encode(os.urandom(16)).decode()
    connection.sendall(
        f"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{fields}\r\n".encode()
    )
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1)
    assert b" 101 " in head, head
    return connection


def probe(port, secure, begin, end, out):
    """Echoes from `begin` until `end` is set; puts how long each took, in seconds."""
    connection = open_websocket(port, secure)
    times = []
    out.put("ready")
    begin.wait()
    while not end.is_set():
        started = time.monotonic()
        connection.sendall(b"\x82\x81\0\0\0\0x")
        connection.recv(100)
        times.append(time.monotonic() - started)
        time.sleep(0.005)
    out.put(times)


# Attackers: they attack a server until they are ended.


def write_for_ever(connection, data):
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(data)


def read_for_ever(connection):
    with contextlib.suppress(OSError):
        while connection.recv(1 << 20):
            pass


def queue(port, secure, request):
    """Requests without a pause, whose answers are read."""
    request += "Host: localhost\r\n\r\n"
    while True:
        connection = connect(port, secure)
        threading.Thread(target=write_for_ever, args=(connection, request.encode() * (65536 // len(request))), daemon=True).start()
        read_for_ever(connection)


def queue_of_listings(port, secure):
    queue(port, secure, "HEAD /many/ HTTP/1.1\r\n")


def queue_of_small_pages(port, secure):
    queue(port, secure, "HEAD /.console HTTP/1.1\r\n")


def queue_of_files(port, secure):
    queue(port, secure, "GET /many/1 HTTP/1.1\r\n")


def downloads(port, secure):
    queue(port, secure, "GET /large HTTP/1.1\r\n")


def unread_upgrades(port, secure):
    """Requests for upgrades are sent for a second while nothing is read, then answers are read for a second."""
    request = b"HEAD /.console HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n" * 200
    connection = connect(port, secure, 4096)
    connection.settimeout(0.1)
    while True:
        for step in (lambda: connection.send(request), lambda: connection.recv(65536)):
            end = time.monotonic() + 1
            while time.monotonic() < end:
                with contextlib.suppress(TimeoutError, ssl.SSLError):
                    step()


def bombs(port, secure):
    """Half a megabyte of compressed messages, each of the largest that may come, again and again; the echoes are read."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = deflate.compress(bytes(MAX_MESSAGE - 1)) + deflate.flush(zlib.Z_SYNC_FLUSH)
    data = data[:-4]
    frame = b"\xc2\xfe" + struct.pack(">H", len(data)) + bytes(4) + data
    connection = open_websocket(port, secure, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
    threading.Thread(target=write_for_ever, args=(connection, frame * (500000 // len(frame))), daemon=True).start()
    read_for_ever(connection)


# What it is called in the table, and whether it is over TLS.
ATTACKS = {
    "listings": (queue_of_listings, False, f"`HEAD` on a folder of {NAMES:,} names, pipelined"),
    "pages": (queue_of_small_pages, False, "`HEAD` on a small page, pipelined"),
    "files": (queue_of_files, False, "`GET` of an empty file, pipelined"),
    "downloads": (downloads, False, "`GET` of 1 GiB"),
    "downloads-tls": (downloads, True, "the same over TLS"),
    "upgrades": (unread_upgrades, True, "`Upgrade` over TLS, pipelined, read in bursts"),
    "bombs": (bombs, False, "compressed messages of 16 MiB each"),
}


def percentile(times, part):
    return sorted(times)[int(part * (len(times) - 1))]


def measure(attack, secure, folder, io, seconds):
    """The times of the prober beside the server that is left alone, of the other's, and the other's memory."""
    servers = [Server(folder, io, secure) for _ in range(2)]
    begin, end = multiprocessing.Event(), multiprocessing.Event()
    outs = [multiprocessing.Queue() for _ in servers]
    processes = [
        multiprocessing.Process(target=probe, args=(server.port, secure, begin, end, out), daemon=True)
        for server, out in zip(servers, outs)
    ]
    attacker = multiprocessing.Process(target=attack, args=(servers[1].port, secure), daemon=True)
    for process in processes:
        process.start()
    for out in outs:
        out.get()
    attacker.start()
    time.sleep(1)
    begin.set()
    time.sleep(seconds)
    end.set()
    times = [out.get(timeout=60) for out in outs]
    peak = servers[1].peak()
    attacker.kill()
    for process in [*processes, attacker]:
        process.join()
    for server in servers:
        server.stop()
    return *times, peak


def make_folder(folder):
    many = folder / "many"
    many.mkdir()
    for i in range(NAMES):
        (many / str(i)).touch()
    with open(folder / "large", "wb") as large:
        large.truncate(1 << 30)


def milliseconds(seconds):
    return f"{seconds * 1000:.1f} ms"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement (default: 10)")
    parser.add_argument("--io", action="append", choices=["epoll", "io_uring"], help="kinds of loop (default: both)")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"attacks (default: all): {', '.join(ATTACKS)}")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(ATTACKS)
    if unknown:
        parser.error(f"no such attack: {', '.join(sorted(unknown))}")
    multiprocessing.set_start_method("fork")
    print("| attack | loop | p50 alone | p99 alone | p50 attacked | p99 attacked | p99 above | the server's memory |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    missed = 0
    with tempfile.TemporaryDirectory() as name:
        make_folder(Path(name))
        for attack, secure, text in [ATTACKS[key] for key in chosen.names or ATTACKS]:
            for io in chosen.io or ["epoll", "io_uring"]:
                alone, attacked, peak = measure(attack, secure, name, io, chosen.seconds)
                above = percentile(attacked, 0.99) - percentile(alone, 0.99)
                missed += above > WANTED
                figures = [percentile(times, part) for times in (alone, attacked) for part in (0.5, 0.99)]
                print("|", " | ".join([text, io, *map(milliseconds, [*figures, above]), f"{peak / (1 << 20):.0f} MiB"]), "|", flush=True)
    if missed:
        print(f"\n{missed} of them above the {milliseconds(WANTED)} that are wanted", file=sys.stderr)


if __name__ == "__main__":
    main()
