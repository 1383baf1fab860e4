"""The floor: a bare uvloop protocol that parses nothing and answers a constant to every read.

No HTTP server written in Python on uvloop can cost less than this.
"""

import asyncio
import sys
from typing import Final

import uvloop

ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\n"
    b"date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: 13\r\n"
    b"\r\n"
    b"Hello, World!"
)


class Floor(asyncio.Protocol):
    """One connection; every read counts as one request."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(ANSWER)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Floor, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
