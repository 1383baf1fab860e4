"""Explain which route serves a path, and which response type turns a value into a response."""

from __future__ import annotations

import builtins
import pkgutil

import attrs

from turnbuckle.diagnostics import Sourced
from turnbuckle.plan import Plan, PlannedRoute, PlannedScope
from turnbuckle.records import ResponseType
from turnbuckle.startup.model.diagnostics import did_you_mean
from turnbuckle.startup.report.explain import explain_request, scope_chain
from turnbuckle.startup.report.formats import name_of, type_name
from turnbuckle.startup.report.why import Answer, RejectedEntry

__all__ = ["why_response", "why_route"]


def why_route(plan: Plan, path: str) -> list[Answer]:
    """Answer what is served at a path, by which routes, and what they have around them.

    Args:
        plan: of the app.
        path: the pattern or the name of a route, or a path that a client may ask for.

    Raises:
        LookupError: there is no such route.
    """
    named = [(each, scope) for each, scope in plan.routes() if path in {each.route.path, each.route.name}]
    if named:
        return [_routed(plan, planned, scope, "it is the route of that pattern or name") for planned, scope in named]
    methods = sorted({method for planned, _ in plan.routes() for method in planned.route.methods})
    found = [explain_request(plan, method, path) for method in methods] if path.startswith("/") else []
    answers = []
    for each in found:
        if each.winner is not None:
            winner = next((one, scope) for one, scope in plan.routes() if one.route is each.winner.route)
            losers = [
                RejectedEntry(name=other.route.describe(), reason=other.reason)
                for other in each.candidates[1:]
                if other.report.near[0] > 1
            ]
            answer = _routed(plan, *winner, f"it answers {each.method} {path}")
            answers.append(attrs.evolve(answer, losers=tuple(losers)))
    if not answers:
        near = did_you_mean(path, {planned.route.path for planned, _ in plan.routes()})
        raise LookupError(f"no route has the pattern, the name or the path {path!r}{near}")
    return answers


def _routed(plan: Plan, planned: PlannedRoute, scope: PlannedScope, rule: str) -> Answer:
    route = planned.route
    scopes = scope_chain(plan, scope)
    router = next(each.router for each in reversed(scopes) if each.router is not None)
    chain = [link.record.name for each in scopes for link in each.middleware]
    facts = [
        ("handler", name_of(route.handler)),
        ("name", route.name),
        ("router", router.name),
        ("chain", " > ".join(chain) or "no middleware"),
        *((value.key, f"{value.shown()} ({value.source})") for value in planned.terms.values()),
    ]
    return Answer(
        kind="route",
        name=f"{','.join(sorted(route.methods))} {route.host}{route.path}",
        scope=scope.prefix,
        rule=rule,
        origin=route.origin,
        facts=tuple((label, text) for label, text in facts if text),
    )


# -- response types


def why_response(plan: Plan, name: str) -> list[Answer]:
    """Answer how a value of a type becomes a response, in the app and in scopes that have it otherwise.

    Args:
        plan: of the app.
        name: a type that is known or built in, or ``module:Name``.

    Raises:
        LookupError: there is no such type.
    """
    kind = _type_of(plan, name)
    answers: list[Answer] = []
    reporting_errors: list[Sourced[ResponseType] | None] = []
    for scope in plan.root.walk():
        entry, rule = _renderer(scope, kind)
        if entry not in reporting_errors:
            reporting_errors.append(entry)
            answers.append(_rendered(kind, scope, entry, rule))
    return answers


def _type_of(plan: Plan, name: str) -> type:
    known = [each.record.type for scope in plan.root.walk() for each in scope.response_types]
    for kind in known:
        if name in {type_name(kind), kind.__qualname__}:
            return kind
    if name == "None":
        return type(None)
    try:
        value = getattr(builtins, name, None) or pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        near = did_you_mean(name, {kind.__qualname__ for kind in known})
        raise LookupError(f"no type {name!r}{near or '; write module:Name for one of your own'} ({error})") from error
    if not isinstance(value, type):
        raise LookupError(f"{name!r} is {value!r:.60}, not a type")
    return value


def _renderer(scope: PlannedScope, kind: type) -> tuple[Sourced[ResponseType] | None, str]:
    # As web.response_types has it: the type itself, its bases, then what it is a virtual subclass of.
    table = {entry.record.type: entry for entry in scope.response_types}
    for base in kind.__mro__:
        if base in table:
            return table[
                base
            ], "it is there for the type itself" if base is kind else "it is there for the nearest base"
    for abstract, entry in table.items():
        if issubclass(kind, abstract):
            return entry, f"the type is a kind of {type_name(abstract)}"
    return None, "a handler that returns such a value fails with a TypeError"


def _rendered(kind: type, scope: PlannedScope, entry: Sourced[ResponseType] | None, rule: str) -> Answer:
    change = "provide_response_types of a plugin, or @app.response_type"
    if entry is None:
        return Answer(kind="response", name=f"none for {type_name(kind)}", scope=scope.prefix, rule=rule, change=change)
    record = entry.record
    facts = [("rendered by", name_of(record.render)), ("media type", record.media_type)]
    losers = (
        RejectedEntry(
            name=each.name, reason="the app beats plugins, a plugin beats what is built in", source=str(each.origin)
        )
        for each in entry.rejected
    )
    return Answer(
        kind="response",
        name=f"{type_name(record.type)} for {type_name(kind)}",
        scope=scope.prefix,
        rule=rule,
        origin=entry.origin,
        facts=tuple((label, text) for label, text in facts if text),
        losers=tuple(losers),
        change=change,
    )
