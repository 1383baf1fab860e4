"""The argument of a handler: one request, whose parts are computed on first use (RFC 9110, section 3.4).

A request is created for every message, so creating one only stores references. A request does no I/O: it reads content
from a ``ContentSource``, and a ``Peer`` describes its connection.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar, final

from turnbuckle.http.events import RequestHead
from turnbuckle.web.content.content import ContentSource
from turnbuckle.web.foreign_names import REQUEST_NAMES, add_foreign_names
from turnbuckle.web.headers import MutableHeaders
from turnbuckle.web.peer import Peer, ServerExchange
from turnbuckle.web.request.context import AppContext, config_of
from turnbuckle.web.request.found_route import FoundRoute
from turnbuckle.web.request.negotiation import NegotiatingRequest
from turnbuckle.web.request.response_work import make_work
from turnbuckle.web.request.sync import call_on_loop
from turnbuckle.web.request.target import url_of_host
from turnbuckle.web.resources import Resources

if TYPE_CHECKING:
    from turnbuckle.diagnostics import ResourceKey
    from turnbuckle.routing.records import Route
    from turnbuckle.web.response.response import Response

__all__ = ["Request"]

T = TypeVar("T")

_NO_PARAMS: Final[Mapping[str, object]] = MappingProxyType({})
_NO_APP: Final = AppContext(Resources())


@final
class Request(NegotiatingRequest):
    """One request.

    Args:
        head: request line and header section, as parsed.
        content: the source of the content; None if there is none.
        peer: the connection that the request was received on.
        app: the parts of the application that the request uses.

    Attributes:
        head, peer: see above.
        exchange: the server's record of the request; None unless the server keeps one that routes may change.
        path_params: converted path parameters by name; set once a route is found.
        route: the route that was found, or None.
        exception: the exception that was raised for this request, or None; for middleware that sees only a response.
        vary: names of the fields that decided between representations; the server adds them to ``Vary``.
        steps: the middleware chains of the scopes, then the endpoint; set once a route in a scope is found.
        found_route: the result of ``find_route`` for the dispatch; None before.
        links: which groups of middleware of its scopes the request runs through; set only if not all requests do.
    """

    __slots__ = (
        "_error_headers",
        "_supplied",
        "exception",
        "exchange",
        "found_route",
        "links",
        "path_params",
        "route",
        "steps",
    )

    _error_headers: MutableHeaders
    _supplied: dict[object, object]
    links: Sequence[bool]

    def __init__(self, head: RequestHead, content: ContentSource | None, peer: Peer, app: AppContext = _NO_APP) -> None:
        self.head = head
        self._content_source = content
        self.peer = peer
        self._app = app
        self.exchange: ServerExchange | None = None
        self.path_params = _NO_PARAMS
        self.route: Route | None = None
        self.exception: BaseException | None = None
        self.found_route: FoundRoute | None = None
        self.steps: Sequence[Callable[[Request], Awaitable[Response]]] = ()
        self._raw_path = None
        self._target = None
        self._headers = None
        self._query_params = None
        self._cookies = None
        self._media_type = None
        self._reader = None
        self._json_limit = None
        self._form = None
        self._state = None
        self.vary = ()

    @property
    def supplied(self) -> dict[object, object]:
        """Return the values that functions have supplied for parameters of this request, by supplier."""
        # Few requests have any. Initializing the slot would cost time on every request.
        supplied: dict[object, object] | None = getattr(self, "_supplied", None)
        if supplied is None:
            supplied = self._supplied = {}
        return supplied

    @property
    def error_headers(self) -> MutableHeaders:
        """Return the fields for the response to an exception of middleware; fields of the response take precedence.

        Middleware that adds fields to every response does not see the response to an exception that passes it. It sets
        them here, in an ``except`` clause, and raises the exception again.
        """
        # Few requests need them. Initializing the slot would cost time on every request.
        headers: MutableHeaders | None = getattr(self, "_error_headers", None)
        if headers is None:
            headers = self._error_headers = MutableHeaders()
        return headers

    @property
    def is_stopping(self) -> bool:
        """Return whether the server has begun to stop."""
        return self._app.stopping.is_set()

    async def stopping(self) -> None:
        """Wait until the server begins to stop or to reload.

        A stream without an end should then end. It is aborted ``timeouts.stream_shutdown`` seconds later.
        """
        await self._app.stopping.wait()

    def find_route(self) -> Route | None:
        """Return the route that the request will be dispatched to, or None if it matches none; for middleware.

        The router is searched at the first call, and its result is used again by the dispatch, unless the method, the
        target or the host of the request are changed in between. For a request to a mounted app, it is the route of the
        mount; for a request that opens a WebSocket, the route of the WebSocket.
        """
        route = self.route
        return self._app.find_route(self) if route is None else route

    def after_response(self, function: Callable[..., object], /, *args: object, **kwargs: object) -> None:
        """Call a function with these arguments once the last byte of the response was sent.

        A plain ``def`` runs in a thread. The functions of one request run in order. A failure is logged. The functions
        do not run if an exception is raised for the request later, or if the request is cancelled before its response.
        ``timeouts.after_response`` limits each of them, and ``timeouts.shutdown`` all of them when the server stops.

        Args:
            function: a function, async or not; it sees the current values of context variables.
            *args: its positional arguments.
            **kwargs: its keyword arguments.

        Raises:
            ServiceUnavailable: ``capacity.after_response`` functions are waiting or running.
            TypeError: ``function`` is no function, for example a coroutine.
            RuntimeError: the response was sent, or no server serves the request.
        """
        work = make_work(self, function, args, kwargs)
        exchange = self.peer.exchange
        if exchange is None:
            raise RuntimeError("request.after_response() needs a server, which this request has not")
        call_on_loop(self._app.loop, lambda: exchange.run_after(self.head, work))

    def url_for(self, name: str, /, **params: object) -> str:
        """Return the path of a named route, after ``prefix``; for a route with a host, the whole URL.

        Raises:
            LookupError: there is no route of that name, or the request does not belong to an app.
        """
        builder = self._app.url_builder
        if builder is None:
            raise LookupError(f"no app to look up the route {name!r} in")
        path = builder(name, **params)
        base = f"{self.scheme}://{self.host}{self.prefix}" if path.startswith("//") else ""
        return url_of_host(path, base) if base else self.with_prefix(path)

    def config(self, cls: type[T]) -> T:
        """Return the app's own settings, from the section ``app``.

        Args:
            cls: the class in ``App(config=...)``.

        Raises:
            LookupError: the app has no settings of this class.
        """
        return config_of(self._app.config, cls)

    def resource(self, key: ResourceKey[T]) -> T:
        """Return the resource that a lifespan of the app, or of the scope of the route, provides for a key.

        Raises:
            ResourceUnavailable: no lifespan there provides the key, or the lifespan is not active.
        """
        origin = self.route.origin if self.route is not None else None
        return self._app.resources.get(key, origin.scope if origin is not None else "")


add_foreign_names(Request, REQUEST_NAMES)
