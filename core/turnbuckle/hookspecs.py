"""Every extension point of Turnbuckle, on one page.

A plugin derives from ``turnbuckle.Plugin`` and overrides the hooks it has something to say to. Hooks are plain
functions, called once at startup in dependency order, before the socket opens. They return frozen records
(``turnbuckle.records``) and change nothing: what the records add up to is decided afterwards, and can be read with
``turnbuckle plan``.

``async def``, wrappers and ``firstresult`` are refused: they hide who supplied what.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import pluggy

if TYPE_CHECKING:
    import click

    from turnbuckle.diagnostics import Diagnostic
    from turnbuckle.plan import Plan
    from turnbuckle.records import (
        Component,
        ErrorHandler,
        Lifespan,
        Middleware,
        ParserProvider,
        ProtocolProvider,
        ResponseType,
        RouterProvider,
    )
    from turnbuckle.routing.records import Route
    from turnbuckle.setup import Setup

__all__ = ["API", "PROJECT", "Hooks", "hookimpl", "hookspec"]

PROJECT: Final = "turnbuckle"

hookspec: Final = pluggy.HookspecMarker(PROJECT)
"""Mark a function as a hook that other plugins may implement; for plugins that define hooks of their own."""

hookimpl: Final = pluggy.HookimplMarker(PROJECT)
"""Mark a function as an implementation of a hook; methods of ``Plugin`` that override a hook need no mark."""

API: Final = 1
"""The generation of hooks on this page; ``PluginInfo.api`` says for which one a plugin was written."""


class Hooks:
    """The hooks of generation 1 (``PluginInfo.api``)."""

    @hookspec
    def provide_parsers(self, setup: Setup) -> Iterable[ParserProvider]:
        """Offer parsers of requests. A slot: exactly one is chosen for the app."""
        return ()

    @hookspec
    def provide_routers(self, setup: Setup) -> Iterable[RouterProvider]:
        """Offer routers. A slot: exactly one is chosen for each scope."""
        return ()

    @hookspec
    def provide_middleware(self, setup: Setup) -> Iterable[Middleware]:
        """Add middleware. All of it is used, in an order solved from zones, ``before`` and ``after``."""
        return ()

    @hookspec
    def provide_response_types(self, setup: Setup) -> Iterable[ResponseType]:
        """Say how return values of a type become responses. The same type from two plugins is refused."""
        return ()

    @hookspec
    def provide_routes(self, setup: Setup) -> Iterable[Route]:
        """Add routes. Routes that claim the same requests are refused."""
        return ()

    @hookspec
    def provide_error_handlers(self, setup: Setup) -> Iterable[ErrorHandler]:
        """Say how exceptions of a type are answered. The same type from two plugins is refused."""
        return ()

    @hookspec
    def provide_protocols(self, setup: Setup) -> Iterable[ProtocolProvider]:
        """Add protocols that a connection may switch to, by ALPN name or upgrade token. A token is claimed once.

        The factory of one with an upgrade token makes the handler of all requests that offer it; ``ProtocolProvider``
        has its contract. A plugin in a scope has no say in this, and is told so.
        """
        return ()

    @hookspec
    def provide_components(self, setup: Setup) -> Iterable[Component]:
        """Offer parts of other kinds: json, loop, templates, ... A slot for each kind."""
        return ()

    @hookspec
    def provide_lifespans(self, setup: Setup) -> Iterable[Lifespan]:
        """Add contexts that are entered on the serving loop, in dependency order, and left in reverse."""
        return ()

    @hookspec
    def provide_commands(self, setup: Setup) -> Iterable[click.Command]:
        """Add commands to the ``turnbuckle`` command line; ``@click.pass_obj`` hands them the plan.

        They are there where the settings of the current folder, or the app named by ``turnbuckle --app``, enable the
        plugin. A name is claimed once, and those of the core's own commands are taken.
        """
        return ()

    @hookspec
    def review_plan(self, plan: Plan) -> Iterable[Diagnostic]:
        """Look over the finished plan and report findings; one of level ``"error"`` stops the start."""
        return ()
