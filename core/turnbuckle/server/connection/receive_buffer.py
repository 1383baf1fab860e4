"""Buffer the bytes that a peer sends ahead of the application, and stop reading at a bound."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Literal, final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.http.events import NEED_DATA, Event, NeedData, Parser

__all__ = ["ReceiveBuffer"]

# Bytes that the parser is given at a time. Unparsed bytes in the parser count as buffered.
_MIN_PIECE: Final = 1024
_MAX_PIECE: Final = 32768

_log: Final = SafeLogger("turnbuckle.server")


@final
class ReceiveBuffer:
    """The received bytes that the parser has not been given yet, and the parser.

    Args:
        parser: parses the bytes.
        bound: number of bytes, with those in the parser, beyond which the transport stops reading. The read that
            exceeds it is buffered as well.

    Attributes:
        parser: see above.
        piece: maximum number of bytes that the parser is given at a time.
        size: number of buffered bytes.
        is_at_eof: whether the input has ended.
        has_more: whether ``feed`` has something for the parser: bytes, or the end of the input.
        transport: the source of the bytes; set when the connection is made.
    """

    __slots__ = ("_bound", "_chunks", "_is_paused", "has_more", "is_at_eof", "parser", "piece", "size", "transport")

    transport: asyncio.Transport

    def __init__(self, parser: Parser, bound: int) -> None:
        self.parser: Final = parser
        self.piece: Final = max(_MIN_PIECE, min(_MAX_PIECE, bound // 2))
        self._bound: Final = max(0, bound - self.piece)
        self.size = 0
        self.is_at_eof = False
        self.has_more = False
        self._is_paused = False
        self._chunks: Final[deque[bytes | memoryview]] = deque()

    def hold(self, data: bytes) -> None:
        """Buffer bytes, and stop reading if there are too many."""
        self._chunks.append(data)
        self.has_more = True
        self.size += len(data)
        if self.size > self._bound and not self._is_paused:
            self._is_paused = True
            self.transport.pause_reading()

    def pull(self, expected: int = 0) -> Event | Literal[NeedData.NEED_DATA]:
        """Return the parser's next event; ``NEED_DATA`` only when the parser has all the input.

        Args:
            expected: number of bytes that certainly are content. The parser delivers them at once and stores none, so
                it may be given a whole read of the loop, which then is not cut and copied.

        Raises:
            ProtocolError: the peer broke HTTP, or stopped in the middle of a request.
        """
        event = self.parser.next_event()
        while event is NEED_DATA and self.has_more:
            self.feed(expected)
            event = self.parser.next_event()
        return event

    def feed(self, expected: int = 0) -> None:
        """Pass the next piece of the buffered bytes to the parser; if there are none, the end of the input."""
        if self.size:
            first = self._chunks[0]
            self.parser.feed(self._take(len(first) if self.piece < len(first) <= expected else self.piece))
            self.has_more = self.is_at_eof or self.size > 0
        else:
            self.has_more = False
            self.parser.feed_eof()

    def has_begun(self) -> bool:
        """Return whether a request has begun to arrive; empty lines before a request do not count."""
        try:
            data = self.parser.trailing_data()
            if data:
                self.parser.feed(data)
        except Exception:  # noqa: BLE001  # a parser of a plugin may raise anything
            _log.exception("the parser failed")
            return False
        return bool(data.strip(b"\r\n"))

    def end(self) -> None:
        """Note that the input has ended."""
        if not self.is_at_eof:
            self.is_at_eof = self.has_more = True

    def _take(self, size: int) -> bytes:
        """Remove and return at most ``size`` bytes, and resume reading if few enough are left."""
        chunks, taken = self._chunks, []
        if chunks and len(chunks[0]) == size:
            data = bytes(chunks.popleft())
            self.size -= size
            self._resume()
            return data
        while size and chunks:
            chunk = chunks.popleft()
            if len(chunk) > size:
                # A view, because copying the rest for each piece would take quadratic time.
                view = memoryview(chunk)
                chunk = view[:size]
                chunks.appendleft(view[size:])
            taken.append(chunk)
            size -= len(chunk)
        data = b"".join(taken)
        self.size -= len(data)
        self._resume()
        return data

    def drop(self) -> None:
        """Drop the buffered bytes, and resume reading."""
        self._chunks.clear()
        self.size = 0
        self._resume()

    def _resume(self) -> None:
        if self._is_paused and self.size <= self._bound:
            self._is_paused = False
            self.transport.resume_reading()

    def empty(self) -> bytes:
        """Remove and return all bytes that were not parsed, in order."""
        return self.parser.trailing_data() + self._take(self.size)
