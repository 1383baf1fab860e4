"""Record what a user declares in a part of an app: routes, middleware, plugins, inner scopes.

``Scope`` holds lists and nothing else; ``startup/`` decides what they add up to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, Unpack, overload

from turnbuckle.diagnostics import Origin, Sourced
from turnbuckle.records import ErrorHandler, Lifespan, Middleware, ResponseType
from turnbuckle.routing.records import Route
from turnbuckle.startup.collect.coerce import (
    LimitOptions,
    RouteOptions,
    as_lifespan,
    as_middleware,
    as_router,
    checked_prefix,
)
from turnbuckle.startup.model.declaration import ScopeDeclaration
from turnbuckle.startup.model.locations import caller_place, place_of

if TYPE_CHECKING:
    from turnbuckle.diagnostics import ResourceKey
    from turnbuckle.plan import Plan
    from turnbuckle.records import Zone
    from turnbuckle.web.request.request import Request
    from turnbuckle.web.response.response import Response

__all__ = ["Scope"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., object])
LifespanT = TypeVar("LifespanT", bound=Lifespan | Callable[..., object])
ErrorT = TypeVar("ErrorT", bound=Exception)


class ScopeOwner(Protocol):
    """The app that a scope belongs to."""

    @property
    def plan(self) -> Plan:
        """Return the plan of the app."""

    def _check_open(self, action: str) -> None:
        """Raise ``AppFrozen`` if the app was resolved already."""


class Scope:
    """A part of an app under a path prefix, with plugins, middleware, response types and error handlers of its own.

    Made by ``app.scope(...)``. What is in a scope stays inside it; what the app around it has is there, too.
    """

    def __init__(self, app: ScopeOwner | None, prefix: str, host: str) -> None:
        self._app: Final = app
        self.prefix: Final = prefix
        self.host: Final = host
        self._origin = Origin(plugin="app", location=caller_place(), scope=prefix)
        self._router: Sourced[object] | None = None
        self._plugins: list[Sourced[object]] = []
        self._routes: list[Route] = []
        self._middleware: list[Sourced[Middleware]] = []
        self._response_types: list[Sourced[ResponseType]] = []
        self._error_handlers: list[Sourced[ErrorHandler]] = []
        self._lifespans: list[Sourced[Lifespan]] = []
        self._scopes: list[Scope] = []
        self._bounds: LimitOptions = {}

    def route(
        self,
        path: str,
        *,
        methods: Iterable[str] = ("GET",),
        name: str = "",
        host: str = "",
        streams_response: bool = False,
        streams_body: bool = False,
        **bounds: Unpack[LimitOptions],
    ) -> Callable[[FunctionT], FunctionT]:
        """Serve a path with the decorated handler.

        Args:
            path: a pattern such as ``"/users/{id:int}"``, below the prefix of the scope.
            methods: the methods that the handler takes.
            name: for ``url_for``.
            host: a host pattern such as ``"{tenant}.example.com"``; the host of the scope when empty.
            streams_response: see ``Route``; so that middleware which cannot have that is found at startup.
            streams_body: see ``Route``, as well.
            bounds: ``limits`` and ``timeouts`` of the route's own, such as ``limits={"content": 1_000_000}``.
        """

        def take(handler: FunctionT) -> FunctionT:
            self.add_route(
                path,
                handler,
                methods=methods,
                name=name,
                host=host,
                streams_response=streams_response,
                streams_body=streams_body,
                **bounds,
            )
            return handler

        return take

    def add_route(  # noqa: PLR0913  # all but path and handler by name
        self,
        path: str,
        handler: Callable[..., object],
        *,
        methods: Iterable[str] = ("GET",),
        name: str = "",
        host: str = "",
        streams_response: bool = False,
        streams_body: bool = False,
        **bounds: Unpack[LimitOptions],
    ) -> None:
        """Serve a path with a handler; see ``route`` for the arguments."""
        self._may_change("add a route")
        upper = (methods,) if isinstance(methods, str) else methods
        self._routes.append(
            Route(
                path=path,
                handler=handler,
                methods=[method.upper() for method in upper],
                name=name,
                host=host,
                streams_response=streams_response,
                streams_body=streams_body,
                **bounds,
                origin=self._here(handler),
            )
        )

    def get(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[FunctionT], FunctionT]:
        """Serve GET, and with it HEAD, at a path."""
        return self.route(path, methods=("GET",), **options)

    def post(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[FunctionT], FunctionT]:
        """Serve POST at a path."""
        return self.route(path, methods=("POST",), **options)

    def put(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[FunctionT], FunctionT]:
        """Serve PUT at a path."""
        return self.route(path, methods=("PUT",), **options)

    def patch(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[FunctionT], FunctionT]:
        """Serve PATCH at a path."""
        return self.route(path, methods=("PATCH",), **options)

    def delete(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[FunctionT], FunctionT]:
        """Serve DELETE at a path."""
        return self.route(path, methods=("DELETE",), **options)

    def head(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[FunctionT], FunctionT]:
        """Serve HEAD at a path with a handler of its own, instead of the one for GET."""
        return self.route(path, methods=("HEAD",), **options)

    def options(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[FunctionT], FunctionT]:
        """Serve OPTIONS at a path with a handler of its own, instead of the automatic answer."""
        return self.route(path, methods=("OPTIONS",), **options)

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
        """Wrap every request in the decorated ``async def m(request, call_next)``; the first one written is outermost.

        Args:
            function: what is decorated, when used without parentheses.
            name: the name of the function when empty.
            zone: where in the chain it belongs.
            before: middleware of the same zone that it is outside of.
            after: middleware of the same zone that it is inside of.
        """

        def take(decorated: FunctionT) -> FunctionT:
            self.add_middleware(decorated, name=name, zone=zone, before=before, after=after)
            return decorated

        return take if function is None else take(function)

    def add_middleware(
        self,
        middleware: Middleware | Callable[..., object],
        *,
        name: str = "",
        zone: Zone = "app",
        before: Iterable[str] = (),
        after: Iterable[str] = (),
    ) -> None:
        """Wrap every request in a middleware: a record, or an ``async def m(request, call_next)``.

        The other arguments describe a function; a record says these things itself.
        """
        self._may_change("add middleware")
        record = as_middleware(middleware, name=name, zone=zone, before=before, after=after)
        self._middleware.append(Sourced(record, self._here(middleware)))

    def error_handler(
        self, exception: type[ErrorT]
    ) -> Callable[[Callable[[Request, ErrorT], Awaitable[object]]], Callable[[Request, ErrorT], Awaitable[object]]]:
        """Answer exceptions of a type, and of those derived from it, with the decorated handler."""

        def take(
            handler: Callable[[Request, ErrorT], Awaitable[object]],
        ) -> Callable[[Request, ErrorT], Awaitable[object]]:
            self._may_change("add an error handler")
            self._error_handlers.append(Sourced(ErrorHandler(exception, handler), self._here(handler)))
            return handler

        return take

    def response_type(
        self, kind: type, *, media_type: str = ""
    ) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
        """Turn return values of a type into responses with the decorated function."""

        def take(render: Callable[..., Response]) -> Callable[..., Response]:
            self._may_change("add a response type")
            record = ResponseType(kind, render, media_type)
            self._response_types.append(Sourced(record, self._here(render)))
            return render

        return take

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
        """Run the decorated ``async def``, which yields once, around all serving.

        It may take the ``Setup`` as its one argument.

        Args:
            factory: what is decorated, when used without parentheses.
            provides: key that what it yields is reached by.
            needs: keys of resources that must be there before it begins.
        """

        def take(decorated: LifespanT) -> LifespanT:
            self._may_change("add a lifespan")
            self._lifespans.append(Sourced(as_lifespan(decorated, provides, needs), self._here(decorated)))
            return decorated

        return take if factory is None else take(factory)

    def scope(
        self,
        prefix: str = "",
        *,
        host: str = "",
        plugins: Iterable[object] = (),
        middleware: Iterable[Middleware | Callable[..., object]] = (),
        router: object = None,
        **bounds: Unpack[LimitOptions],
    ) -> Scope:
        """Open a scope: routes under a prefix, with plugins and middleware that stay inside.

        Args:
            prefix: a path such as ``"/admin"``, below the prefix of this scope.
            host: a host pattern for its routes; that of this scope when empty.
            plugins: names, classes or instances of plugins; ``(plugin, {...})`` gives one its settings.
            middleware: records or ``async def m(request, call_next)``, outermost first.
            router: a router for this scope alone: a name, a factory or an object.
            bounds: ``limits`` and ``timeouts`` of all its routes, such as ``timeouts={"handler": 5.0}``.
        """
        self._may_change("open a scope")
        scope = Scope(self._owner(), self.prefix + checked_prefix(prefix), host or self.host)
        scope._bounds = bounds
        scope._fill(plugins, middleware, router)
        self._scopes.append(scope)
        return scope

    def install(self, plugin: object, *, at: str = "", settings: Mapping[str, object] | None = None) -> Scope:
        """Enable one plugin in a scope of its own, and return the scope.

        Args:
            plugin: its name, class or an instance.
            at: prefix of the scope.
            settings: the plugin's settings.
        """
        return self.scope(at, plugins=[plugin if settings is None else (plugin, settings)])

    def url_for(self, name: str, /, **params: object) -> str:
        """Return the path of a named route.

        Raises:
            LookupError: no route has the name.
            ValueError: a parameter is missing, or does not fit the pattern.
        """
        return self._owner().plan.url_for(name, **params)

    def declare(self) -> ScopeDeclaration:
        """Return all that was written in this scope, frozen."""
        return ScopeDeclaration(
            prefix=self.prefix,
            host=self.host,
            origin=self._origin,
            plugins=tuple(self._plugins),
            routes=tuple(self._routes),
            middleware=tuple(self._middleware),
            response_types=tuple(self._response_types),
            error_handlers=tuple(self._error_handlers),
            lifespans=tuple(self._lifespans),
            router=self._router,
            **self._bounds,
            scopes=tuple(scope.declare() for scope in self._scopes),
        )

    def _fill(
        self,
        plugins: Iterable[object],
        middleware: Iterable[Middleware | Callable[..., object]],
        router: object,
    ) -> None:
        here = Origin(plugin="app", location=caller_place(), scope=self.prefix)
        self._plugins.extend(Sourced(plugin, here) for plugin in _listed(plugins))
        if router is not None:
            self._router = Sourced(as_router(router), here)
        for each in middleware:
            self.add_middleware(each)

    def _here(self, value: object) -> Origin:
        code = getattr(value, "__code__", None)
        place = place_of(value) if code is not None else caller_place()
        return Origin(plugin="app", location=place, scope=self.prefix)

    def _may_change(self, action: str) -> None:
        self._owner()._check_open(action)

    def _owner(self) -> ScopeOwner:
        if self._app is None:
            raise TypeError(f"scopes are opened with app.scope(...), not by calling {type(self).__name__}")
        return self._app


def _listed(plugins: Iterable[object]) -> Iterable[object]:
    # The letters of a lone name never are what was meant.
    return (plugins,) if isinstance(plugins, str) else plugins
