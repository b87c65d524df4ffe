"""A client with python3-websockets that plays all conformance cases of the server at a URL, some at the same time.

    websockets_client.py URL
"""

import asyncio
import logging
import sys

import websockets

AT_ONCE = 8
PATIENCE = 20  # seconds


async def echo(url):
    async with websockets.connect(url, max_size=2**24, ping_interval=None, close_timeout=2) as socket:
        async for message in socket:
            await socket.send(message)


async def play(url):
    """Echoes until the connection is over, however it ends."""
    try:
        await asyncio.wait_for(echo(url), PATIENCE)
    except (OSError, EOFError, ValueError, asyncio.TimeoutError, websockets.WebSocketException):
        pass  # the judge is at the other end


async def main(base):
    async with websockets.connect(f"{base}/cases") as socket:
        cases = int(await socket.recv())
    numbers = iter(range(1, cases + 1))

    async def play_some():
        for number in numbers:
            await play(f"{base}/case/{number}")

    await asyncio.gather(*(play_some() for _ in range(AT_ONCE)))
    await play(f"{base}/report")


logging.getLogger("websockets").setLevel(logging.CRITICAL)
asyncio.run(main(sys.argv[1]))
