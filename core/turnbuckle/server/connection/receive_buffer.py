"""Hold what a peer sends ahead of what is asked for, and stop reading when that becomes too much."""

from __future__ import annotations

import asyncio
from typing import Final, Literal, final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.http.events import NEED_DATA, Event, NeedData, Parser

__all__ = ["ReceiveBuffer"]

_log: Final = SafeLogger("turnbuckle.server")


@final
class ReceiveBuffer:
    """The octets that have arrived and that the parser has not been given, and the parser.

    Args:
        parser: what they go to.
        bound: octets that may wait before the transport is told to stop reading.

    Attributes:
        parser: what they go to.
        size: how many there are.
        is_at_eof: whether no more will come.
        has_more: whether ``feed`` has something to tell the parser.
        transport: where they come from; set once there is one.
    """

    __slots__ = ("_bound", "_is_paused", "_octets", "has_more", "is_at_eof", "parser", "size", "transport")

    transport: asyncio.Transport

    def __init__(self, parser: Parser, bound: int) -> None:
        self.parser: Final = parser
        self._bound: Final = bound
        self.size = 0
        self.is_at_eof = False
        self.has_more = False
        self._is_paused = False
        self._octets: list[bytes] = []

    def hold(self, data: bytes) -> None:
        """Keep octets until they are asked for."""
        self._octets.append(data)
        self.has_more = True
        self.size += len(data)
        if self.size > self._bound and not self._is_paused:
            self._is_paused = True
            self.transport.pause_reading()

    def pull(self) -> Event | Literal[NeedData.NEED_DATA]:
        """Return the parser's next event, giving it all there is before it may say ``NEED_DATA``.

        Raises:
            ProtocolError: the peer broke HTTP, or stopped in the middle of a request.
        """
        event = self.parser.next_event()
        while event is NEED_DATA and self.has_more:
            self.feed()
            event = self.parser.next_event()
        return event

    def feed(self) -> None:
        """Give the parser all there is, or else the news that no more will come."""
        if self.size:
            self.parser.feed(self._take())
            self.has_more = self.is_at_eof
        else:
            self.has_more = False
            self.parser.feed_eof()

    def has_begun(self) -> bool:
        """Tell whether a request has begun to arrive; an empty line in front of one is none of it."""
        try:
            octets = self.parser.trailing_data()
            if octets:
                self.parser.feed(octets)
        except Exception:  # noqa: BLE001  # a parser that is plugged in may raise anything
            _log.exception("the parser failed")
            return False
        return bool(octets.strip(b"\r\n"))

    def end(self) -> None:
        """Learn that no more will come."""
        if not self.is_at_eof:
            self.is_at_eof = self.has_more = True

    def _take(self) -> bytes:
        octets = b"".join(self._octets)
        self.drop()
        return octets

    def drop(self) -> None:
        """Forget what is held, and read on."""
        self._octets.clear()
        self.size = 0
        if self._is_paused:
            self._is_paused = False
            self.transport.resume_reading()

    def empty(self) -> bytes:
        """Take back everything that was not parsed, in order."""
        return self.parser.trailing_data() + self._take()
