"""A scope: the declarations of a part of an app, such as routes, middleware, plugins and inner scopes.

``Scope`` only stores declarations in lists; ``startup/`` resolves them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, TypeAlias, TypeVar, Unpack, overload

from turnbuckle.diagnostics import Sourced
from turnbuckle.records import ErrorHandler, Lifespan, Middleware, ResponseType
from turnbuckle.routing.methods import WEBSOCKET
from turnbuckle.routing.records import Route
from turnbuckle.scope_parts import ScopeParts
from turnbuckle.startup.collect.coerce import (
    FurtherOptions,
    RouteOptions,
    ScopeOptions,
    SocketOptions,
    as_lifespan,
    as_supplier,
    checked_prefix,
    docs_of,
    guards_of,
    limits_of,
    options_of,
    without_of,
)
from turnbuckle.startup.collect.options import (
    ROUTE_OPTIONS,
    SCOPE_OPTIONS,
    SOCKET_HINTS,
    check_class,
    check_options,
    check_path,
    foreign_attribute_error,
)

if TYPE_CHECKING:
    from turnbuckle.diagnostics import ResourceKey
    from turnbuckle.records import Lifetime, Zone
    from turnbuckle.web.request.request import Request
    from turnbuckle.web.response.response import Response

__all__ = ["Scope"]

_SOCKET_OPTIONS: Final = ("name", "host", "guards", "options", "chain", "without")

ErrorT = TypeVar("ErrorT", bound=Exception)
OthersP = ParamSpec("OthersP")

if TYPE_CHECKING:
    ErrorFunction: TypeAlias = Callable[Concatenate[Request, ErrorT, OthersP], Awaitable[object]]

FunctionT = TypeVar("FunctionT", bound=Callable[..., object])
LifespanT = TypeVar("LifespanT", bound=Lifespan | Callable[..., object])
RenderT = TypeVar("RenderT", bound="Callable[..., Response | Awaitable[Response]]")


class Scope(ScopeParts):
    """A part of an app under a path prefix, with its own plugins, middleware, response types and error handlers.

    ``app.scope(...)`` makes it. The parts of a scope have no effect outside it; the parts of the app apply inside it.
    """

    def route(  # noqa: PLR0913  # all but the path by name
        self,
        path: str,
        *,
        methods: Iterable[str] = ("GET",),
        status: int | None = None,
        name: str = "",
        host: str = "",
        streams_response: bool = False,
        streams_body: bool = False,
        **options: Unpack[FurtherOptions],
    ) -> Callable[[FunctionT], FunctionT]:
        """Add a route to the decorated handler.

        Args:
            path: a pattern such as ``"/users/{id:int}"``, below the prefix of the scope.
            methods: the methods of the route.
            status: status of the response, unless the handler returns a ``Response``.
            name: name for ``url_for``; the name of the function if empty.
            host: a host pattern such as ``"{tenant}.example.com"``; the host of the scope if empty.
            streams_response: see ``Route``; with it, startup finds middleware that cannot handle a stream.
            streams_body: see ``Route``.
            options: ``limits`` and ``timeouts`` of this route, such as ``limits={"content": 1_000_000}``; its
                ``guards``, which are called before the handler; ``options`` for plugins, such as
                ``options={"cache_control": "no-store"}``; the ``chain`` of middleware that its requests run through,
                and names of middleware ``without`` which they do, such as ``without=["csrf"]``; its description for API
                documents, such as ``tags=["notes"]``, which ``RouteDocs`` describes.
        """

        check_path("@app.route", path)
        check_options("@app.route", options, (*ROUTE_OPTIONS, "methods"))
        options["guards"] = guards_of(options)

        def add(handler: FunctionT) -> FunctionT:
            self.add_route(
                path,
                handler,
                methods=methods,
                status=status,
                name=name,
                host=host,
                streams_response=streams_response,
                streams_body=streams_body,
                **options,
            )
            return handler

        return add

    def add_route(  # noqa: PLR0913  # all but path and handler by name
        self,
        path: str,
        handler: Callable[..., object],
        *,
        methods: Iterable[str] = ("GET",),
        status: int | None = None,
        name: str = "",
        host: str = "",
        streams_response: bool = False,
        streams_body: bool = False,
        **options: Unpack[FurtherOptions],
    ) -> None:
        """Add a route to a handler; see ``route`` for the arguments."""
        self._check_open("add a route")
        check_path("app.add_route", path)
        check_options("app.add_route", options, (*ROUTE_OPTIONS, "methods"))
        upper = (methods,) if isinstance(methods, str) else methods
        self._routes.append(
            Route(
                path=path,
                handler=handler,
                methods=[method.upper() for method in upper],
                status=status,
                name=name,
                host=host,
                streams_response=streams_response,
                streams_body=streams_body,
                **limits_of(options),
                guards=guards_of(options),
                options=options_of(options),
                chain=self._chosen(options),
                without=without_of(options),
                docs=docs_of(options),
                origin=self._origin_of(handler),
            )
        )

    def get(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[FunctionT], FunctionT]:
        """Add a route for GET and HEAD."""
        return self._add_for("get", path, options)

    def post(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[FunctionT], FunctionT]:
        """Add a route for POST."""
        return self._add_for("post", path, options)

    def put(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[FunctionT], FunctionT]:
        """Add a route for PUT."""
        return self._add_for("put", path, options)

    def patch(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[FunctionT], FunctionT]:
        """Add a route for PATCH."""
        return self._add_for("patch", path, options)

    def delete(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[FunctionT], FunctionT]:
        """Add a route for DELETE."""
        return self._add_for("delete", path, options)

    def head(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[FunctionT], FunctionT]:
        """Add a route for HEAD, which replaces the handler for GET."""
        return self._add_for("head", path, options)

    def options(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[FunctionT], FunctionT]:
        """Add a route for OPTIONS, which replaces the automatic response."""
        return self._add_for("options", path, options)

    def websocket(self, path: str, **options: Unpack[SocketOptions]) -> Callable[[FunctionT], FunctionT]:
        """Add a route for WebSockets to the decorated ``async def``, which takes a ``WebSocket``.

        Its other parameters are supplied like the parameters of handlers. The path may have routes for HTTP as well.
        The app needs a plugin for the protocol: ``App(plugins=["websocket"])``. The options ``name``, ``host``,
        ``guards``, ``options``, ``chain`` and ``without`` have the meaning that they have in ``route``.
        """
        check_path("@app.websocket", path)
        check_options("@app.websocket", options, _SOCKET_OPTIONS, SOCKET_HINTS)

        def add(handler: FunctionT) -> FunctionT:
            self.add_websocket_route(path, handler, **options)
            return handler

        return add

    def add_websocket_route(self, path: str, handler: Callable[..., object], **options: Unpack[SocketOptions]) -> None:
        """Add a route for WebSockets to a handler; see ``websocket`` for the options."""
        self.add_route(path, handler, methods=(WEBSOCKET,), **options)

    def _add_for(self, method: str, path: str, options: RouteOptions) -> Callable[[FunctionT], FunctionT]:
        check_path(f"@app.{method}", path)
        check_options(f"@app.{method}", options, ROUTE_OPTIONS)
        return self.route(path, methods=(method.upper(),), **options)

    @overload
    def middleware(self, function: FunctionT, /) -> FunctionT: ...
    @overload
    def middleware(
        self,
        function: None = None,
        /,
        *,
        name: str = "",
        zone: Zone = "app",
        before: Iterable[str] = (),
        after: Iterable[str] = (),
    ) -> Callable[[FunctionT], FunctionT]: ...
    def middleware(
        self,
        function: FunctionT | None = None,
        /,
        *,
        name: str = "",
        zone: Zone = "app",
        before: Iterable[str] = (),
        after: Iterable[str] = (),
    ) -> FunctionT | Callable[[FunctionT], FunctionT]:
        """Add the decorated ``async def m(request, call_next)`` as middleware; the first one added is outermost.

        Args:
            function: the function, if the decorator is used without parentheses.
            name: name of the middleware; the name of the function if empty.
            zone: zone of the chain.
            before: names of middleware in the same zone that it must enclose.
            after: names of middleware in the same zone that must enclose it.
        """

        def add(decorated: FunctionT) -> FunctionT:
            self.add_middleware(decorated, name=name, zone=zone, before=before, after=after)
            return decorated

        if isinstance(function, str):
            raise TypeError(f"write @app.middleware, without {function!r}")
        return add if function is None else add(function)

    def error_handler(
        self, exception: type[ErrorT]
    ) -> Callable[[ErrorFunction[ErrorT, OthersP]], ErrorFunction[ErrorT, OthersP]]:
        """Handle exceptions of a type, including derived types, with the decorated function.

        It takes the request and the exception. Further parameters with annotations are supplied like the parameters of
        handlers.
        """
        check_class("@app.error_handler", exception, "ValueError")

        def add(handler: ErrorFunction[ErrorT, OthersP]) -> ErrorFunction[ErrorT, OthersP]:
            self._check_open("add an error handler")
            self._error_handlers.append(Sourced(ErrorHandler(exception, handler), self._origin_of(handler)))
            return handler

        return add

    def response_type(self, kind: type, *, media_type: str = "") -> Callable[[RenderT], RenderT]:
        """Convert return values of a type into responses with the decorated function.

        A plain ``def`` takes the value; an ``async def`` takes the value and the request.
        """
        check_class("@app.response_type", kind, "Kind")

        def add(render: RenderT) -> RenderT:
            self._check_open("add a response type")
            record = ResponseType(kind, render, media_type)
            self._response_types.append(Sourced(record, self._origin_of(render)))
            return render

        return add

    @overload
    def lifespan(self, factory: LifespanT, /) -> LifespanT: ...
    @overload
    def lifespan(
        self,
        factory: None = None,
        /,
        *,
        provides: ResourceKey[object] | None = None,
        needs: Iterable[ResourceKey[object]] = (),
    ) -> Callable[[LifespanT], LifespanT]: ...
    def lifespan(
        self,
        factory: LifespanT | None = None,
        /,
        *,
        provides: ResourceKey[object] | None = None,
        needs: Iterable[ResourceKey[object]] = (),
    ) -> LifespanT | Callable[[LifespanT], LifespanT]:
        """Add the decorated ``async def`` as a lifespan: it runs until its ``yield`` before the first request.

        The rest of it runs after the last request. It may take the ``Setup`` as its only argument.

        Args:
            factory: the function, if the decorator is used without parentheses.
            provides: key of the resource that it yields.
            needs: keys of resources that must be available before it starts.
        """

        def add(decorated: LifespanT) -> LifespanT:
            self._check_open("add a lifespan")
            self._lifespans.append(Sourced(as_lifespan(decorated, provides, needs), self._origin_of(decorated)))
            return decorated

        return add if factory is None else add(factory)

    @overload
    def supply(self, function: FunctionT, /) -> FunctionT: ...
    @overload
    def supply(
        self, function: None = None, /, *, per: Lifetime = "request", in_thread: bool | None = None
    ) -> Callable[[FunctionT], FunctionT]: ...
    def supply(
        self,
        function: FunctionT | None = None,
        /,
        *,
        per: Lifetime = "request",
        in_thread: bool | None = None,
    ) -> FunctionT | Callable[[FunctionT], FunctionT]:
        """Supply the type that the decorated function is annotated to return, to all parameters of this type.

        The parameters of the function are supplied like the parameters of a handler. A function with one ``yield``
        is annotated with ``Iterator[T]`` or ``AsyncIterator[T]``; the code after its ``yield`` runs after the response.

        Args:
            function: the function, if the decorator is used without parentheses.
            per: ``"request"`` for one value per request; ``"app"`` for one value, which is made when the server starts.
            in_thread: whether a plain ``def`` runs in a thread, because it blocks; see ``ParameterProvider``.
        """

        def add(decorated: FunctionT) -> FunctionT:
            self._check_open("supply a type")
            supplier = as_supplier(decorated, per, in_thread)
            self._suppliers.append(Sourced(supplier, self._origin_of(decorated)))
            return decorated

        return add if function is None else add(function)

    def scope(
        self,
        prefix: str = "",
        *,
        host: str = "",
        plugins: Iterable[object] = (),
        middleware: Iterable[Middleware | Callable[..., object]] = (),
        router: object = None,
        **options: Unpack[ScopeOptions],
    ) -> Scope:
        """Add a scope: routes under a prefix, with plugins and middleware that apply only to them.

        Args:
            prefix: a path such as ``"/admin"``, below the prefix of this scope.
            host: a host pattern for its routes; the host of this scope if empty.
            plugins: names, classes or instances of plugins; ``(plugin, {...})`` adds settings.
            middleware: records or ``async def m(request, call_next)``, outermost first.
            router: a separate router for the scope: a name, a factory or an object.
            options: ``limits`` and ``timeouts`` of all its routes, such as ``timeouts={"handler": 5.0}``; ``guards``,
                which are called before the handlers of all its routes; ``options`` of all its routes for plugins; the
                ``chain`` of middleware that their requests run through, and names of middleware ``without`` which
                they do; for API documents, the ``tags`` and ``errors`` of all its routes, ``deprecated`` and
                ``in_schema``.
        """
        self._check_open("open a scope")
        check_options("app.scope", options, SCOPE_OPTIONS)
        scope = Scope(self._owner(), self.prefix + checked_prefix(prefix), host or self.host)
        scope._bounds = limits_of(options)
        scope._options = options_of(options)
        scope._chain, scope._without = scope._chosen(options), without_of(options)
        scope._docs = docs_of(options).within(self._docs)
        scope._add_parts(plugins, middleware, router, guards_of(options))
        self._scopes.append(scope)
        return scope

    def install(self, plugin: object, *, at: str = "", settings: Mapping[str, object] | None = None) -> Scope:
        """Enable a plugin in a new scope, and return the scope.

        Args:
            plugin: name or class of the plugin, or an instance.
            at: prefix of the scope.
            settings: settings of the plugin.
        """
        return self.scope(at, plugins=[plugin if settings is None else (plugin, settings)])

    if not TYPE_CHECKING:  # a type checker reports names that do not exist

        def __getattr__(self, name: str) -> object:
            """Raise ``AttributeError``, with the name here for a name of another framework."""
            raise foreign_attribute_error(self, name)

    def url_for(self, name: str, /, **params: object) -> str:
        """Return the path of a named route.

        Raises:
            LookupError: no route has the name.
            ValueError: a parameter is missing, or does not fit the pattern.
        """
        return self._owner()._resolved().url_for(name, **params)
