"""One subscriber of a channel, a bounded queue of messages; and the interface of the brokers that fill it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol, Self, final

from turnbuckle_contrib.channels.records import Message, Overflow, SlowSubscriber

if TYPE_CHECKING:
    from turnbuckle import WebSocket

__all__ = ["Broker", "Subscription"]


@final
class Subscription:
    """The messages of a channel, from the subscription on: ``async for message in subscription``.

    Args:
        channel: the name of the channel.
        size: number of messages that may wait.
        overflow: what happens when one more arrives.

    Attributes:
        channel: see above.
        dropped: number of messages that were dropped, because they were not received in time.
        is_slow: whether the subscription was ended because it was not read in time.
        on_slow: called when the subscription is ended for that reason.
        socket: the WebSocket to which a task sends all messages, one after the other; None for none. While that task
            waits for a message, ``put`` sends to the WebSocket itself, if its client reads.
    """

    __slots__ = (
        "_ended",
        "_held",
        "_last",
        "_overflow",
        "_queue",
        "_size",
        "_waiter",
        "channel",
        "dropped",
        "is_slow",
        "on_slow",
        "socket",
    )

    def __init__(self, channel: str, size: int, overflow: Overflow) -> None:
        self.channel: Final = channel
        self.dropped = 0
        self.is_slow = False
        self.on_slow: Callable[[], object] | None = None
        self.socket: WebSocket | None = None
        self._size: Final = size
        self._overflow: Final = overflow
        self._queue: Final[deque[Message]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self._held: deque[tuple[int, Message]] | None = None
        self._last = 0

    # -- the subscriber's side

    async def receive(self) -> Message | None:
        """Return the next message; None if there are no more, after the server stopped or the block was left.

        Raises:
            SlowSubscriber: too many messages were waiting, and the subscription was ended.
            RuntimeError: another task is waiting for a message already.
        """
        while not self._queue:
            if self.is_slow:
                raise SlowSubscriber(f"more than {self._size} messages of channel {self.channel!r} were waiting")
            if self._ended:
                return None
            await self._wait()
        return self._queue.popleft()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        message = await self.receive()
        if message is None:
            raise StopAsyncIteration
        return message

    async def _wait(self) -> None:
        if self._waiter is not None:
            raise RuntimeError(f"two tasks receive messages of one subscription of channel {self.channel!r}")
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    # -- the broker's side

    def put(self, message: Message, number: int = 0) -> None:
        """Add a message; if the queue is full, act as configured.

        Args:
            message: the message.
            number: rises with each message of the channel; 0 if messages have no numbers.
        """
        if self._held is not None:
            self._held.append((number, message))
            return
        if self.is_slow or self._ended or (number and number <= self._last):
            return
        self._last = number
        if self._waiter is not None and not self._waiter.done() and self._send(message):
            return
        if len(self._queue) >= self._size:
            if self._overflow == "disconnect":
                self._disconnect()
                return
            self._queue.popleft()
            self.dropped += 1
        self._queue.append(message)
        self._wake()

    def _send(self, message: Message) -> bool:
        """Send to the WebSocket, if there is one whose client reads; the task that waits has sent all others."""
        socket = self.socket
        if socket is None or not socket.is_open:
            return False
        try:
            return socket.send_nowait(message)
        except Exception:  # noqa: BLE001  # one WebSocket must not end the publication; its task sees the error
            return False

    def hold(self) -> None:
        """Store arriving messages apart until ``begin`` is called."""
        self._held = deque(maxlen=self._size)

    def begin(self, earlier: Sequence[tuple[int, Message]]) -> None:
        """Begin with earlier messages, in order, each with its number; messages with these numbers are not repeated."""
        held, self._held = self._held or (), None
        for number, message in earlier:
            self.put(message, number)
        for number, message in held:
            self.put(message, number)

    def end(self) -> None:
        """Add no more messages; those in the queue can still be received."""
        self._ended = True
        self._wake()

    def _disconnect(self) -> None:
        self.is_slow = True
        self.dropped += len(self._queue)
        self._queue.clear()
        self._wake()
        if self.on_slow is not None:
            self.on_slow()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Broker(Protocol):
    """Carries messages from publishers to subscriptions."""

    async def publish(self, channel: str, message: Message) -> None:
        """Deliver a message to all subscriptions of the channel.

        Raises:
            ChannelsUnavailable: the message may not have been delivered.
        """

    async def attach(self, subscription: Subscription, history: int) -> None:
        """Begin to deliver the messages of its channel to a subscription, after up to ``history`` earlier messages.

        Raises:
            ChannelsUnavailable: the channel cannot be subscribed to.
        """

    async def detach(self, subscription: Subscription) -> None:
        """Deliver nothing more to a subscription."""
