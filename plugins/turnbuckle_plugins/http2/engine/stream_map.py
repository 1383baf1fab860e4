"""The open streams of a connection, and the reasons why recent ones were closed.

Sources: RFC 9113, sections 5.1 and 5.1.1.
"""

from __future__ import annotations

import enum
from collections import deque
from typing import Final, final

from turnbuckle_plugins.http2.engine.events import Stream

__all__ = ["ClosedBy", "StreamMap"]

# Resets, and gaps in the numbers of streams, that are remembered to tell a late frame from an error.
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

    __slots__ = ("_resets", "_skipped", "highest", "open")

    def __init__(self) -> None:
        self.open: Final[dict[int, Stream]] = {}
        self.highest = 0
        self._resets: Final[dict[int, ClosedBy]] = {}
        self._skipped: Final[deque[range]] = deque(maxlen=_MAX_REMEMBERED)

    def use(self, stream_id: int) -> None:
        """Note that the peer has used a number, which is higher than all before it."""
        if stream_id > self.highest + 2:
            self._skipped.append(range(self.highest + 1, stream_id))
        self.highest = stream_id

    def close(self, stream: Stream, closed_by: ClosedBy) -> None:
        """Remove a stream."""
        stream.is_closed = True
        self.open.pop(stream.id, None)
        if closed_by is not ClosedBy.END:
            self.remember(stream.id, closed_by)

    def remember(self, stream_id: int, closed_by: ClosedBy) -> None:
        """Remember a stream that was reset."""
        resets = self._resets
        resets[stream_id] = closed_by
        if len(resets) > _MAX_REMEMBERED:
            del resets[next(iter(resets))]

    def is_idle(self, stream_id: int) -> bool:
        """Return whether a stream was never used; streams of the server never are."""
        return stream_id > self.highest or not stream_id % 2

    def closed_by(self, stream_id: int) -> ClosedBy | None:
        """Return what closed a stream; None if the peer has skipped its number."""
        closed_by = self._resets.get(stream_id)
        if closed_by is None and not any(stream_id in numbers for numbers in self._skipped):
            return ClosedBy.END
        return closed_by
