"""Let a handler pull the content of its request off the connection, within a limit and at a minimum rate.

Sources: RFC 9110, sections 10.1.1 (100 Continue), 15.5.9 (408), 15.5.14 (413).
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final, final

from turnbuckle.errors import ContentTooLarge, ProtocolError
from turnbuckle.http.events import NEED_DATA, Data, EndOfMessage, RawFields, RequestHead

if TYPE_CHECKING:
    from turnbuckle.server.connection.connection import HTTPConnection

__all__ = ["CONTENT_IS_GONE", "IncomingContent"]

CONTENT_IS_GONE: Final = "the response is sent, and what was left of the content of its request is gone"

# After so many pieces without a wait, other connections have their turn: tiny chunks must not hold the loop.
_PIECES_AT_ONCE: Final = 16

_NO_LIMIT: Final = 1 << 62


@final
class IncomingContent:
    """The content of one request, as ``turnbuckle.web.content.content.ContentSource`` wants it.

    Time counts only while the handler waits for the peer: a handler that is slow to ask does not make the peer late.
    The peer has ``timeouts.content`` seconds in all, and each octet that it sent grants ``1 / content_rate`` seconds
    more.

    Attributes:
        limit: octets of content beyond which ``receive`` raises.
        trailers: trailer fields, once the content has ended.
        is_complete: whether all of it was received.
        error: what broke it, once something did.
    """

    __slots__ = (
        "_awaits_continue",
        "_connection",
        "_head",
        "_is_gone",
        "_pieces",
        "_received",
        "_waited",
        "error",
        "is_complete",
        "limit",
        "trailers",
    )

    def __init__(self, connection: HTTPConnection, head: RequestHead) -> None:
        self._connection: Final = connection
        self._head: Final = head
        self.limit = connection.server.application.content_limit
        self.trailers: RawFields = ()
        self.is_complete = False
        self._is_gone = False
        self.error: ProtocolError | None = None
        self._awaits_continue = head.expects_continue
        self._received = 0
        self._pieces = 0
        self._waited = 0.0

    async def receive(self) -> bytes:
        """Return the next octets, or ``b""`` at the end and ever after.

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
        if self._awaits_continue:
            # Even if octets have arrived meanwhile, though it could be omitted then (RFC 9110, section 10.1.1): what a
            # client sees must not depend on how its octets and our turns of the loop fall together.
            self._awaits_continue = False
            self._connection.send_continue()
        while True:
            event = self.pull()
            if event is NEED_DATA:
                await self._wait()
            elif isinstance(event, EndOfMessage):
                return b""
            elif isinstance(event, Data):
                await self._share_the_loop()
                return event.data

    def pull(self) -> Data | EndOfMessage | object:
        """Take the next event off the parser without waiting; ``NEED_DATA`` if there is none yet.

        Raises:
            ContentTooLarge, ProtocolError, ConnectionLost: as ``receive``.
        """
        if self.error is not None:
            raise ProtocolError(str(self.error), status=self.error.status)
        try:
            event = self._connection.pull()
        except ProtocolError as error:
            self.error = error
            raise
        if isinstance(event, EndOfMessage):
            self.is_complete, self.trailers = True, event.trailers
        elif isinstance(event, Data):
            self._received += len(event.data)
            self._awaits_continue = False
            if self._received > self.limit:
                raise ContentTooLarge
        return event

    def may_be_dropped(self, bound: int) -> bool:
        """Tell whether what is left is known to come, and to be no more than ``bound`` octets."""
        length = self._head.content_length
        return self.is_complete or (
            length is not None and not self._awaits_continue and length - self._received <= bound and self.error is None
        )

    def abandon(self) -> None:
        """Let what is left pass, for it is only dropped; nobody may read it any more."""
        self.limit = _NO_LIMIT
        self._is_gone = True

    def _check_announced(self) -> None:
        length = self._head.content_length
        if length is not None and length > self.limit:
            # Better said now than after the peer has sent it all, or was told to go on (100).
            raise ContentTooLarge

    async def _share_the_loop(self) -> None:
        self._pieces += 1
        if self._pieces % _PIECES_AT_ONCE == 0:
            await asyncio.sleep(0)

    async def _wait(self) -> None:
        connection = self._connection
        clock, timeouts = connection.clock, connection.timeouts
        began = clock.monotonic()
        granted = self._received / timeouts.content_rate if timeouts.content_rate else 0.0
        left = timeouts.content + granted - self._waited if timeouts.content else math.inf
        try:
            await connection.wait_for_octets(began + left)
        except ProtocolError as error:
            self.error = error
            raise
        finally:
            self._waited += clock.monotonic() - began
