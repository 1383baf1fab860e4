"""Choose one of the candidates for a slot.

A value passed to the app beats a setting, a setting beats an enabled plugin, an enabled plugin beats what is built in.
Two enabled plugins and nothing that decides between them is an error: the last one installed must not win.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import attrs

from turnbuckle.diagnostics import Origin, RejectedCandidate, Sourced
from turnbuckle.plan import Choice
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean, nearest
from turnbuckle.startup.plugins.bundled import FIRST_PARTY

__all__ = ["Slot", "choose"]


class _Named(Protocol):
    @property
    def name(self) -> str:
        """Return the name of the provider."""


ProviderT = TypeVar("ProviderT", bound=_Named)


@attrs.frozen(kw_only=True)
class Slot(Generic[ProviderT]):
    """What is to be filled, and what decides.

    Attributes:
        kind: for messages, for example ``"parser"``.
        key: the setting that decides, for example ``"parser"``.
        passed: what was passed to the app by value, or None.
        asked: the name that a setting, or the app, asks for; "" for none.
        asked_by: who asks for that name.
        builtin: names of the plugins that are a part of the core.
    """

    kind: str
    key: str
    passed: Sourced[ProviderT] | None = None
    asked: str = ""
    asked_by: str = ""
    builtin: frozenset[str] = frozenset()


def choose(
    slot: Slot[ProviderT], candidates: Sequence[Sourced[ProviderT]], diagnostics: Diagnostics
) -> Choice[ProviderT] | None:
    """Return what fills a slot; None when nothing does, or when that cannot be decided."""
    if slot.passed is not None:
        return _chosen(slot, slot.passed, candidates, "it was passed to the app")
    if slot.asked:
        return _by_name(slot, candidates, diagnostics)
    plugins = [each for each in candidates if each.origin.plugin not in slot.builtin]
    if len(plugins) > 1:
        _undecided(slot, plugins, diagnostics)
        return None
    if plugins:
        return _chosen(slot, plugins[0], candidates, "an enabled plugin beats what is built in")
    return _chosen(slot, candidates[0], candidates, "it is built in") if candidates else None


def _by_name(
    slot: Slot[ProviderT], candidates: Sequence[Sourced[ProviderT]], diagnostics: Diagnostics
) -> Choice[ProviderT] | None:
    named = [each for each in candidates if each.record.name == slot.asked]
    if len(named) > 1:
        _undecided(slot, named, diagnostics)
    if not named:
        names = {each.record.name for each in candidates}
        known = FIRST_PARTY.get(slot.kind, {})
        meant = known.get(nearest(slot.asked, {*names, *known}))
        diagnostics.add(
            "TB402",
            f"no {slot.kind} is named {slot.asked!r}{did_you_mean(slot.asked, {*names, *known} - {slot.asked})}",
            Origin(plugin="app", location=slot.asked_by),
            why=f"there is {', '.join(repr(name) for name in sorted(names)) or 'none'}",
            fix=meant.remedy if meant is not None else "correct the name, or enable the plugin that has it",
        )
    return _chosen(slot, named[0], candidates, f"{slot.asked_by} asks for it") if len(named) == 1 else None


def _undecided(slot: Slot[ProviderT], rivals: Sequence[Sourced[ProviderT]], diagnostics: Diagnostics) -> None:
    names = [each.record.name for each in rivals]
    fix = f'decide with the setting {slot.key} = "{names[0]}"'
    if len(set(names)) < len(names):
        fix = f"disable one of the plugins, for example with -p no:{rivals[0].origin.plugin}"
    diagnostics.add(
        "TB401",
        f"{len(rivals)} plugins offer a {slot.kind}: {', '.join(repr(name) for name in names)}",
        *(each.origin for each in rivals),
        why="exactly one is used, and nothing says which",
        fix=fix,
    )


def _chosen(
    slot: Slot[ProviderT], entry: Sourced[ProviderT], candidates: Sequence[Sourced[ProviderT]], rule: str
) -> Choice[ProviderT]:
    return Choice(
        kind=slot.kind,
        name=entry.record.name,
        provider=entry.record,
        origin=entry.origin,
        rule=rule,
        rejected=tuple(RejectedCandidate(each.record.name, each.origin) for each in candidates if each is not entry),
    )
