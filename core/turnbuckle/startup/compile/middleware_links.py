"""Prepare the links of a middleware chain: their further parameters, and their places for messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from turnbuckle.diagnostics import Sourced
from turnbuckle.plan import PlannedScope, PlannedSignature
from turnbuckle.records import Middleware
from turnbuckle.runtime.typed_handlers import compile_middleware
from turnbuckle.startup.model.locations import location_of
from turnbuckle.web.middleware_blame import LinkPlace
from turnbuckle.web.types import Handler

__all__ = ["place_of_link", "with_parameters"]


@attrs.frozen
class _TypedFactory:
    """The factory of a middleware function that takes further parameters."""

    function: Callable[..., object]
    signature: PlannedSignature

    def __call__(self, next_handler: Handler, _setup: object) -> Handler:
        return compile_middleware(self.function, self.signature, next_handler)


def with_parameters(record: Middleware, scope: PlannedScope) -> Middleware:
    """Return a middleware whose function receives its further parameters; without any, the middleware itself."""
    function: Any = getattr(record.factory, "function", None)
    signature = scope.signatures.get(id(function))
    return record if signature is None else attrs.evolve(record, factory=_TypedFactory(function, signature))


def place_of_link(link: Sourced[Middleware], handler: Handler) -> LinkPlace:
    """Return the name and location of a middleware, for messages about its failures."""
    function: object = getattr(link.record.factory, "function", handler)
    # The class of an object has a line as well, but its method does the work.
    method = getattr(type(function), "__call__", None)  # noqa: B004
    location = location_of(method if hasattr(method, "__code__") else function) or link.origin.location
    return LinkPlace(link.record.name, location, function)
