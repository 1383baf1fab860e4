"""Store the compiled parts of each scope, and find the scopes around a scope or around a request without a route."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from turnbuckle.plan import PlannedScope
from turnbuckle.routing.converters import BUILTIN_CONVERTERS, Converters
from turnbuckle.runtime.scope_match import ScopeMatcher
from turnbuckle.web.response.errors import ErrorTable
from turnbuckle.web.response.response_types import Renderer
from turnbuckle.web.types import Handler

__all__ = ["ScopeContext", "fallback_scopes", "scope_chains"]


@attrs.frozen(eq=False)
class ScopeContext:
    """The compiled parts that the handlers of one scope use.

    Attributes:
        scope: the scope.
        render: turns values that handlers return into responses.
        errors: answers exceptions that handlers raise.
        chains: the middleware chains of the scopes around and of the scope itself, outermost first, without the app's
            own chain.
        is_async: whether a response type in effect needs the request.
    """

    scope: PlannedScope
    render: Renderer
    errors: ErrorTable
    chains: tuple[Handler, ...] = ()
    is_async: bool = False


def scope_chains(scope: PlannedScope, around: tuple[PlannedScope, ...] = ()) -> Iterator[tuple[PlannedScope, ...]]:
    """Yield for each scope the chain of scopes around it, from the app to the scope itself.

    Args:
        scope: the outermost scope.
        around: the scopes around it.
    """
    chain = (*around, scope)
    yield chain
    for inner in scope.scopes:
        yield from scope_chains(inner, chain)


def fallback_scopes(
    root: PlannedScope, converters: Converters = BUILTIN_CONVERTERS
) -> Sequence[tuple[ScopeMatcher, tuple[PlannedScope, ...]]]:
    """Return the matchers of the scopes that answer requests without a route, each with its chain of scopes.

    The first matching scope answers a request. Scopes that would answer exactly as the app does are left out.
    """
    found = []
    for chain in scope_chains(root):
        scope = chain[-1]
        has_own_tables = (scope.error_handlers, scope.response_types) != (root.error_handlers, root.response_types)
        has_own_middleware = any(inner.middleware for inner in chain[1:]) or scope.selection != root.selection
        has_own_requests = bool(scope.prefix or scope.host)
        if not has_own_requests or not (has_own_tables or has_own_middleware):
            continue
        matcher = ScopeMatcher.of(scope.prefix, scope.host, converters)
        if matcher is not None:
            found.append((matcher, chain))
    # Of scopes with the same requests, the outer one comes first: the request belongs to no particular inner scope.
    return sorted(found, key=lambda match: (match[0].order, len(match[1])))
