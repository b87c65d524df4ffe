"""An echo server with python3-websockets, as its documentation writes one."""

import asyncio

import websockets


async def echo(socket, path=None):
    try:
        async for message in socket:
            await socket.send(message)
    except websockets.ConnectionClosed:
        pass


async def main():
    options = {"compression": None, "max_size": 2**24, "ping_interval": None}
    async with websockets.serve(echo, "127.0.0.1", 0, **options) as server:
        print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.Future()


asyncio.run(main())
