"""Hold names that may have several values: the query of a target, the fields of a form.

Read-only, in the order received. Nothing here parses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Generic, TypeVar, overload

__all__ = ["MultiMapping"]

V = TypeVar("V")
D = TypeVar("D")


class MultiMapping(Generic[V]):
    """Names with one or more values each: ``m["name"]`` is the first, ``m.get_list("name")`` gives all.

    ``items()`` returns every pair; iteration, ``keys()`` and ``len()`` see each name once.
    """

    __slots__ = ("_by_name", "_pairs")

    def __init__(self, pairs: Iterable[tuple[str, V]] = ()) -> None:
        self._pairs: Final = tuple(pairs)
        self._by_name: Final[dict[str, list[V]]] = {}
        for name, value in self._pairs:
            self._by_name.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> V:
        return self._by_name[name][0]

    @overload
    def get(self, name: str) -> V | None: ...
    @overload
    def get(self, name: str, default: D) -> V | D: ...
    def get(self, name: str, default: D | None = None) -> V | D | None:
        """Return the first value of a name, or the default."""
        values = self._by_name.get(name)
        return values[0] if values else default

    def get_list(self, name: str) -> list[V]:
        """Return all values of a name in the order received."""
        return list(self._by_name.get(name, ()))

    def items(self) -> tuple[tuple[str, V], ...]:
        """Return every name and value in the order received."""
        return self._pairs

    def keys(self) -> Iterator[str]:
        """Yield each name once."""
        return iter(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MultiMapping):
            return NotImplemented
        return self._pairs == other._pairs

    def __hash__(self) -> int:
        return hash(self._pairs)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self._pairs)!r})"
