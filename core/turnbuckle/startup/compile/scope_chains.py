"""List the scopes of a plan with the scopes around them, and find the scopes that answer requests without a route."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from turnbuckle.plan import PlannedScope
from turnbuckle.routing.converters import BUILTIN, Converters
from turnbuckle.runtime.scope_match import ScopeMatcher

__all__ = ["fallback_scopes", "scope_chains"]


def scope_chains(scope: PlannedScope, around: tuple[PlannedScope, ...] = ()) -> Iterator[tuple[PlannedScope, ...]]:
    """Yield each scope with those around it, the app first."""
    chain = (*around, scope)
    yield chain
    for inner in scope.scopes:
        yield from scope_chains(inner, chain)


def fallback_scopes(
    root: PlannedScope, converters: Converters = BUILTIN
) -> Sequence[tuple[ScopeMatcher, tuple[PlannedScope, ...]]]:
    """Return the scopes that requests without a route run through, with those around them; the first that fits counts.

    Scopes that do nothing to a miss but what the app does are left out.
    """
    found = []
    for chain in scope_chains(root):
        scope = chain[-1]
        answers_alone = (scope.error_handlers, scope.response_types) != (root.error_handlers, root.response_types)
        is_told = bool(scope.prefix or scope.host)
        if not is_told or not (answers_alone or any(each.middleware for each in chain[1:])):
            continue
        territory = ScopeMatcher.of(scope.prefix, scope.host, converters)
        if territory is not None:
            found.append((territory, chain))
    # Of scopes at the same place, the outer one: what misses there is not for the inner one more than for any other.
    return sorted(found, key=lambda each: (each[0].order, len(each[1])))
