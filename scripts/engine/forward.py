"""A loopback port of this machine that leads into a network namespace.

``forward.py NAMESPACE PORT TARGET`` listens on 127.0.0.1:PORT here, then enters the namespace: what it accepts
comes from here, what it connects to lies there. So a node is reached although its network is another's.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

CLONE_NEWNET = 0x40000000


def enter(namespace: str) -> None:
    """Move this thread into a named network namespace; raises :class:`OSError`."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(Path("/run/netns") / namespace, os.O_RDONLY)
    try:
        if libc.setns(handle, CLONE_NEWNET):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), namespace)
    finally:
        os.close(handle)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    sink.close()


async def _serve(listening: socket.socket, target: int) -> None:
    async def join(near: asyncio.StreamReader, reply: asyncio.StreamWriter) -> None:
        try:
            far, ask = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            reply.close()
            return
        await asyncio.gather(_copy(near, ask), _copy(far, reply))

    server = await asyncio.start_server(join, sock=listening)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    near = socket.socket()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    near.bind(("127.0.0.1", int(sys.argv[2])))
    near.listen(64)
    enter(sys.argv[1])
    asyncio.run(_serve(near, int(sys.argv[3])))
