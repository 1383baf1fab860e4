"""Read the content of a request for its handler, up to a limit and at a minimum rate.

Content that arrived completely with its head is ``ArrivedContent``, which never waits; other content is
``IncomingContent``. A handler cannot tell the difference.

Sources: RFC 9110, sections 10.1.1 (100 Continue), 15.5.9 (408), 15.5.14 (413).
"""

from __future__ import annotations

import asyncio
import math
from typing import ClassVar, Final, Literal, Protocol, TypeAlias, final

from turnbuckle.errors import ContentTooLarge, ProtocolError
from turnbuckle.http.events import NEED_DATA, Data, EndOfMessage, Event, NeedData, Parser, RawFields, RequestHead
from turnbuckle.server.model.clock import Clock
from turnbuckle.server.model.timeouts import Timeouts

__all__ = ["CONTENT_IS_GONE", "ArrivedContent", "ContentFeed", "IncomingContent", "RequestContent", "begin_content"]

CONTENT_IS_GONE: Final = "the response is sent, and the unread content of its request was dropped"

# After so many pieces without a wait, other connections get a turn: tiny chunks must not occupy the loop.
_PIECES_IN_A_TURN: Final = 16

_NO_LIMIT: Final = 1 << 62


class ContentFeed(Protocol):
    """The source of a request's events: its connection, as ``IncomingContent`` sees it."""

    @property
    def clock(self) -> Clock:
        """The server's clock."""

    @property
    def timeouts(self) -> Timeouts:
        """The timeouts of the request."""

    def pull(self, expected: int = 0) -> Event | Literal[NeedData.NEED_DATA]:
        """Return the parser's next event, or ``NEED_DATA``; at least ``expected`` bytes of content are still to come.

        Raises:
            ProtocolError: the peer broke HTTP, or stopped in the middle of a request.
            ConnectionLost: the connection is gone.
        """

    async def wait_for_bytes(self, deadline: float) -> None:
        """Wait until the peer has sent something.

        Raises:
            ProtocolError: 408 when the deadline, in the clock's monotonic seconds, has passed.
            ConnectionLost: the connection is gone.
        """

    def send_continue(self) -> None:
        """Ask the peer to send its content (100 Continue)."""


@final
class IncomingContent:
    """The content of one request; a ``turnbuckle.web.content.content.ContentSource``.

    Time counts only while the handler waits for the peer: a handler that reads late does not make the peer late. The
    peer has ``timeouts.content`` seconds in total, and ``1 / content_rate`` seconds more for each byte that it sent.

    Args:
        feed: the source of the events.
        head: the head of the request.
        limit: number of content bytes beyond which ``receive`` raises.
        first: content that was taken from the feed already.

    Attributes:
        limit: see above.
        trailers: the trailer fields; complete when the content has ended.
        is_complete: whether all content was received.
        received_bytes: number of bytes of content that were received.
        error: the error that ended the content early; None if there was none.
    """

    __slots__ = (
        "_awaits_continue",
        "_feed",
        "_first",
        "_head",
        "_is_gone",
        "_pieces",
        "_waited",
        "error",
        "is_complete",
        "limit",
        "received_bytes",
        "trailers",
    )

    def __init__(self, feed: ContentFeed, head: RequestHead, limit: int, first: Data | None = None) -> None:
        self._feed: Final = feed
        self._first = first
        self._head: Final = head
        self.limit = limit
        self.trailers: RawFields = ()
        self.is_complete = False
        self._is_gone = False
        self.error: ProtocolError | None = None
        self._awaits_continue = head.expects_continue
        self.received_bytes = 0
        self._pieces = 0
        self._waited = 0.0

    async def receive(self) -> bytes:
        """Return the next bytes; ``b""`` when the content has ended, and on every call after that.

        Raises:
            ContentTooLarge: the content exceeds ``limit``.
            ProtocolError: 400 if the framing is broken or the peer stopped sending, 408 if it is too slow.
            ConnectionLost: the connection is gone.
            RuntimeError: the response was sent before the content had been read.
        """
        if self._is_gone:
            raise RuntimeError(CONTENT_IS_GONE)
        if self.is_complete:
            return b""
        self._check_announced()
        if self._pieces == _PIECES_IN_A_TURN:
            # Before a piece is taken, because a call that is cancelled must not lose one.
            self._pieces = 0
            await asyncio.sleep(0)
        if self._awaits_continue:
            # Sent even if content has arrived meanwhile, although RFC 9110, section 10.1.1, allows to omit it then: the
            # bytes that a client receives must not depend on timing.
            self._awaits_continue = False
            self._feed.send_continue()
        while True:
            event = self.pull()
            if event is NEED_DATA:
                await self._wait()
            elif isinstance(event, EndOfMessage):
                return b""
            elif isinstance(event, Data):
                self._pieces += 1
                return event.data

    def pull(self) -> Data | EndOfMessage | object:
        """Return the parser's next event without waiting; ``NEED_DATA`` if there is none yet.

        Raises:
            ContentTooLarge, ProtocolError, ConnectionLost: as ``receive``.
        """
        if self.error is not None:
            raise ProtocolError(str(self.error), status=self.error.status)
        event = self._pull_event()
        if isinstance(event, EndOfMessage):
            self.is_complete, self.trailers = True, event.trailers
        elif isinstance(event, Data):
            self.received_bytes += len(event.data)
            self._awaits_continue = False
            if self.received_bytes > self.limit:
                raise ContentTooLarge
        return event

    def _pull_event(self) -> Event | Literal[NeedData.NEED_DATA]:
        if (first := self._first) is not None:
            self._first = None
            return first
        length = self._head.content_length
        try:
            return self._feed.pull(0 if length is None else length - self.received_bytes)
        except ProtocolError as error:
            self.error = error
            raise

    def take(self) -> None:
        """Return None: not all of the content has arrived."""

    def may_be_dropped(self, bound: int) -> bool:
        """Return whether the rest of the content is known to arrive, and to have at most ``bound`` bytes."""
        length = self._head.content_length
        return self.is_complete or (
            length is not None
            and not self._awaits_continue
            and length - self.received_bytes <= bound
            and self.error is None
        )

    def abandon(self) -> None:
        """Remove the limit, because the rest is only dropped, and make ``receive`` raise from now on."""
        self.limit = _NO_LIMIT
        self._is_gone = True

    def _check_announced(self) -> None:
        length = self._head.content_length
        if length is not None and length > self.limit:
            # Raised before the peer sends the content, or is asked to by a 100.
            raise ContentTooLarge

    async def _wait(self) -> None:
        clock, timeouts = self._feed.clock, self._feed.timeouts
        began = clock.monotonic()
        granted = self.received_bytes / timeouts.content_rate if timeouts.content_rate else 0.0
        left = timeouts.content + granted - self._waited if timeouts.content else math.inf
        try:
            await self._feed.wait_for_bytes(began + left)
        except ProtocolError as error:
            self.error = error
            raise
        finally:
            self._waited += clock.monotonic() - began


@final
class ArrivedContent:
    """The content of one request that arrived completely with its head; a ``ContentSource``.

    Args:
        data: the content.
        limit: number of content bytes beyond which ``receive`` raises.

    Attributes:
        limit: see above.
        is_complete: whether the content was received or dropped.
        received_bytes: number of bytes of content.
    """

    __slots__ = ("_data", "_is_gone", "is_complete", "limit", "received_bytes")

    trailers: ClassVar[RawFields] = ()
    error: ClassVar[ProtocolError | None] = None

    def __init__(self, data: bytes, limit: int) -> None:
        self._data = data
        self.received_bytes: Final = len(data)
        self.limit = limit
        self.is_complete = False
        self._is_gone = False

    def take(self) -> bytes | None:
        """Return the complete content, or None if it was received already.

        Raises:
            ContentTooLarge: the content exceeds ``limit``.
            RuntimeError: the response was sent before the content had been read.
        """
        if self._is_gone:
            raise RuntimeError(CONTENT_IS_GONE)
        if self.is_complete:
            return None
        data = self._data
        if len(data) > self.limit:
            raise ContentTooLarge
        self._data, self.is_complete = b"", True
        return data

    async def receive(self) -> bytes:
        """Return the content; ``b""`` on every later call. It raises as ``take`` does."""
        return self.take() or b""

    def pull(self) -> object:
        """Drop the content."""
        self._data, self.is_complete = b"", True
        return None

    def may_be_dropped(self, bound: int) -> bool:
        """Return whether the content was received, or has at most ``bound`` bytes."""
        return self.is_complete or len(self._data) <= bound

    def abandon(self) -> None:
        """Make ``receive`` raise from now on."""
        self._is_gone = True


RequestContent: TypeAlias = IncomingContent | ArrivedContent


def begin_content(feed: ContentFeed, parser: Parser, head: RequestHead, limit: int) -> tuple[RequestContent, bool]:
    """Return the content of a request that has some, and whether the parser has reported all of it.

    If the content has arrived with its head, a handler that reads it needs no future and no second look at the parser.
    """
    if head.content_length is None or head.expects_continue:
        return IncomingContent(feed, head, limit), False
    try:
        event = parser.next_event()
    except ProtocolError as error:
        # Reported by the method that reads the content, as if the error had been found then.
        content = IncomingContent(feed, head, limit)
        content.error = error
        return content, False
    if type(event) is Data:
        if len(event.data) == head.content_length:
            return ArrivedContent(event.data, limit), True
        return IncomingContent(feed, head, limit, event), False
    return IncomingContent(feed, head, limit), False
