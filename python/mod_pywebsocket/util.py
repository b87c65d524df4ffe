"""Small things: loggers, masks, compression."""

import logging
import os
import zlib


def get_stack_trace():
    """The traceback of the exception that is handled, as a text."""
    import traceback
    return traceback.format_exc()


def get_class_logger(o):
    """A logger with the name of an object's class."""
    return logging.getLogger('%s.%s' % (o.__class__.__module__,
                                        o.__class__.__name__))


def prepend_message_to_exception(message, exc):
    """Puts words in front of what an exception says."""
    exc.args = (message + str(exc),)


def hexify(s):
    """Bytes as pairs of hexadecimal digits."""
    return ' '.join('%02x' % byte for byte in bytearray(s))


def pack_byte(b):
    """A number as one byte."""
    return bytes((b,))


NullHandler = logging.NullHandler


def get_script_interp(script_path, cygwin_path=None):
    """The interpreter that the first line of a script names, with its
    arguments; None: it names none."""
    with open(script_path, 'rb') as script:
        line = script.readline(1024)
    if not line.startswith(b'#!'):
        return None
    return os.fsdecode(line[2:].strip()) or None


def wrap_popen3_for_win(cygwin_path):
    """Does nothing: this is no Windows."""


class NoopMasker(object):
    """Masks nothing."""

    def mask(self, s):
        return s


class RepeatedXorMasker(object):
    """Masks, or unmasks, bytes that come one part after the other, by a
    masking key of four bytes (RFC 6455, section 5.3)."""

    def __init__(self, masking_key):
        self._key = bytes(masking_key)
        self._at = 0

    def mask(self, s):
        length = len(s)
        if length == 0:
            return b''
        size = len(self._key)
        key = self._key[self._at:] + self._key[:self._at]
        key = (key * (length // size + 1))[:length]
        self._at = (self._at + length) % size
        masked = int.from_bytes(s, 'big') ^ int.from_bytes(key, 'big')
        return masked.to_bytes(length, 'big')


def random_masking_key():
    return os.urandom(4)


_TAIL = b'\x00\x00\xff\xff'


class _Deflater(object):
    """Raw deflate (RFC 1951) with a window of 2 to the power of `window_bits`
    bytes."""

    def __init__(self, window_bits):
        self._object = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION,
                                        zlib.DEFLATED, -max(window_bits, 9))

    def compress(self, data):
        return self._object.compress(data)

    def compress_and_flush(self, data):
        return self._object.compress(data) + self._object.flush(
            zlib.Z_SYNC_FLUSH)

    def compress_and_finish(self, data):
        return self._object.compress(data) + self._object.flush(zlib.Z_FINISH)


class _Inflater(object):
    """The other way: bytes are appended, and text is taken out."""

    def __init__(self, window_bits):
        self._window_bits = window_bits
        self._unused = b''
        self.reset()

    def reset(self):
        self._object = zlib.decompressobj(-self._window_bits)

    def append(self, data):
        self._unused += data

    def decompress(self, size):
        """At most `size` bytes, all for a negative one."""
        if size == 0:
            return b''
        text = []
        while self._unused and (size < 0 or sum(map(len, text)) < size):
            room = 0 if size < 0 else size - sum(map(len, text))
            text.append(self._object.decompress(self._unused, room))
            self._unused = (self._object.unused_data
                            or self._object.unconsumed_tail)
            if self._object.eof:
                self.reset()
            elif not text[-1]:
                break
        return b''.join(text)


class _RFC1979Deflater(object):
    """Compresses as RFC 7692 asks for: without the tail of an empty block."""

    def __init__(self, window_bits, no_context_takeover):
        self._window_bits = window_bits or zlib.MAX_WBITS
        self._no_context_takeover = no_context_takeover
        self._deflater = None

    def filter(self, data, end=True, bfinal=False):
        if self._deflater is None or (self._no_context_takeover and end):
            self._deflater = _Deflater(self._window_bits)
        if bfinal:
            data = self._deflater.compress_and_finish(data) + b'\x00'
            self._deflater = None
            return data
        data = self._deflater.compress_and_flush(data)
        return data[:-4] if end else data


class _RFC1979Inflater(object):
    """The other way."""

    def __init__(self, window_bits=zlib.MAX_WBITS):
        self._inflater = _Inflater(window_bits)

    def filter(self, data):
        self._inflater.append(data + _TAIL)
        return self._inflater.decompress(-1)
