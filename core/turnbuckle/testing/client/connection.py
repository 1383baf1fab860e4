"""A client connection that controls every byte: content, time and pieces of the input, and whether the client reads.

``Connection`` is one connection to the server under test. Sent bytes go through the server's real connection and
parser. Received bytes are stored unchanged; the properties for responses parse them as strictly as RFC 9112 allows.
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

# Between bytes that are sent one by one; enough turns to deliver each separately.
_TURNS_PER_BYTE: Final = 3
_PIECE: Final = 65536


@final
class Connection:
    """One connection to the server under test; made by ``client.connect()``.

    Args:
        peer: the client's end.
        activity: counts and awaits the activity on the connections.
        clock: the server's clock, used to send slowly.
        limits: the limits on requests, used to read the methods of the sent requests.
        methods: the methods of the requests, if the sent bytes do not show them.
        exceptions: the exceptions of handlers and middleware that no error handler took, so far.

    Attributes:
        exceptions: see above.
    """

    def __init__(  # all but three by name
        self,
        peer: MemoryPeer,
        activity: Activity,
        clock: FakeClock,
        *,
        limits: Limits,
        methods: Sequence[str] = (),
        exceptions: Sequence[BaseException] = (),
    ) -> None:
        self.exceptions: Final = exceptions
        self._peer: Final = peer
        self._activity: Final = activity
        self._clock: Final = clock
        self._limits: Final = limits
        self._methods: Final = tuple(methods)
        self._sent: Final = bytearray()
        self._reader: Final = ResponseReader()
        self._read_up_to = 0
        self._eof_read = False

    # -- state

    @property
    def sent(self) -> bytes:
        """All sent bytes."""
        return bytes(self._sent)

    @property
    def received(self) -> bytes:
        """All bytes that this end has read."""
        return bytes(self._peer.received)

    @property
    def is_closed(self) -> bool:
        """Whether the server has ended its side of the connection."""
        return self._peer.is_at_eof

    @property
    def was_reset(self) -> bool:
        """Whether either side cut the connection while bytes were on the way."""
        return self._peer.was_reset

    @property
    def is_lost(self) -> bool:
        """Whether the connection is over in both directions."""
        return self._peer.transport.is_lost

    @property
    def unread(self) -> int:
        """Number of bytes that the server wrote and this end has not read."""
        return self._peer.unread

    @property
    def undelivered(self) -> int:
        """Number of bytes that were sent and the server has not read."""
        return self._peer.transport.incoming_size

    @property
    def responses(self) -> tuple[ClientResponse, ...]:
        """The complete final responses, as in ``RawExchange``."""
        return self.exchange().responses

    @property
    def statuses(self) -> list[int]:
        """The status of every complete response, including interim responses."""
        return self.exchange().statuses

    def exchange(self) -> RawExchange:
        """Return the exchange so far."""
        return RawExchange(
            sent=self.sent,
            received=self.received,
            is_closed=self.is_closed,
            was_reset=self.was_reset,
            methods=self._methods or methods_of(self.sent, self._limits),
        )

    # -- actions of a client

    async def send(self, data: bytes, *, settle: bool = True) -> None:
        """Send bytes in one piece, then wait until nothing more happens.

        Args:
            data: any bytes.
            settle: False returns as soon as the bytes are delivered, for handlers in threads that wait for the test.
        """
        self.post(data)
        await (self.settle() if settle else turns(_TURNS_PER_BYTE))

    async def send_bytewise(self, data: bytes) -> None:
        """Send bytes one by one, each delivered before the next one is sent."""
        for byte in data:
            self.post(bytes((byte,)))
            await turns(_TURNS_PER_BYTE)
        await self.settle()

    async def send_slowly(self, data: bytes, seconds: float = 1.0) -> None:
        """Send bytes one by one, and advance the server's clock by ``seconds`` after each."""
        for byte in data:
            self.post(bytes((byte,)))
            await turns(_TURNS_PER_BYTE)
            await self._clock.advance(seconds)
        await self.settle()

    async def half_close(self) -> None:
        """Stop sending, and go on reading."""
        self._peer.send_eof()
        await self.settle()

    async def reset(self) -> None:
        """Cut the connection, as a crashing client does."""
        self._peer.reset()
        await self.settle()

    async def close(self) -> None:
        """Close the connection, as a client does after its last response."""
        self._peer.close()
        await self.settle()

    def pause_reading(self, *, window: int = 0) -> None:
        """Stop reading; the server's writes back up.

        Args:
            window: number of bytes that the server can write before that, as into the buffer of a real socket.
        """
        self._peer.is_reading = False
        self._peer.window = window

    async def resume_reading(self) -> None:
        """Read everything again."""
        self._peer.resume_reading()
        await self.settle()

    async def read(self, most: int | None = None) -> bytes:
        """Read up to ``most`` of the bytes that backed up while reading was paused; the server then goes on."""
        data = self._peer.take(most)
        await self.settle()
        return data

    async def settle(self) -> None:
        """Wait until nothing more happens without the test; see ``turnbuckle.testing.transport.activity``.

        Raises:
            TimeoutError: activity does not end, or a call in a worker thread does not end.
            ServerFault: the server's connection raised an exception.
        """
        await self._activity.settle()

    async def until(self, condition: int | Callable[[], bool]) -> None:
        """Wait for a number of complete responses, or for a condition on this connection.

        For handlers that wait for something outside of the loop, or for real time.

        Raises:
            TimeoutError: the condition did not hold in time.
        """
        if isinstance(condition, int):
            count = condition
            await self._activity.until(lambda: len(self.responses) >= count, f"{count} responses")
        else:
            await self._activity.until(condition, "a condition")

    # -- used by Client

    def post(self, data: bytes) -> None:
        """Send bytes without waiting for anything."""
        self._sent.extend(data)
        self._peer.send(data)

    async def may_post(self) -> bool:
        """Wait until the server has read the sent bytes; return whether it still reads."""
        transport = self._peer.transport
        await self._activity.until(
            lambda: self.is_closed or transport.is_closing() or transport.incoming_size < _PIECE,
            "the server to read content",
        )
        return not (self.is_closed or transport.is_closing())

    def expect(self, method: str) -> None:
        """Note the method of the next request."""
        self._reader.expect(method)

    def leave(self) -> None:
        """Close without waiting."""
        self._peer.close()

    @property
    def may_be_reused(self) -> bool:
        """Whether another request may be sent after a complete response."""
        return not (self._reader.is_over or self.is_closed or self.is_lost)

    async def next_event(self, is_failed: Callable[[], bool]) -> ResponseEvent:
        """Return the next event of the responses; while reading is paused, read no more than the event needs.

        Args:
            is_failed: called while waiting; the wait ends when it returns True.

        Raises:
            IncompleteResponse: the server ended the connection, or ``is_failed`` returned True.
            MalformedResponse: the server sent bytes that are not HTTP.
            TimeoutError: there was no event in time.
        """
        while (event := self._pull()) is NEED_DATA:
            if self._eof_read or is_failed():
                raise IncompleteResponse("the server ended the connection before the response was complete")
            await self._activity.until(lambda: self.has_news or is_failed(), "a response")
        return event

    @property
    def has_news(self) -> bool:
        """Whether there are bytes that were not read as events, or the server has ended its side."""
        return bool(self.unread or self.is_closed or len(self._peer.received) > self._read_up_to)

    def on_received(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` after bytes of the server were read, and at the end of them; it must not raise."""
        self._peer.on_received = callback

    def switched_data(self) -> bytes:
        """Return the bytes after a response that switched protocols, as far as they were not returned before.

        While reading is paused, return one piece of the bytes that backed up.
        """
        if len(self._peer.received) == self._read_up_to:
            self._peer.take(_PIECE)
        data = self._reader.trailing_data() + bytes(self._peer.received[self._read_up_to :])
        self._read_up_to = len(self._peer.received)
        return data

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
