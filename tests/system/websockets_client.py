"""python3-websockets, a client that we did not write, against an echo. Prints one line of JSON for each check."""

import asyncio
import json
import random
import sys

import websockets


async def check(name, coroutine):
    try:
        await asyncio.wait_for(coroutine, 30)
        print(json.dumps({"name": name, "error": None}), flush=True)
    except Exception as error:  # any failure is the check's result
        print(json.dumps({"name": name, "error": repr(error)}), flush=True)


async def echo(socket, message):
    await socket.send(message)
    answer = await socket.recv()
    assert answer == message, f"{len(answer)} of {len(message)}"


async def lengths(url, **options):
    async with websockets.connect(url, max_size=1 << 25, **options) as socket:
        for length in (0, 1, 125, 126, 127, 65535, 65536, 1 << 20, 16 << 20):
            await echo(socket, random.randbytes(length))
            await echo(socket, "Wasser 水 "[: length or 9] * (length // 18))


async def fragments(url):
    async def pieces():
        for piece in ("one, ", "two, ", "three"):
            yield piece

    async with websockets.connect(url) as socket:
        await socket.send(pieces())
        assert await socket.recv() == "one, two, three"


async def pings(url):
    async with websockets.connect(url) as socket:
        for payload in (b"", b"x" * 125):
            await asyncio.wait_for(await socket.ping(payload), 5)
        await echo(socket, "after the pings")


async def close_codes(url):
    for code, reason in ((1000, "bye"), (1001, ""), (3000, "x" * 123), (4999, "é" * 61)):
        socket = await websockets.connect(url)
        await socket.close(code, reason)
        assert socket.close_code == code, socket.close_code


async def subprotocol(url):
    async with websockets.connect(url, subprotocols=["soap", "xmpp"]) as socket:
        assert socket.subprotocol == "soap", socket.subprotocol


async def bad_text(url):
    socket = await websockets.connect(url)
    await socket.write_frame(True, 1, b"\xed\xa0\x80")
    try:
        await socket.recv()
        raise AssertionError("an answer to what is no UTF-8")
    except websockets.ConnectionClosed:
        assert socket.close_code == 1007, socket.close_code


async def many(url):
    async def one(number):
        async with websockets.connect(url) as socket:
            for i in range(20):
                await echo(socket, f"{number} {i}" * 100)

    await asyncio.gather(*(one(number) for number in range(50)))


async def main(url):
    await check("every length class, compressed", lengths(url))
    await check("every length class, not compressed", lengths(url, compression=None))
    await check("fragments", fragments(url))
    await check("pings", pings(url))
    await check("close codes", close_codes(url))
    await check("the first subprotocol", subprotocol(url))
    await check("text that is no UTF-8 closes with 1007", bad_text(url))
    await check("fifty connections", many(url))


asyncio.run(main(sys.argv[1]))
