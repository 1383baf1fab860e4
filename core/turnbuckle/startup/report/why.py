"""Answer why a part of an app is as it is: what was chosen, by which rule, what lost, and where to change it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.plan import Choice, Plan, SettingValue
from turnbuckle.settings import Settings
from turnbuckle.startup.model.diagnostics import did_you_mean
from turnbuckle.startup.report.settings_reference import Described, settings_section, variable_of

__all__ = [
    "Answer",
    "RejectedEntry",
    "why_component",
    "why_parser",
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
    losers = (RejectedEntry(name=each.name, reason="", source=str(each.origin)) for each in choice.rejected)
    return Answer(
        kind=choice.kind,
        name=choice.name,
        scope=scope,
        rule=choice.rule,
        origin=choice.origin,
        losers=tuple(losers),
        change=change,
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
