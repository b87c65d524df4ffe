#!/usr/bin/env python3
"""Starts a program as a service manager does whose socket units have opened sockets for it (sd_listen_fds(3)).

    tests/support/socket_unit.py NAME=PORT|NAME=PATH ... -- PROGRAM [WORD ...]      port 0: any; told on standard error
"""
import os
import socket
import sys

at = sys.argv.index("--")
sockets = []
for word in sys.argv[1:at]:
    place = word.partition("=")[2]
    family, address = (socket.AF_INET, ("127.0.0.1", int(place))) if place.isdigit() else (socket.AF_UNIX, place)
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.bind(address)
    opened.listen(100)
    print("opened", opened.getsockname(), file=sys.stderr, flush=True)
    sockets.append(os.dup2(opened.detach(), 100 + len(sockets), inheritable=False))
for place, descriptor in enumerate(sockets):
    os.dup2(descriptor, 3 + place)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(len(sockets))
os.environ["LISTEN_FDNAMES"] = ":".join(word.partition("=")[0] for word in sys.argv[1:at])
os.execvp(sys.argv[at + 1], sys.argv[at + 1:])
