"""Cut octets as a network may."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

__all__ = ["WAYS", "Way", "byte_by_byte", "cut", "pairs", "whole"]

Way: TypeAlias = Callable[[bytes], list[bytes]]


def whole(octets: bytes) -> list[bytes]:
    """Leave octets in one piece."""
    return [octets]


def byte_by_byte(octets: bytes) -> list[bytes]:
    """Cut octets into pieces of one."""
    return [octets[place : place + 1] for place in range(len(octets))]


def cut(octets: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut octets at some places; those beyond the end count from the start again."""
    edges = [0, *sorted({place % (len(octets) + 1) for place in places}), len(octets)]
    return [octets[start:end] for start, end in itertools.pairwise(edges) if end > start]


def pairs(octets: bytes) -> Iterator[list[bytes]]:
    """Yield every way to cut octets in two."""
    for place in range(1, len(octets)):
        yield [octets[:place], octets[place:]]


WAYS: Final[Mapping[str, Way]] = MappingProxyType({"whole": whole, "byte-by-byte": byte_by_byte})
