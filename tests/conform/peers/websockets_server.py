"""An echo server with python3-websockets, with compression. Prints its port."""

import asyncio
import logging

import websockets


async def echo(socket, path=None):
    try:
        async for message in socket:
            await socket.send(message)
    except websockets.ConnectionClosed:
        pass


async def main():
    async with websockets.serve(echo, "127.0.0.1", 0, max_size=2**24, ping_interval=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


logging.getLogger("websockets").setLevel(logging.CRITICAL)  # what the cases provoke is no news
asyncio.run(main())
