"""Answer why a part of an app is as it is: what was chosen, by which rule, what lost, and where to change it."""

from __future__ import annotations

import builtins
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Final, TypeAlias

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.plan import Choice, Entry, Plan, PlannedRoute, PlannedScope, SettingValue
from turnbuckle.records import Middleware, ResponseType
from turnbuckle.settings import Settings
from turnbuckle.startup.model.diagnostics import did_you_mean
from turnbuckle.startup.report.columns import name_of
from turnbuckle.startup.report.explain import explain, scope_chain
from turnbuckle.startup.report.plan_json import type_name
from turnbuckle.startup.report.settings_reference import Described, settings_section, variable_of

__all__ = [
    "Answer",
    "RejectedEntry",
    "why_component",
    "why_middleware",
    "why_parser",
    "why_response",
    "why_route",
    "why_router",
    "why_setting",
]


_Facts: TypeAlias = Iterator[tuple[str, str]]

# Kinds that the core uses itself, with what it has of its own.
_BUILTIN_COMPONENTS: Final[Mapping[str, str]] = MappingProxyType(
    {"json": "the json module of Python", "loop": "as the setting server.loop says"}
)


@attrs.frozen(kw_only=True)
class RejectedEntry:
    """What was not chosen, why, and where it came from."""

    name: str
    reason: str = ""
    source: str = ""


@attrs.frozen(kw_only=True)
class Answer:
    """Why one thing is as it is.

    Attributes:
        kind: for example ``"parser"``.
        name: what was chosen.
        scope: prefix of the scope that it holds for.
        rule: why it was chosen.
        origin: where it came from; None for a setting.
        facts: more about it, as pairs of label and text.
        losers: what was not chosen.
        change: what to do to have it otherwise.
    """

    kind: str
    name: str
    scope: str = ""
    rule: str = ""
    origin: Origin | None = None
    facts: tuple[tuple[str, str], ...] = ()
    losers: tuple[RejectedEntry, ...] = ()
    change: str = ""


def why_parser(plan: Plan) -> list[Answer]:
    """Answer why an app has its parser."""
    return [_slot(plan.parser, "", "App(parser=...), or the setting parser")]


def why_router(plan: Plan) -> list[Answer]:
    """Answer why an app and its scopes have their routers."""
    answers = []
    for scope in plan.root.walk():
        if scope.router is not None:
            change = "scope(router=...)" if scope.prefix else "App(router=...), or the setting router"
            answers.append(_slot(scope.router, scope.prefix, change))
    return answers


def why_component(plan: Plan, kind: str) -> list[Answer]:
    """Answer why a component was chosen.

    Raises:
        LookupError: no enabled plugin provides one of that kind.
    """
    if kind not in plan.components and kind in _BUILTIN_COMPONENTS:
        rule, change = "no enabled plugin provides another", f"a plugin that provides one, and components.{kind}"
        return [Answer(kind=f"{kind} component", name=_BUILTIN_COMPONENTS[kind], rule=rule, change=change)]
    if kind not in plan.components:
        near = did_you_mean(kind, {*plan.components, *_BUILTIN_COMPONENTS})
        raise LookupError(f"no enabled plugin provides a component of kind {kind!r}{near}")
    return [_slot(plan.components[kind], "", f"the setting components.{kind}")]


def _slot(choice: Choice[object], scope: str, change: str) -> Answer:
    losers = (RejectedEntry(name=each.name, reason="", source=str(each.origin)) for each in choice.losers)
    return Answer(
        kind=choice.kind,
        name=choice.name,
        scope=scope,
        rule=choice.rule,
        origin=choice.origin,
        losers=tuple(losers),
        change=change,
    )


# -- middleware


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


def _placed(plan: Plan, scope: PlannedScope, link: Entry[Middleware]) -> Answer:
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


def _constraints(chain: Sequence[tuple[Entry[Middleware], PlannedScope]], link: Entry[Middleware]) -> _Facts:
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


def _order_reason(plan: Plan, outer: Entry[Middleware], inner: Entry[Middleware]) -> str:
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
    reporting_errors: list[Entry[ResponseType] | None] = []
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


def _renderer(scope: PlannedScope, kind: type) -> tuple[Entry[ResponseType] | None, str]:
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


def _rendered(kind: type, scope: PlannedScope, entry: Entry[ResponseType] | None, rule: str) -> Answer:
    change = "provide_response_types of a plugin, or @app.response_type"
    if entry is None:
        return Answer(kind="response", name=f"none for {type_name(kind)}", scope=scope.prefix, rule=rule, change=change)
    record = entry.record
    facts = [("rendered by", name_of(record.render)), ("media type", record.media_type)]
    losers = (
        RejectedEntry(
            name=each.name, reason="the app beats plugins, a plugin beats what is built in", source=str(each.origin)
        )
        for each in entry.losers
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


# -- routes


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
    found = [explain(plan, method, path) for method in methods] if path.startswith("/") else []
    answers = []
    for each in found:
        if each.winner is not None:
            winner = next((one, scope) for one, scope in plan.routes() if one.route is each.winner.route)
            losers = [
                RejectedEntry(name=other.route.describe(), reason=other.reason)
                for other in each.candidates[1:]
                if other.judgement.near[0] > 1
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


# -- settings


def why_setting(plan: Plan, key: str) -> list[Answer]:
    """Answer why a setting, or each of a section, has its value.

    Raises:
        LookupError: there is no such setting.
    """
    values = plan.setting_values
    found = [(label, value) for label, value in values.items() if key in {label, value.key}]
    found = found or [(label, value) for label, value in values.items() if value.key.startswith(f"{key}.")]
    if not found:
        known = {value.key for value in values.values()}
        known |= {each.rpartition(".")[0] for each in known} - {""}
        raise LookupError(f"no setting {key!r}{did_you_mean(key, known)}")
    return [_set(plan, label, value) for label, value in found]


def _set(plan: Plan, label: str, value: SettingValue) -> Answer:
    losers = [RejectedEntry(name=value.redacted(each.value), source=each.source) for each in value.overruled]
    facts = []
    format_error = _described(plan, value.key)
    if format_error is not None:
        facts = [("takes", format_error.takes), ("default", format_error.default), ("meaning", format_error.text)]
    file = f"{value.key} in turnbuckle.toml"
    return Answer(
        kind="setting",
        name=f"{label} = {value.shown()}",
        rule="nobody has set it" if value.source == "default" else f"set by {value.source}",
        facts=tuple((label, text) for label, text in facts if text),
        losers=tuple(losers),
        change=f"later ones win: {file}, ${variable_of(value.key)}, --set {value.key}=..., the code",
    )


def _described(plan: Plan, key: str) -> Described | None:
    parts: Sequence[str] = key.split(".")
    if parts[0] != "plugin":
        return settings_section(Settings, "", key)
    configs = (scope.configs.get(parts[1]) for scope in plan.root.walk())
    config = next((each for each in configs if each is not None), None)
    return settings_section(type(config), f"plugin.{parts[1]}", key) if config is not None else None
