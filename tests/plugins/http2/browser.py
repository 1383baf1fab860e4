"""The client's end of a connection: it encodes heads with hpack, writes frames, and reads the server's."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from hpack import Decoder, Encoder

from turnbuckle.testing import Connection
from turnbuckle_plugins.http2.engine.frames import (
    FRAME_HEAD,
    PREFACE,
    ErrorCode,
    FrameType,
    SettingId,
    frame,
    settings_frame,
)

__all__ = ["END_HEADERS", "END_STREAM", "Browser", "Frame"]

END_HEADERS, END_STREAM = 4, 1


@attrs.frozen
class Frame:
    kind: int
    flags: int
    stream: int
    payload: bytes


class Browser:
    """A client end that encodes heads with hpack, and reads frames."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._encoder, self._decoder = Encoder(), Decoder()
        self._read = 0
        self._end: ErrorCode | None = None

    def head(
        self, stream: int, path: str = "/", *fields: tuple[str, str], ends: bool = True, method: str = "GET"
    ) -> bytes:
        pairs = [(":method", method), (":scheme", "http"), (":authority", "testserver"), (":path", path), *fields]
        block = self._encoder.encode(pairs)
        return frame(FrameType.HEADERS, END_HEADERS | END_STREAM * ends, stream, block)

    async def start(self, *settings: tuple[SettingId, int]) -> list[Frame]:
        return await self.send(PREFACE, settings_frame(settings), frame(FrameType.SETTINGS, 1, 0))

    async def send(self, *frames: bytes) -> list[Frame]:
        await self.connection.send(b"".join(frames))
        return self.news()

    def news(self) -> list[Frame]:
        return [*self._frames()]

    def _frames(self) -> Iterator[Frame]:
        received = self.connection.received
        while len(received) - self._read >= 9:
            high, low, kind, flags, stream = FRAME_HEAD.unpack_from(received, self._read)
            end = self._read + 9 + (high << 16 | low)
            if end > len(received):
                return
            if kind == FrameType.GOAWAY:
                self._end = ErrorCode(int.from_bytes(received[self._read + 13 : self._read + 17]))
            yield Frame(kind, flags, stream, received[self._read + 9 : end])
            self._read = end

    @property
    def end(self) -> ErrorCode | None:
        """The code of the last GOAWAY that was received; None without one."""
        return self._end

    def fields(self, found: Frame) -> dict[bytes, bytes]:
        return dict(self._decoder.decode(found.payload, raw=True))
