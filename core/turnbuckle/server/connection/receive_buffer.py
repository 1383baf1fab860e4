"""Buffer the bytes that a peer sends ahead of the application, and stop reading at a bound."""

from __future__ import annotations

import asyncio
from typing import Final, Literal, final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.http.events import NEED_DATA, Event, NeedData, Parser

__all__ = ["ReceiveBuffer"]

_log: Final = SafeLogger("turnbuckle.server")


@final
class ReceiveBuffer:
    """The received bytes that the parser has not been given yet, and the parser.

    Args:
        parser: parses the bytes.
        bound: number of buffered bytes beyond which the transport stops reading.

    Attributes:
        parser: see above.
        size: number of buffered bytes.
        is_at_eof: whether the input has ended.
        has_more: whether ``feed`` has something for the parser: bytes, or the end of the input.
        transport: the source of the bytes; set when the connection is made.
    """

    __slots__ = ("_bound", "_chunks", "_is_paused", "has_more", "is_at_eof", "parser", "size", "transport")

    transport: asyncio.Transport

    def __init__(self, parser: Parser, bound: int) -> None:
        self.parser: Final = parser
        self._bound: Final = bound
        self.size = 0
        self.is_at_eof = False
        self.has_more = False
        self._is_paused = False
        self._chunks: list[bytes] = []

    def hold(self, data: bytes) -> None:
        """Buffer bytes, and stop reading if there are too many."""
        self._chunks.append(data)
        self.has_more = True
        self.size += len(data)
        if self.size > self._bound and not self._is_paused:
            self._is_paused = True
            self.transport.pause_reading()

    def pull(self) -> Event | Literal[NeedData.NEED_DATA]:
        """Return the parser's next event; ``NEED_DATA`` only when the parser has all the input.

        Raises:
            ProtocolError: the peer broke HTTP, or stopped in the middle of a request.
        """
        event = self.parser.next_event()
        while event is NEED_DATA and self.has_more:
            self.feed()
            event = self.parser.next_event()
        return event

    def feed(self) -> None:
        """Pass the buffered bytes to the parser; if there are none, the end of the input."""
        if self.size:
            self.parser.feed(self._take())
            self.has_more = self.is_at_eof
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

    def _take(self) -> bytes:
        data = b"".join(self._chunks)
        self.drop()
        return data

    def drop(self) -> None:
        """Drop the buffered bytes, and resume reading."""
        self._chunks.clear()
        self.size = 0
        if self._is_paused:
            self._is_paused = False
            self.transport.resume_reading()

    def empty(self) -> bytes:
        """Remove and return all bytes that were not parsed, in order."""
        return self.parser.trailing_data() + self._take()
