"""Explain the position of a middleware in its chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias

from turnbuckle.diagnostics import Sourced
from turnbuckle.plan import Plan, PlannedScope
from turnbuckle.records import Middleware
from turnbuckle.startup.model.diagnostics import candidates
from turnbuckle.startup.report.explain import scope_chain
from turnbuckle.startup.report.why import Answer

__all__ = ["why_middleware"]

_Link: TypeAlias = Sourced[Middleware]
_Facts: TypeAlias = Iterator[tuple[str, str]]


def why_middleware(plan: Plan, name: str) -> list[Answer]:
    """Explain the position of a middleware, in each scope that has one of this name.

    Raises:
        LookupError: there is no middleware of that name.
    """
    answers = [_explained(plan, scope, link) for scope in plan.root.walk() for link in scope.middleware]
    found = [answer for answer in answers if answer.name == name]
    if not found:
        names = {answer.name for answer in answers}
        raise LookupError(f"no middleware is named {name!r}{candidates(name, names)}")
    return found


def _explained(plan: Plan, scope: PlannedScope, link: _Link) -> Answer:
    chain = [(other, around) for around in scope_chain(plan, scope) for other in around.middleware]
    record = link.record
    position = next(number for number, (other, _) in enumerate(chain, 1) if other is link)
    names = [f"[{other.record.name}]" if other is link else other.record.name for other, _ in chain]
    facts = [("chain", " > ".join(names)), ("position", f"{position} of {len(chain)}, outermost first")]
    facts += _neighbours(plan, chain, link)
    facts += _constraints(chain, link)
    facts += [
        (label, ", ".join(map(str, values)))
        for label, values in (("needs", record.needs), ("provides", record.provides))
        if values
    ]
    facts += [(label, "yes") for label, is_declared in _effects(record) if is_declared]
    return Answer(
        kind="middleware",
        name=record.name,
        scope=scope.prefix,
        rule=f"all middleware is used; it is in zone {record.zone!r}",
        origin=link.origin,
        facts=tuple(facts),
        change="its zone, before and after, or the setting middleware.order",
    )


def _neighbours(plan: Plan, chain: Sequence[tuple[_Link, PlannedScope]], link: _Link) -> _Facts:
    """Yield the middleware directly outside and inside of a middleware, with the reasons of the order."""
    for (outer, outer_scope), (inner, inner_scope) in pairwise(chain):
        if link not in (outer, inner):
            continue
        label, other = ("inside of", outer) if inner is link else ("outside of", inner)
        reason = "a scope is inside of the scopes around it"
        if outer_scope is inner_scope:
            reason = _order_reason(plan, outer, inner)
        yield label, f"{other.record.name}: {reason}"


def _constraints(chain: Sequence[tuple[_Link, PlannedScope]], link: _Link) -> _Facts:
    """Yield the constraints that a middleware declares, and the constraints of others that name it."""
    others = [other for other, _ in chain if other is not link]
    names = {name for other in others for name in (other.record.name, other.origin.plugin)}
    for label, declared in (("before", link.record.before), ("after", link.record.after)):
        if declared:
            yield label, ", ".join(name if name in names else f"{name} (does not exist)" for name in declared)
    own = {link.record.name, link.origin.plugin}
    before = [other.record.name for other in others if own & set(other.record.before)]
    after = [other.record.name for other in others if own & set(other.record.after)]
    for label, found in (("in before of", before), ("in after of", after)):
        if found:
            yield label, ", ".join(found)


def _effects(record: Middleware) -> Iterator[tuple[str, bool]]:
    yield "reads the content", record.reads_body
    yield "buffers responses", record.buffers_response


def _order_reason(plan: Plan, outer: _Link, inner: _Link) -> str:
    first, second = outer.record, inner.record
    if plan.settings.middleware.order and not outer.origin.scope:
        return f"set by middleware.order ({plan.setting_values['middleware.order'].source})"
    if first.zone != second.zone:
        return f"zone {first.zone!r} is outside of zone {second.zone!r}"
    if {first.name, outer.origin.plugin} & set(second.after):
        return f"{second.name!r} has {first.name!r} in its after"
    if {second.name, inner.origin.plugin} & set(first.before):
        return f"{first.name!r} has {second.name!r} in its before"
    return _order_without_constraint(outer.origin.plugin, inner.origin.plugin)


def _order_without_constraint(outer: str, inner: str) -> str:
    if outer == inner:
        return "in the order of the app's code" if outer == "app" else "in the order of their plugin"
    if inner == "app":
        return "the app's own middleware is inside of the middleware of plugins"
    return "no constraint: plugins in dependency order, then by name"
