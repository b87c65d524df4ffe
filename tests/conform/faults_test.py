#!/usr/bin/env python3
"""Every fault of faulty_server.py and faulty_client.py is caught by a case, and without faults every case passes.

    faults_test.py PROGRAM [FAULT ...]

A fault that breaks a MUST makes a case fail; one with "~" behind its name at least one not pass.
"""
import asyncio
import json
import logging
import pathlib
import subprocess
import sys

import faulty_client
import faulty_server

HERE = pathlib.Path(__file__).resolve().parent
AT_ONCE = 4
logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # that a connection is gone is no news


async def conform(program, *arguments, timeout=1):
    """The results of a run against a server."""
    process = await asyncio.create_subprocess_exec(program, "conform", *arguments, "--json", "-", "--timeout", str(timeout),
                                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, complaints = await process.communicate()
    return judged(process.returncode, output, complaints)


def judged(status, output, complaints):
    if not output:
        raise RuntimeError(f"towline conform: status {status}: {complaints.decode()}")
    return json.loads(output)["cases"]


async def conform_client(program, faults, *arguments, timeout=1):
    """The results of a run in which the client of faulty_client.py plays."""
    process = await asyncio.create_subprocess_exec(program, "conform", "--listen", "127.0.0.1:0", *arguments, "--json", "-", "--timeout",
                                                   str(timeout), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    line = (await process.stderr.readline()).decode()
    await faulty_client.play(int(line.split("port ")[1].split(":")[0]), faults, 10 * timeout)
    output, complaints = await process.communicate()
    return judged(process.returncode, output, complaints)


def fault_is_caught(name, cases):
    verdicts = [case["verdict"] for case in cases]
    if name.endswith("~"):
        return any(verdict in ("FAIL", "not strict", "informational") for verdict in verdicts)
    return "FAIL" in verdicts


async def test_fault(run, role, name):
    cases = await run(name.rstrip("~"))
    if fault_is_caught(name, cases):
        return None
    seen = ", ".join(sorted({case["verdict"] for case in cases}))
    return f"the {role}'s fault {name.rstrip('~')} is not caught: {len(cases)} cases: {seen}"


async def test_clean(run, role):
    cases = await run("")
    wrong = [case for case in cases if case["verdict"] not in ("pass", "not applicable")]
    if wrong or len(cases) < 500:
        return f"the right {role} does not pass all of {len(cases)}: " + "; ".join(
            f"{case['id']}: {case['verdict']}: {case['why']}" for case in wrong[:20])
    return None


def tests_of(program, port):
    def server(name):
        only = next((cases for fault, cases in faulty_server.FAULTS.items() if fault.rstrip("~") == name), "*")
        return conform(program, f"ws://127.0.0.1:{port}/{name}", "--only", only, timeout=1 if name else 10)

    def client(name):
        only = next((cases for fault, cases in faulty_client.FAULTS.items() if fault.rstrip("~") == name), "*")
        return conform_client(program, {name} - {""}, "--only", only, timeout=1 if name else 10)

    yield "", test_clean(server, "server")
    yield "", test_clean(client, "client")
    for name in faulty_server.FAULTS:
        yield name, test_fault(server, "server", name)
    for name in faulty_client.FAULTS:
        yield name, test_fault(client, "client", name)


async def main(program, wanted):
    server = subprocess.Popen([sys.executable, HERE / "faulty_server.py"], stdout=subprocess.PIPE, text=True)
    slots = asyncio.Semaphore(AT_ONCE)

    async def run(test):
        async with slots:
            try:
                return await test
            except (RuntimeError, OSError, ValueError) as error:
                return f"{type(error).__name__}: {error}"

    tests = [(name, test) for name, test in tests_of(program, int(server.stdout.readline()))]
    chosen = [test for name, test in tests if not wanted or name.rstrip("~") in wanted]
    for name, test in tests:
        if test not in chosen:
            test.close()
    results = await asyncio.gather(*(run(test) for test in chosen))
    server.kill()
    server.wait()
    for result in results:
        if result is not None:
            print("FAILED:", result)
    failed = sum(result is not None for result in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], set(sys.argv[2:]))))
