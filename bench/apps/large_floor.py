"""The floor of large content: a bare uvloop protocol that counts an upload, or writes a stream of chunks."""

import asyncio
import sys
from typing import Final, cast

import uvloop

PIECE: Final = b"x" * 65536


class Floor(asyncio.Protocol):
    """One connection, for requests that wait for their answers."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The transport of uvloop does not derive from asyncio's.
        self.transport = cast(asyncio.Transport, transport)
        self.missing = 0
        self.length = 0
        self.can_write = asyncio.Event()
        self.can_write.set()

    def data_received(self, data: bytes) -> None:
        if not self.missing:
            head, _, data = data.partition(b"\r\n\r\n")
            if head.startswith(b"GET /stream"):
                self.task = asyncio.create_task(self.stream(int(head.split()[1].rpartition(b"/")[2])))
                return
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self.length = self.missing = int(length or 0)
        self.missing -= len(data)
        if not self.missing:
            content = str(self.length).encode()
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(content), content))

    async def stream(self, pieces: int) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(pieces):
            self.transport.write(b"%x\r\n%b\r\n" % (len(PIECE), PIECE))
            await self.can_write.wait()
        self.transport.write(b"0\r\n\r\n")

    def pause_writing(self) -> None:
        self.can_write.clear()

    def resume_writing(self) -> None:
        self.can_write.set()


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Floor, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
