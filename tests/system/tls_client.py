"""Python's ssl, a client that we did not write.

    tls_client.py drain PORT AUTHORITY      opens a WebSocket, says "open", prints the code of the Close that comes and how TLS ended
"""

import socket
import ssl
import struct
import sys


def connect(port, authority):
    context = ssl.create_default_context(cafile=authority)
    plain = socket.create_connection(("127.0.0.1", port), timeout=15)
    return context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)


def open_websocket(port, authority):
    stream = connect(port, authority)
    stream.sendall(b"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += stream.recv(1)
    assert head.startswith(b"HTTP/1.1 101 "), head
    return stream


def drain(port, authority):
    stream = open_websocket(port, authority)
    print("open", flush=True)
    head = stream.recv(2) + stream.recv(2)
    print(struct.unpack(">H", head[2:4])[0])
    stream.recv(head[1] - 2) if head[1] > 2 else None
    stream.sendall(b"\x88\x82\0\0\0\0" + head[2:4])
    try:
        print("close_notify" if stream.recv(1) == b"" else "more bytes")
    except ssl.SSLError as error:
        print(error)


{"drain": drain}[sys.argv[1]](int(sys.argv[2]), sys.argv[3])
