"""The open streams of a connection, and the reasons why recent ones were closed.

Sources: RFC 9113, sections 5.1 and 5.1.1.
"""

from __future__ import annotations

import enum
from typing import Final, final

from turnbuckle_plugins.http2.engine.events import Stream

__all__ = ["ClosedBy", "StreamMap"]

# Streams that are remembered after their end, to choose between ignoring a late frame and an error.
_MAX_REMEMBERED: Final = 512


@final
class ClosedBy(enum.Enum):
    """What closed a stream."""

    END = "END_STREAM of both sides"
    PEER = "RST_STREAM of the peer"
    SERVER = "RST_STREAM of the server"


@final
class StreamMap:
    """The streams of a connection.

    Attributes:
        open: the open streams by number.
        highest: the highest number that the peer has used.
    """

    __slots__ = ("_closed", "highest", "open")

    def __init__(self) -> None:
        self.open: Final[dict[int, Stream]] = {}
        self.highest = 0
        self._closed: Final[dict[int, ClosedBy]] = {}

    def add(self, stream: Stream) -> None:
        """Add a stream that the peer has opened."""
        self.open[stream.id] = stream
        self.highest = stream.id

    def close(self, stream: Stream, closed_by: ClosedBy) -> None:
        """Remove a stream."""
        stream.is_closed = True
        self.open.pop(stream.id, None)
        self.remember(stream.id, closed_by)

    def remember(self, stream_id: int, closed_by: ClosedBy) -> None:
        """Remember a stream that is closed."""
        closed = self._closed
        closed[stream_id] = closed_by
        if len(closed) > _MAX_REMEMBERED:
            del closed[next(iter(closed))]

    def is_idle(self, stream_id: int) -> bool:
        """Return whether a stream was never used; streams of the server never are."""
        return stream_id > self.highest or not stream_id % 2

    def closed_by(self, stream_id: int) -> ClosedBy | None:
        """Return what closed a stream; None if it was skipped, or its end is forgotten."""
        return self._closed.get(stream_id)
