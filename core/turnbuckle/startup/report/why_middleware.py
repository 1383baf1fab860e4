"""Explain the position of a middleware in its chain, and which requests run through a named chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias

from turnbuckle.diagnostics import Sourced
from turnbuckle.plan import MiddlewareSelection, Plan, PlannedMount, PlannedRoute, PlannedScope
from turnbuckle.records import Middleware, MiddlewareChain
from turnbuckle.startup.model.diagnostics import candidates
from turnbuckle.startup.report.explain import scope_chain
from turnbuckle.startup.report.why import Answer

__all__ = [
    "chain_facts",
    "chains_of_link",
    "own_selections",
    "selection_text",
    "why_chain",
    "why_middleware",
]

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
    facts += [("runs in", found)] if (found := chains_of_link(plan, link)) else []
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


# -- named chains


def why_chain(plan: Plan, name: str) -> list[Answer]:
    """Explain a middleware chain, chosen or not.

    Raises:
        LookupError: there is no chain of that name.
    """
    entries = [(entry, scope) for scope in plan.root.walk() for entry in scope.chains]
    found = [_explained_chain(plan, entry, scope) for entry, scope in entries if entry.record.name == name]
    if not found:
        raise LookupError(f"no chain is named {name!r}{candidates(name, {entry.record.name for entry, _ in entries})}")
    return found


def _explained_chain(plan: Plan, entry: Sourced[MiddlewareChain], scope: PlannedScope) -> Answer:
    record = entry.record
    members = (member if isinstance(member, str) else member.name for member in record.members)
    selections = [
        (title, selection)
        for inner in scope.walk()
        for title, selection in _titled(inner)
        if selection.chain == record.name and selection.provider == entry.origin
    ]
    facts = [("purpose", record.description), ("members", ", ".join(members) or "none")]
    places = dict.fromkeys(str(selection.chosen.location) for _, selection in selections if selection.chosen)
    facts += [("chosen", place) for place in places]
    facts += [(f"of {title}", _links_text(selection)) for title, selection in selections]
    return Answer(
        kind="chain",
        name=record.name,
        scope=scope.prefix,
        rule="it is chosen" if selections else "nothing chooses it, so it has no effect",
        origin=entry.origin,
        facts=tuple((label, text) for label, text in facts if text),
        change="chain= and without= of App, app.scope and routes, or the settings middleware.chain and .without",
    )


def _titled(scope: PlannedScope) -> Iterator[tuple[str, MiddlewareSelection]]:
    """Yield the selection of a scope, and the selections of its routes and mounts that differ from it."""
    if scope.selection is not None:
        yield f"{scope.host}{scope.prefix or '/'}", scope.selection
        for planned, selection in own_selections(scope):
            methods = ",".join(sorted(planned.route.methods)) or "mount"
            yield f"{methods} {planned.route.host}{planned.route.path}", selection


def own_selections(scope: PlannedScope) -> Iterator[tuple[PlannedRoute | PlannedMount, MiddlewareSelection]]:
    """Yield the routes and mounts of a scope that have another selection of middleware than the scope."""
    entries: tuple[PlannedRoute | PlannedMount, ...] = (*scope.routes, *scope.mounts)
    for planned in entries:
        if planned.selection is not None and planned.selection is not scope.selection:
            yield planned, planned.selection


def selection_text(selection: MiddlewareSelection) -> str:
    """Return the chain of a selection with its provider and the removals, in one line."""
    parts = ["no chain"]
    if selection.provider is not None and selection.chosen is not None:
        provider = selection.provider
        of = "the app" if provider.plugin == "app" else f"plugin {provider.plugin!r}"
        parts = [f"chain {selection.chain!r} of {of}, chosen at {selection.chosen.location}"]
    parts += [f"without {entry.record} ({entry.origin.location})" for entry in selection.without]
    return ", ".join(parts)


def chain_facts(selection: MiddlewareSelection | None) -> Iterator[tuple[str, str]]:
    """Yield the facts about a selection for ``why``; none for an app without chains and removals."""
    if selection is not None and (selection.chain or selection.without):
        yield "runs through", selection_text(selection)


def chains_of_link(plan: Plan, link: Sourced[Middleware]) -> str:
    """Return which requests run through a middleware, in words; "" for all requests of its scope."""
    if plan.root.selection is None:
        return ""
    scopes = [scope for scope in plan.root.walk() if any(inner is scope for inner in _around(plan, link).walk())]
    selections = [selection for scope in scopes for _, selection in _titled(scope)]
    has = [any(link is other for other in selection.links) for selection in selections]
    if all(has):
        return ""
    running = [selection for selection, runs in zip(selections, has, strict=True) if runs]
    names = sorted({selection.chain for selection in running})
    if not names:
        return "no requests"
    lacking = {selection.chain for selection, runs in zip(selections, has, strict=True) if not runs}
    some = " (some requests)" if lacking & set(names) else ""
    shown = ", ".join(repr(name) if name else "no chain" for name in names)
    return f"{'chains' if len(names) > 1 else 'chain'} {shown}{some}" if any(names) else "some requests"


def _around(plan: Plan, link: Sourced[Middleware]) -> PlannedScope:
    return next(scope for scope in plan.root.walk() if any(link is other for other in scope.middleware))


def _links_text(selection: MiddlewareSelection) -> str:
    links = " > ".join(link.record.name for link in selection.links) or "no middleware"
    removed = ", ".join(entry.record for entry in selection.without)
    return f"{links} (without {removed})" if removed else links
