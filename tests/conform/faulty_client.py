#!/usr/bin/env python3
"""A client that echoes, and is wrong where it is told to be.

    faulty_client.py PORT [FAULT,FAULT]      plays all cases of `towline conform --listen PORT`
    faulty_client.py --list
"""
import asyncio
import base64
import os
import re
import sys

from peer import TOKEN, Compression, Peer, accept_of, deflate_parameters, extensions_of, list_of

HEAD_MAX = 65536
AT_ONCE = 16

# As in faulty_server.py.
FAULTS = {
    # the opening handshake
    "nonce-short": "answer.right",
    "nonce-constant": "masking.fresh-keys.on-each-connection.*",
    "no-host": "answer.right",
    "no-version": "answer.right",
    "version-8": "answer.right",
    "method-post": "answer.right",
    "http-1.0": "answer.right",
    "status-unchecked": "answer.status.*",
    "version-unchecked~": "answer.version.not-http.*",
    "upgrade-unchecked": "answer.upgrade.wrong.*,answer.missing.Upgrade",
    "upgrade-by-case": "answer.upgrade.case.*",
    "connection-unchecked": "answer.connection.wrong.*,answer.missing.Connection",
    "connection-no-list": "answer.connection.right.*",
    "names-by-case": "answer.names.*",
    "accept-unchecked": "answer.accept.*",
    "accept-first": "answer.accept.two-fields",
    "protocol-unchecked": "answer.protocol.*",
    "extension-unchecked": "answer.extension.not-offered.*",
    "extension-misread": "answer.extension.malformed.*",
    "parameters-unchecked": "answer.extension.bad-parameter.*",
    "head-in-one-read": "answer.head.chopped.*",
    "rest-dropped": "answer.frames-right-behind",
    "stays-for-ever": "answer.head.ends.*",
    # masking
    "not-masked": "framing.text.1",
    "key-constant": "masking.fresh-keys.text",
    "key-zero": "masking.fresh-keys.text",
    "key-counter": "masking.fresh-keys.text",
    "key-counter-little": "masking.fresh-keys.text",
    "key-one-byte": "masking.fresh-keys.text",
    "key-same-on-each-connection": "masking.fresh-keys.on-each-connection.*",
    "mask-unchecked": "masking.wrong.*",
    # frames, text, the closing handshake
    "reserved-bits-unchecked": "framing.reserved-bits.?.*",
    "opcode-unchecked": "framing.opcode.*",
    "length-64-always": "framing.text.126",
    "one-frame-a-read": "framing.many-*",
    "continuation-is-a-message": "fragmentation.continuation-of-nothing.*",
    "no-pong": "control.ping.1",
    "utf8-unchecked": "utf8.bad.*.whole",
    "no-close": "closing.code.begun-by-the-server.*",
    "never-ends": "closing.end.client-closes,closing.end.without-close",
    "ends-first~": "closing.end.client-waits",
    # compression
    "window-ignored": "compression.client-window.*.honoured",
    "takeover-ignored": "compression.takeover.client-honours-none",
    "inflater-forgets": "compression.example.shared-window.client",
    "rsv1-on-fragments": "compression.text.126",
    "rsv1-anywhere": "compression.rsv1-on-continuation",
}


class Refused(Exception):
    """The answer does not open a connection."""


def require(right, why):
    if not right:
        raise Refused(why)


class Client(asyncio.Protocol):
    """One connection: the request, the answer, then frames; `done` tells when it is over."""

    def __init__(self, path, faults, done):
        self.path, self.faults, self.done = path, faults, done
        self.key = base64.b64encode(b"nonces never new" if self.has("nonce-constant") else os.urandom(16)).decode()
        self.head = b""
        self.peer = None
        self.told = ""

    def has(self, fault):
        return fault in self.faults

    def connection_made(self, transport):
        self.transport = transport
        method = "POST" if self.has("method-post") else "GET"
        version = "HTTP/1.0" if self.has("http-1.0") else "HTTP/1.1"
        if self.has("nonce-short"):
            self.key = self.key[:20]
        lines = [f"{method} {self.path} {version}", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {self.key}",
                 "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"]
        lines += [] if self.has("no-host") else ["Host: localhost"]
        lines += [] if self.has("no-version") else [f"Sec-WebSocket-Version: {8 if self.has('version-8') else 13}"]
        transport.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    def leave(self):
        """The server ends TCP first; if it does not, we do after a while."""
        if self.has("ends-first"):
            self.transport.close()
        elif not self.has("never-ends"):
            asyncio.get_running_loop().call_later(1.5, self.transport.close)

    def data_received(self, data):
        if self.peer is not None:
            self.take(data)
            return
        self.head += data
        head, found, rest = self.head.partition(b"\r\n\r\n")
        try:
            require(found or not self.has("head-in-one-read"), "a head in pieces")
            require(found or len(self.head) < HEAD_MAX, "a head without end")
            if found:
                self.open(head, rest)
        except Refused:
            if not self.has("never-ends"):
                self.transport.close()

    def take(self, data):
        self.peer.feed(data)

    def open(self, head, rest):
        agreed = self.check(head)
        self.peer = Peer(False, self.faults, self.transport.write, self.leave)
        if self.path == "/cases":
            self.peer.send_message = lambda kind, payload: setattr(self, "told", payload.decode())
        self.peer.compression = None if agreed is None else Compression(False, agreed, self.faults)
        self.take(b"" if self.has("rest-dropped") else rest)

    # ---- RFC 6455, section 4.1 ----

    def values(self, name):
        return [value for field, value in self.fields if field == (name if self.has("names-by-case") else name.lower())]

    def check(self, head):
        first, *lines = head.decode("latin-1").split("\r\n")
        if not self.has("version-unchecked"):
            require(first.startswith("HTTP/1.1 "), "not HTTP/1.1")
        if not self.has("status-unchecked"):
            require(re.fullmatch(r"\S+ 101(?: .*)?", first) or self.has("version-unchecked"), "not 101")
        self.fields = [self.read_field(line) for line in lines]
        self.check_upgrade()
        accepts = self.values("Sec-WebSocket-Accept")
        right = accepts[:1 if self.has("accept-first") else None] == [accept_of(self.key)]
        require(right or self.has("accept-unchecked"), "accept")
        require(not self.values("Sec-WebSocket-Protocol") or self.has("protocol-unchecked"), "subprotocol")
        return self.check_extensions()

    def read_field(self, line):
        found = re.fullmatch(rf"({TOKEN}):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*", line)
        require(found, "a line that is no field")
        name, value = found.groups()
        return name if self.has("names-by-case") else name.lower(), value

    def check_upgrade(self):
        upgrades = [value if self.has("upgrade-by-case") else value.lower() for value in self.values("Upgrade")]
        require(upgrades == ["websocket"] or self.has("upgrade-unchecked"), "upgrade")
        connections = [value.lower() for value in self.values("Connection")]
        words = connections if self.has("connection-no-list") else list_of(connections)
        require("upgrade" in words or self.has("connection-unchecked"), "connection")

    def check_extensions(self):
        values = self.values("Sec-WebSocket-Extensions")
        if not values:
            return None
        answered = extensions_of(values)
        if answered is None and self.has("extension-misread"):
            return None
        require(answered is not None, "malformed extensions")
        if self.has("extension-unchecked"):
            answered = [one for one in answered if one[0] == "permessage-deflate"]
            if not answered:
                return None
        require(len(answered) == 1 and answered[0][0] == "permessage-deflate", "an extension that was not offered")
        agreed = deflate_parameters(answered[0][1], offer=False)
        if agreed is None and self.has("parameters-unchecked"):
            return {}
        require(agreed is not None, "parameters")
        return agreed

    def eof_received(self):
        if self.has("never-ends") or self.has("stays-for-ever") and self.peer is None:
            return True
        return False

    def connection_lost(self, error):
        if not self.done.done():
            self.done.set_result(self.told)


async def ask(port, path, faults, patience=20):
    """Plays what is at the path; what the server told."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    transport, _ = await loop.create_connection(lambda: Client(path, faults, done), "127.0.0.1", port)
    try:
        return await asyncio.wait_for(done, patience)
    except asyncio.TimeoutError:
        transport.abort()
        return ""


async def play(port, faults, patience=20):
    """All cases, some at the same time; then the end of the run."""
    count = int(await ask(port, "/cases", set()))
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(number):
        async with slots:
            await ask(port, f"/case/{number}", faults, patience)

    await asyncio.gather(*(one(number) for number in range(1, count + 1)))
    await ask(port, "/report", set())


if __name__ == "__main__":
    if "--list" in sys.argv:
        print("\n".join(f"{name.rstrip('~'):28} {cases}" for name, cases in FAULTS.items()))
    else:
        asyncio.run(play(int(sys.argv[1]), set(sys.argv[2].split(",")) if len(sys.argv) > 2 else set()))
