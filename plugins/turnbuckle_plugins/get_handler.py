"""Use an object with ``get_handler(path)`` as the router.

``get_handler`` is called with the decoded path. It returns an object whose ``await handle(request)`` returns the
response, a ``str``, or another value with a response type. For an unknown path it raises ``NotFound`` or returns None.
The handler answers every method. Routes of the app and its plugins take precedence; the core's tree router matches
them.
"""

from __future__ import annotations

from collections.abc import Awaitable
from importlib import import_module
from typing import Final, Protocol, cast, final
from urllib.parse import unquote

import attrs

from turnbuckle import Match, NotFound, Plugin, PluginInfo, Request, Route, RouterProvider, Setup, TreeRouter

__all__ = ["GetHandlerConfig", "GetHandlerPlugin", "GetHandlerRouter"]


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
    """

    def __init__(self, router: PathRouter, routes: TreeRouter | None = None) -> None:
        self._router: Final = router
        self._routes: Final = routes or TreeRouter()

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
        """
        try:
            return self._routes.match(method, path)
        except NotFound:
            handler = self._router.get_handler(unquote(path))
        if handler is None:
            raise NotFound
        return Match(handler.handle)


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
