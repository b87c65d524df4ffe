#!/usr/bin/env python3
"""towline's own server, on both loops, and client, both over TLS as well, pass all conformance cases strictly. The last line counts them.

    towline_test.py [--quick] PROGRAM       --quick: the client over TLS, a process for each case, plays the closing handshake only
"""
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

# What a server keeps for itself, the key for publishing.
STATE = tempfile.TemporaryDirectory(prefix="towline-state-")
os.environ["STATE_DIRECTORY"] = STATE.name

SERVERS = {"io_uring": ["--io", "io_uring"], "epoll": ["--io", "epoll"], "TLS": ["--tls-self-signed"]}


def conform(program, *arguments):
    """The cases of a run with their results."""
    run = subprocess.run([program, "conform", *arguments, "--timeout", "20", "--json", "-"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, check=False)
    if not run.stdout:
        return [{"id": "the run", "verdict": "FAIL", "why": run.stderr.decode(errors="replace")}]
    return json.loads(run.stdout)["cases"]


def server(program, name, options):
    """The cases against a server with these options, and whether that ended as it should."""
    process = subprocess.Popen([program, "serve", "-p", "127.0.0.1:0", *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True)
    found = None
    while found is None:
        line = process.stdout.readline()
        found = re.search(r"(wss?)://\S+/echo", line)
        if line == "":
            return [{"id": f"serve, {name}", "verdict": "FAIL", "why": "it did not start"}]
    log = subprocess.Popen(["tail", "-n", "40"], stdin=process.stdout, stdout=subprocess.PIPE, text=True)
    cases = conform(program, *(["--insecure"] if found[1] == "wss" else []), found[0])
    process.terminate()
    status = process.wait()
    said = log.communicate()[0]
    if status != 0:
        cases.append({"id": f"serve, {name}", "verdict": "FAIL", "why": f"ended with status {status}:\n{said}"})
    return cases


def streamed_server(program):
    """The cases against the example that echoes piece by piece; its limit is the one that `towline serve` has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    example = pathlib.Path(program).parent / "examples/example-streamed-echo"
    with subprocess.Popen([example, f"127.0.0.1:{port}", str(16 * 1024 * 1024)]) as process:
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.02)
        cases = conform(program, f"ws://127.0.0.1:{port}/echo")
        alive = process.poll() is None
        process.terminate()
    # A message without end meets its limit while its echo still waits, so that its Close may come too late: that is the case's own remark.
    cases = [case for case in cases if case["verdict"] != "informational"]
    if not alive:
        cases.append({"id": "example-streamed-echo", "verdict": "FAIL", "why": f"ended with status {process.returncode}"})
    return cases


def client(program, *options):
    command = f"{program} connect --echo --output /dev/null {' '.join(options)} {{url}}"
    only = ["--only", "answer.*"] if options else []
    return conform(program, "--client", command, "--at-once", "8", *only)


def client_over_tls(program, quick):
    """The client believes the certificate because it is among the system's roots, as OpenSSL looks for them."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = f"{folder}/certificate.pem", f"{folder}/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
        command = f"SSL_CERT_FILE={certificate} {program} connect --echo --output /dev/null {{url}}"
        only = ["--only", "closing.*"] if quick else []
        return conform(program, "--certificate", certificate, "--key", key, "--client", command, "--at-once", "8", *only)


def main(*words):
    program = words[-1]
    runs = {f"the server, {name}": server(program, name, options) for name, options in SERVERS.items()}
    runs["the example that streams"] = streamed_server(program)
    runs["the client"] = client(program)
    runs["the client, TLS"] = client_over_tls(program, "--quick" in words)
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
    sys.exit(main(*sys.argv[1:]))
