"""Greet clients, and sign every response, with public names of Turnbuckle only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import attrs

from turnbuckle import Handler, Middleware, Plugin, PluginInfo, Request, Response, Route, Setup

__all__ = ["Greeter", "GreeterPlugin"]


@attrs.frozen
class Greeter:
    """The settings under ``[plugin.greeter]``.

    Attributes:
        greeting: the text of the greeting.
        path: where it is said.
    """

    greeting: str = "Hello"
    path: str = "/greet/{name}"


class GreeterPlugin(Plugin):
    """Greet by name, and sign every response."""

    info = PluginInfo(name="greeter", config=Greeter)

    def provide_routes(self, setup: Setup) -> Iterable[Route]:
        """Add the route that greets."""
        settings = cast(Greeter, setup.config)

        async def greet(request: Request, name: str) -> dict[str, str]:
            return {"greeting": f"{settings.greeting}, {name}"}

        return [Route(path=settings.path, handler=greet, name="greet")]

    def provide_middleware(self, setup: Setup) -> Iterable[Middleware]:
        """Add the middleware that signs."""
        return [Middleware("greeter", sign)]


def sign(next_handler: Handler, setup: Setup) -> Handler:
    """Return a handler that signs the responses of the next one."""

    async def signing(request: Request) -> Response:
        response = await next_handler(request)
        response.headers.set("X-Signed", setup.app_name)
        return response

    return signing
