"""Use an object with ``get_handler(path)`` as the router.

``get_handler`` is called with the decoded path. It returns an object whose ``await handle(request)`` returns the
response, a ``str``, or another value with a response type. For an unknown path it raises ``NotFound`` or returns None.
The handler answers every method. Routes of the app and its plugins take precedence; the core's tree router matches
them.

``handle`` takes the request only: its object is not known at startup, so nothing can supply further parameters. They
are refused, at startup if the return annotation of ``get_handler`` names the class, otherwise in the first request.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from importlib import import_module
from typing import Final, Protocol, cast, final, get_args, get_type_hints
from urllib.parse import unquote

import attrs

from turnbuckle import Match, NotFound, Plugin, PluginInfo, Request, Route, RouterProvider, Setup, TreeRouter

__all__ = ["GetHandlerConfig", "GetHandlerPlugin", "GetHandlerRouter"]

_VARIABLE: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class PathHandler(Protocol):
    """An object that answers requests."""

    def handle(self, request: Request) -> Awaitable[object]:
        """Return the response, or a value that becomes one."""


class PathRouter(Protocol):
    """The object to adapt."""

    def get_handler(self, path: str) -> PathHandler | None:
        """Return the handler of a path, or None."""


@final
class GetHandlerRouter:
    """A router around an object with ``get_handler``.

    Args:
        router: the object.
        routes: the router for the routes of the app and its plugins; frozen later.

    Raises:
        TypeError: the class of its handlers has a ``handle`` with typed parameters, which nothing supplies.
    """

    def __init__(self, router: PathRouter, routes: TreeRouter | None = None) -> None:
        self._router: Final = router
        self._routes: Final = routes or TreeRouter()
        self._checked: Final[set[type]] = set()
        for kind in _annotated_classes(router):
            self._check(kind)

    def add(self, route: Route, /) -> None:
        """Add a route, which takes precedence over the object."""
        self._routes.add(route)

    def freeze(self) -> None:
        """Prepare for matching."""
        self._routes.freeze()

    def match(self, method: str, path: str, /) -> Match:
        """Return the handler of a method and a path.

        Raises:
            NotFound: neither a route nor the object has the path.
            MethodNotAllowed: a route has the path, with other methods.
            TypeError: ``handle`` has typed parameters, which nothing supplies.
        """
        try:
            return self._routes.match(method, path)
        except NotFound:
            handler = self._router.get_handler(unquote(path))
        if handler is None:
            raise NotFound
        kind = type(handler)
        if kind not in self._checked:
            self._check(kind)
        return Match(handler.handle)

    def _check(self, kind: type) -> None:
        """Refuse a class of handlers that would receive only the defaults of its typed parameters."""
        handle = getattr(kind, "handle", None)
        parameters = [*inspect.signature(handle).parameters.values()][2:] if inspect.isfunction(handle) else []
        for parameter in parameters:
            if parameter.annotation is parameter.empty or parameter.kind in _VARIABLE:
                continue
            error = TypeError(
                f"{kind.__module__}.{kind.__qualname__}.handle takes the typed parameter {parameter.name!r}, "
                "which nothing supplies"
            )
            error.add_note("why: a router with get_handler(path) finds its handlers in requests, after the start")
            error.add_note(
                f"fix: remove {parameter.name!r}, and read the request in 'handle', "
                "or add the function as a route, such as with @app.get(path)"
            )
            raise error
        self._checked.add(kind)


def _annotated_classes(router: PathRouter) -> list[type]:
    """Return the classes in the return annotation of ``get_handler``; none if it cannot be evaluated."""
    try:
        annotation = get_type_hints(router.get_handler).get("return")
    except Exception:  # noqa: BLE001  # the code of an annotation may raise anything
        return []
    return [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]


@attrs.frozen
class GetHandlerConfig:
    """Settings of the adapter, used when it is enabled by name.

    Attributes:
        router: the object or class to use, as ``"module:name"``; "" for none.
    """

    router: str = ""


@final
class GetHandlerPlugin(Plugin[GetHandlerConfig]):
    """Provide an object with ``get_handler`` as the router ``get_handler``.

    Args:
        router: the object, or a class that makes one without arguments; None to use the settings.
    """

    info = PluginInfo(name="get_handler")

    def __init__(self, router: object = None) -> None:
        self._router = router

    def provide_routers(self, setup: Setup[GetHandlerConfig]) -> list[RouterProvider]:
        """Return the adapted router, if there is one."""
        router = self._router
        config = setup.config
        if router is None and config.router:
            module, _, name = config.router.partition(":")
            router = getattr(import_module(module), name)
        if router is None:
            return []
        adapted = cast("PathRouter", router() if isinstance(router, type) else router)
        return [RouterProvider("get_handler", lambda setup: _adapt(adapted, setup))]


def _adapt(router: PathRouter, setup: Setup[GetHandlerConfig]) -> GetHandlerRouter:
    return GetHandlerRouter(router, TreeRouter(setup.settings.routing.trailing_slash, setup.converters))
