"""Explain which route serves a path, and which response type turns a value into a response."""

from __future__ import annotations

import builtins
import pkgutil
from collections.abc import Iterator

import attrs

from turnbuckle.diagnostics import Sourced
from turnbuckle.plan import Plan, PlannedMount, PlannedRoute, PlannedScope
from turnbuckle.records import ResponseType
from turnbuckle.runtime.route_lookup import default_name
from turnbuckle.startup.model.diagnostics import candidates
from turnbuckle.startup.parameters.signatures import is_plain
from turnbuckle.startup.report.explain import Explanation, explain_request, scope_chain
from turnbuckle.startup.report.formats import name_of, type_name
from turnbuckle.startup.report.why import Answer, RejectedEntry, rejected_entries
from turnbuckle.startup.report.why_middleware import chain_facts

__all__ = ["why_response", "why_route"]


def why_route(plan: Plan, path: str) -> list[Answer]:
    """Explain which routes serve a path, and the middleware around them.

    Args:
        plan: the plan of the app.
        path: the pattern or the name of a route, or the path of a request.

    Raises:
        LookupError: there is no such route.
    """
    named = [(planned, scope) for planned, scope in plan.routes() if path in {planned.route.path, planned.route.name}]
    named = named or [(planned, scope) for planned, scope in plan.routes() if path == default_name(planned.route)]
    if named:
        return [_explained_route(plan, *route, "it has that pattern or name") for route in named]
    methods = sorted({method for planned, _ in plan.routes() for method in planned.route.methods})
    explanations = [explain_request(plan, method, path) for method in methods] if path.startswith("/") else []
    answers = [_winner(plan, explanation, path) for explanation in explanations if explanation.winner is not None]
    if not answers and (mounts := _mounts(plan, path)):
        return mounts
    if not answers:
        routes = [planned.route for planned, _ in plan.routes()]
        names = {route.name or default_name(route) for route in routes} - {""}
        near = candidates(path, {*names, *(route.path for route in routes)})
        raise LookupError(f"no route has the pattern, the name or the path {path!r}{near}")
    return answers


def _mounts(plan: Plan, path: str) -> list[Answer]:
    """Return the mount that has a name or path, or that serves the path of a request."""
    named = [(mount, scope) for mount, scope in plan.mounts() if path in {mount.route.path, mount.route.name}]
    if named:
        return [_explained_mount(plan, *entry) for entry in named]
    found = explain_request(plan, "GET", path).mount if path.startswith("/") else None
    return [_explained_mount(plan, mount, scope) for mount, scope in plan.mounts() if mount is found]


def _explained_mount(plan: Plan, planned: PlannedMount, scope: PlannedScope) -> Answer:
    chain = [link.record.name for link in plan.middleware_of(planned)]
    facts = [
        ("app", name_of(planned.mount.app)),
        ("name", planned.route.name),
        ("served by", f"{planned.provider.record.name} ({planned.provider.origin})"),
        ("chain", " > ".join(chain) or "no middleware"),
        *chain_facts(planned.selection),
        *((value.key, f"{value.shown()} ({value.source})") for value in planned.overrides.values()),
    ]
    return Answer(
        kind="mount",
        name=f"{planned.route.host}{planned.route.path}",
        scope=scope.prefix,
        rule=planned.rule,
        origin=planned.route.origin,
        facts=tuple((label, text) for label, text in facts if text),
    )


def _winner(plan: Plan, explanation: Explanation, path: str) -> Answer:
    assert explanation.winner is not None
    winner = explanation.winner.route
    route = next((planned, scope) for planned, scope in plan.routes() if planned.route is winner)
    rejected = [
        RejectedEntry(name=candidate.route.describe(), reason=candidate.reason)
        for candidate in explanation.candidates[1:]
        if candidate.report.near[0] > 1
    ]
    answer = _explained_route(plan, *route, f"it answers {explanation.method} {path}")
    return attrs.evolve(answer, rejected=tuple(rejected))


def _explained_route(plan: Plan, planned: PlannedRoute, scope: PlannedScope, rule: str) -> Answer:
    route = planned.route
    scopes = scope_chain(plan, scope)
    router = next(around.router for around in reversed(scopes) if around.router is not None)
    chain = [link.record.name for link in plan.middleware_of(planned)]
    facts = [
        ("handler", name_of(route.handler)),
        ("name", route.name),
        ("router", router.name),
        ("chain", " > ".join(chain) or "no middleware"),
        *chain_facts(planned.selection),
        *_parameter_facts(planned),
        *((value.key, f"{value.shown()} ({value.source})") for value in planned.overrides.values()),
    ]
    return Answer(
        kind="route",
        name=f"{','.join(sorted(route.methods))} {route.host}{route.path}",
        scope=scope.prefix,
        rule=rule,
        origin=route.origin,
        facts=tuple((label, text) for label, text in facts if text),
    )


def _parameter_facts(planned: PlannedRoute) -> Iterator[tuple[str, str]]:
    for parameter in planned.signature.parameters if not is_plain(planned.signature) else ():
        source = f" ({parameter.origin})" if parameter.origin is not None else ""
        yield f"parameter {parameter.name}", parameter.supplier + source


# -- response types


def why_response(plan: Plan, name: str) -> list[Answer]:
    """Explain how a value of a type becomes a response, in the app and in scopes with another response type.

    Args:
        plan: the plan of the app.
        name: the name of a type with a response type or of a built-in type, or ``module:Name``.

    Raises:
        LookupError: there is no such type.
    """
    kind = _type_of(plan, name)
    answers: list[Answer] = []
    seen: list[Sourced[ResponseType] | None] = []
    for scope in plan.root.walk():
        entry, rule = _renderer(scope, kind)
        if entry not in seen:
            seen.append(entry)
            answers.append(_explained_response_type(kind, scope, entry, rule))
    return answers


def _type_of(plan: Plan, name: str) -> type:
    known = [entry.record.type for scope in plan.root.walk() for entry in scope.response_types]
    for kind in known:
        if name in {type_name(kind), kind.__qualname__}:
            return kind
    if name == "None":
        return type(None)
    try:
        value = getattr(builtins, name, None) or pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        near = candidates(name, {kind.__qualname__ for kind in known})
        raise LookupError(f"no type {name!r}{near}; write module:Name for a type of your own ({error})") from error
    if not isinstance(value, type):
        raise LookupError(f"{name!r} is {value!r:.60}, not a type")
    return value


def _renderer(scope: PlannedScope, kind: type) -> tuple[Sourced[ResponseType] | None, str]:
    # In the order of web/response/response_types.py: the type itself, its base classes, its abstract base classes.
    table = {entry.record.type: entry for entry in scope.response_types}
    for base in kind.__mro__:
        if base in table:
            rule = "it is for the type itself" if base is kind else "it is for the nearest base class"
            return table[base], rule
    for abstract, entry in table.items():
        if issubclass(kind, abstract):
            return entry, f"the type is a subclass of {type_name(abstract)}"
    return None, "a handler that returns such a value fails with a TypeError"


def _explained_response_type(kind: type, scope: PlannedScope, entry: Sourced[ResponseType] | None, rule: str) -> Answer:
    change = "provide_response_types of a plugin, or @app.response_type"
    if entry is None:
        return Answer(kind="response", name=f"none for {type_name(kind)}", scope=scope.prefix, rule=rule, change=change)
    record = entry.record
    facts = [("rendered by", name_of(record.render)), ("media type", record.media_type)]
    reason = "the app takes precedence over plugins, a plugin over the built-in one"
    return Answer(
        kind="response",
        name=f"{type_name(record.type)} for {type_name(kind)}",
        scope=scope.prefix,
        rule=rule,
        origin=entry.origin,
        facts=tuple((label, text) for label, text in facts if text),
        rejected=rejected_entries(entry.rejected, reason),
        change=change,
    )
