"""One measurement: the load generator against one server, as figures."""

import json
import re
import signal
import subprocess
import tempfile
import time

from peers import GENERATOR_CORE, TOWLINE, Failure, on_core

MEMORY_LIMIT = 6 << 30  # a server that holds more than this is ended: it would take the machine with it
RUN_LIMIT = 120  # seconds for one run, however slow the server


class OutOfMemory(Failure):
    pass


def available_bytes():
    with open("/proc/meminfo") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))


def watch(generator, server):
    """Waits for the generator; ends it when it takes too long or the server takes all the memory."""
    started = time.monotonic()
    while True:
        try:
            return generator.communicate(timeout=0.1)
        except subprocess.TimeoutExpired:
            if server.resident_bytes() > MEMORY_LIMIT or available_bytes() < (2 << 30):
                generator.kill()
                generator.communicate()
                server.stop()
                raise OutOfMemory(f"{server.peer.name} held more than {MEMORY_LIMIT >> 30} GiB") from None
            if time.monotonic() - started > RUN_LIMIT:
                generator.kill()
                generator.communicate()
                raise Failure(f"no end within {RUN_LIMIT} s") from None


def load(server, connections, in_flight, payload, seconds, *more):
    """Runs the generator; its figures as a dictionary."""
    command = [str(TOWLINE), "bench", server.url, "--connections", str(connections), "--in-flight", str(in_flight)]
    if server.peer.is_secure:
        command.append("--insecure")
    command += ["--payload", str(payload), "--seconds", f"{seconds:.3f}", "--pid", str(server.pid), "--json", "-", *more]
    generator = subprocess.Popen(
        on_core(GENERATOR_CORE, command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    output, complaints = watch(generator, server)
    if generator.returncode != 0:
        raise Failure(complaints.strip() or f"the generator ended with {generator.returncode}")
    return json.loads(output)


def system_calls(server, connections, in_flight, payload, seconds):
    """System calls of the server for each message, counted in a run of its own because counting costs time."""
    try:
        figures = load(server, connections, in_flight, payload, seconds, "--warm-up", f"{seconds / 2:.3f}", "--system-calls")
        return figures["server_system_calls_per_message"]
    except OutOfMemory:
        raise
    except Failure as failure:
        if "can't be counted" not in str(failure):
            raise
    return system_calls_by_strace(server, connections, in_flight, payload, seconds)


def system_calls_by_strace(server, connections, in_flight, payload, seconds):
    """The same where perf events are not allowed: of the whole run, so connecting counts too."""
    with tempfile.NamedTemporaryFile("r") as summary:
        command = ["strace", "-c", "-f", "-o", summary.name, "-p", str(server.pid)]
        strace = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if "attached" not in strace.stderr.readline():
            strace.kill()
            strace.communicate()
            raise Failure("system calls can be counted neither by perf events nor by strace")
        try:
            figures = load(server, connections, in_flight, payload, seconds * 4, "--warm-up", "0")
        finally:
            strace.send_signal(signal.SIGINT)
            strace.communicate()
        total = re.search(r"^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)\s+(?:\d+\s+)?total$", summary.read(), re.MULTILINE)
        return int(total[1]) / figures["messages"] if total and figures["messages"] else None
