"""Define the compiled application that startup passes to the server: plain callables and frozen records, no hooks."""

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
from turnbuckle.web.content.codecs import NO_CODECS, Codec
from turnbuckle.web.content.forms import FormLimits
from turnbuckle.web.content.json import STANDARD_JSON, JSONCodec
from turnbuckle.web.request.context import FindRoute, UrlBuilder, no_route
from turnbuckle.web.resources import Resources
from turnbuckle.web.types import Handler

__all__ = [
    "Application",
    "BackgroundFunction",
    "ConnectionFactory",
    "ConnectionProtocol",
    "LoopFactory",
    "OnFailure",
    "ReadyLifespan",
    "StartBackground",
]

ConnectionFactory: TypeAlias = Callable[..., asyncio.Protocol]
"""Makes the protocol of one connection from its ``ProtocolLink``."""

BackgroundFunction: TypeAlias = Callable[[], Coroutine[object, object, object]]
"""An ``async def`` without arguments; it runs until it returns or is cancelled."""

OnFailure: TypeAlias = Literal["restart", "log", "stop"]
"""The reaction to a background task that raises: run it again after a pause, only log it, or stop the server."""

StartBackground: TypeAlias = Callable[..., None]
"""``start(function, *, name, on_failure)`` runs a ``BackgroundFunction`` in a task of a lifespan."""

LoopFactory: TypeAlias = Callable[[], asyncio.AbstractEventLoop]
"""Makes an event loop."""


@attrs.frozen(kw_only=True)
class ConnectionProtocol:
    """Another protocol than HTTP/1.1 for whole connections.

    Attributes:
        version: its name in logs and in ``request.peer.protocol``, such as ``"HTTP/2"``.
        make: makes the protocol of one connection.
    """

    version: str
    make: ConnectionFactory


@attrs.frozen(kw_only=True)
class ReadyLifespan:
    """A lifespan that is ready to be entered on the serving loop.

    Attributes:
        name: the name, for messages and the log.
        context: makes the context manager from the function that starts its background tasks; called on the serving
            loop.
        plugin: the name of its plugin, for messages.
        location: its ``file:line``, for messages.
        provides: the key of the resource that it yields; None if it yields none.
        scope: the prefix of the scope that has the resource.
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
        handle: the whole chain of middleware, router and handlers; raises only ``CancelledError``.
        parser_factory: makes a parser for each connection.
        limits: the limits of every message; the limit of content is the largest one of all routes.
        content_limit: bytes of content in a request, unless its route overrides the limit.
        forms: the limits of forms.
        timeouts: the timeouts of every connection.
        own_timeouts: the timeouts of routes that override them.
        capacity: the limits on connections and concurrent requests.
        lifespans: the lifespans, entered in order before the first connection is accepted and left in reverse order.
        access_log: whether each response is logged to ``turnbuckle.access``.
        log_queries: whether the access log contains the queries of targets.
        secrets: the values of settings that must not appear in any log.
        cancel_on_disconnect: whether a handler is cancelled when its client disconnects before the response, and
            whether a client that has ended its side counts as disconnected. Streams are always cancelled when their
            client is known to be gone.
        watchdog: seconds that the loop may be blocked before the blocking code is logged; 0 turns this off.
        resources: stores the values that lifespans yield.
        json: decodes the JSON content of requests.
        codecs: encode and decode content in other formats than JSON, by media type.
        config: the app's own settings, for its requests; None if it has none.
        find_route: finds the route that a request will be dispatched to.
        url_for: builds the paths of named routes; None for an application without names of routes.
        alpn: the other protocols of connections, by the name that the TLS handshake agrees on.
        prefaces: the other protocols of connections without TLS, by the first bytes that the client sends.
        upgrades: the protocols that a request may switch to: tokens of the ``Upgrade`` field in lower case.
        threads: number of threads for blocking calls; 0 for Python's default.
        loop_factory: makes the event loop if the settings do not choose one; None for the server's choice.
    """

    handle: Handler
    parser_factory: ParserFactory
    limits: Limits = attrs.field(factory=Limits)
    content_limit: int = attrs.field()
    forms: FormLimits = attrs.field(factory=FormLimits)
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
    codecs: Mapping[str, Codec] = NO_CODECS
    config: object = attrs.field(default=None, repr=False)
    find_route: FindRoute = no_route
    url_for: UrlBuilder | None = None
    alpn: Mapping[str, ConnectionProtocol] = attrs.field(factory=dict)
    prefaces: Mapping[bytes, ConnectionProtocol] = attrs.field(factory=dict)
    upgrades: frozenset[str] = frozenset()
    threads: int = 0
    loop_factory: LoopFactory | None = None

    @content_limit.default
    def _content_limit_of_all(self) -> int:
        return self.limits.content
