#!/usr/bin/env python3
"""libtowline.so shows exactly what include/towline declares as public, and nothing that does not begin with tow_;
each public function is tried with NULL by a unit test."""

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


def main(library, include):
    public = headers.exported(sorted(pathlib.Path(include, "towline").glob("*.h")))
    symbols = shown(library)
    problems = [f"{name}: declared in include/towline and not in TOWLINE_0 of src/libtowline.map"
                for name in sorted(public) if symbols.get(name) != "TOWLINE_0"]
    problems += [f"{name}: in TOWLINE_0 and not declared in include/towline"
                 for name, version in sorted(symbols.items()) if version == "TOWLINE_0" and name not in public]
    problems += [f"{name}: shown, and does not begin with tow_"
                 for name in sorted(symbols) if not name.startswith("tow_")]
    tried = set(re.findall(r"\btow_\w+", (ROOT / "tests/unit/server/null_test.c").read_text()))
    problems += [f"{name}: not tried with NULL in tests/unit/server/null_test.c" for name in sorted(public - tried)]
    print("\n".join(problems) or f"{len(public)} public names, {len(symbols) - len(public)} private ones")
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
