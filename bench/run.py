#!/usr/bin/python3
"""Measures towline beside other servers, all rounds interleaved, and prints the medians. See --help."""

import argparse
import os
import platform
import resource
import shlex
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import measure
from peers import GENERATOR_CORE, PEERS, ROOT, SERVER_CORE, Failure, Server, make_certificate

SIZES = {"64": 64, "1K": 1024, "16K": 16384, "1M": 1 << 20}
ALL_CELLS = [(size, connections, depth) for size in SIZES for connections in (1, 100, 1000) for depth in (1, 16)]
QUICK_CELLS = [("64", 1, 1), ("64", 100, 1), ("64", 100, 16), ("1K", 100, 16), ("16K", 100, 1), ("1M", 1, 1)]
TLS_CELLS = [("64", 100, 1), ("64", 100, 16), ("16K", 100, 16)]
IDLE_CONNECTIONS = 18000
IDLE_SECURE_CONNECTIONS = 2000
SECTIONS = ("echo", "tls", "idle", "startup")


def parse_cells(text):
    cells = []
    for word in text.split(","):
        parts = word.split("x")
        if len(parts) != 3 or parts[0] not in SIZES or not parts[1].isdigit() or not parts[2].isdigit():
            raise argparse.ArgumentTypeError(f"{word}: a cell is SIZExCONNECTIONSxIN_FLIGHT, such as 64x100x16; sizes: {' '.join(SIZES)}")
        cells.append((parts[0], int(parts[1]), int(parts[2])))
    return cells


def parse_peers(text):
    known = {peer.name.replace(" ", "-"): peer for peer in PEERS}
    unknown = [name for name in text.split(",") if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]}: one of {', '.join(known)}")
    return [known[name] for name in text.split(",")]


def parse_arguments():
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--echo", action="store_true", help="only messages through echo servers")
    parser.add_argument("--tls", action="store_true", help="only messages through echo servers that speak TLS")
    parser.add_argument("--idle", action="store_true", help=f"only memory of {IDLE_CONNECTIONS} idle connections, {IDLE_SECURE_CONNECTIONS} with TLS")
    parser.add_argument("--startup", action="store_true", help="only the time from start to the first accepted connection")
    parser.add_argument("--quick", action="store_true", help="few cells, short rounds")
    parser.add_argument("--cells", type=parse_cells, help="for example 64x100x16,1Kx100x16")
    parser.add_argument("--peers", type=parse_peers, default=PEERS, help="for example towline-epoll,raw-epoll")
    parser.add_argument("--rounds", type=int, help="default 5; 3 with --quick")
    parser.add_argument("--seconds", type=float, help="of each measurement; default 1; 0.4 with --quick")
    parser.add_argument("--output", type=Path, help="Markdown; default bench/results.md, none with --quick, --cells or --peers")
    arguments = parser.parse_args()
    arguments.chosen = [name for name in SECTIONS if getattr(arguments, name)] or SECTIONS
    arguments.rounds = arguments.rounds or (3 if arguments.quick else 5)
    arguments.seconds = arguments.seconds or (0.4 if arguments.quick else 1.0)
    whole = not (arguments.quick or arguments.cells or arguments.peers is not PEERS or len(arguments.chosen) < len(SECTIONS))
    arguments.output = arguments.output or (ROOT / "bench/results.md" if whole else None)
    arguments.tls_cells = arguments.cells or TLS_CELLS
    arguments.cells = arguments.cells or (QUICK_CELLS if arguments.quick else ALL_CELLS)
    arguments.tls_peers = [peer for peer in arguments.peers if peer.is_secure]
    arguments.plain_peers = [peer for peer in arguments.peers if not peer.is_secure]
    return arguments


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


# ---- echo ----


class Farm:
    """The servers that are up; one that ended is started again."""

    def __init__(self):
        self.servers = {}

    def get(self, peer):
        server = self.servers.get(peer)
        if server is None or not server.alive():
            if server is not None:
                server.stop()
            server = self.servers[peer] = Server(peer)
        return server

    def stop(self):
        for server in self.servers.values():
            server.stop()


def run_cell(farm, peer, cell, seconds):
    size, connections, depth = cell
    in_flight_bytes = SIZES[size] * connections * depth
    longer = 1 + min(2, in_flight_bytes / (256 << 20))  # a gigabyte under way needs time to come round
    return measure.load(farm.get(peer), connections, depth, SIZES[size], seconds * longer, "--warm-up", f"{0.3 * seconds * longer:.3f}")


def echo_rounds(arguments, cells, peers, farm):
    """{(cell, peer): {"figures": [one dictionary a round or None], "system_calls": number or None, "failure": text or None}}"""
    results = {(cell, peer): {"figures": [], "system_calls": None, "failure": None} for cell in cells for peer in peers}
    for round_number in range(arguments.rounds + 1):
        for cell in cells:
            for peer in peers:
                result = results[cell, peer]
                if result["failure"]:
                    continue
                what = "system calls" if round_number == 0 else f"round {round_number} of {arguments.rounds}"
                progress(f"{what}: {cell_name(cell)}, {peer.name}")
                try:
                    if round_number == 0:
                        result["system_calls"] = measure.system_calls(farm.get(peer), cell[1], cell[2], SIZES[cell[0]], 0.2)
                    else:
                        result["figures"].append(run_cell(farm, peer, cell, arguments.seconds))
                except Failure as failure:
                    result["failure"] = str(failure)
                    progress("")
                    print(f"{cell_name(cell)}, {peer.name}: {failure}", file=sys.stderr)
    progress("")
    return results


def cell_name(cell):
    return f"{cell[0]}x{cell[1]}x{cell[2]}"


def median(figures, name):
    values = [figure[name] for figure in figures if figure[name] is not None]
    return statistics.median(values) if values else None


def ratio_to_raw(results, cell, peer):
    """Of server CPU for each message: the median over rounds of the ratio within one round."""
    raw = next((other for (_, other) in results if other.name == peer.raw), None)
    if raw is None or raw is peer:
        return None
    pairs = zip(results[cell, peer]["figures"], results[cell, raw]["figures"])
    name = "server_cpu_ns_per_message"
    ratios = [ours[name] / theirs[name] for ours, theirs in pairs if ours[name] and theirs[name]]
    return statistics.median(ratios) if ratios else None


def number(value, pattern="{:,.0f}"):
    return "–" if value is None else pattern.format(value)


def duration(nanoseconds):
    if nanoseconds is None:
        return "–"
    if nanoseconds < 1e6:
        return f"{nanoseconds / 1e3:,.3g} µs" if nanoseconds < 1e5 else f"{nanoseconds / 1e3:,.0f} µs"
    return f"{nanoseconds / 1e6:,.3g} ms" if nanoseconds < 1e9 else f"{nanoseconds / 1e9:,.3g} s"


def echo_row(results, cell, peer):
    result = results[cell, peer]
    head = [cell[0], str(cell[1]), str(cell[2]), peer.name]
    if result["failure"]:
        return head + [f"failed: {result['failure']}"] + [""] * 9
    figures = result["figures"]
    return head + [
        number(median(figures, "messages_per_second")),
        number(median(figures, "megabytes_per_second"), "{:,.1f}"),
        number(median(figures, "server_cpu_ns_per_message")),
        number(ratio_to_raw(results, cell, peer), "{:.2f}"),
        number(result["system_calls"], "{:.3f}"),
        *(duration(median(figures, name)) for name in ("p50_ns", "p99_ns", "p999_ns")),
        number(median(figures, "server_cpu"), "{:.0%}"),
        number(median(figures, "generator_cpu"), "{:.0%}"),
    ]


ECHO_HEAD = ["payload", "connections", "in flight", "server", "messages/s", "MB/s", "CPU ns/message", "of raw", "system calls/message"]
ECHO_HEAD += ["p50", "p99", "p99.9", "server's core", "generator's core"]


def echo_table(arguments, cells, peers):
    farm = Farm()
    try:
        results = echo_rounds(arguments, cells, peers, farm)
    finally:
        farm.stop()
    return table(ECHO_HEAD, [echo_row(results, cell, peer) for cell in cells for peer in peers])


def echo(arguments):
    text = f"""## Echo

Binary messages. Medians of {arguments.rounds} interleaved rounds of {arguments.seconds:g} s. CPU is the server's, user and kernel;
"of raw" is its ratio to the raw TCP echo on the same kind of loop (others: on epoll), taken within each round. The raw echo parses
nothing. MB/s is payload in one direction. Where the server's core is far from 100 %, the generator's limits the rate.

"""
    return text + echo_table(arguments, arguments.cells, arguments.plain_peers)


def tls(arguments):
    text = f"""## Echo over TLS

As above, over TLS: every server has the same certificate, and TLS 1.3 with TLS_AES_256_GCM_SHA384 is agreed on. "of raw" is the ratio to a
TLS echo on epoll that parses nothing: one read, all records in it decrypted, and encrypted again into one write. The generator's core does
the same encryption, and more than the server's core.

"""
    return text + echo_table(arguments, arguments.tls_cells, arguments.tls_peers)


# ---- idle ----


def idle_count(peer):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = IDLE_SECURE_CONNECTIONS if peer.is_secure else IDLE_CONNECTIONS
    count = min(wanted, limit - 200)
    if count < wanted:
        print(f"script/bench: only {limit} descriptors are allowed, so {count} idle connections are opened", file=sys.stderr)
    return count


def idle_row(peer, count):
    """What is used once, whatever the number of connections, is touched by a load of 100 connections before."""
    row = [peer.name, f"{count:,}"]
    once = []
    for more, in_flight, seconds in (([], 0, 1), (["--rate", str(count // 2)], 1, 3)):
        progress(f"{count} idle connections: {peer.name}")
        server = Server(peer)
        try:
            warm = measure.load(server, 100, 16, 64, 0.3)
            once.append(warm["server_memory_growth"])
            figures = measure.load(server, count, in_flight, 64, seconds, *more)
            row.append(number(figures["server_memory_per_connection"]))
        except Failure as failure:
            row.append(f"failed: {failure}")
        finally:
            server.stop()
    progress("")
    return row + [number(statistics.median(once) / 1e6, "{:.1f} MB") if once else "–"]


def idle(arguments):
    rows = [idle_row(peer, idle_count(peer)) for peer in arguments.peers]
    return """## Idle connections

Growth of the server's proportional set size for each open connection, in bytes: after the opening handshake, and after one or two
echoes of 64 bytes on each. A load of 100 connections comes before; "once" is what that added to the fresh server, for buffers and
libraries, and is not part of the other figures.

""" + table(["server", "connections", "opened", "after echoes", "once"], rows)


# ---- start-up ----


def first_byte_seconds(peer):
    """From the start of the process until a new connection has been answered."""
    server = Server(peer)
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
            connection.sendall(b"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
            if not connection.recv(1):
                raise Failure(f"{peer.name} closed its first connection")
        return time.monotonic() - server.started
    finally:
        server.stop()


def startup(arguments):
    rows = []
    for peer in arguments.plain_peers:
        progress(f"start-up: {peer.name}")
        times = sorted(first_byte_seconds(peer) * 1e3 for _ in range(15))
        rows.append([peer.name, f"{times[0]:.1f}", f"{statistics.median(times):.1f}", f"{times[-1]:.1f}"])
    progress("")
    return """## Start-up

Milliseconds from starting the process until a first connection has its answer; 15 starts.

""" + table(["server", "least", "median", "most"], rows)


# ---- the report ----


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def version(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def machine():
    with open("/proc/cpuinfo") as lines:
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    pinned = f"server on core {SERVER_CORE}, generator on core {GENERATOR_CORE}" if SERVER_CORE is not None else "one core, nothing pinned"
    congestion = Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    commit = version(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"])
    return f"""- {model}, {os.cpu_count()} cores, {memory:.0f} GiB; {platform.system()} {platform.release()}, congestion control {congestion}; loopback, {pinned}
- load when it began (1, 5, 15 minutes): {' '.join(f'{load:.2f}' for load in os.getloadavg())}
- towline at {commit}; libwebsockets {version(['pkg-config', '--modversion', 'libwebsockets'])}; ws {ws_version()} on node {version(['node', '--version'])}; python3-websockets {version(['/usr/bin/python3', '-c', 'import websockets; print(websockets.__version__)'])}; {version(['cc', '--version'])}
"""


def ws_version():
    return version(["node", "-p", f"require({str(ROOT / 'bench/node_modules/ws/package.json')!r}).version"])


def main():
    arguments = parse_arguments()
    if arguments.tls_peers:
        make_certificate()
    text = f"# Measured\n\n    {shlex.join(['script/bench', *sys.argv[1:]])}\n\n{machine()}\n"
    for name in arguments.chosen:
        section = {"echo": echo, "tls": tls, "idle": idle, "startup": startup}[name](arguments)
        print(section, flush=True)
        text += section + "\n"
    if arguments.output:
        arguments.output.write_text(text.rstrip() + "\n")
        print(f"written to {arguments.output}")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"script/bench: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
