"""Sort names topologically, and by a given rank where the constraints leave a choice."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

__all__ = ["OrderCycle", "solve"]


class OrderCycle(Exception):
    """The constraints form a cycle: each name in ``path`` must come before the next; the last equals the first."""

    def __init__(self, path: list[str]) -> None:
        super().__init__(" -> ".join(path))
        self.path = path


def solve(names: Iterable[str], before: Mapping[str, Iterable[str]], rank: Callable[[str], Any]) -> list[str]:
    """Return names in an order that fulfils all constraints.

    Args:
        names: the names to sort.
        before: for a name, the names that must come before it; names that are not to be sorted are ignored.
        rank: the sort key of a name; the lower rank comes first where the constraints leave a choice.

    Raises:
        OrderCycle: there is no such order.
    """
    known = set(names)
    sorter = TopologicalSorter({name: sorted(known & set(before.get(name, ()))) for name in sorted(known)})
    try:
        sorter.prepare()
    except CycleError as error:
        raise OrderCycle(_from_first_name(error.args[1])) from None
    return _by_rank(sorter, rank)


def _from_first_name(path: list[str]) -> list[str]:
    # graphlib begins at an arbitrary name; messages should be reproducible.
    cycle = path[:-1]
    start = cycle.index(min(cycle))
    return [*cycle[start:], *cycle[:start], cycle[start]]


def _by_rank(sorter: TopologicalSorter[str], rank: Callable[[str], Any]) -> list[str]:
    order: list[str] = []
    ready: list[tuple[Any, str]] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heapq.heappush(ready, (rank(name), name))
        _, first = heapq.heappop(ready)
        order.append(first)
        sorter.done(first)
    return order
