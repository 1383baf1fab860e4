"""Describe the two ends of a connection, and signal that the client is gone.

The server makes one ``Peer`` for each connection and passes it to each request on that connection. Nothing here does
I/O.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, final

import attrs

from turnbuckle.http.events import RequestHead
from turnbuckle.web.request.response_work import Work
from turnbuckle.web.tls import TLSInfo

__all__ = ["LazyEvent", "Peer", "ServerExchange"]


class ServerExchange(Protocol):
    """The server's record of the current request on a connection, and of its response."""

    @property
    def use_timeouts(self) -> Callable[..., None]:
        """Replaces the request's deadlines by the given ``Timeouts``."""

    def send_early_hints(self, head: RequestHead, links: Sequence[str]) -> bool:
        """Send 103 before the response to the request with this head; return whether it was sent."""

    def run_after(self, head: RequestHead, work: Work) -> None:
        """Run work after the response to the request with this head."""


@final
class LazyEvent:
    """An event that is set once, such as that the client is gone.

    It works like ``asyncio.Event``, but makes one only if a task waits. Code without a task adds a callback.
    """

    __slots__ = ("_callbacks", "_event", "_is_set")

    def __init__(self) -> None:
        self._is_set = False
        self._event: asyncio.Event | None = None
        self._callbacks: set[Callable[[], object]] | None = None

    def is_set(self) -> bool:
        """Return whether the event has happened."""
        return self._is_set

    def set(self) -> None:
        """Set the event, wake all waiting tasks, and call the callbacks."""
        self._is_set = True
        if self._event is not None:
            self._event.set()
        callbacks, self._callbacks = self._callbacks, None
        for callback in callbacks or ():
            callback()

    def add_callback(self, callback: Callable[[], object]) -> None:
        """Call a function when the event happens; at once if it has happened. The function must not raise."""
        if self._is_set:
            callback()
        elif self._callbacks is None:
            self._callbacks = {callback}
        else:
            self._callbacks.add(callback)

    def discard_callback(self, callback: Callable[[], object]) -> None:
        """Remove a callback, if it was added and not called."""
        if self._callbacks is not None:
            self._callbacks.discard(callback)

    async def wait(self) -> None:
        """Return once the event has happened."""
        if not self._is_set:
            if self._event is None:
                self._event = asyncio.Event()
            await self._event.wait()


@final
@attrs.define(eq=False)
class Peer:
    """The two ends of a connection, or of one stream of a connection.

    Attributes:
        client: address and port of the client; None if it has none, as on a Unix socket.
        server: address and port that the connection was accepted on, the path of a Unix socket, or None.
        scheme: ``"http"`` or ``"https"``.
        tls: how the connection is secured; None if it is not.
        host: host and port of the original request as reported by a trusted proxy; "" if none was reported.
        prefix: the path prefix that a trusted proxy has removed, such as ``"/shop"``; "" if none was removed.
        protocol: the protocol of the connection, such as ``"HTTP/1.1"``, which includes HTTP/1.0, or ``"HTTP/2"``.
        lost: set once the client is gone.
        carries_messages: whether the other side carries whole messages of a WebSocket, as an ASGI host does, so that no
            handshake and no frames are to be read.
        exchange: the server's record of the current request; None without a server.
    """

    client: tuple[str, int] | None = None
    server: tuple[str, int] | str | None = None
    scheme: str = attrs.field(default="http", kw_only=True)
    tls: TLSInfo | None = attrs.field(default=None, kw_only=True)
    host: str = attrs.field(default="", kw_only=True)
    prefix: str = attrs.field(default="", kw_only=True)
    protocol: str = attrs.field(default="HTTP/1.1", kw_only=True)
    lost: LazyEvent = attrs.field(factory=LazyEvent, kw_only=True)
    carries_messages: bool = attrs.field(default=False, kw_only=True)
    exchange: ServerExchange | None = attrs.field(default=None, kw_only=True, repr=False)
