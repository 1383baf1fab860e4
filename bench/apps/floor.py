"""The floor: a bare uvloop protocol that parses nothing and answers a constant to every read.

It looks at the first bytes only, to choose the constant. No HTTP server written in Python on uvloop can cost less.
"""

import asyncio
import sys
from typing import Final

import uvloop


def answer(content_type: str, content: bytes) -> bytes:
    """Return a complete response."""
    fields = f"date: Thu, 01 Jan 2026 00:00:00 GMT\r\ncontent-type: {content_type}\r\ncontent-length: {len(content)}"
    return f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode() + content


ORDER: Final = answer("application/json", b'{"id":10000001,"name":"order 10000001","total":28.5}')
ANSWERS: Final = {
    b"GET / ": answer("text/plain; charset=utf-8", b"Hello, World!"),
    b"GET /i": answer("application/json", b'{"id":10000001,"name":"item 10000001","tags":["red","large"]}'),
}


class Floor(asyncio.Protocol):
    """One connection; every read counts as one request."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(ANSWERS.get(data[:6], ORDER))


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Floor, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
