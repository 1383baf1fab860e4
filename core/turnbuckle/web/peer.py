"""Say who is at the other end of a connection, and whether they are still there.

The server makes one ``Peer`` per connection and gives it to each request that arrives on it. Nothing here does I/O.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import final

import attrs

from turnbuckle.web.content.json import STANDARD_JSON, JSONCodec
from turnbuckle.web.resources import Resources
from turnbuckle.web.tls import TLSInfo

__all__ = ["Disconnected", "Peer", "keep_timeouts"]


@final
class Disconnected:
    """Set once, when the client is gone. It works like ``asyncio.Event``, but makes one only if a task waits."""

    __slots__ = ("_event", "_is_set")

    def __init__(self) -> None:
        self._is_set = False
        self._event: asyncio.Event | None = None

    def is_set(self) -> bool:
        """Return whether the client is gone."""
        return self._is_set

    def set(self) -> None:
        """Mark the client as gone and wake all waiting tasks."""
        self._is_set = True
        if self._event is not None:
            self._event.set()

    async def wait(self) -> None:
        """Return once the client is gone."""
        if not self._is_set:
            if self._event is None:
                self._event = asyncio.Event()
            await self._event.wait()


def keep_timeouts(timeouts: object, /) -> None:
    """Go on with the deadlines that there are, if there are any."""


@final
@attrs.define(eq=False)
class Peer:
    """The two ends of a connection.

    Attributes:
        client: address and port of the client; None where there is no such thing, as on a Unix socket.
        server: address and port that the connection was accepted on, the path of a Unix socket, or None.
        scheme: ``"http"`` or ``"https"``.
        tls: how the connection is secured; None if it is not.
        host: what a trusted proxy says that the client asked for, with its port; "" if none says so.
        prefix: what a trusted proxy has cut off the path, such as ``"/shop"``; "" for nothing.
        lost: set once the client is gone.
        resources: those of the application that serves the connection.
        json: what it reads and writes JSON with.
        use_timeouts: takes the deadlines of the route that the request at hand is for.
    """

    client: tuple[str, int] | None = None
    server: tuple[str, int] | str | None = None
    scheme: str = attrs.field(default="http", kw_only=True)
    tls: TLSInfo | None = attrs.field(default=None, kw_only=True)
    host: str = attrs.field(default="", kw_only=True)
    prefix: str = attrs.field(default="", kw_only=True)
    lost: Disconnected = attrs.field(factory=Disconnected, kw_only=True)
    resources: Resources = attrs.field(factory=Resources, kw_only=True, repr=False)
    json: JSONCodec = attrs.field(default=STANDARD_JSON, kw_only=True, repr=False)
    use_timeouts: Callable[..., None] = attrs.field(default=keep_timeouts, kw_only=True, repr=False)
