"""Make variants of a request's bytes: split as a network may, or damaged as networks and attackers do."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

__all__ = ["WAYS", "Way", "byte_by_byte", "cut", "mutated", "pairs", "whole"]

Way: TypeAlias = Callable[[bytes], list[bytes]]


def whole(data: bytes) -> list[bytes]:
    """Return the bytes in one piece."""
    return [data]


def byte_by_byte(data: bytes) -> list[bytes]:
    """Split the bytes into single bytes."""
    return [data[place : place + 1] for place in range(len(data))]


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Split the bytes at some positions, taken modulo their length."""
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges) if end > start]


def pairs(data: bytes) -> Iterator[list[bytes]]:
    """Yield every split into two pieces."""
    for place in range(1, len(data)):
        yield [data[:place], data[place:]]


WAYS: Final[Mapping[str, Way]] = MappingProxyType({"whole": whole, "byte-by-byte": byte_by_byte})

_SCRAPS: Final = (
    *(
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b"\0",
        b":",
        b" ",
        b"\t",
        b"\x0b",
        b"\x7f",
        b"\x85",
        b"\xa0",
        b"\xff",
        b",",
        b";",
    ),
    *(b'"', b"0", b"5", b"+", b"-", b"_", b"0x", b"a", b"/", b"*", b"?", b"#", b"@", b"chunked", b"close", b"HTTP/1.1"),
    *(b"X: 1\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n", b"0\r\n\r\n"),
)

_LINE_ENDS: Final = (b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n", b"\r\n ", b" \r\n", b"", b"\r\n\t")

# With more damage, too little of the request is left.
_MAX_DAMAGE: Final = 3


def mutated(data: bytes, seed: int | str) -> bytes:
    """Return the bytes with one to three kinds of damage; the same seed causes the same damage."""
    # Not for secrets: the damage must be reproducible.
    chance = random.Random(seed)
    for _ in range(chance.randint(1, _MAX_DAMAGE)):
        data = chance.choice(_DAMAGE)(data, chance)
    return data


def _flip(data: bytes, chance: random.Random) -> bytes:
    if not data:
        return data
    place = chance.randrange(len(data))
    return data[:place] + bytes((data[place] ^ 1 << chance.randrange(8),)) + data[place + 1 :]


def _insert(data: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(data))
    return data[:place] + chance.choice(_SCRAPS) + data[place:]


def _replace(data: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(data))
    return data[:place] + chance.choice(_SCRAPS) + data[place + chance.randint(1, 4) :]


def _delete(data: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(data))
    return data[:place] + data[place + chance.randint(1, 8) :]


def _repeat_line(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\r\n")
    place = chance.randrange(len(lines))
    return b"\r\n".join([*lines[: place + 1], *lines[place:]])


def _swap_lines(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\r\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\r\n".join(lines)


def _drop_line(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\r\n")
    del lines[chance.randrange(len(lines))]
    return b"\r\n".join(lines)


def _damage_line_end(data: bytes, chance: random.Random) -> bytes:
    ends = [place for place in range(len(data)) if data.startswith(b"\r\n", place)]
    if not ends:
        return data
    place = chance.choice(ends)
    return data[:place] + chance.choice(_LINE_ENDS) + data[place + 2 :]


_DAMAGE: Final[tuple[Callable[[bytes, random.Random], bytes], ...]] = (
    _flip,
    _insert,
    _replace,
    _delete,
    _repeat_line,
    _swap_lines,
    _drop_line,
    _damage_line_end,
    _damage_line_end,
)
