#!/usr/bin/env python3
"""Runs a program to which the kernel refuses io_uring, as it does in many containers.

    without_io_uring.py PROGRAM [ARGUMENT ...]
"""
import ctypes
import errno
import os
import struct
import sys

IO_URING_SETUP = 425  # the same number on every architecture
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
REFUSE, ALLOW = 0x00050000 | errno.EPERM, 0x7FFF0000

# The system call's number is the first field of what the filter sees.
FILTER = [(LOAD, 0, 0, 0), (JUMP_IF_EQUAL, 0, 1, IO_URING_SETUP), (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def main(command):
    libc = ctypes.CDLL(None, use_errno=True)
    program = Program(len(FILTER), b"".join(struct.pack("HBBI", *instruction) for instruction in FILTER))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or \
            libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        sys.exit(f"without_io_uring.py: {os.strerror(ctypes.get_errno())}")
    os.execvp(command[0], command)


main(sys.argv[1:])
