#!/usr/bin/env python3
"""Builds towline without what is optional (configuration files, checking of passwords), and tries what is left: what is not there says
so in one line, and the rest works.

    tests/library/lacking_test.py FOLDER     builds in this folder; ends with "N passed, M failed"
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SETUP = ("-Dwerror=true", "-Dyaml=disabled", "-Dpasswords=disabled", "-Dapache=disabled", "-Dtests=disabled", "-Dbuildtype=debug", "-Doptimization=1")


class Lacking:
    def __init__(self, build, folder):
        self.build = build
        self.folder = folder
        self.program = build / "towline"

    def run(self, *words, status=0, text=None):
        """What it says, when it has ended as it should."""
        result = subprocess.run([str(word) for word in words], input=text, capture_output=True, text=True, check=False, timeout=1800)
        if result.returncode != status:
            raise RuntimeError(f"{' '.join(map(str, words))}: status {result.returncode}\n{result.stdout[-4000:]}{result.stderr[-4000:]}")
        return result.stdout + result.stderr

    def refuses(self, *words, because):
        said = self.run(self.program, *words, status=2)
        if said.count("\n") != 1 or because not in said:
            raise RuntimeError(f"{' '.join(map(str, words))}: {said}")

    def echoes(self, *words, bearer=None):
        """A server with these options, and a client that gets back what it says."""
        with subprocess.Popen([str(self.program), "serve", "-p", "127.0.0.1:0", *map(str, words)], stderr=subprocess.PIPE, text=True) as server:
            try:
                for line in server.stderr:
                    found = re.search(r"serving ws://127\.0\.0\.1:(\d+)/", line)
                    if found:
                        break
                else:
                    raise RuntimeError("the server has ended")
                credentials = ["--bearer", bearer] if bearer else []
                said = self.run(self.program, "connect", *credentials, f"ws://127.0.0.1:{found[1]}/echo", text="hello\n")
                if said.splitlines()[0] != "hello":
                    raise RuntimeError(said)
            finally:
                server.terminate()
                server.stderr.read()
            if server.wait() != 0:
                raise RuntimeError(f"the server has ended with {server.returncode}")


def it_is_built(lacking):
    if not (lacking.build / "build.ninja").is_file():
        lacking.run("meson", "setup", lacking.build, ROOT, *SETUP)
    lacking.run("ninja", "-C", lacking.build)


def its_version_says_what_it_lacks(lacking):
    said = lacking.run(lacking.program, "--version")
    lack = re.search(r"^not in this build: (.*)$", said, re.MULTILINE)
    for word in ("configuration files", "passwords"):
        if not lack or word not in lack[1]:
            raise RuntimeError(said)
    for word in ("yaml", "crypt "):
        if word in said.split("not in this build")[0]:
            raise RuntimeError(said)


def a_configuration_file_is_refused(lacking):
    file = lacking.folder / "towline.yaml"
    file.write_text("listen: ws://127.0.0.1:0/\ntarget: tcp:localhost:1\n")
    lacking.refuses("serve", "-f", file, because="it was made without libyaml")
    lacking.refuses("tunnel", "-f", file, because="it was made without libyaml")


def a_file_of_passwords_is_refused(lacking):
    file = lacking.folder / "users"
    file.write_text("ann:$2y$05$abcdefghijklmnopqrstuuR5hA1K1yhlW9i1wEWC.oGgO0i5XnN9S\n")
    lacking.refuses("serve", "--check", "--basic-auth", file, because="without libcrypt")


def what_is_left_works(lacking):
    file = lacking.folder / "tokens"
    file.write_text("a-token\n")
    lacking.echoes()
    lacking.echoes("--bearer-token", file, bearer="a-token")


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    folder = pathlib.Path(tempfile.mkdtemp())
    passed = failed = 0
    try:
        for check in (it_is_built, its_version_says_what_it_lacks, a_configuration_file_is_refused, a_file_of_passwords_is_refused, what_is_left_works):
            try:
                check(Lacking(build, folder))
                passed += 1
            except (RuntimeError, OSError, subprocess.SubprocessError) as failure:
                failed += 1
                print(f"FAILED: {check.__name__}: {failure}")
    finally:
        shutil.rmtree(folder)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
