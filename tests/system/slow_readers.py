"""Clients that read late: slow_readers.py PORT plain|tls

Each asks for a part of /eight.bin, about as much as the kernel and TLS hold for it, or for the echo of a large message
and the end, and reads nothing for some seconds. Prints a line of JSON for each kind: how many did not get all.
"""
import base64
import concurrent.futures
import json
import os
import socket
import ssl
import sys
import threading
import time

PORT, SECURE = int(sys.argv[1]), sys.argv[2] == "tls"
PAUSE = 6  # longer than the times that an end without untaken bytes has
MESSAGE = 900_000


def connect():
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    client.connect(("127.0.0.1", PORT))
    client.settimeout(60)
    if not SECURE:
        return client
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(client)


def read_to_the_end(client):
    received = bytearray()
    while piece := client.recv(1 << 20):
        received += piece
    return received


def read_head(client):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)


def download(number):
    length = 3_900_000 + 2_500 * number
    client = connect()
    client.sendall(b"GET /eight.bin HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-%d\r\nConnection: close\r\n\r\n" % (length - 1))
    time.sleep(PAUSE)
    received = read_to_the_end(client)
    return len(received) - received.index(b"\r\n\r\n") - 4 == length


def echo(number):
    client = connect()
    key = base64.b64encode(os.urandom(16))
    client.sendall(b"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n")
    read_head(client)
    client.sendall(b"\x82\xff" + MESSAGE.to_bytes(8, "big") + bytes(4) + bytes(MESSAGE))
    client.sendall(b"\x88\x82" + bytes(4) + b"\x03\xe8")
    time.sleep(PAUSE)
    received = read_to_the_end(client)
    return len(received) == 10 + MESSAGE + 4 and received.endswith(b"\x88\x02\x03\xe8")


def count_failures(task, clients):
    failed = []

    def run(number):
        try:
            whole = task(number)
        except OSError:
            whole = False
        if not whole:
            failed.append(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(failed)


TASKS = {"downloads": (download, 40), "echoes with a last Close": (echo, 10)}
with concurrent.futures.ThreadPoolExecutor() as pool:
    for name, cut in zip(TASKS, pool.map(lambda task: count_failures(*task), TASKS.values())):
        print(json.dumps({"name": name, "cut": cut}))
