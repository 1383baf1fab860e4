"""Use an object with ``get_handler(path)`` as the router.

The object is asked with the decoded path, returns something whose ``await handle(request)`` gives the response, a
``str`` or whatever else has a response type, and raises ``NotFound``, or returns None, where there is nothing. It
answers every method. Routes that the app and its plugins have come first, through the core's own tree router.
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
    """What answers a request."""

    def handle(self, request: Request) -> Awaitable[object]:
        """Return what becomes the response."""


class PathRouter(Protocol):
    """What is adapted."""

    def get_handler(self, path: str) -> PathHandler | None:
        """Return what answers requests for a path."""


@final
class GetHandlerRouter:
    """A router around an object that knows handlers by path.

    Args:
        router: the object.
        routes: for the routes that the app and its plugins have; frozen later.
    """

    def __init__(self, router: PathRouter, routes: TreeRouter | None = None) -> None:
        self._router: Final = router
        self._routes: Final = routes or TreeRouter()

    def add(self, route: Route, /) -> None:
        """Take one more route, beside what the object knows."""
        self._routes.add(route)

    def freeze(self) -> None:
        """Prepare for matching."""
        self._routes.freeze()

    def match(self, method: str, path: str, /) -> Match:
        """Find the handler for a method and a path.

        Raises:
            NotFound: neither a route nor the object has it.
            MethodNotAllowed: only a route has it, with other methods.
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
    """Settings of the adapter, for when it is enabled by name.

    Attributes:
        router: the object or class to use, as ``"module:name"``; "" for none.
    """

    router: str = ""


@final
class GetHandlerPlugin(Plugin):
    """Offers an object with ``get_handler`` as the router ``get_handler``.

    Args:
        router: the object, or a class that makes one without arguments; None to take it from the settings.
    """

    info = PluginInfo(name="get_handler", config=GetHandlerConfig)

    def __init__(self, router: object = None) -> None:
        self._router = router

    def provide_routers(self, setup: Setup) -> list[RouterProvider]:
        """Offer the adapted router, if there is one."""
        router = self._router
        config = cast("GetHandlerConfig", setup.config)
        if router is None and config.router:
            module, _, name = config.router.partition(":")
            router = getattr(import_module(module), name)
        if router is None:
            return []
        adapted = cast("PathRouter", router() if isinstance(router, type) else router)
        return [RouterProvider("get_handler", lambda setup: _adapt(adapted, setup))]


def _adapt(router: PathRouter, setup: Setup) -> GetHandlerRouter:
    return GetHandlerRouter(router, TreeRouter(setup.settings.routing.trailing_slash, setup.converters))
