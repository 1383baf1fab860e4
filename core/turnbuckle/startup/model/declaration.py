"""What an app wrote down, frozen: the input of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs

from turnbuckle.diagnostics import Origin, Sourced
from turnbuckle.records import ErrorHandler, Lifespan, Middleware, ResponseType
from turnbuckle.routing.records import Route

__all__ = ["Declaration", "ScopeDeclaration"]


@attrs.frozen(kw_only=True)
class ScopeDeclaration:
    """One scope with all it holds; the app itself is the scope with the prefix "".

    Attributes:
        prefix: path that every route of the scope starts with, from the root; no slash at its end.
        host: host pattern of every route of the scope that has none of its own.
        origin: where the scope was written.
        plugins: names, classes, instances, or pairs of one of them with a mapping of settings.
        router: a value that becomes the router of this scope, or None.
        limits: what all its routes have instead of the settings of that section.
        timeouts: the same for deadlines.
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
    router: Sourced[object] | None = None
    limits: Mapping[str, int] = attrs.field(factory=dict)
    timeouts: Mapping[str, float] = attrs.field(factory=dict)
    scopes: tuple[ScopeDeclaration, ...] = ()


@attrs.frozen(kw_only=True)
class Declaration:
    """A whole app.

    Attributes:
        name: for logs and messages.
        root: what the app holds.
        parser: a value that becomes the parser, or None.
        settings: settings given in code, or the path of a settings file.
        debug: the debug setting given in code, or None.
        converters: what patterns may name, beside the built-in ones.
        origin: where the app was made.
    """

    name: str
    root: ScopeDeclaration
    origin: Origin
    parser: Sourced[object] | None = None
    settings: Mapping[str, object] | Path | None = None
    debug: bool | None = None
    converters: Mapping[str, object] = attrs.field(factory=dict)
