#!/usr/bin/env python3
"""towline's own server, on both loops, and client pass all conformance cases strictly. The last line counts the cases.

    towline_test.py PROGRAM
"""
import json
import re
import subprocess
import sys

LOOPS = ("io_uring", "epoll")


def conform(program, *arguments):
    """The cases of a run with their results."""
    run = subprocess.run([program, "conform", *arguments, "--timeout", "20", "--json", "-"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, check=False)
    if not run.stdout:
        return [{"id": "the run", "verdict": "FAIL", "why": run.stderr.decode(errors="replace")}]
    return json.loads(run.stdout)["cases"]


def server(program, loop):
    """The cases against a server of this loop, and whether that ended as it should."""
    process = subprocess.Popen([program, "serve", "-p", "127.0.0.1:0", "--io", loop], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True)
    found = None
    while found is None:
        line = process.stdout.readline()
        found = re.search(r"ws://\S+/echo", line)
        if line == "":
            return [{"id": f"serve --io {loop}", "verdict": "FAIL", "why": "it did not start"}]
    log = subprocess.Popen(["tail", "-n", "40"], stdin=process.stdout, stdout=subprocess.PIPE, text=True)
    cases = conform(program, found.group(0))
    process.terminate()
    status = process.wait()
    said = log.communicate()[0]
    if status != 0:
        cases.append({"id": f"serve --io {loop}", "verdict": "FAIL", "why": f"ended with status {status}:\n{said}"})
    return cases


def client(program, *options):
    command = f"{program} connect --echo --output /dev/null {' '.join(options)} {{url}}"
    only = ["--only", "answer.*"] if options else []
    return conform(program, "--client", command, "--at-once", "8", *only)


def main(program):
    runs = {f"the server, {loop}": server(program, loop) for loop in LOOPS}
    runs["the client"] = client(program)
    runs["the client without compression"] = client(program, "--compression", "off")
    passed = failed = 0
    for name, cases in runs.items():
        wrong = [case for case in cases if case["verdict"] not in ("pass", "not applicable")]
        for case in wrong:
            print(f"FAILED: {name}: {case['id']}: {case['verdict']}: {case['why']}")
        passed += sum(case["verdict"] == "pass" for case in cases)
        failed += len(wrong)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
