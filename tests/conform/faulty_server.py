#!/usr/bin/env python3
"""An echo server whose faults are in the path: /FAULT or /FAULT,FAULT; / is right. Prints its port.

    faulty_server.py [--list]
"""
import asyncio
import logging
import re
import sys

from peer import TOKEN, Compression, Peer, accept_of, deflate_parameters, extensions_of, list_of

HEAD_MAX, TARGET_MAX = 16384, 10000

# What is wrong, and the cases that must notice it. A fault ends with "~" when the standard only asks (SHOULD, MAY) for what it breaks:
# then the cases are not strict, or informational.
FAULTS = {
    # the opening handshake
    "accept-wrong": "handshake.plain",
    "host-missing-taken": "handshake.missing.Host",
    "host-twice-taken": "handshake.twice.Host",
    "host-unchecked": "handshake.host.wrong.*",
    "key-missing-taken": "handshake.missing.Sec-WebSocket-Key",
    "key-unchecked": "handshake.key.wrong.*",
    "key-twice-taken": "handshake.twice.Sec-WebSocket-Key",
    "version-missing-taken": "handshake.missing.Sec-WebSocket-Version",
    "version-unchecked": "handshake.version.1,handshake.version.14",
    "version-unsaid": "handshake.version.*.says-which",
    "version-read-freely": "handshake.version.not-a-number.*",
    "method-unchecked": "handshake.method.POST,handshake.method.Get",
    "method-unsaid": "handshake.method.POST.says-which",
    "http-1.0-taken": "handshake.http.HTTP-1.0",
    "upgrade-unchecked": "handshake.missing.Upgrade,handshake.upgrade.wrong.*",
    "upgrade-unsaid": "handshake.status.426-says-upgrade.*",
    "upgrade-by-case": "handshake.upgrade.value.*",
    "connection-unchecked": "handshake.missing.Connection,handshake.connection.wrong.*",
    "connection-no-list": "handshake.connection.value.*",
    "connection-first-field": "handshake.connection.two-fields",
    "names-by-case": "handshake.names.*",
    "space-before-colon-taken": "handshake.head.space-before-colon.*",
    "name-unchecked~": "handshake.head.name-not-a-token.*",
    "length-unchecked-taken": "handshake.body.length.*",
    "coding-unchecked": "handshake.body.unknown-coding",
    "absolute-refused": "handshake.target.absolute",
    "query-refused": "handshake.target.query",
    "fields-few~": "handshake.limit.fields.*",
    "read-at-once": "handshake.chopped.*",
    "length-in-101": "handshake.plain",
    "protocol-made-up": "handshake.protocol.none-offered",
    "protocol-all": "handshake.protocol.list",
    "protocol-unchecked": "handshake.protocol.not-a-token.*",
    "extension-made-up": "handshake.extension.unknown.plain",
    "extension-unchecked": "handshake.extension.malformed.*",
    "extension-echoed": "handshake.extension.unknown.*",
    # frames
    "masked": "framing.text.1",
    "length-16-always": "framing.text.1,framing.text.125",
    "length-64-always": "framing.text.126,framing.text.1",
    "length-unchecked~": "framing.length-not-minimal.*",
    "size-unlimited~": "large.claim.1009.*",
    "mask-unchecked": "masking.wrong.*",
    "mask-restarts": "masking.each-cut.*",
    "reserved-bits-unchecked": "framing.reserved-bits.?.*",
    "opcode-unchecked": "framing.opcode.*",
    "one-frame-a-read": "framing.many-*",
    "truncates-large": "framing.text.65537",
    "echoes-twice": "framing.text.1",
    "fails-without-close~": "framing.opcode.3",
    "fails-without-end": "framing.opcode.3",
    # fragments and control frames
    "continuation-is-a-message": "fragmentation.continuation-of-nothing.*",
    "interleaving-taken~": "fragmentation.message-inside-a-message.*",
    "empty-fragment-ends": "fragmentation.empty-fragments",
    "type-forgotten": "fragmentation.type-of-the-first.text",
    "control-ends-message": "fragmentation.ping-between.1",
    "fragmented-control-taken~": "control.fragmented.*",
    "long-control-taken": "control.ping.too-long.126",
    "no-pong": "control.ping.1",
    "pong-empty": "control.ping.1",
    "pong-repeats": "control.ping.distinct",
    "pongs-answered~": "control.pong.not-answered",
    # text
    "utf8-unchecked": "utf8.bad.*.whole",
    "utf8-surrogates": "utf8.bad.surrogate*.whole",
    "utf8-per-fragment": "utf8.valid.in-fragments.*",
    "utf8-open-end": "utf8.incomplete.*",
    "utf8-in-binary": "utf8.binary-is-not-checked.*",
    "utf8-late~": "utf8.at-once.*",
    "1002-for-1007~": "utf8.bad.ff.whole",
    "compressed-utf8-unchecked": "utf8.bad.*.compressed",
    # the closing handshake
    "no-close": "closing.code.1000",
    "no-end": "closing.end.server-first",
    "close-1005": "closing.code.1000",
    "second-close~": "closing.second-close",
    "echoes-after-close": "closing.data-after.*",
    "close-code-unchecked~": "closing.illegal-code.*",
    "close-of-one-byte~": "closing.payload-of-one-byte",
    "reason-unchecked~": "closing.reason.not-utf8.*",
    # compression
    "tail-kept": "compression.text.5",
    "takeover-ignored": "compression.takeover.server-honours-none",
    "window-ignored": "compression.server-window.*.distant",
    "window-larger": "compression.server-window.9.distant",
    "inflater-forgets": "compression.example.shared-window.server",
    "final-ends": "compression.final.*",
    "offer-unchecked": "compression.offer.malformed.*",
    "client-bits-unasked": "compression.text.5",
    "rsv1-on-fragments": "compression.text.126",
    "rsv1-anywhere": "compression.rsv1-on-c*",
    "pong-compressed": "compression.ping-between-compressed-fragments",
    "bomb-taken~": "compression.bomb.67108864",
}


class Refusal(Exception):
    """An answer with this status."""

    def __init__(self, status, fields=""):
        super().__init__(status)
        self.status = status
        self.fields = fields


class Request:
    """The head of a request, held against RFC 9112 and RFC 6455, section 4.2.1."""

    def __init__(self, head, faults):
        self.faults = faults
        first, *lines = head.decode("latin-1").split("\r\n")
        self.read_line(first)
        self.fields = [self.read_field(line) for line in lines]
        if "fields-few" in faults and len(lines) > 20:
            raise Refusal("431 Request Header Fields Too Large")
        self.check_host()
        self.check_body()

    def has(self, fault):
        return fault in self.faults

    def require(self, right, status="400 Bad Request", fields=""):
        if not right:
            raise Refusal(status, fields)

    def read_line(self, line):
        found = re.fullmatch(rf"({TOKEN}) (\S+) HTTP/(\d)\.(\d)", line)
        self.require(found)
        method, self.target, major, minor = found.groups()
        self.require(major == "1", "505 HTTP Version Not Supported")
        self.require(minor >= "1" or self.has("http-1.0-taken"))
        allow = "" if self.has("method-unsaid") else "Allow: GET\r\n"
        self.require(method == "GET" or self.has("method-unchecked"), "405 Method Not Allowed", allow)
        self.require(len(self.target) <= TARGET_MAX, "414 URI Too Long")
        forms = r"(?:http://[^/?#]+)?/[!$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]*"
        self.require(re.fullmatch(forms, self.target))
        self.require(not (self.has("absolute-refused") and self.target.startswith("http:")))
        self.require(not (self.has("query-refused") and "?" in self.target))

    def read_field(self, line):
        name = r"[^:]+" if self.has("name-unchecked") else TOKEN + (" *" if self.has("space-before-colon-taken") else "")
        found = re.fullmatch(rf"({name}):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*", line)
        self.require(found)
        field, value = found.groups()
        return field.strip() if self.has("names-by-case") else field.strip().lower(), value

    def values(self, name):
        return [value for field, value in self.fields if field == (name if self.has("names-by-case") else name.lower())]

    def check_host(self):
        hosts = self.values("Host")
        self.require(hosts or self.has("host-missing-taken"))
        self.require(len(hosts) < 2 or self.has("host-twice-taken"))
        name = r"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::\d*)?"
        self.require(all(re.fullmatch(name, host) for host in hosts) or self.has("host-unchecked"))

    def check_body(self):
        lengths = self.values("Content-Length")
        if not self.has("length-unchecked-taken"):
            self.require(not lengths or lengths == ["0"])
        self.require(not self.values("Transfer-Encoding") or self.has("coding-unchecked"), "501 Not Implemented")

    def check_upgrade(self):
        upgrades = self.values("Upgrade")
        words = upgrades if self.has("upgrade-by-case") else [word.lower() for word in list_of(upgrades)]
        asks = "" if self.has("upgrade-unsaid") else "Upgrade: websocket\r\n"
        self.require("websocket" in words or self.has("upgrade-unchecked"), "426 Upgrade Required", asks)
        connections = [value.lower() for value in self.values("Connection")]
        if self.has("connection-first-field"):
            connections = connections[:1]
        words = connections if self.has("connection-no-list") else list_of(connections)
        self.require("upgrade" in words or self.has("connection-unchecked"))

    def key(self):
        keys = self.values("Sec-WebSocket-Key")
        if not keys and self.has("key-missing-taken"):
            return ""
        self.require(keys and (len(keys) == 1 or self.has("key-twice-taken")))
        self.require(re.fullmatch(r"[A-Za-z0-9+/]{21}[AQgw]==", keys[0]) or self.has("key-unchecked"))
        return keys[0]

    def check_version(self):
        versions = self.values("Sec-WebSocket-Version")
        if not versions and self.has("version-missing-taken"):
            return
        self.require(len(versions) == 1)
        version = versions[0]
        if self.has("version-read-freely") and re.match(r"[+0]*13", version):
            return
        self.require(re.fullmatch(r"\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5]", version))
        which = "" if self.has("version-unsaid") else "Sec-WebSocket-Version: 13\r\n"
        asks = "" if self.has("upgrade-unsaid") else "Upgrade: websocket\r\n"
        self.require(version == "13" or self.has("version-unchecked"), "426 Upgrade Required", which + asks)

    def protocol(self):
        values = self.values("Sec-WebSocket-Protocol")
        names = list_of(values)
        right = all(re.fullmatch(TOKEN, name) for name in names) and (names or not values)
        self.require(right or self.has("protocol-unchecked"))
        if self.has("protocol-made-up"):
            return "made-up"
        return ", ".join(names) if self.has("protocol-all") else names[0] if names and right else None

    def compression(self):
        """What to agree on: {parameter: value}, or None."""
        values = self.values("Sec-WebSocket-Extensions")
        offers = extensions_of(values) if values else []
        self.require(offers is not None or self.has("extension-unchecked"))
        for name, parameters in offers or []:
            asked = deflate_parameters(parameters, offer=True) if name == "permessage-deflate" else None
            if name == "permessage-deflate" and self.has("offer-unchecked"):
                asked = asked or {}
            if asked is not None:
                return {name: value for name, value in asked.items() if name != "client_max_window_bits" or value}
        return None

    def extensions(self, agreed):
        if self.has("extension-made-up"):
            return "made-up"
        if self.has("extension-echoed"):
            return ", ".join(self.values("Sec-WebSocket-Extensions")) or None
        if agreed is None:
            return None
        if self.has("client-bits-unasked"):
            agreed["client_max_window_bits"] = "15"
        if self.has("window-larger") and "server_max_window_bits" in agreed:
            agreed["server_max_window_bits"] = "15"
        return "; ".join(["permessage-deflate"] + [name + ("=" + value if value else "") for name, value in agreed.items()])


class Connection(asyncio.Protocol):
    """One client: its head, then its frames; our end comes first, then what still arrives is thrown away."""

    def connection_made(self, transport):
        self.transport = transport
        self.head = b""
        self.peer = None
        self.ended = False

    def end(self):
        if not self.ended:
            self.ended = True
            if self.transport.can_write_eof():
                self.transport.write_eof()
            asyncio.get_running_loop().call_later(1, self.transport.close)

    def data_received(self, data):
        if self.ended:
            return
        if self.peer is not None:
            self.peer.feed(data)
            return
        self.head += data
        if not self.head.lstrip(b"\r\n").count(b"\r\n\r\n") and len(self.head) <= HEAD_MAX:
            self.refuse_pieces()
            return
        try:
            self.open()
        except Refusal as refusal:
            self.answer(refusal.status, refusal.fields)

    def refuse_pieces(self):
        """The fault of a server that takes what one read brings for the whole request."""
        if b"read-at-once" in self.head:
            self.answer("400 Bad Request", "")

    def answer(self, status, fields):
        self.transport.write(f"HTTP/1.1 {status}\r\n{fields}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        self.end()

    def open(self):
        head, found, rest = self.head.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        target = head[:200].decode("latin-1")
        named = re.search(r"/([a-z0-9.,-]+)(?:\?| )", target.replace("HTTP/1.", ""))
        faults = set(named.group(1).split(",")) & {name.rstrip("~") for name in FAULTS} if named else set()
        if not found:
            raise Refusal("414 URI Too Long" if b"\r\n" not in head else "431 Request Header Fields Too Large")
        request = Request(head, faults)
        request.check_upgrade()
        key = request.key()
        request.check_version()
        protocol = request.protocol()
        agreed = request.compression()
        extensions = request.extensions(agreed)
        self.peer = Peer(True, faults, self.transport.write, self.end)
        self.peer.compression = None if agreed is None else Compression(True, agreed, faults)
        self.transport.write(self.switch(faults, key, protocol, extensions))
        self.peer.feed(rest)

    def switch(self, faults, key, protocol, extensions):
        accept = accept_of(key + ("x" if "accept-wrong" in faults else ""))
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}"]
        lines += ["Content-Length: 0"] if "length-in-101" in faults else []
        lines += [f"Sec-WebSocket-Protocol: {protocol}"] if protocol else []
        lines += [f"Sec-WebSocket-Extensions: {extensions}"] if extensions else []
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def eof_received(self):
        if self.peer is not None and not self.peer.has("no-end"):
            self.end()
        self.transport.close()


async def serve():
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if "--list" in sys.argv:
        print("\n".join(f"{name.rstrip('~'):28} {cases}" for name, cases in FAULTS.items()))
    else:
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        asyncio.run(serve())
