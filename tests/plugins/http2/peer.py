"""The client's end of an HTTP/2 connection, which sends frames made by hand and reads the server's frames."""

from __future__ import annotations

from typing import Final, Protocol, final

import attrs
from hpack import Decoder

from tests.plugins.http2.frames import PREFACE, Code, Flag, Frame, Kind, read_frames, settings, window_update

__all__ = ["H2Peer", "H2Response"]

_LARGEST_WINDOW: Final = 2**31 - 1
_DEFAULT_WINDOW: Final = 65535


class RawConnection(Protocol):
    """The connection, such as ``turnbuckle.testing.Connection``."""

    @property
    def received(self) -> bytes:
        """All received bytes."""

    @property
    def is_closed(self) -> bool:
        """Whether the server has ended its side."""

    async def send(self, data: bytes) -> None:
        """Send bytes, and wait until nothing more happens."""


@attrs.define
class H2Response:
    """The response on a stream, as far as it was received.

    Attributes:
        heads: the header sections, interim ones included, and the trailer section.
        content: the content.
        is_complete: whether the stream ended.
        reset: the code of RST_STREAM, None without one.
    """

    heads: list[list[tuple[str, str]]] = attrs.field(factory=list)
    content: bytes = b""
    is_complete: bool = False
    reset: int | None = None

    @property
    def statuses(self) -> list[int]:
        """The status of each header section."""
        return [int(value) for head in self.heads for name, value in head if name == ":status"]

    @property
    def status(self) -> int:
        """The status of the last header section."""
        return self.statuses[-1]

    @property
    def fields(self) -> dict[str, str]:
        """The fields of the final response."""
        return dict(next(head for head in reversed(self.heads) if ":status" in dict(head)))

    @property
    def trailers(self) -> dict[str, str]:
        """The trailers."""
        return {} if not self.heads or ":status" in dict(self.heads[-1]) else dict(self.heads[-1])


@final
class H2Peer:
    """A client that sends frames made by hand.

    Args:
        connection: the connection, on which nothing was sent.

    Attributes:
        frames: all received frames.
        responses: the responses by stream.
    """

    def __init__(self, connection: RawConnection) -> None:
        self.connection: Final = connection
        self.frames: Final[list[Frame]] = []
        self.responses: Final[dict[int, H2Response]] = {}
        self._read_up_to = 0
        self._block = b""
        self._decoder: Final = Decoder()
        self._decoder.max_allowed_table_size = 2**16

    # -- actions

    async def start(self, *values: tuple[int, int], ack: bool = True) -> dict[int, int]:
        """Exchange prefaces, and return the server's settings."""
        frames = await self.send(PREFACE, settings(*values))
        assert frames, "the server sends no preface"
        assert (frames[0].kind, frames[0].flags, frames[0].stream) == (Kind.SETTINGS, 0, 0)
        if ack:
            await self.send(settings(ack=True))
        return frames[0].settings()

    async def send(self, *frames: bytes) -> list[Frame]:
        """Send frames in one piece, and return the frames that the server sends then."""
        await self.connection.send(b"".join(frames))
        return self.read()

    def read(self) -> list[Frame]:
        """Return the frames that were received since the last call."""
        received = self.connection.received[self._read_up_to :]
        news = list(read_frames(received))
        self._read_up_to += sum(9 + len(new.payload) for new in news)
        self.frames.extend(news)
        for new in news:
            self._note(new)
        return news

    def response(self, stream: int) -> H2Response:
        """Return the response on a stream; an empty one before it begins."""
        return self.responses.setdefault(stream, H2Response())

    async def open_windows(self, stream: int = 0) -> list[Frame]:
        """Open the window of the connection, or of a stream, as far as possible after nothing was sent."""
        return await self.send(window_update(stream, _LARGEST_WINDOW - _DEFAULT_WINDOW))

    # -- state

    @property
    def goaway(self) -> Frame | None:
        """The last GOAWAY."""
        return next((received for received in reversed(self.frames) if received.kind == Kind.GOAWAY), None)

    @property
    def is_closed(self) -> bool:
        """Whether the server has ended its side."""
        return self.connection.is_closed

    @property
    def outcome(self) -> tuple[str, int]:
        """The code of the GOAWAY, or of the first RST_STREAM, with the kind of the frame."""
        if self.goaway is not None and self.goaway.code:
            return "GOAWAY", self.goaway.code
        reset = next((received for received in self.frames if received.kind == Kind.RST_STREAM), None)
        return ("none", 0) if reset is None else ("RST_STREAM", reset.code)

    def check_ended(self, *codes: Code) -> None:
        """Fail unless the connection ended with a GOAWAY that has one of these codes."""
        assert self.goaway is not None, f"no GOAWAY: {self.frames[-3:]}"
        assert Code(self.goaway.code) in codes
        assert self.is_closed

    def check_reset(self, stream: int, *codes: Code) -> None:
        """Fail unless the stream was reset with one of these codes, and the connection goes on."""
        reset = self.response(stream).reset
        assert reset is not None, f"no RST_STREAM: {self.frames[-3:]}"
        assert Code(reset) in codes
        assert self.goaway is None
        assert not self.is_closed

    # -- inside

    def _note(self, new: Frame) -> None:
        response = self.response(new.stream)
        if new.kind in (Kind.HEADERS, Kind.CONTINUATION):
            self._block += new.payload
            if new.has(Flag.END_HEADERS):
                fields = self._decoder.decode(self._block, raw=True)
                response.heads.append([(name.decode("ascii"), value.decode("latin-1")) for name, value in fields])
                self._block = b""
        elif new.kind == Kind.DATA:
            response.content += new.payload
        elif new.kind == Kind.RST_STREAM:
            response.reset = new.code
        if new.kind in (Kind.HEADERS, Kind.DATA) and new.has(Flag.END_STREAM):
            response.is_complete = True
