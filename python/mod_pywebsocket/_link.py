"""The way between this process and the server, for one connection: a Unix
socket with operations of a few bytes in front of what belongs to them.

An operation is a length (four bytes, of what follows), a number (one byte),
and as many bytes. What the numbers mean stands here and in the server's
``src/handler/python/protocol.h``.
"""

import socket
import struct
import threading

try:
    import ctypes
    _libc_send = ctypes.PyDLL(None).send
    _libc_send.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t,
                           ctypes.c_int)
    _libc_send.restype = ctypes.c_ssize_t
except (ImportError, OSError, AttributeError):
    _libc_send = None

HEADER = struct.Struct('!IB')

# A connection. To the host: OPEN, OPENED, CLOSED, BYTES; to the server:
# ACCEPT, REFUSE, END, WRITE, READ, CONTROL; CLOSE, PING, PONG go both ways.
OPEN = 1      # 8 bytes which version of which file, then texts: see _host.py
ACCEPT = 2    # flags, subprotocol, header lines
REFUSE = 3    # 2 bytes of status, a line
OPENED = 4    # the extensions in use
CLOSE = 5     # 1 byte: whether the peer's answer is awaited (to the server
              # only), 2 bytes of code, 0 or 1005 for none, and the reason
CLOSED = 6    # 1 byte: whether it was clean, 2 bytes: code of the peer's
              # Close, 2 bytes: code of ours if it has failed; the reason
END = 7       # the handler is done
PING = 8
PONG = 9
WRITE = 10    # bytes for the peer, as they are
READ = 11     # 4 bytes: how many of the peer's bytes are wanted
BYTES = 12    # those
CONTROL = 13  # the handler hears of Pings and answers them

# The process. To the host: LOAD, UNLOAD; to the server the others.
LOAD = 14     # 8 bytes which version, the file's name
LOADED = 15   # 8 bytes
FAILED = 16   # 8 bytes, why
UNLOAD = 17   # 8 bytes
LOG = 18      # 1 byte of level, a line
ALIVE = 19    # to the host: whether it still serves; to the server: it does

# A message, or a part of one: this and flags.
DATA = 0x20
BINARY = 1
FIRST = 2
LAST = 4
PLAIN = 8     # is not to be compressed (to the server only)
WHOLE = FIRST | LAST

ACCEPT_UNCOMPRESSED = 1
ACCEPT_PROTOCOL = 2

# What the server takes in one operation.
PART_MAX = 65536

_READ_SIZE = 65536

_AT_ONCE = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL


def _send_at_once(fd, data):
    """Sends what is taken without waiting, and without letting go of the
    interpreter, which with many threads costs more than the call itself.
    Returns how many bytes that were."""
    return max(_libc_send(fd, data, len(data), _AT_ONCE), 0)


class Ended(Exception):
    """The server has ended the connection, or is gone."""


def ask_for_life(path, blocking=True):
    """A connection that asks for nothing else than its own end, which tells
    that connections are taken."""
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.setblocking(blocking)
        sock.connect(path)
        sock.send(HEADER.pack(0, ALIVE))
    except OSError:
        sock.close()
        raise
    return sock


class Link(object):
    """One thread receives, any may send."""

    def __init__(self, sock):
        self.socket = sock
        self._fd = sock.fileno()
        self._buffer = b''
        self._at = 0
        self._lock = threading.Lock()

    def receive(self):
        """The next operation, waited for: its number and its bytes."""
        buffer = self._buffer
        at = self._at
        while True:
            if len(buffer) - at >= 5:
                length, operation = HEADER.unpack_from(buffer, at)
                end = at + 5 + length
                if end <= len(buffer):
                    self._buffer = buffer
                    self._at = end
                    return operation, buffer[at + 5:end]
            try:
                more = self.socket.recv(_READ_SIZE)
            except OSError:
                more = b''
            if not more:
                raise Ended('the server has ended the connection')
            buffer = buffer[at:] + more if at < len(buffer) else more
            at = 0

    def send(self, operation, payload=b''):
        self._send_bytes(HEADER.pack(len(payload), operation) + payload)

    def _send_bytes(self, data):
        try:
            with self._lock:
                sent = _send_at_once(self._fd, data) if _libc_send else 0
                if sent < len(data):
                    self.socket.sendall(data[sent:])
        except OSError:
            raise Ended('the server has ended the connection') from None

    def send_message(self, flags, payload):
        """A message or a fragment of one; `flags` has FIRST and LAST."""
        if len(payload) <= PART_MAX:
            self.send(DATA | flags, payload)
            return
        view = memoryview(payload)
        parts = []
        last = len(payload) - 1
        for start in range(0, len(payload), PART_MAX):
            part = view[start:start + PART_MAX]
            some = flags
            if start > 0:
                some &= ~FIRST
            if start + PART_MAX <= last:
                some &= ~LAST
            parts.append(HEADER.pack(len(part), DATA | some))
            parts.append(part)
        self._send_parts(parts)

    def _send_parts(self, parts):
        try:
            with self._lock:
                while parts:
                    sent = self.socket.sendmsg(parts[:512])
                    while parts and sent >= len(parts[0]):
                        sent -= len(parts.pop(0))
                    if sent:
                        parts[0] = memoryview(parts[0])[sent:]
        except OSError:
            raise Ended('the server has ended the connection') from None

    def close(self):
        with self._lock:
            self._fd = -1
            self.socket.close()
