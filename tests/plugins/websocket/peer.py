"""A client of a WebSocket that controls every byte: it writes frames as they are given, and reads them strictly."""

from __future__ import annotations

import struct
from typing import Final

from turnbuckle.testing import Client
from turnbuckle.testing.client.connection import Connection

KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT: Final = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

_MASK: Final = b"\x37\xfa\x21\x3d"


def request(path: str = "/", fields: str = "", *, key: str = KEY, version: str = "13") -> bytes:
    """Return a request for a WebSocket."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: testserver\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: {version}\r\n{fields}\r\n"
    ).encode("latin-1")


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, bits: int = 0, masked: bool = True) -> bytes:
    """Return a frame of a client."""
    mask = 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | bits | opcode])
    size = len(payload)
    if size < 126:
        head += bytes([mask | size])
    elif size < 65536:
        head += struct.pack("!BH", mask | 126, size)
    else:
        head += struct.pack("!BQ", mask | 127, size)
    if not masked:
        return head + payload
    return head + _MASK + bytes(byte ^ _MASK[index % 4] for index, byte in enumerate(payload))


def close(code: int, reason: str = "") -> bytes:
    """Return a close frame of a client."""
    return frame(CLOSE, struct.pack("!H", code) + reason.encode())


def split_frames(data: bytes) -> list[tuple[int, bytes]]:
    """Return the first byte and the payload of each frame of a server, which are whole and not masked."""
    frames = []
    while data:
        first, size, start = data[0], data[1], 2
        assert size < 128, "a server does not mask"
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(data[2:10], "big"), 10
        assert len(data) >= start + size, "the frame is not complete"
        frames.append((first, data[start : start + size]))
        data = data[start + size :]
    return frames


class SocketPeer:
    """The client's end of one WebSocket.

    Args:
        client: the client of the app.
    """

    def __init__(self, client: Client) -> None:
        self.client: Final = client
        self.connection: Final[Connection] = client.connect()

    async def open(self, path: str = "/", fields: str = "") -> str:
        """Open the WebSocket; return the head of the response."""
        await self.connection.send(request(path, fields))
        assert self.head.startswith("HTTP/1.1 101 "), self.head
        return self.head

    @property
    def head(self) -> str:
        """The head of the response."""
        return self.connection.received.partition(b"\r\n\r\n")[0].decode("latin-1")

    @property
    def frames(self) -> list[tuple[int, bytes]]:
        """The received frames: opcode (with FIN and the reserved bits, if one of these is unusual) and payload."""
        found = split_frames(self.connection.received.partition(b"\r\n\r\n")[2])
        return [(first & 0x0F if first & 0xF0 == 0x80 else first, payload) for first, payload in found]

    @property
    def close_code(self) -> int | None:
        """The code of the close frame that was received last; None if there was none."""
        opcode, payload = self.frames[-1] if self.frames else (0, b"")
        return int.from_bytes(payload[:2], "big") if opcode == CLOSE else None

    async def send(self, data: bytes) -> list[tuple[int, bytes]]:
        """Send bytes; return the frames that were received since."""
        before = len(self.frames)
        await self.connection.send(data)
        return self.frames[before:]
