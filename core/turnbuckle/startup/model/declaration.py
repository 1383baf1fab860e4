"""The declaration of an app, frozen: the input of the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from turnbuckle.diagnostics import Origin, Sourced
from turnbuckle.records import ErrorHandler, Lifespan, Lifetime, Middleware, MiddlewareChain, Mount, ResponseType
from turnbuckle.routing.records import NO_DOCS, Route, RouteDocs

__all__ = ["Declaration", "DeclaredSupplier", "ScopeDeclaration"]


@attrs.frozen(kw_only=True)
class DeclaredSupplier:
    """A function under ``@app.supply``; its return annotation is the type that it supplies.

    Attributes:
        function: returns or yields the value.
        per: how long the value lives.
        in_thread: see ``ParameterProvider``.
    """

    function: Callable[..., object]
    per: Lifetime = "request"
    in_thread: bool | None = None


@attrs.frozen(kw_only=True)
class ScopeDeclaration:
    """The declaration of one scope; the app itself is the scope with the prefix "".

    Attributes:
        prefix: path prefix of all routes of the scope, from the root, without a slash at its end.
        host: host pattern of the routes that have no host pattern themselves.
        origin: where the scope is declared.
        plugins: names, classes or instances of plugins, or pairs of one of these and a mapping of settings.
        suppliers: the functions that supply parameters.
        guards: the functions that are called before the handlers of all its routes.
        router: a value that becomes the router of this scope, or None.
        limits: the limits of all its routes, in place of the settings in the section ``limits``.
        timeouts: the deadlines of all its routes, in place of the settings in the section ``timeouts``.
        options: the values that plugins read for all its routes.
        chain: name of the middleware chain of all its routes; None for the chain of the scope around it.
        chains: middleware chains that the code itself declares.
        without: names of middleware that its routes do not run through.
        docs: the description of all its routes for API documents.
        mounts: the apps of other frameworks below paths of the scope.
        scopes: the scopes within.
    """

    prefix: str
    host: str
    origin: Origin
    plugins: tuple[Sourced[object], ...] = ()
    routes: tuple[Route, ...] = ()
    middleware: tuple[Sourced[Middleware], ...] = ()
    response_types: tuple[Sourced[ResponseType], ...] = ()
    error_handlers: tuple[Sourced[ErrorHandler], ...] = ()
    lifespans: tuple[Sourced[Lifespan], ...] = ()
    suppliers: tuple[Sourced[DeclaredSupplier], ...] = ()
    guards: tuple[Sourced[Callable[..., object]], ...] = ()
    router: Sourced[object] | None = None
    limits: Mapping[str, int] = attrs.field(factory=dict)
    timeouts: Mapping[str, float] = attrs.field(factory=dict)
    options: Mapping[str, object] = attrs.field(factory=dict)
    chain: str | None = None
    chains: tuple[Sourced[MiddlewareChain], ...] = ()
    without: tuple[str, ...] = ()
    docs: RouteDocs = NO_DOCS
    mounts: tuple[Mount, ...] = ()
    scopes: tuple[ScopeDeclaration, ...] = ()


@attrs.frozen(kw_only=True)
class Declaration:
    """The declaration of an app.

    Attributes:
        name: for logs and messages.
        root: the app as a scope.
        parser: a value that becomes the parser, or None.
        settings: settings given in code, or the path of a settings file.
        debug: the debug setting given in code, or None.
        converters: the converters that patterns may name, beside the built-in ones.
        config: the class of the app's own settings; None for none.
        origin: where the app is created.
        supply: values, or functions that supply them, which replace suppliers and resources by type; of a test.
    """

    name: str
    root: ScopeDeclaration
    origin: Origin
    parser: Sourced[object] | None = None
    settings: Mapping[str, object] | Path | None = None
    debug: bool | None = None
    converters: Mapping[str, object] = attrs.field(factory=dict)
    config: object = None
    supply: Sourced[Mapping[object, object]] | None = None
