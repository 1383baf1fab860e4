"""Make variants of a request's bytes: split as a network may, or damaged as networks and attackers do."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

__all__ = ["WAYS", "Way", "byte_by_byte", "cut", "mutated", "pairs", "whole"]

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

# More damage than this, and nothing is left to disagree about.
_MOST: Final = 3


def mutated(octets: bytes, seed: int | str) -> bytes:
    """Return the octets with one to three kinds of damage."""
    # Not for secrets: the same damage each time is the point.
    chance = random.Random(seed)
    for _ in range(chance.randint(1, _MOST)):
        octets = chance.choice(_DAMAGE)(octets, chance)
    return octets


def _flip(octets: bytes, chance: random.Random) -> bytes:
    if not octets:
        return octets
    place = chance.randrange(len(octets))
    return octets[:place] + bytes((octets[place] ^ 1 << chance.randrange(8),)) + octets[place + 1 :]


def _insert(octets: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(octets))
    return octets[:place] + chance.choice(_SCRAPS) + octets[place:]


def _replace(octets: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(octets))
    return octets[:place] + chance.choice(_SCRAPS) + octets[place + chance.randint(1, 4) :]


def _delete(octets: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(octets))
    return octets[:place] + octets[place + chance.randint(1, 8) :]


def _repeat_line(octets: bytes, chance: random.Random) -> bytes:
    lines = octets.split(b"\r\n")
    place = chance.randrange(len(lines))
    return b"\r\n".join([*lines[: place + 1], *lines[place:]])


def _swap_lines(octets: bytes, chance: random.Random) -> bytes:
    lines = octets.split(b"\r\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\r\n".join(lines)


def _drop_line(octets: bytes, chance: random.Random) -> bytes:
    lines = octets.split(b"\r\n")
    del lines[chance.randrange(len(lines))]
    return b"\r\n".join(lines)


def _damage_line_end(octets: bytes, chance: random.Random) -> bytes:
    ends = [place for place in range(len(octets)) if octets.startswith(b"\r\n", place)]
    if not ends:
        return octets
    place = chance.choice(ends)
    return octets[:place] + chance.choice(_LINE_ENDS) + octets[place + 2 :]


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
