"""What startup hands to the server: one compiled application, plain callables and frozen records, no hook among
them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import attrs

from turnbuckle.http.events import ParserFactory
from turnbuckle.http.limits import Limits
from turnbuckle.records import Handler
from turnbuckle.server.timeouts import Timeouts

__all__ = ["Application", "ReadyLifespan"]


@attrs.frozen(kw_only=True)
class ReadyLifespan:
    """A lifespan ready to be entered on the serving loop.

    Attributes:
        name: for messages and the log.
        context: makes the context manager; called once, on the serving loop.
        plugin: the plugin that it comes from, for messages.
    """

    name: str
    context: Callable[[], AbstractAsyncContextManager[object]]
    plugin: str = ""


@attrs.frozen(kw_only=True)
class Application:
    """A compiled application.

    Attributes:
        handle: the whole chain of middleware, router and handlers; raises nothing but ``CancelledError``.
        parser_factory: makes a parser for each connection.
        limits: of every message.
        timeouts: of every connection.
        lifespans: entered in order before the first connection is accepted, left in reverse.
        access_log: whether each response is logged to ``turnbuckle.access``.
        cancel_on_disconnect: whether a handler is cancelled when its client goes away before the response; streams
            always are.
    """

    handle: Handler
    parser_factory: ParserFactory
    limits: Limits = attrs.field(factory=Limits)
    timeouts: Timeouts = attrs.field(factory=Timeouts)
    lifespans: tuple[ReadyLifespan, ...] = ()
    access_log: bool = False
    cancel_on_disconnect: bool = False
