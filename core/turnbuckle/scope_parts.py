"""The lists of declarations of a scope, and the bookkeeping that its methods share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, Protocol, Unpack

from turnbuckle.diagnostics import Origin, Sourced
from turnbuckle.records import ErrorHandler, Lifespan, Middleware, MiddlewareChain, Mount, ResponseType
from turnbuckle.routing.records import NO_DOCS, Route, RouteDocs
from turnbuckle.startup.collect.coerce import (
    ChainOptions,
    LimitOptions,
    MountOptions,
    as_list,
    as_middleware,
    as_plugins,
    as_router,
    chain_of,
    checked_prefix,
    limits_of,
    options_of,
    without_of,
)
from turnbuckle.startup.collect.options import check_options, check_path
from turnbuckle.startup.model.declaration import DeclaredSupplier, ScopeDeclaration
from turnbuckle.startup.model.locations import caller_location, location_of

if TYPE_CHECKING:
    from turnbuckle.records import Zone
    from turnbuckle.startup.compile.resolution import Resolution

__all__ = ["ScopeOwner", "ScopeParts"]

_MOUNT_OPTIONS: Final = ("kind", "name", "host", "limits", "timeouts", "options", "chain", "without")


class ScopeOwner(Protocol):
    """The app that a scope belongs to."""

    def _resolved(self) -> Resolution:
        """Return the app's last resolution; resolve the app if there is none."""

    def _check_open(self, action: str) -> None:
        """Raise ``AppFrozen`` if the app was resolved already."""


class ScopeParts:
    """The base class of ``Scope``: everything that is declared in it."""

    def __init__(self, app: ScopeOwner | None, prefix: str, host: str) -> None:
        self._app: Final = app
        self.prefix: Final = prefix
        self.host: Final = host
        self._origin = Origin(plugin="app", location=caller_location(), scope=prefix)
        self._router: Sourced[object] | None = None
        self._plugins: list[Sourced[object]] = []
        self._routes: list[Route] = []
        self._middleware: list[Sourced[Middleware]] = []
        self._response_types: list[Sourced[ResponseType]] = []
        self._error_handlers: list[Sourced[ErrorHandler]] = []
        self._lifespans: list[Sourced[Lifespan]] = []
        self._suppliers: list[Sourced[DeclaredSupplier]] = []
        self._guards: list[Sourced[Callable[..., object]]] = []
        self._mounts: list[Mount] = []
        self._scopes: list[ScopeParts] = []
        self._bounds: LimitOptions = {}
        self._chain: str | None = None
        self._chains: list[Sourced[MiddlewareChain]] = []
        self._without: tuple[str, ...] = ()
        self._options: Mapping[str, object] = {}
        self._docs: RouteDocs = NO_DOCS

    def mount(  # all but path and app by name
        self,
        path: str,
        app: object,
        *,
        kind: str = "",
        name: str = "",
        host: str = "",
        **options: Unpack[MountOptions],
    ) -> None:
        """Serve an app of another framework below a path; it needs a plugin for its kind, such as ``asgi`` or ``wsgi``.

        Routes take precedence for their own methods. Middleware and guards of this scope apply to the mounted app.

        Args:
            path: a path such as ``"/api"``, below the prefix of the scope; ``"/"`` for all paths.
            app: the app.
            kind: name of the provider that serves it, such as ``"wsgi"``; if empty, the provider that accepts it.
            name: name for ``url_for`` and for messages.
            host: a host pattern; the host of the scope if empty.
            options: ``limits`` and ``timeouts`` of all requests to the mounted app, ``options`` for plugins, and the
                ``chain`` of middleware that its requests run through, or the names ``without`` which they do.
        """
        self._check_open("mount an app")
        check_path("app.mount", path, "mount")
        check_options("app.mount", options, _MOUNT_OPTIONS)
        mount = Mount(
            path=self.prefix + checked_prefix(path, "a mount"),
            app=app,
            host=host or self.host,
            kind=kind,
            name=name,
            **limits_of(options),
            options=options_of(options),
            chain=self._chosen(options),
            without=without_of(options),
            origin=Origin(plugin="app", location=caller_location(), scope=self.prefix),
        )
        self._mounts.append(mount)

    def add_middleware(
        self,
        middleware: Middleware | Callable[..., object],
        *,
        name: str = "",
        zone: Zone = "app",
        before: Iterable[str] = (),
        after: Iterable[str] = (),
    ) -> None:
        """Add middleware: a record, or an ``async def m(request, call_next)``.

        The other arguments are for a function; a record has these attributes itself.
        """
        self._check_open("add middleware")
        record = as_middleware(middleware, name=name, zone=zone, before=before, after=after)
        self._middleware.append(Sourced(record, self._origin_of(middleware)))

    def declare(self) -> ScopeDeclaration:
        """Return all declarations of this scope as a frozen record."""
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
            suppliers=tuple(self._suppliers),
            guards=tuple(self._guards),
            router=self._router,
            **self._bounds,
            options=self._options,
            chain=self._chain,
            chains=tuple(self._chains),
            without=self._without,
            docs=self._docs,
            mounts=tuple(self._mounts),
            scopes=tuple(scope.declare() for scope in self._scopes),
        )

    def _add_parts(
        self,
        plugins: Iterable[object],
        middleware: Iterable[Middleware | Callable[..., object]],
        router: object,
        guards: Iterable[Callable[..., object]],
    ) -> None:
        here = Origin(plugin="app", location=caller_location(), scope=self.prefix)
        self._plugins.extend(Sourced(plugin, here) for plugin in as_plugins(plugins))
        if router is not None:
            self._router = Sourced(as_router(router), here)
        for record in as_list("middleware", middleware, "m"):
            self.add_middleware(record)
        self._guards += [Sourced(function, here) for function in as_list("guards", guards, "check")]

    def _chosen(self, options: ChainOptions) -> str | None:
        """Return the name of a chosen chain; a record is declared in this scope as well."""
        chain = chain_of(options)
        if not isinstance(chain, MiddlewareChain):
            return chain
        if not any(entry.record is chain for entry in self._chains):
            self._chains.append(Sourced(chain, Origin(plugin="app", location=caller_location(), scope=self.prefix)))
        return chain.name

    def _origin_of(self, value: object) -> Origin:
        code = getattr(value, "__code__", None)
        place = location_of(value) if code is not None else caller_location()
        return Origin(plugin="app", location=place, scope=self.prefix)

    def _check_open(self, action: str) -> None:
        self._owner()._check_open(action)

    def _owner(self) -> ScopeOwner:
        if self._app is None:
            raise TypeError(f"scopes are opened with app.scope(...), not by calling {type(self).__name__}")
        return self._app
