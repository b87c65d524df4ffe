#!/usr/bin/env python3
"""Writes a web page as C: its bytes, and the Content-Security-Policy that allows its own inline script and style (by their
hashes), images in data: URLs, WebSocket connections, requests to its own server, and nothing else.

    script/embed.py PAGE.html NAME OUT.c     gives tow_NAME_page, tow_NAME_page_length, tow_NAME_policy
"""
import base64
import hashlib
import re
import sys


def hashes(page, tag):
    bodies = re.findall(rb"<%s>(.*?)</%s>" % (tag, tag), page, re.S)
    return " ".join("'sha256-%s'" % base64.b64encode(hashlib.sha256(body).digest()).decode() for body in bodies)


def policy(page):
    return "; ".join([
        "default-src 'none'",
        "script-src " + hashes(page, b"script"),
        "style-src " + hashes(page, b"style"),
        "img-src data:",
        "connect-src 'self' ws: wss:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ])


def c_source(page, name):
    rows = [", ".join("%d" % byte for byte in page[i:i + 32]) for i in range(0, len(page), 32)]
    return "\n".join([
        "/* Made by script/embed.py. */",
        "#include <stddef.h>",
        "extern const unsigned char tow_%s_page[];" % name,
        "extern const size_t tow_%s_page_length;" % name,
        "extern const char tow_%s_policy[];" % name,
        "const unsigned char tow_%s_page[] = {" % name,
        ",\n".join(rows),
        "};",
        "const size_t tow_%s_page_length = sizeof tow_%s_page;" % (name, name),
        'const char tow_%s_policy[] = "%s";' % (name, policy(page)),
        "",
    ])


def main():
    path, name, out = sys.argv[1:]
    with open(path, "rb") as file:
        page = file.read()
    with open(out, "w", encoding="ascii") as file:
        file.write(c_source(page, name))


if __name__ == "__main__":
    main()
