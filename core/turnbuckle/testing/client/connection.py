"""Act as a client that controls every octet: what it sends, when, in which pieces, and whether it reads.

``Connection`` is one connection to the server under test. What is sent goes through the server's real connection and
parser; what comes back is kept as it came, and read as strictly as RFC 9112 allows when it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, final

from turnbuckle.http.events import NEED_DATA, NeedData
from turnbuckle.http.limits import Limits
from turnbuckle.testing.client.raw_exchange import RawExchange, methods_of
from turnbuckle.testing.client.response import ClientResponse
from turnbuckle.testing.client.response_reader import IncompleteResponse, ResponseEvent, ResponseReader
from turnbuckle.testing.transport.activity import Activity, turns
from turnbuckle.testing.transport.fake_clock import FakeClock
from turnbuckle.testing.transport.memory_peer import MemoryPeer

__all__ = ["Connection"]

# Between octets that are sent one by one: enough for each to be delivered apart.
_TURNS_PER_OCTET: Final = 3
_PIECE: Final = 65536


@final
class Connection:
    """One connection to the server under test; made by ``client.connect()``.

    Args:
        peer: the client's end.
        activity: what to wait for.
        clock: the server's clock, to send slowly by.
        limits: of requests, to tell the methods of those that are sent.
        methods: of the requests, where they cannot be told from what is sent.
    """

    def __init__(
        self, peer: MemoryPeer, activity: Activity, clock: FakeClock, *, limits: Limits, methods: Sequence[str] = ()
    ) -> None:
        self._peer: Final = peer
        self._activity: Final = activity
        self._clock: Final = clock
        self._limits: Final = limits
        self._methods: Final = tuple(methods)
        self._sent: Final = bytearray()
        self._reader: Final = ResponseReader()
        self._read_up_to = 0
        self._eof_read = False

    # -- what was seen

    @property
    def sent(self) -> bytes:
        """Everything that was sent."""
        return bytes(self._sent)

    @property
    def received(self) -> bytes:
        """Everything that was taken of what the server sent."""
        return bytes(self._peer.received)

    @property
    def is_closed(self) -> bool:
        """Whether the server has ended its side of the connection."""
        return self._peer.is_at_eof

    @property
    def was_reset(self) -> bool:
        """Whether the connection was cut, by whichever side, with octets on the way."""
        return self._peer.was_reset

    @property
    def is_lost(self) -> bool:
        """Whether the server has given up the connection in both directions."""
        return self._peer.transport.is_lost

    @property
    def unread(self) -> int:
        """How many octets the server wrote that this end has not taken."""
        return self._peer.unread

    @property
    def undelivered(self) -> int:
        """How many octets were sent that the server has not taken."""
        return self._peer.transport.incoming_size

    @property
    def responses(self) -> tuple[ClientResponse, ...]:
        """The responses that are complete; as in ``RawExchange``."""
        return self.exchange().responses

    @property
    def statuses(self) -> list[int]:
        """The status of every complete response, interim ones included."""
        return self.exchange().statuses

    def exchange(self) -> RawExchange:
        """Return what went over the connection so far."""
        return RawExchange(
            sent=self.sent,
            received=self.received,
            is_closed=self.is_closed,
            was_reset=self.was_reset,
            methods=self._methods or methods_of(self.sent, self._limits),
        )

    # -- what a client does

    async def send(self, data: bytes, *, settle: bool = True) -> None:
        """Send octets in one piece, then wait until nothing more happens.

        Args:
            data: may be anything.
            settle: False returns as soon as the octets are delivered; for handlers in threads that wait for the test.
        """
        self.post(data)
        await (self.settle() if settle else turns(_TURNS_PER_OCTET))

    async def send_bytewise(self, data: bytes) -> None:
        """Send octets one by one, each delivered before the next is sent."""
        for octet in data:
            self.post(bytes((octet,)))
            await turns(_TURNS_PER_OCTET)
        await self.settle()

    async def send_slowly(self, data: bytes, seconds: float = 1.0) -> None:
        """Send octets one by one, and let ``seconds`` of the server's time go by after each."""
        for octet in data:
            self.post(bytes((octet,)))
            await turns(_TURNS_PER_OCTET)
            await self._clock.advance(seconds)
        await self.settle()

    async def half_close(self) -> None:
        """Send no more, and go on reading."""
        self._peer.send_eof()
        await self.settle()

    async def reset(self) -> None:
        """Cut the connection, as a client does that crashes."""
        self._peer.reset()
        await self.settle()

    async def close(self) -> None:
        """Go away, as a client does that has what it wants."""
        self._peer.close()
        await self.settle()

    def pause_reading(self, *, window: int = 0) -> None:
        """Take nothing of what the server sends from now on; its writes back up.

        Args:
            window: octets that the server gets rid of before they do, as into the buffer of a real socket.
        """
        self._peer.is_reading = False
        self._peer.window = window

    async def resume_reading(self) -> None:
        """Take everything again."""
        self._peer.resume_reading()
        await self.settle()

    async def read(self, most: int | None = None) -> bytes:
        """Take up to ``most`` octets of what backed up while reading was paused, and let the server go on."""
        data = self._peer.take(most)
        await self.settle()
        return data

    async def settle(self) -> None:
        """Wait until nothing more happens by itself; see ``turnbuckle.testing.transport.activity``.

        Raises:
            TimeoutError: something goes on happening, or a call in a worker thread does not end.
            ServerFault: the server's connection raised.
        """
        await self._activity.settle()

    async def until(self, condition: int | Callable[[], bool]) -> None:
        """Wait for a number of complete responses, or for a condition on this connection.

        For handlers that wait for something outside of the loop, or in real time.

        Raises:
            TimeoutError: it did not come in time.
        """
        if isinstance(condition, int):
            count = condition
            await self._activity.until(lambda: len(self.responses) >= count, f"{count} responses")
        else:
            await self._activity.until(condition, "a condition")

    # -- what the client above asks for

    def post(self, data: bytes) -> None:
        """Send octets without waiting for anything."""
        self._sent.extend(data)
        self._peer.send(data)

    async def may_post(self) -> bool:
        """Wait until the server takes what was sent, and tell whether it still does."""
        transport = self._peer.transport
        await self._activity.until(
            lambda: self.is_closed or transport.is_closing() or transport.incoming_size < _PIECE,
            "the server to read content",
        )
        return not (self.is_closed or transport.is_closing())

    def expect(self, method: str) -> None:
        """Learn the method of the next request."""
        self._reader.expect(method)

    def leave(self) -> None:
        """Close without waiting."""
        self._peer.close()

    @property
    def may_be_reused(self) -> bool:
        """Whether another request may be sent once a response is complete."""
        return not (self._reader.is_over or self.is_closed or self.is_lost)

    async def next_event(self, is_failed: Callable[[], bool]) -> ResponseEvent:
        """Return the next event of the responses; while reading is paused, no more is taken than it needs.

        Args:
            is_failed: asked while waiting; once true, waiting ends.

        Raises:
            IncompleteResponse: the server ended the connection, or ``is_failed`` said so.
            MalformedResponse: the server sent something else.
            TimeoutError: nothing came in time.
        """
        while (event := self._pull()) is NEED_DATA:
            if self._eof_read or is_failed():
                raise IncompleteResponse("the server ended the connection before the response was complete")
            await self._activity.until(lambda: self._has_news or is_failed(), "a response")
        return event

    @property
    def _has_news(self) -> bool:
        return bool(self.unread or self.is_closed or len(self._peer.received) > self._read_up_to)

    def _pull(self) -> ResponseEvent | Literal[NeedData.NEED_DATA]:
        event = self._reader.next_event()
        while event is NEED_DATA and self._feed():
            event = self._reader.next_event()
        return event

    def _feed(self) -> bool:
        received = self._peer.received
        if len(received) == self._read_up_to:
            self._peer.take(_PIECE)
        if len(received) > self._read_up_to:
            self._reader.feed(bytes(received[self._read_up_to :]))
            self._read_up_to = len(received)
            return True
        if self.is_closed and not self._eof_read:
            self._eof_read = True
            self._reader.feed_eof()
            return True
        return False
