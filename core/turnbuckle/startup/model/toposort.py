"""Solve orders: what must come before what, and by a given rank where nothing must."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

__all__ = ["OrderCycle", "solve"]


class OrderCycle(Exception):
    """There is no order; in ``path`` each must come before the next, and the last is the first."""

    def __init__(self, path: list[str]) -> None:
        super().__init__(" -> ".join(path))
        self.path = path


def solve(names: Iterable[str], before: Mapping[str, Iterable[str]], rank: Callable[[str], Any]) -> list[str]:
    """Return names in an order in which everything comes after what must come before it.

    Args:
        names: what is to be ordered.
        before: for a name, those that must come before it; ones that are not among the names do not matter.
        rank: what goes first when either may.

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
    # graphlib begins where it happens to; a message should read the same each time.
    circle = path[:-1]
    start = circle.index(min(circle))
    return [*circle[start:], *circle[:start], circle[start]]


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
