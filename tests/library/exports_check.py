#!/usr/bin/env python3
"""libtowline.so shows exactly what include/towline declares as public, and nothing that does not begin with tow_."""

import pathlib
import re
import subprocess
import sys


def declared(headers):
    names = set()
    for header in headers:
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        text = re.sub(r"static inline[^{]*\{.*?\n\}", "", text, flags=re.S)
        names |= set(re.findall(r"^[a-z][^;{}()]*?\b(tow_\w+)\(", text, flags=re.M))
    return names


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
    public = declared(sorted(pathlib.Path(include, "towline").glob("*.h")))
    symbols = shown(library)
    problems = [f"{name}: declared in include/towline and not in TOWLINE_0 of src/libtowline.map"
                for name in sorted(public) if symbols.get(name) != "TOWLINE_0"]
    problems += [f"{name}: in TOWLINE_0 and not declared in include/towline"
                 for name, version in sorted(symbols.items()) if version == "TOWLINE_0" and name not in public]
    problems += [f"{name}: shown, and does not begin with tow_"
                 for name in sorted(symbols) if not name.startswith("tow_")]
    print("\n".join(problems) or f"{len(public)} public names, {len(symbols) - len(public)} private ones")
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
