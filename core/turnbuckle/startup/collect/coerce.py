"""Convert values that users pass to an app into records: middleware, lifespans, routers, prefixes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypedDict, cast

import attrs

from turnbuckle.records import LIFETIMES, Lifespan, Middleware, MiddlewareChain
from turnbuckle.routing.records import NO_DOCS, DeclaredError, RouteDocs
from turnbuckle.startup.model.declaration import DeclaredSupplier

if TYPE_CHECKING:
    from turnbuckle.diagnostics import ResourceKey
    from turnbuckle.records import Lifetime, Zone
    from turnbuckle.routing.records import Router
    from turnbuckle.setup import Setup

__all__ = [
    "ChainOptions",
    "DocsOptions",
    "FurtherOptions",
    "GuardOptions",
    "LimitOptions",
    "MountOptions",
    "PluginOptions",
    "RouteOptions",
    "ScopeDocsOptions",
    "ScopeOptions",
    "SocketOptions",
    "as_lifespan",
    "as_list",
    "as_middleware",
    "as_plugins",
    "as_router",
    "as_supplier",
    "chain_of",
    "checked_prefix",
    "docs_of",
    "guards_of",
    "limits_of",
    "options_of",
    "without_of",
]

_NO_DOCS: Final = ("limits", "timeouts", "guards", "options", "chain", "without")


class LimitOptions(TypedDict, total=False):
    """The limits and deadlines of a route or scope, by the names of the settings."""

    limits: Mapping[str, int]
    timeouts: Mapping[str, float]


class ScopeDocsOptions(TypedDict, total=False):
    """The description of all routes of a scope; ``RouteDocs`` describes its parts."""

    tags: str | Iterable[str]
    deprecated: bool
    in_schema: bool
    errors: DeclaredError | Iterable[DeclaredError]


class DocsOptions(ScopeDocsOptions, total=False):
    """The description of a route; ``RouteDocs`` describes its parts."""

    summary: str
    description: str
    operation_id: str
    responses: Mapping[int, object]


class GuardOptions(TypedDict, total=False):
    """The functions that are called before the handler of a route, or of each route of a scope."""

    guards: Iterable[Callable[..., object]]


class PluginOptions(TypedDict, total=False):
    """The values that plugins read for a route, or for each route of a scope."""

    options: Mapping[str, object]


class ChainOptions(TypedDict, total=False):
    """The middleware that the requests of a route, or of each route of a scope, run through."""

    chain: str | MiddlewareChain | None
    without: str | Iterable[str]


class MountOptions(LimitOptions, PluginOptions, ChainOptions, total=False):
    """The options of a mount that apply to each request to its app."""


class SocketOptions(GuardOptions, PluginOptions, ChainOptions, total=False):
    """The options of a route for WebSockets beside its path; ``Route`` describes them."""

    name: str
    host: str


class ScopeOptions(LimitOptions, ScopeDocsOptions, GuardOptions, PluginOptions, ChainOptions, total=False):
    """The options of a scope that apply to each of its routes."""


class FurtherOptions(LimitOptions, DocsOptions, GuardOptions, PluginOptions, ChainOptions, total=False):
    """The options of a route that have no effect on its requests until it is found."""


class RouteOptions(FurtherOptions, total=False):
    """The options of a route beside its path; ``Route`` and ``RouteDocs`` describe them."""

    status: int
    name: str
    host: str


def limits_of(options: LimitOptions) -> LimitOptions:
    """Return the limits and deadlines among the options of a route or scope."""
    return cast("LimitOptions", {name: options[name] for name in ("limits", "timeouts") if name in options})


def options_of(options: PluginOptions) -> Mapping[str, object]:
    """Return the values for plugins among the options of a route or scope.

    Raises:
        TypeError: they are no mapping.
    """
    given: object = options.get("options", {})
    if not isinstance(given, Mapping):
        raise TypeError(f"options are values by name, not {given!r:.60}; write options={{'cache_control': 'no-store'}}")
    return dict(given)


def chain_of(options: ChainOptions) -> str | MiddlewareChain | None:
    """Return the middleware chain among the options of a route or scope.

    Raises:
        TypeError: it is neither a name nor a record.
    """
    chain: object = options.get("chain")
    if chain is None or isinstance(chain, str | MiddlewareChain):
        return chain
    raise TypeError(f"chain is the name of a middleware chain, or a MiddlewareChain, not {chain!r:.60}")


def without_of(options: ChainOptions) -> tuple[str, ...]:
    """Return the names of middleware among the options of a route or scope that its requests do not run through.

    Raises:
        TypeError: they are no names.
    """
    given: object = options.get("without", ())
    names: tuple[object, ...] = (given,) if isinstance(given, str) or not isinstance(given, Iterable) else tuple(given)
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong:
        name = getattr(wrong[0], "name", "") or getattr(wrong[0], "__name__", "csrf")
        raise TypeError(f"without has names of middleware, not {wrong[0]!r:.60}; write without=[{name!r}]")
    return cast("tuple[str, ...]", names)


def guards_of(options: GuardOptions) -> tuple[Callable[..., object], ...]:
    """Return the guards among the options of a route or scope.

    Raises:
        TypeError: they are no list.
    """
    return tuple(as_list("guards", options.get("guards", ()), "check"))


def as_list(argument: str, value: object, example: str) -> Iterable[Any]:
    """Return the list that was passed as an argument.

    Args:
        argument: name of the argument.
        value: the value.
        example: a member of such a list, for the message.

    Raises:
        TypeError: it is no list.
    """
    if isinstance(value, Iterable) and not isinstance(value, str):
        return value
    name = getattr(value, "__name__", "") or getattr(value, "name", example)
    raise TypeError(f"{argument} must be a list, not {value!r:.60}; write {argument}=[{name}]")


def as_supplier(function: object, per: Lifetime, in_thread: bool | None) -> DeclaredSupplier:
    """Return the supplier for a function under ``@app.supply``.

    Raises:
        TypeError: it is not a function.
        ValueError: there is no such lifetime.
    """
    if isinstance(function, type) or not callable(function):
        name = function.__name__ if isinstance(function, type) else "Store"
        error = TypeError(f"@app.supply takes a function, not {function!r:.60}")
        error.add_note("why: the return annotation of the function is the type that it supplies")
        error.add_note(f"fix: write @app.supply above 'def make() -> {name}'")
        raise error
    if per not in LIFETIMES:
        raise ValueError(f'@app.supply has no per={per!r:.40}; write per="request" or per="app"')
    return DeclaredSupplier(function=function, per=per, in_thread=in_thread)


def docs_of(options: ScopeDocsOptions) -> RouteDocs:
    """Return the description among the options of a route or scope.

    Raises:
        TypeError: an error or response is none.
    """
    given: dict[str, Any] = {name: value for name, value in options.items() if name not in _NO_DOCS}
    return RouteDocs(**given) if given else NO_DOCS


def as_middleware(value: object, *, name: str, zone: Zone, before: Iterable[str], after: Iterable[str]) -> Middleware:
    """Return a middleware as a record; it is a record or an ``async def m(request, call_next)``.

    Raises:
        TypeError: it is neither, or a record came with options.
    """
    if isinstance(value, Middleware):
        if name or before or after:
            raise TypeError(f"middleware {value.name!r} is a record, which takes no further options")
        return value
    if not callable(value):
        dispatch = getattr(value, "dispatch", None)
        kind = type(value).__name__
        way = f"; write 'async def __call__' instead of 'dispatch' in {kind}" if callable(dispatch) else ""
        raise TypeError(
            f"middleware is a Middleware record or an 'async def m(request, call_next)', not {value!r}{way}"
        )
    from turnbuckle.records import middleware

    function = cast("Callable[..., Any]", value)
    return middleware(name=name or _name_of(value), zone=zone, before=before, after=after)(function)


def as_lifespan(
    factory: object, provides: ResourceKey[object] | None = None, needs: Iterable[ResourceKey[object]] = ()
) -> Lifespan:
    """Return a lifespan as a record; it is a record, an ``async def`` that yields once, or a context manager factory.

    Raises:
        TypeError: it cannot be called with at most one argument, or a record came with options.
    """
    if isinstance(factory, Lifespan):
        if provides is not None or needs:
            raise TypeError(f"lifespan {factory.name!r} is a record, which takes no further options")
        return factory
    if isinstance(factory, AbstractAsyncContextManager | AbstractContextManager) and not isinstance(factory, type):
        # A context manager made by contextlib can be called, but only to decorate a function.
        made = getattr(getattr(factory, "func", None), "__name__", type(factory).__qualname__)
        error = TypeError(f"a lifespan was called instead of passed: {made}(...)")
        error.add_note("why: the server calls the function itself, each time that it starts")
        error.add_note(f"fix: write {made} without parentheses")
        raise error
    if not callable(factory) or inspect.iscoroutinefunction(factory) or inspect.isgeneratorfunction(factory):
        error = TypeError(f"a lifespan is an 'async def' that yields once, not {factory!r}")
        error.add_note("why: the code before its yield runs at startup, the code behind it at shutdown")
        error.add_note(f"fix: {_lifespan_fix(factory)}")
        raise error
    if len(required := _required(factory)) > 1:
        names = ", ".join(required)
        error = TypeError(f"lifespan {_name_of(factory)!r} requires ({names}), but receives only the setup")
        error.add_note("why: a lifespan is called with the setup, or without an argument")
        error.add_note(f"fix: write 'async def {_name_of(factory)}(setup)'; the setup has the settings and resources")
        raise error
    make = _LifespanFactory(factory, takes_setup=_takes_argument(factory))
    return Lifespan(_name_of(factory), make, provides=provides, needs=needs)


@attrs.frozen
class _LifespanFactory:
    """The factory of a lifespan function; unlike a closure, it can be compared and pickled.

    Attributes:
        function: an async generator function, or a context manager factory.
        takes_setup: whether the function takes the setup; otherwise it takes nothing.
    """

    function: Callable[..., object]
    takes_setup: bool = attrs.field(kw_only=True)

    def __call__(self, setup: Setup) -> AbstractAsyncContextManager[object]:
        enter = cast("Callable[..., AbstractAsyncContextManager[object]]", self.function)
        if inspect.isasyncgenfunction(self.function):
            enter = asynccontextmanager(self.function)
        return enter(setup) if self.takes_setup else enter()


def as_plugins(plugins: object) -> Iterable[object]:
    """Return the plugins that were passed; a single name is a list with one name.

    Raises:
        TypeError: they are no list.
    """
    # The letters of a single name are never meant.
    if isinstance(plugins, str):
        return (plugins,)
    if isinstance(plugins, Iterable) and not isinstance(plugins, Mapping):
        return plugins
    name = getattr(plugins, "__name__", "") or type(plugins).__name__
    error = TypeError(f"plugins must be a list, not {plugins!r:.60}")
    error.add_note("why: plugins=[...] is a list of names, classes and instances of plugins")
    if isinstance(plugins, Mapping):
        error.add_note("fix: write a list of pairs: plugins=[(plugin, {...})]")
    elif isinstance(plugins, type) or not hasattr(plugins, "__name__"):
        error.add_note(f"fix: write plugins=[{name}{'' if isinstance(plugins, type) else '()'}]")
    else:
        error.add_note(f"fix: write a list of the classes of plugins, such as plugins=[{name}.Guestbook]")
    raise error


def as_router(value: object) -> object:
    """Return a value passed as a router; an existing router is wrapped so that it serves several resolutions."""
    if isinstance(value, str | type) or not hasattr(value, "match") or hasattr(value, "get_handler"):
        return value
    from turnbuckle.runtime.shared_router import share

    return share(cast("Router", value))


def checked_prefix(prefix: str, owner: str = "a scope") -> str:
    """Return the prefix of a scope or mount without a slash at its end.

    Raises:
        ValueError: it does not start with a slash.
    """
    if prefix and not prefix.startswith("/"):
        error = ValueError(f"prefix {prefix!r} of {owner} must start with a slash")
        error.add_note("why: the prefix is the first part of the path of each request to it")
        error.add_note(f'fix: write "/{prefix}"')
        raise error
    return prefix.rstrip("/")


def _lifespan_fix(factory: object) -> str:
    name = _name_of(factory)
    if inspect.iscoroutinefunction(factory):
        return f"write 'yield' in {name}, between startup and shutdown"
    if inspect.isgeneratorfunction(factory):
        return f"write 'async def {name}' instead of 'def {name}'"
    return "pass an 'async def' with one 'yield'"


def _required(function: Callable[..., object]) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty and parameter.kind not in variable
    ]


def _takes_argument(function: Callable[..., object]) -> bool:
    return bool(inspect.signature(function).parameters)


def _name_of(value: object) -> str:
    return getattr(value, "__name__", None) or type(value).__name__
