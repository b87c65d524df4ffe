#!/usr/bin/env python3
"""Writes a module of JavaScript as C, without its comments and indentation, and once more compressed by gzip.

    script/embed_script.py MODULE.js NAME OUT.c     gives tow_NAME, tow_NAME_length, tow_NAME_gzip, tow_NAME_gzip_length

Comments are lines of their own that begin with // or /**, or stand behind code after two spaces or less and hold no quote.
"""
import gzip
import re
import sys


def strip(text):
    lines = (re.sub(r"\s+// [^\"'`]*$", "", line).strip() for line in text.splitlines())
    return "".join(line + "\n" for line in lines if line and not line.startswith(("//", "/**")))


def array(name, data):
    rows = [", ".join("%d" % byte for byte in data[i:i + 32]) for i in range(0, len(data), 32)]
    return "\n".join([
        "extern const unsigned char tow_%s[];" % name,
        "extern const size_t tow_%s_length;" % name,
        "const unsigned char tow_%s[] = {" % name,
        ",\n".join(rows),
        "};",
        "const size_t tow_%s_length = sizeof tow_%s;" % (name, name),
        "",
    ])


def main():
    path, name, out = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        data = strip(file.read()).encode()
    with open(out, "w", encoding="ascii") as file:
        file.write("/* Made by script/embed_script.py. */\n#include <stddef.h>\n")
        file.write(array(name, data) + array(name + "_gzip", gzip.compress(data, 9, mtime=0)))


if __name__ == "__main__":
    main()
