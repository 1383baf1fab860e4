"""Decide which of several records for one thing wins.

One rule holds for slots and tables: a record of the app itself beats one of an enabled plugin, which beats a built-in
one. Several records of the highest rank are a conflict. It is reported, because neither the order of installation nor
the order of plugins may decide.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from enum import IntEnum
from typing import Any, Final, TypeVar

from turnbuckle.diagnostics import Origin, Sourced
from turnbuckle.startup.model.diagnostics import Diagnostics

__all__ = ["Rank", "rank_of", "report_duplicates", "strongest"]

RecordT = TypeVar("RecordT")

_FIX_RIVALS: Final = "disable one of the plugins, or remove one of the two"
_FIX_SAME_PLUGIN: Final = "remove one of the two; a plugin in several scopes makes unique names with setup.scope"


class Rank(IntEnum):
    """The rank of a record, by its origin; the highest rank wins."""

    BUILTIN = 0
    PLUGIN = 1
    APP = 2


def rank_of(origin: Origin, builtin: Collection[str]) -> Rank:
    """Return the rank of a record with this origin.

    Args:
        origin: where the record comes from.
        builtin: names of the built-in plugins.
    """
    if origin.plugin == "app":
        return Rank.APP
    return Rank.BUILTIN if origin.plugin in builtin else Rank.PLUGIN


def strongest(
    candidates: Sequence[Sourced[RecordT]], builtin: Collection[str]
) -> tuple[Rank, Sequence[Sourced[RecordT]]]:
    """Return the highest rank among the candidates, and the candidates that have it, in their order.

    Args:
        candidates: at least one.
        builtin: names of the built-in plugins.
    """
    ranks = [rank_of(candidate.origin, builtin) for candidate in candidates]
    highest = max(ranks)
    return highest, [candidate for candidate, rank in zip(candidates, ranks, strict=True) if rank == highest]


def report_duplicates(
    entries: Iterable[Sourced[Any]], key: Callable[[Any], Hashable], code: str, what: str, diagnostics: Diagnostics
) -> None:
    """Report every record whose key an earlier record has.

    Args:
        entries: the records.
        key: returns the key of a record.
        code: the code of the problem.
        what: the noun for the key in the message, for example ``"command"``; "" if the key is a noun phrase itself.
        diagnostics: where to report.
    """
    first: dict[Hashable, Sourced[Any]] = {}
    for entry in entries:
        name = key(entry.record)
        if first.setdefault(name, entry) is not entry:
            diagnostics.add(
                code,
                f"{what} {name!r} is defined twice" if what else f"{name} is defined twice",
                entry.origin,
                first[name].origin,
                why="nothing decides between the two",
                fix=_FIX_SAME_PLUGIN if _is_same_plugin(entry.origin, first[name].origin) else _FIX_RIVALS,
            )


def _is_same_plugin(origin: Origin, other: Origin) -> bool:
    return origin.plugin == other.plugin != "app"
