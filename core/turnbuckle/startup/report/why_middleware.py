"""Explain the position of a middleware in its chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias

from turnbuckle.diagnostics import Sourced
from turnbuckle.plan import Plan, PlannedScope
from turnbuckle.records import Middleware
from turnbuckle.startup.model.diagnostics import did_you_mean
from turnbuckle.startup.report.explain import scope_chain
from turnbuckle.startup.report.why import Answer

__all__ = ["why_middleware"]

_Facts: TypeAlias = Iterator[tuple[str, str]]


def why_middleware(plan: Plan, name: str) -> list[Answer]:
    """Answer why a middleware stands where it stands.

    Raises:
        LookupError: there is none of that name.
    """
    answers = [_placed(plan, scope, link) for scope in plan.root.walk() for link in scope.middleware]
    found = [each for each in answers if each.name == name]
    if not found:
        raise LookupError(f"no middleware is named {name!r}{did_you_mean(name, {each.name for each in answers})}")
    return found


def _placed(plan: Plan, scope: PlannedScope, link: Sourced[Middleware]) -> Answer:
    chain = [(each, of) for of in scope_chain(plan, scope) for each in of.middleware]
    record = link.record
    at = next(number for number, (each, _) in enumerate(chain, 1) if each is link)
    facts = [
        ("chain", " > ".join(f"[{each.record.name}]" if each is link else each.record.name for each, _ in chain)),
        ("place", f"{at} of {len(chain)}, outermost first"),
    ]
    for (outer, around), (inner, here) in pairwise(chain):
        if link in (outer, inner):
            label = "inside of" if inner is link else "outside of"
            other = outer if inner is link else inner
            reason = (
                _order_reason(plan, outer, inner) if around is here else "a scope comes inside of what is around it"
            )
            facts.append((label, f"{other.record.name}: {reason}"))
    facts += _constraints(chain, link)
    facts += [
        (label, ", ".join(map(str, values)))
        for label, values in (("needs", record.needs), ("provides", record.provides))
        if values
    ]
    facts += [(label, "yes") for label, is_so in _effects(record) if is_so]
    return Answer(
        kind="middleware",
        name=record.name,
        scope=scope.prefix,
        rule=f"all middleware is used; it is in zone {record.zone!r}",
        origin=link.origin,
        facts=tuple(facts),
        change="its zone, before and after, or the setting middleware.order",
    )


def _constraints(chain: Sequence[tuple[Sourced[Middleware], PlannedScope]], link: Sourced[Middleware]) -> _Facts:
    """Yield what a middleware asks for, and what others ask for that concerns it."""
    others = [each for each, _ in chain if each is not link]
    names = {name for each in others for name in (each.record.name, each.origin.plugin)}
    for label, asked in (("asks before", link.record.before), ("asks after", link.record.after)):
        if asked:
            yield label, ", ".join(name if name in names else f"{name} (not there)" for name in asked)
    own = {link.record.name, link.origin.plugin}
    before = [each.record.name for each in others if own & set(each.record.before)]
    after = [each.record.name for each in others if own & set(each.record.after)]
    for label, found in (("asked inside by", before), ("asked outside by", after)):
        if found:
            yield label, ", ".join(found)


def _effects(record: Middleware) -> Iterator[tuple[str, bool]]:
    yield "reads the content", record.reads_body
    yield "holds whole responses", record.buffers_response


def _order_reason(plan: Plan, outer: Sourced[Middleware], inner: Sourced[Middleware]) -> str:
    first, second = outer.record, inner.record
    if plan.settings.middleware.order and not outer.origin.scope:
        return f"middleware.order says so ({plan.setting_values['middleware.order'].source})"
    if first.zone != second.zone:
        return f"zone {first.zone!r} is outside of zone {second.zone!r}"
    if {first.name, outer.origin.plugin} & set(second.after):
        return f"{second.name!r} asks to be after {first.name!r}"
    if {second.name, inner.origin.plugin} & set(first.before):
        return f"{first.name!r} asks to be before {second.name!r}"
    return _tie(outer.origin.plugin, inner.origin.plugin)


def _tie(outer: str, inner: str) -> str:
    if outer == inner:
        return "as the app has written them" if outer == "app" else "as their plugin gives them"
    if inner == "app":
        return "what the app itself writes is inside of what plugins bring"
    return "nothing asks for an order: plugins in dependency order, then by name"
