"""Send requests to an application without a network: ``async with Client(app) as client: await client.get("/")``.

The client runs the real server on transports in memory and on a clock that only the test moves. It is as strict as
RFC 9112 allows: if the server sends anything that is not HTTP, the client raises in the test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, Unpack, final
from urllib.parse import urlsplit

import attrs

from turnbuckle.app import App
from turnbuckle.http.limits import Limits
from turnbuckle.server.model.application import Application
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.startup.model.sources import SettingsSources
from turnbuckle.testing.client.connection import Connection
from turnbuckle.testing.client.cookie_jar import CookieJar
from turnbuckle.testing.client.exchange import Exchange
from turnbuckle.testing.client.memory_server import MemoryServer, transport_info
from turnbuckle.testing.client.raw_exchange import RawExchange
from turnbuckle.testing.client.redirects import MAX_REDIRECTS, is_redirect, redirected
from turnbuckle.testing.client.request_encoder import (
    OutgoingRequest,
    QueryPairs,
    RequestOptions,
    encode_request,
)
from turnbuckle.testing.client.response import ClientResponse, StreamedResponse
from turnbuckle.testing.client.response_reader import IncompleteResponse
from turnbuckle.testing.transport.fake_clock import FakeClock
from turnbuckle.testing.websocket.client_socket import ClientWebSocket
from turnbuckle.testing.websocket.handshake import HandshakeOffer, WebSocketRefused
from turnbuckle.web.headers import HeaderPairs

__all__ = ["Client"]

_WINDOW: Final = 65536


def _compiled(
    app: App | Application,
    sources: SettingsSources | None,
    settings: Mapping[str, object] | str | Path | None,
    supply: Mapping[Any, object] | None,
) -> Application:
    if isinstance(app, Application):
        if settings is not None or sources is not None or supply:
            raise TypeError("settings, sources and supply need an App; the given application is compiled already")
        return app
    for kind, value in (supply or {}).items():
        if isinstance(value, type):
            raise TypeError(
                f"supply={{...: {value.__name__}}} has a class as the value for {kind!r:.60}; "
                f"pass an instance, or a function such as 'lambda: {value.__name__}()'"
            )
    if settings is not None:
        sources = sources or SettingsSources()
        if isinstance(settings, Mapping):
            sources = attrs.evolve(sources, overrides=settings)
        else:
            sources = attrs.evolve(sources, file=Path(settings))
    if settings is not None and supply is None:
        # The settings are for this client only: the app keeps its own.
        supply = {}
    return app.compile(sources, supply=supply)


@final
class Client:
    """A client of one application, in memory.

    Entering the client enters the lifespans. Leaving it closes all connections, cancels the handlers that still run,
    and leaves the lifespans. ``RequestOptions`` lists the options of a request.

    Args:
        app: an ``App``, or the result of ``app.compile()``.
        base_url: the base of relative URLs; with ``https``, requests appear to come over TLS.
        clock: the server's clock; a new one by default.
        client: address and port of the client; None as on a Unix socket.
        headers: fields for every request.
        cookies: initial cookies of the jar.
        follow_redirects: whether ``Location`` is followed, up to 20 times.
        sources: sources of settings and plugins besides the code; by default there are none.
        settings: settings by section, which take precedence over all other sources, or the path of a settings file.
        supply: values, or functions that supply them, which replace the suppliers and resources of the app by type. The
            parameters of a function are supplied like the parameters of the app's own suppliers. A replaced resource
            is not entered. The app itself is not changed, so another client has the app's own suppliers.
        raise_exceptions: whether a request raises, in the test and with its traceback, an exception of a handler or
            middleware that no error handler takes. If False, the client receives the response 500, as real clients do.
        limits: replace the limits of the app.
        timeouts: replace the timeouts of the app.
        timeout: real seconds after which a wait fails.

    Attributes:
        application: the application under test.
        clock: the server's clock.
        cookies: the cookies that the server has set; they are sent with the next request.

    Raises:
        StartupError: with every problem of the app.
        TypeError: ``settings``, ``sources`` or ``supply`` are given for a compiled application, or a supplied value is
            a class.
    """

    def __init__(  # noqa: PLR0913  # all but the app by name
        self,
        app: App | Application,
        *,
        base_url: str = "http://testserver",
        clock: FakeClock | None = None,
        client: tuple[str, int] | None = ("127.0.0.1", 12345),
        headers: HeaderPairs = (),
        cookies: Mapping[str, str] | None = None,
        follow_redirects: bool = False,
        sources: SettingsSources | None = None,
        settings: Mapping[str, object] | str | Path | None = None,
        supply: Mapping[Any, object] | None = None,
        raise_exceptions: bool = True,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
        timeout: float = 5.0,
    ) -> None:
        compiled = _compiled(app, sources, settings, supply)
        self.application: Final = attrs.evolve(
            compiled,
            limits=limits or compiled.limits,
            content_limit=limits.content if limits is not None else compiled.content_limit,
            timeouts=timeouts or compiled.timeouts,
        )
        self.clock: Final = clock or FakeClock()
        self.cookies: Final = CookieJar(self.clock)
        self.cookies.update(cookies or {})
        self._base_url: Final = base_url
        self._extra_info: Final = transport_info(urlsplit(base_url).scheme, client)
        self._headers: Final = headers
        self._follow_redirects: Final = follow_redirects
        self._raise_exceptions: Final = raise_exceptions
        self._timeout: Final = timeout
        self._server: MemoryServer | None = None
        self._free: list[Connection] = []

    async def __aenter__(self) -> Self:
        if self._server is not None:
            raise RuntimeError("the client is already open")
        server = MemoryServer(self.application, self.clock, extra_info=self._extra_info, timeout=self._timeout)
        await server.start()
        self._server = server
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        server, self._server = self.server, None
        self._free.clear()
        await server.stop()

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent."""
        return self._server is not None

    @property
    def server(self) -> MemoryServer:
        """The server in memory.

        Raises:
            RuntimeError: the client is not open.
        """
        if self._server is None:
            raise RuntimeError("the client is not open: use 'async with Client(app) as client'")
        return self._server

    # -- requests

    async def get(self, url: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send GET and return the response."""
        return await self.request("GET", url, **options)

    async def head(self, url: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send HEAD and return the response."""
        return await self.request("HEAD", url, **options)

    async def options(self, url: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send OPTIONS and return the response; the URL may be ``*``."""
        return await self.request("OPTIONS", url, **options)

    async def post(self, url: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send POST and return the response."""
        return await self.request("POST", url, **options)

    async def put(self, url: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send PUT and return the response."""
        return await self.request("PUT", url, **options)

    async def patch(self, url: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send PATCH and return the response."""
        return await self.request("PATCH", url, **options)

    async def delete(self, url: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send DELETE and return the response."""
        return await self.request("DELETE", url, **options)

    async def request(self, method: str, url: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send a request and return the response.

        Args:
            method: the method, sent unchanged.
            url: a path, percent-encoded where needed, or an absolute URL.
            **options: see ``RequestOptions``.

        Raises:
            IncompleteResponse: the server ended the connection before the response was complete.
            MalformedResponse: the server sent bytes that are not HTTP.
            TimeoutError: there was no response in time.
            RuntimeError: there were more than 20 redirects.
            TypeError: there is no such option.
            Exception: the exception of a handler or middleware, with its traceback, unless ``raise_exceptions`` is off.
        """
        follow = options.get("follow_redirects", self._follow_redirects)
        history: list[ClientResponse] = []
        response = await self._send(self._encode(method, url, options))
        while follow and is_redirect(response):
            if len(history) >= MAX_REDIRECTS:
                raise RuntimeError(f"more than {MAX_REDIRECTS} redirects, the last one to {response.url!r}")
            history.append(response)
            method, url, options = redirected(response, options)
            response = await self._send(self._encode(method, url, options))
        return attrs.evolve(response, history=tuple(history))

    @asynccontextmanager
    async def stream(self, method: str, url: str, **options: Unpack[RequestOptions]) -> AsyncIterator[StreamedResponse]:
        """Send a request, and yield the response as soon as its head is complete; redirects are not followed.

        The server's writes wait until the test reads the content. Leaving early closes the connection.
        """
        request = self._encode(method, url, options)
        connection = self.server.connect()
        # As large as the buffer of a socket: bytes that were sent before a cut can still be read.
        connection.pause_reading(window=_WINDOW)
        exchange = Exchange(connection, request, self.server.activity)
        try:
            with self._raising_exceptions(connection):
                exchange.begin()
                response = await exchange.streamed_response()
            self.cookies.receive(response.headers.get_list("set-cookie"), request.url)
            with self._raising_exceptions(connection):
                yield response
        finally:
            connection.leave()
            await exchange.end()

    # -- WebSockets

    @asynccontextmanager
    async def websocket(  # noqa: PLR0913  # all but the URL by name
        self,
        url: str,
        *,
        headers: HeaderPairs = (),
        params: QueryPairs = (),
        cookies: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = (),
        origin: str | None = None,
        compression: bool = False,
    ) -> AsyncIterator[ClientWebSocket]:
        """Open a WebSocket on a new connection: ``async with client.websocket("/chat") as socket``.

        Leaving the block closes it with 1000, if it is not closed yet. If the server does not answer that without the
        test, the connection is cut.

        Args:
            url: a path, percent-encoded where needed, or an absolute URL.
            headers: fields of the request; they replace the fields that the client sets itself.
            params: query parameters, added to the query of the URL.
            cookies: cookies in addition to the cookies of the jar.
            subprotocols: the offered subprotocols, in the order of preference.
            origin: the origin of the page, as a browser sends it, such as ``"http://testserver"``; None for none.
            compression: whether permessage-deflate is offered.

        Raises:
            WebSocketRefused: the server sent another response than 101.
            MalformedResponse: the response is malformed, or a client must not accept this 101.
            TimeoutError: there was no response in time.
            Exception: the exception of a handler or middleware, unless ``raise_exceptions`` is off.
        """
        offer = HandshakeOffer(subprotocols=subprotocols, origin=origin, is_compressed=compression)
        fields = [*offer.fields(), *(headers.items() if isinstance(headers, Mapping) else headers)]
        request = self._encode("GET", url, {"headers": fields, "params": params, "cookies": cookies or {}})
        connection = self.server.connect()
        try:
            with self._raising_exceptions(connection):
                response = await self._open(connection, request)
            self.cookies.receive(response.headers.get_list("set-cookie"), request.url)
            if response.status != 101:
                raise WebSocketRefused(response)
            socket = ClientWebSocket(
                connection,
                self.server.activity,
                response,
                offer.check(response),
                raise_exceptions=self._raise_exceptions,
            )
            yield socket
            await socket.leave()
        finally:
            connection.leave()

    async def _open(self, connection: Connection, request: OutgoingRequest) -> ClientResponse:
        exchange = Exchange(connection, request, self.server.activity)
        exchange.begin()
        return await exchange.response()

    # -- bytes

    def connect(self, *, methods: Sequence[str] = ()) -> Connection:
        """Open a connection to send bytes on, step by step.

        Args:
            methods: the methods of the requests that will be sent, if the bytes do not show them; a response to HEAD
                has no content.
        """
        return self.server.connect(methods)

    async def raw(
        self,
        data: bytes,
        *,
        split: Literal["whole", "bytewise"] = "whole",
        half_close: bool = False,
        until: int | None = None,
        methods: Sequence[str] = (),
    ) -> RawExchange:
        """Send bytes on a new connection, wait until nothing more happens, and close it.

        Args:
            data: any bytes.
            split: whether they arrive in one piece or one by one.
            half_close: whether the end of the input follows.
            until: the number of responses to wait for, if handlers wait for something outside of the loop.
            methods: the methods of the requests, if the bytes do not show them.

        Returns:
            The exchanged bytes and responses. ``is_closed`` shows whether the server had ended the connection by then.
        """
        connection = self.connect(methods=methods)
        await (connection.send_bytewise(data) if split == "bytewise" else connection.send(data, settle=until is None))
        if half_close:
            await connection.half_close()
        if until is not None:
            await connection.until(until)
        exchange = connection.exchange()
        await connection.close()
        return exchange

    # -- time

    async def advance(self, seconds: float) -> None:
        """Advance the server's clock; each deadline that is reached takes effect, in order.

        Raises:
            ServerFault: a connection raised an exception.
        """
        await self.clock.advance(seconds)
        self.server.activity.check()

    async def settle(self) -> None:
        """Wait until nothing more happens without the test; see ``Connection.settle``."""
        await self.server.activity.settle()

    # -- inside

    def _encode(self, method: str, url: str, options: RequestOptions) -> OutgoingRequest:
        return encode_request(
            method, url, options, base_url=self._base_url, defaults=self._headers, jar=self.cookies.pairs_for
        )

    async def _send(self, request: OutgoingRequest) -> ClientResponse:
        connection = self._free_connection()
        exchange = Exchange(connection, request, self.server.activity)
        try:
            with self._raising_exceptions(connection):
                exchange.begin()
                response = await exchange.response()
        finally:
            await exchange.end()
            self._release(connection, is_free=exchange.leaves_connection_free)
        self.cookies.receive(response.headers.get_list("set-cookie"), request.url)
        return response

    @contextmanager
    def _raising_exceptions(self, connection: Connection) -> Iterator[None]:
        known = len(connection.exceptions)
        try:
            yield
        except IncompleteResponse as error:
            if self._raise_exceptions and len(connection.exceptions) > known:
                # The handler's own exception is the cause of what the client sees.
                raise connection.exceptions[known] from error
            raise
        if self._raise_exceptions and len(connection.exceptions) > known:
            raise connection.exceptions[known]

    def _free_connection(self) -> Connection:
        while self._free:
            connection = self._free.pop()
            if connection.may_be_reused:
                return connection
        return self.server.connect()

    def _release(self, connection: Connection, *, is_free: bool) -> None:
        if is_free:
            self._free.append(connection)
        else:
            connection.leave()
