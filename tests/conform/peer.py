"""An endpoint of RFC 6455 and RFC 7692 that is right on its own, and wrong where it is told to be.

It is small, slow and independent of src/: the conformance cases are tried against it, and each fault by name must be caught by one of
them. What both roles share is here: frames, fragments, UTF-8, compression, the closing handshake. It echoes every message.
"""
import base64
import codecs
import hashlib
import os
import re
import zlib

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MESSAGE_MAX = 16 << 20
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
TAIL = b"\x00\x00\xff\xff"
TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"


def accept_of(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode("latin-1")).digest()).decode()


def masked(data, key, offset=0):
    """XORs with the key, whose byte `offset` modulo 4 is the first to be used."""
    if not data:
        return b""
    turned = key[offset % 4:] + key[:offset % 4]
    pad = (turned * (len(data) // 4 + 1))[:len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(len(data), "big")


def list_of(values):
    """The elements of a list in the fields' values, without the empty ones."""
    return [element.strip(" \t") for value in values for element in value.split(",") if element.strip(" \t")]


def extensions_of(values):
    """[(name, [(parameter, value or None)])] of a Sec-WebSocket-Extensions, or None when it is malformed (RFC 6455, section 9.1)."""
    extension = rf"{TOKEN}(?:[ \t]*;[ \t]*{TOKEN}(?:[ \t]*=[ \t]*(?:{TOKEN}|\"{TOKEN}\"))?)*"
    found = []
    for element in list_of(values):
        if not re.fullmatch(extension, element):
            return None
        name, *parameters = [part.strip(" \t") for part in element.split(";")]
        pairs = [[side.strip(' \t"') for side in parameter.split("=")] for parameter in parameters]
        found.append((name, [(pair[0], pair[1] if len(pair) > 1 else None) for pair in pairs]))
    return found or None


def deflate_parameters(parameters, offer):
    """{name: value} of permessage-deflate, or None when they are not valid (RFC 7692, section 7.1)."""
    known = {}
    for name, value in parameters:
        flag = name in ("server_no_context_takeover", "client_no_context_takeover")
        bits = name in ("server_max_window_bits", "client_max_window_bits")
        may_be_bare = flag or (offer and name == "client_max_window_bits")
        if name in known or not (flag or bits) or (flag and value is not None) or (value is None and not may_be_bare):
            return None
        if bits and value is not None and not re.fullmatch(r"[89]|1[0-5]", value):
            return None
        known[name] = value
    return known


class Failure(Exception):
    """The connection fails with this status code."""

    def __init__(self, code, why):
        super().__init__(why)
        self.code = code


class Compression:
    """permessage-deflate as agreed, from one side."""

    def __init__(self, is_server, agreed, faults):
        own, other = ("server", "client") if is_server else ("client", "server")
        bits = int(agreed.get(own + "_max_window_bits") or 15)
        self.faults = faults
        self.bits = 15 if "window-ignored" in faults else max(bits, 9)
        self.keeps_own = own + "_no_context_takeover" not in agreed or "takeover-ignored" in faults
        self.keeps_other = other + "_no_context_takeover" not in agreed and "inflater-forgets" not in faults
        self.history = b""
        self.deflater = None

    def deflate(self, data):
        if self.deflater is None or not self.keeps_own:
            self.deflater = zlib.compressobj(wbits=-self.bits)
        packed = self.deflater.compress(data) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        return packed[:-4] if "tail-kept" not in self.faults else packed

    def inflate(self, packed):
        rest = packed + TAIL
        out = b""
        while rest:
            inflater = zlib.decompressobj(-15, zdict=(self.history + out)[-32768:])
            limit = MESSAGE_MAX + 1 - len(out)
            try:
                out += inflater.decompress(rest, limit)
            except zlib.error as error:
                raise Failure(1007, str(error)) from error
            if len(out) > MESSAGE_MAX and "bomb-taken" not in self.faults:
                raise Failure(1009, "too large when inflated")
            if not inflater.eof or "final-ends" in self.faults:
                break
            rest = inflater.unused_data
        if self.keeps_other:
            self.history = (self.history + out)[-32768:]
        return out


class Peer:
    """Frames in, frames out; `write(bytes)` and `end()` are the stream's."""

    def __init__(self, is_server, faults, write, end):
        self.is_server = is_server
        self.faults = faults
        self.write = write
        self.end = end
        self.compression = None
        self.buffer = bytearray()
        self.frame = None
        self.kind = None
        self.pieces = []
        self.size = 0
        self.decoder = None
        self.closing = False
        self.failed = False
        self.first_ping = None
        self.counter = int.from_bytes(os.urandom(4), "big")
        self.keys = 0

    def has(self, fault):
        return fault in self.faults

    # ---- sending ----

    def masking_key(self):
        self.counter = (self.counter + 1) % 2**32
        self.keys += 1
        if self.has("key-constant"):
            return b"\x12\x34\x56\x78"
        if self.has("key-zero"):
            return bytes(4)
        if self.has("key-counter"):
            return self.counter.to_bytes(4, "big")
        if self.has("key-counter-little"):
            return self.counter.to_bytes(4, "little")
        if self.has("key-one-byte"):
            return os.urandom(1) + b"abc"
        if self.has("key-same-on-each-connection") and self.keys == 1:
            return b"\x12\x34\x56\x78"
        return os.urandom(4)

    def length_bytes(self, length):
        if length < 126 and not self.has("length-16-always"):
            return bytes([length])
        if length < 65536 and not self.has("length-64-always"):
            return b"\x7e" + length.to_bytes(2, "big")
        return b"\x7f" + length.to_bytes(8, "big")

    def send_frame(self, first_byte, payload):
        length = bytearray(self.length_bytes(len(payload)))
        masks = not self.is_server and not self.has("not-masked") or self.is_server and self.has("masked")
        key = b""
        if masks:
            length[0] |= 0x80
            key = self.masking_key()
            payload = masked(payload, key)
        self.write(bytes([first_byte]) + bytes(length) + key + payload)

    def send_message(self, kind, payload):
        if self.has("truncates-large"):
            payload = payload[:65536]
        bits = 0
        if self.compression and not self.has("never-compresses"):
            payload = self.compression.deflate(payload)
            bits = 0x40
        if self.has("rsv1-on-fragments") and bits and len(payload) > 1:
            self.send_frame(bits | kind, payload[:1])
            self.send_frame(0x80 | bits, payload[1:])
        else:
            self.send_frame(0x80 | bits | kind, payload)
            if self.has("echoes-twice"):
                self.send_frame(0x80 | bits | kind, payload)

    def send_close(self, payload):
        if self.closing:
            return
        self.closing = True
        for _ in range(2 if self.has("second-close") else 1):
            self.send_frame(0x80 | CLOSE, payload)

    def fail(self, failure):
        self.failed = True
        code = 1002 if failure.code == 1007 and self.has("1002-for-1007") else failure.code
        if not self.has("fails-without-close"):
            self.send_close(code.to_bytes(2, "big") + str(failure).encode()[:100])
        if not self.has("fails-without-end"):
            self.end()

    # ---- receiving ----

    def feed(self, data):
        if self.failed:
            return
        self.buffer += data
        try:
            while not self.failed and (self.frame or self.read_header()) and self.read_payload():
                if self.has("one-frame-a-read"):
                    self.buffer.clear()
        except Failure as failure:
            self.fail(failure)

    def read_header(self):
        if len(self.buffer) < 2:
            return False
        first, second = self.buffer[0], self.buffer[1]
        short = second & 0x7F
        extra = {126: 2, 127: 8}.get(short, 0)
        size = 2 + extra + (4 if second & 0x80 else 0)
        self.check_first_byte(first)
        self.check_mask(second & 0x80)
        if len(self.buffer) < size:
            return False
        length = int.from_bytes(self.buffer[2:2 + extra], "big") if extra else short
        self.check_length(first & 15, length, extra)
        key = bytes(self.buffer[size - 4:size]) if second & 0x80 else bytes(4)
        del self.buffer[:size]
        self.frame = {"final": bool(first & 0x80), "opcode": first & 15, "left": length, "at": 0, "key": key, "payload": b""}
        if first & 15 in (TEXT, BINARY):
            self.begin_message(first & 15, bool(first & 0x40))
        return True

    def check_first_byte(self, first):
        opcode, final = first & 15, first & 0x80
        if not self.has("opcode-unchecked") and opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise Failure(1002, "unknown opcode")
        if not self.has("reserved-bits-unchecked"):
            allowed = 0x40 if self.compression and (opcode in (TEXT, BINARY) or self.has("rsv1-anywhere")) else 0
            if first & 0x70 & ~allowed:
                raise Failure(1002, "reserved bit")
        if opcode >= 8 and not final and not self.has("fragmented-control-taken"):
            raise Failure(1002, "fragmented control frame")
        if opcode == CONTINUATION and self.kind is None:
            if not self.has("continuation-is-a-message"):
                raise Failure(1002, "continuation of nothing")
            self.begin_message(TEXT, False)
        if opcode in (TEXT, BINARY) and self.kind is not None and not self.has("interleaving-taken"):
            raise Failure(1002, "a message inside a message")

    def check_mask(self, is_masked):
        if bool(is_masked) != self.is_server and not self.has("mask-unchecked"):
            raise Failure(1002, "masking")

    def check_length(self, opcode, length, extra):
        if opcode >= 8 and length > 125 and not self.has("long-control-taken"):
            raise Failure(1002, "control frame too long")
        if extra and length < (126 if extra == 2 else 65536) and not self.has("length-unchecked"):
            raise Failure(1002, "length not minimal")
        if length >> 63:
            raise Failure(1002, "length with its highest bit set")
        if self.size + length > MESSAGE_MAX and not self.has("size-unlimited"):
            raise Failure(1009, "message too large")

    def begin_message(self, kind, compressed):
        self.kind = BINARY if self.has("type-forgotten") else kind
        self.compressed = compressed
        self.pieces = []
        self.size = 0
        self.decoder = codecs.getincrementaldecoder("utf-8")(
            "surrogatepass" if self.has("utf8-surrogates") else "strict")

    def read_payload(self):
        frame = self.frame
        taken = min(frame["left"], len(self.buffer))
        start = 0 if self.has("mask-restarts") else frame["at"]
        piece = masked(bytes(self.buffer[:taken]), frame["key"], start)
        del self.buffer[:taken]
        frame["left"] -= taken
        frame["at"] += taken
        ended = frame["left"] == 0
        if frame["opcode"] >= 8 or frame["opcode"] > 2:
            frame["payload"] += piece
        else:
            self.take_piece(piece, ended and frame["final"])
        if not ended:
            return False
        self.frame = None
        if frame["opcode"] >= 8:
            self.take_control(frame["opcode"], frame["payload"])
        elif frame["opcode"] <= 2 and (frame["final"] or self.ends_early(frame)):
            self.end_message()
        return True

    def ends_early(self, frame):
        return self.has("empty-fragment-ends") and frame["at"] == 0 and frame["opcode"] == CONTINUATION

    def take_piece(self, piece, last):
        self.pieces.append(piece)
        self.size += len(piece)
        if self.kind == TEXT and not self.compressed or self.kind == BINARY and self.has("utf8-in-binary"):
            self.check_text(piece, last)

    def check_text(self, piece, last):
        if self.has("utf8-unchecked") or self.has("utf8-late") and not last:
            return
        if self.has("utf8-late"):
            piece = b"".join(self.pieces)
        try:
            self.decoder.decode(piece, (last or self.has("utf8-per-fragment")) and not self.has("utf8-open-end"))
        except UnicodeDecodeError as error:
            raise Failure(1007, "not UTF-8") from error
        begun = self.decoder.getstate()[0]
        if begun[:1] == b"\xed" and begun[1:2] >= b"\xa0" and not self.has("utf8-surrogates"):
            raise Failure(1007, "a surrogate")

    def end_message(self):
        kind, payload = self.kind, b"".join(self.pieces)
        self.kind = None
        self.size = 0
        if self.compressed:
            payload = self.compression.inflate(payload) if self.compression else payload
            if kind == TEXT and not self.has("compressed-utf8-unchecked"):
                self.check_text(payload, True)
        if not self.closing or self.has("echoes-after-close"):
            self.send_message(kind, payload)

    def take_control(self, opcode, payload):
        if self.has("control-ends-message"):
            self.kind = None
        if opcode == PING:
            self.take_ping(payload)
        elif opcode == PONG and self.has("pongs-answered"):
            self.send_frame(0x80 | PONG, payload)
        elif opcode == CLOSE:
            self.take_close(payload)

    def take_ping(self, payload):
        self.first_ping = self.first_ping or payload
        if self.has("no-pong") or self.closing:
            return
        if self.has("pong-empty"):
            payload = b""
        if self.has("pong-repeats"):
            payload = self.first_ping
        self.send_frame(0x80 | (0x40 if self.has("pong-compressed") else 0) | PONG, payload)

    def take_close(self, payload):
        if len(payload) == 1 and not self.has("close-of-one-byte"):
            raise Failure(1002, "Close with one byte")
        if len(payload) >= 2:
            self.check_close(int.from_bytes(payload[:2], "big"), payload[2:])
        if not self.has("no-close"):
            answer = payload[:2] if not self.has("close-1005") else b"\x03\xed"
            self.send_close(answer)
        self.closing = True
        self.failed = not self.has("echoes-after-close")
        if not self.has("no-end") and not self.has("echoes-after-close"):
            self.end()

    def check_close(self, code, reason):
        legal = 1000 <= code <= 1014 and code not in (1004, 1005, 1006) or 3000 <= code <= 4999
        if not legal and not self.has("close-code-unchecked"):
            raise Failure(1002, "status code")
        if self.has("reason-unchecked"):
            return
        try:
            reason.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Failure(1007, "reason is not UTF-8") from error
