#!/usr/bin/env python3
"""A library shows exactly what its headers in include/towline declare as public, and nothing that does not begin with tow_; each
public function is tried with NULL by a unit test.

    tests/library/exports_check.py LIBRARY INCLUDE [towline-socketio]
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "script"))
import headers  # noqa: E402


def shown(library):
    lines = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions", library],
                           check=True, capture_output=True, text=True).stdout.split("\n")
    symbols = {}
    for line in lines:
        fields = line.split()
        if len(fields) == 3 and fields[1] != "A":
            name, _, version = fields[2].partition("@@")
            symbols[name] = version
    return symbols


# The version that public names have, and the test that tries them with NULL.
LIBRARIES = {"towline": ("TOWLINE_0", "tests/unit/server/null_test.c"),
             "towline-socketio": ("TOWLINE_SOCKETIO_0", "tests/unit/socketio/null_test.c")}


def main(library, include, name="towline"):
    version, test = LIBRARIES[name]
    public = headers.exported(headers.of_library(pathlib.Path(include, "towline"), name))
    symbols = shown(library)
    problems = [f"{name}: declared in include/towline and not in {version} of the library's map"
                for name in sorted(public) if symbols.get(name) != version]
    problems += [f"{name}: in {version} and not declared in include/towline"
                 for name, found in sorted(symbols.items()) if found == version and name not in public]
    problems += [f"{name}: shown, and does not begin with tow_"
                 for name in sorted(symbols) if not name.startswith("tow_")]
    tried = set(re.findall(r"\btow_\w+", (ROOT / test).read_text()))
    problems += [f"{name}: not tried with NULL in {test}" for name in sorted(public - tried)]
    print("\n".join(problems) or f"{len(public)} public names, {len(symbols) - len(public)} private ones")
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
