"""What startup hands to the server: one compiled application, plain callables and frozen records, no hook among
them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Literal, TypeAlias

import attrs

from turnbuckle.diagnostics import ResourceKey
from turnbuckle.http.events import ParserFactory
from turnbuckle.http.limits import Limits
from turnbuckle.server.model.capacity import Capacity
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.web.content.json import STANDARD_JSON, JSONCodec
from turnbuckle.web.peer import Peer
from turnbuckle.web.resources import Resources
from turnbuckle.web.types import Handler

__all__ = [
    "Application",
    "BackgroundFunction",
    "ConnectionFactory",
    "LoopFactory",
    "OnFailure",
    "ReadyLifespan",
    "StartBackground",
]

ConnectionFactory: TypeAlias = Callable[[Peer], asyncio.Protocol]
"""Makes what speaks another protocol on one connection that agreed on it."""

BackgroundFunction: TypeAlias = Callable[[], Coroutine[object, object, object]]
"""An ``async def`` without arguments; it runs until it returns or is cancelled."""

OnFailure: TypeAlias = Literal["restart", "log", "stop"]
"""The reaction to a background task that raises: run it again after a pause, only log it, or stop the server."""

StartBackground: TypeAlias = Callable[..., None]
"""``start(function, *, name, on_failure)`` runs a ``BackgroundFunction`` in a task of a lifespan."""

LoopFactory: TypeAlias = Callable[[], asyncio.AbstractEventLoop]


@attrs.frozen(kw_only=True)
class ReadyLifespan:
    """A lifespan ready to be entered on the serving loop.

    Attributes:
        name: for messages and the log.
        context: makes the context manager, from the function that starts its background tasks; called on the serving
            loop.
        plugin: the plugin that it comes from, for messages.
        location: ``file:line`` of it, for messages.
        provides: the key of the resource that it yields, if it is one.
        scope: prefix of the scope that has the resource.
    """

    name: str
    context: Callable[[StartBackground], AbstractAsyncContextManager[object]]
    plugin: str = ""
    location: str = ""
    provides: ResourceKey[object] | None = None
    scope: str = ""

    def __str__(self) -> str:
        of_plugin = f" of plugin {self.plugin!r}" if self.plugin not in {"", "app"} else ""
        return f"lifespan {self.name!r}{of_plugin}" + (f" ({self.location})" if self.location else "")


@attrs.frozen(kw_only=True)
class Application:
    """A compiled application.

    Attributes:
        handle: the whole chain of middleware, router and handlers; raises nothing but ``CancelledError``.
        parser_factory: makes a parser for each connection.
        limits: of every message; that of content is the largest that any route has.
        content_limit: octets of content of a request, unless its route has a limit of its own.
        timeouts: of every connection.
        own_timeouts: those that some routes have instead.
        capacity: how much the server takes on at a time.
        lifespans: entered in order before the first connection is accepted, left in reverse.
        access_log: whether each response is logged to ``turnbuckle.access``.
        log_queries: whether the access log shows the queries of targets.
        secrets: values of settings that must not be in any log.
        cancel_on_disconnect: whether a handler is cancelled when its client goes away before the response, and whether
            one that sends no more counts as gone; streams are always cancelled when their client is known to be gone.
        watchdog: seconds that the loop may be blocked for before it is said by whom; 0 for never.
        resources: where lifespans leave what they yield.
        json: what requests read JSON with.
        alpn: makes what speaks other protocols, by the name that the handshake of TLS agrees on.
        loop_factory: makes the event loop to run on where the settings leave it open; None for the server's choice.
    """

    handle: Handler
    parser_factory: ParserFactory
    limits: Limits = attrs.field(factory=Limits)
    content_limit: int = attrs.field()
    timeouts: Timeouts = attrs.field(factory=Timeouts)
    own_timeouts: tuple[Timeouts, ...] = ()
    capacity: Capacity = attrs.field(factory=Capacity)
    lifespans: tuple[ReadyLifespan, ...] = ()
    access_log: bool = False
    log_queries: bool = True
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)
    cancel_on_disconnect: bool = False
    watchdog: float = 0.0
    resources: Resources = attrs.field(factory=Resources, eq=False)
    json: JSONCodec = STANDARD_JSON
    alpn: Mapping[str, ConnectionFactory] = attrs.field(factory=dict)
    loop_factory: LoopFactory | None = None

    @content_limit.default
    def _content_limit_of_all(self) -> int:
        return self.limits.content
