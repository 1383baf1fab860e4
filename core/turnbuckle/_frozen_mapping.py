"""A read-only mapping for frozen records: it can be compared, pickled and printed.

``types.MappingProxyType`` cannot be pickled, and shows later changes of the mapping that it was made from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar, final

__all__ = ["FrozenMapping", "frozen_mapping"]

KeyT = TypeVar("KeyT")
ValueT_co = TypeVar("ValueT_co", covariant=True)


@final
class FrozenMapping(Mapping[KeyT, ValueT_co], Generic[KeyT, ValueT_co]):
    """A mapping that keeps a copy of another one, in the same order.

    Args:
        mapping: the mapping to copy.
    """

    __slots__ = ("_entries",)

    def __init__(self, mapping: Mapping[KeyT, ValueT_co]) -> None:
        self._entries = dict(mapping)

    def __getitem__(self, key: KeyT) -> ValueT_co:
        return self._entries[key]

    def __iter__(self) -> Iterator[KeyT]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return repr(self._entries)


def frozen_mapping(mapping: Mapping[Any, Any]) -> FrozenMapping[Any, Any]:
    """Return a mapping as a ``FrozenMapping``; for fields of frozen records."""
    return mapping if isinstance(mapping, FrozenMapping) else FrozenMapping(mapping)
