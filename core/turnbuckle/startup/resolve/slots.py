"""Choose one of the candidates for a slot.

A value passed to the app beats a setting, and a setting beats the precedence of origins (``precedence.py``). If two
enabled plugins are candidates and no setting decides, that is an error: the plugin installed last must not win.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import attrs

from turnbuckle.diagnostics import Origin, RejectedCandidate, Sourced
from turnbuckle.plan import Choice
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean, nearest
from turnbuckle.startup.plugins.bundled import FIRST_PARTY
from turnbuckle.startup.resolve.precedence import Rank, strongest

__all__ = ["Slot", "choose"]


class _Named(Protocol):
    @property
    def name(self) -> str:
        """Return the name of the provider."""


ProviderT = TypeVar("ProviderT", bound=_Named)


@attrs.frozen(kw_only=True)
class Slot(Generic[ProviderT]):
    """A slot to fill, and the values that decide.

    Attributes:
        kind: for messages, for example ``"parser"``.
        key: the setting that decides, for example ``"parser"``.
        passed: the value passed to the app, or None.
        requested: the name that a setting or the app asks for; "" for none.
        requested_by: the setting or call that asks for that name.
        builtin: names of the built-in plugins.
    """

    kind: str
    key: str
    passed: Sourced[ProviderT] | None = None
    requested: str = ""
    requested_by: str = ""
    builtin: frozenset[str] = frozenset()


def choose(
    slot: Slot[ProviderT], candidates: Sequence[Sourced[ProviderT]], diagnostics: Diagnostics
) -> Choice[ProviderT] | None:
    """Return the choice for a slot, or None if there is no candidate or nothing decides between several."""
    if slot.passed is not None:
        return _choice(slot, slot.passed, candidates, "it was passed to the app")
    if slot.requested:
        return _by_name(slot, candidates, diagnostics)
    if not candidates:
        return None
    rank, best = strongest(candidates, slot.builtin)
    if rank is Rank.BUILTIN:
        return _choice(slot, best[0], candidates, "it is built in")
    if len(best) > 1:
        _report_undecided(slot, best, diagnostics)
        return None
    return _choice(slot, best[0], candidates, "an enabled plugin takes precedence over the built-in one")


def _by_name(
    slot: Slot[ProviderT], candidates: Sequence[Sourced[ProviderT]], diagnostics: Diagnostics
) -> Choice[ProviderT] | None:
    named = [candidate for candidate in candidates if candidate.record.name == slot.requested]
    if len(named) > 1:
        _report_undecided(slot, named, diagnostics)
    if not named:
        names = {candidate.record.name for candidate in candidates}
        bundled = FIRST_PARTY.get(slot.kind, {})
        meant = bundled.get(nearest(slot.requested, {*names, *bundled}))
        hint = did_you_mean(slot.requested, {*names, *bundled} - {slot.requested})
        diagnostics.add(
            "TB402",
            f"no {slot.kind} is named {slot.requested!r}{hint}",
            Origin(plugin="app", location=slot.requested_by),
            why=f"available: {', '.join(repr(name) for name in sorted(names)) or 'none'}",
            fix=meant.remedy if meant is not None else "correct the name, or enable the plugin that provides it",
        )
    return _choice(slot, named[0], candidates, f"{slot.requested_by} asks for it") if len(named) == 1 else None


def _report_undecided(slot: Slot[ProviderT], rivals: Sequence[Sourced[ProviderT]], diagnostics: Diagnostics) -> None:
    names = [rival.record.name for rival in rivals]
    fix = f'decide with the setting {slot.key} = "{names[0]}"'
    if len(set(names)) < len(names):
        fix = f"disable one of the plugins, for example with -p no:{rivals[0].origin.plugin}"
    diagnostics.add(
        "TB401",
        f"{len(rivals)} plugins offer a {slot.kind}: {', '.join(repr(name) for name in names)}",
        *(rival.origin for rival in rivals),
        why="exactly one is used, and nothing decides between them",
        fix=fix,
    )


def _choice(
    slot: Slot[ProviderT], entry: Sourced[ProviderT], candidates: Sequence[Sourced[ProviderT]], rule: str
) -> Choice[ProviderT]:
    return Choice(
        kind=slot.kind,
        name=entry.record.name,
        provider=entry.record,
        origin=entry.origin,
        rule=rule,
        rejected=tuple(
            RejectedCandidate(candidate.record.name, candidate.origin)
            for candidate in candidates
            if candidate is not entry
        ),
    )
