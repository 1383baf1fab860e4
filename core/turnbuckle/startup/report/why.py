"""Explain the choices in a plan: the chosen candidate, the rule, the rejected candidates, and how to change the choice.

This module explains slots and settings; the other ``why_*.py`` explain middleware, routes and plugins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import attrs

from turnbuckle.diagnostics import Origin, RejectedCandidate
from turnbuckle.plan import Choice, Plan, SettingValue
from turnbuckle.schema.json_decoding import find_fast_decoder
from turnbuckle.settings import Settings
from turnbuckle.startup.model.diagnostics import candidates, did_you_mean
from turnbuckle.startup.report.settings_reference import SettingDescription, setting_description, variable_of
from turnbuckle.startup.settings.toml_lines import dotted_key

__all__ = [
    "Answer",
    "RejectedEntry",
    "rejected_entries",
    "why_component",
    "why_parser",
    "why_router",
    "why_setting",
]


# The kinds that the core uses itself, with its defaults.
_BUILTIN_COMPONENTS: Final[Mapping[str, str]] = MappingProxyType(
    {"json": "the codec of the core", "loop": "as in the setting server.loop"}
)


@attrs.frozen(kw_only=True)
class RejectedEntry:
    """A candidate that was not chosen, with the reason and its source."""

    name: str
    reason: str = ""
    source: str = ""


@attrs.frozen(kw_only=True)
class Answer:
    """The explanation of one choice.

    Attributes:
        kind: for example ``"parser"``.
        name: name of the chosen candidate.
        scope: prefix of the scope that the choice applies to.
        rule: why it was chosen.
        origin: where it comes from; None for a setting.
        facts: further facts, as pairs of label and text.
        rejected: the candidates that were not chosen.
        change: how to change the choice.
    """

    kind: str
    name: str
    scope: str = ""
    rule: str = ""
    origin: Origin | None = None
    facts: tuple[tuple[str, str], ...] = ()
    rejected: tuple[RejectedEntry, ...] = ()
    change: str = ""


def why_parser(plan: Plan) -> list[Answer]:
    """Explain the parser of an app."""
    return [_slot(plan.parser, "", "App(parser=...), or the setting parser")]


def why_router(plan: Plan) -> list[Answer]:
    """Explain the routers of an app and its scopes."""
    answers = []
    for scope in plan.root.walk():
        if scope.router is not None:
            change = "scope(router=...)" if scope.prefix else "App(router=...), or the setting router"
            answers.append(_slot(scope.router, scope.prefix, change))
    return answers


def why_component(plan: Plan, kind: str) -> list[Answer]:
    """Explain the component of a kind.

    Raises:
        LookupError: no enabled plugin provides a component of that kind.
    """
    if kind not in plan.components and kind in _BUILTIN_COMPONENTS:
        rule, change = "no enabled plugin provides another", f"a plugin that provides one, and components.{kind}"
        facts = _facts_of_json() if kind == "json" else ()
        name = _BUILTIN_COMPONENTS[kind]
        return [Answer(kind=f"{kind} component", name=name, rule=rule, facts=facts, change=change)]
    if kind not in plan.components:
        near = candidates(kind, {*plan.components, *_BUILTIN_COMPONENTS})
        raise LookupError(f"no enabled plugin provides a component of kind {kind!r}{near}")
    return [_slot(plan.components[kind], "", f"the setting {dotted_key('components', kind)}")]


def _facts_of_json() -> tuple[tuple[str, str], ...]:
    decoder = find_fast_decoder()
    if decoder is None:
        decodes = "the json module of Python: msgspec, which is faster, is not installed or differs from it"
    else:
        decodes = f"{decoder.name}, because it is installed; the json module of Python decides where it refuses"
    return ("encodes", "the json module of Python, with an encoder that is kept"), ("decodes", decodes)


def rejected_entries(candidates: Iterable[RejectedCandidate], reason: str = "") -> tuple[RejectedEntry, ...]:
    """Return the entries of candidates that were all rejected for one reason."""
    return tuple(
        RejectedEntry(name=candidate.name, reason=reason, source=str(candidate.origin)) for candidate in candidates
    )


def _slot(choice: Choice[object], scope: str, change: str) -> Answer:
    return Answer(
        kind=choice.kind,
        name=choice.name,
        scope=scope,
        rule=choice.rule,
        origin=choice.origin,
        rejected=rejected_entries(choice.rejected),
        change=change,
    )


# -- settings


def why_setting(plan: Plan, key: str) -> list[Answer]:
    """Explain the value of a setting, or of each setting in a section.

    Raises:
        LookupError: there is no such setting.
    """
    values = plan.setting_values
    found = [(label, value) for label, value in values.items() if key in {label, value.key}]
    found = found or [(label, value) for label, value in values.items() if value.key.startswith(f"{key}.")]
    if not found:
        known = {value.key for value in values.values()}
        sections = {name.partition(".")[0] for name in known}
        near = did_you_mean(key, {*known, *sections, *(name.rpartition(".")[0] for name in known)} - {""})
        raise LookupError(f"no setting {key!r}{near or candidates(key, sections)}")
    return [_setting(plan, label, value) for label, value in found]


def _setting(plan: Plan, label: str, value: SettingValue) -> Answer:
    rejected = [RejectedEntry(name=value.redacted(other.value), source=other.source) for other in value.overruled]
    facts = []
    description = _description(plan, value.key)
    if description is not None:
        facts = [("takes", description.takes), ("default", description.default), ("meaning", description.text)]
    file = f"{value.key} in turnbuckle.toml"
    return Answer(
        kind="setting",
        name=f"{label} = {value.shown()}",
        rule="it is not set" if value.source == "default" else f"set by {value.source}",
        facts=tuple((label, text) for label, text in facts if text),
        rejected=tuple(rejected),
        change=f"the last of these wins: {file}, ${variable_of(value.key)}, --set {value.key}=..., the code",
    )


def _description(plan: Plan, key: str) -> SettingDescription | None:
    parts: Sequence[str] = key.split(".")
    if parts[0] == "app" and plan.config is not None:
        return setting_description(type(plan.config), "app", key)
    if parts[0] != "plugin":
        return setting_description(Settings, "", key)
    configs = (scope.configs.get(parts[1]) for scope in plan.root.walk())
    config = next((config for config in configs if config is not None), None)
    return setting_description(type(config), f"plugin.{parts[1]}", key) if config is not None else None
