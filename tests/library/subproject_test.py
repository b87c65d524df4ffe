#!/usr/bin/env python3
"""Builds towline as part of somebody else's Meson project, as a debug build in which warnings are errors and without the program.

    tests/library/subproject_test.py         ends with "N passed, M failed"
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROJECT = """project('user', 'c', default_options: ['buildtype=debug', 'werror=true'])
towline = dependency('towline', fallback: 'towline', default_options: ['program=disabled'])
executable('user', 'echo_server.c', dependencies: towline)
"""


def run(*command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{result.stdout[-4000:]}{result.stderr}")
    return result.stdout


def make_project(folder):
    """A project whose subproject is a copy of the files that git knows."""
    (folder / "meson.build").write_text(PROJECT)
    shutil.copy(ROOT / "examples/echo_server.c", folder)
    copy = folder / "subprojects/towline"
    for name in run("git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if (ROOT / name).is_file() and not name.startswith("tests/fuzz/corpus/"):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)


def builds_as_a_subproject(folder):
    make_project(folder)
    run("meson", "setup", folder / "build", folder)
    run("ninja", "-C", folder / "build")


def makes_the_library_alone(folder):
    """Neither the program, nor its conformance cases, nor tests or examples, nor their libraries."""
    made = run("ninja", "-C", folder / "build", "-t", "targets", "all")
    for word in ("conform", "libtowline-bench", "libtowline-program", "unit-", "check-floor", "edit", "jansson"):
        if any(word in line.split(":")[0] for line in made.splitlines() if not line.startswith("subprojects/towline/examples/")):
            raise RuntimeError(f"{word} is built, too")
    linked = run("ldd", folder / "build/subprojects/towline/src/libtowline.so")
    for word in ("edit", "jansson"):
        if word in linked:
            raise RuntimeError(f"libtowline.so needs {word}")


def main():
    folder = pathlib.Path(tempfile.mkdtemp())
    passed = failed = 0
    try:
        for check in (builds_as_a_subproject, makes_the_library_alone):
            try:
                check(folder)
                passed += 1
            except (RuntimeError, OSError) as failure:
                failed += 1
                print(f"FAILED: {check.__name__}: {failure}")
    finally:
        shutil.rmtree(folder)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
