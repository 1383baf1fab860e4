"""Every extension point of Turnbuckle, on one page.

A plugin derives from ``turnbuckle.Plugin`` and overrides the hooks that it implements. Hooks are plain functions. They
are called once at startup, in dependency order, before the server listens. They return frozen records
(``turnbuckle.records``) and change nothing: startup resolves the records afterwards, and ``turnbuckle plan`` shows the
result.

``async def``, wrappers and ``firstresult`` are refused, because they hide the origin of a record.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Generic

import pluggy

if TYPE_CHECKING:
    import click

    # Type checkers know typing_extensions without its installation. With the default, plain ``Plugin`` is complete,
    # and is the base of all plugins.
    from typing_extensions import TypeVar

    from turnbuckle.diagnostics import Diagnostic
    from turnbuckle.plan import Plan
    from turnbuckle.records import (
        Component,
        ErrorHandler,
        Lifespan,
        Middleware,
        MiddlewareChain,
        MountProvider,
        ParameterProvider,
        ParserProvider,
        ProtocolProvider,
        ResponseType,
        RouterProvider,
    )
    from turnbuckle.routing.records import Route
    from turnbuckle.schema.nodes.provided import SchemaProvider
    from turnbuckle.setup import Setup

    ConfigT = TypeVar("ConfigT", default=Any)
else:
    from typing import TypeVar

    ConfigT = TypeVar("ConfigT")

__all__ = ["API", "PROJECT", "Hooks", "hookimpl", "hookspec"]

PROJECT: Final = "turnbuckle"

hookspec: Final = pluggy.HookspecMarker(PROJECT)
"""Mark a function as a hook that other plugins may implement; for plugins that define their own hooks."""

hookimpl: Final = pluggy.HookimplMarker(PROJECT)
"""Mark a function as the implementation of a hook; methods of ``Plugin`` that override a hook need no mark."""

API: Final = 1
"""The generation of the hooks on this page; ``PluginInfo.api`` is the generation that a plugin was written for."""


class Hooks(Generic[ConfigT]):
    """The hooks of generation 1 (``PluginInfo.api``), for plugins with settings of the class ``ConfigT``."""

    @hookspec
    def provide_parsers(self, setup: Setup[ConfigT]) -> Iterable[ParserProvider]:
        """Provide parsers of requests. A slot: exactly one is chosen for the app."""
        return ()

    @hookspec
    def provide_routers(self, setup: Setup[ConfigT]) -> Iterable[RouterProvider]:
        """Provide routers. A slot: exactly one is chosen for each scope."""
        return ()

    @hookspec
    def provide_middleware(self, setup: Setup[ConfigT]) -> Iterable[Middleware | MiddlewareChain]:
        """Add middleware. All of it is used; zones, ``before`` and ``after`` determine the order.

        A ``MiddlewareChain`` is used where an app, a scope or a route chooses it by name.
        """
        return ()

    @hookspec
    def provide_response_types(self, setup: Setup[ConfigT]) -> Iterable[ResponseType]:
        """Add conversions of return values into responses. The same type from two plugins is refused."""
        return ()

    @hookspec
    def provide_routes(self, setup: Setup[ConfigT]) -> Iterable[Route]:
        """Add routes. Routes that claim the same requests are refused."""
        return ()

    @hookspec
    def provide_error_handlers(self, setup: Setup[ConfigT]) -> Iterable[ErrorHandler]:
        """Add handlers for exceptions, by type. The same type from two plugins is refused."""
        return ()

    @hookspec
    def provide_protocols(self, setup: Setup[ConfigT]) -> Iterable[ProtocolProvider]:
        """Add protocols of connections, by upgrade token, ALPN name or first bytes. Each of them can be used once.

        The factory of a protocol with an upgrade token makes the handler for all requests that offer the token;
        ``ProtocolProvider`` describes its contract. A protocol from a plugin in a scope is reported as a problem.
        """
        return ()

    @hookspec
    def provide_components(self, setup: Setup[ConfigT]) -> Iterable[Component]:
        """Provide components of other kinds: json, loop, templates, ... A slot for each kind."""
        return ()

    @hookspec
    def provide_lifespans(self, setup: Setup[ConfigT]) -> Iterable[Lifespan]:
        """Add contexts that are entered on the serving loop, in dependency order, and left in reverse."""
        return ()

    @hookspec
    def provide_parameters(self, setup: Setup[ConfigT]) -> Iterable[ParameterProvider]:
        """Add suppliers of the parameters of handlers, by type or marker. The same type from two plugins is refused."""
        return ()

    @hookspec
    def provide_schemas(self, setup: Setup[ConfigT]) -> Iterable[SchemaProvider]:
        """Add the schemas of the types of another library, such as the models of pydantic."""
        return ()

    @hookspec
    def provide_mounts(self, setup: Setup[ConfigT]) -> Iterable[MountProvider]:
        """Serve the apps of another framework that ``app.mount`` adds. Exactly one provider must accept each app."""
        return ()

    @hookspec
    def provide_commands(self, setup: Setup[ConfigT]) -> Iterable[click.Command]:
        """Add commands to the ``turnbuckle`` command line; ``@click.pass_obj`` passes them the plan.

        The commands exist if the settings in the current folder, or the app of ``turnbuckle --app``, enable the plugin.
        Each name can be used once, and the names of the core's commands are reserved.
        """
        return ()

    @hookspec
    def review_plan(self, plan: Plan) -> Iterable[Diagnostic]:
        """Review the finished plan and report diagnostics; a diagnostic of level ``"error"`` prevents the start."""
        return ()
