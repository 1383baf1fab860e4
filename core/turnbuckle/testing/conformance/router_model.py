"""A slow and simple model of a router, which tries every route; real routers are compared with it.

This module also generates random tables of routes, and paths that are likely to match them. It shares no code with any
router: patterns are built from parts, so they need not be parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

import attrs
from hypothesis import strategies as st

from turnbuckle.routing.records import Route

__all__ = ["CASES", "Case", "Found", "ModelRouter", "Part", "encode", "handler_of"]

Params: TypeAlias = dict[str, object]

METHODS: Final = ("GET", "HEAD", "POST", "OPTIONS", "PURGE")
_TEXTS: Final = ("a", "b", "1", "07", "va", "v1", "a b", "é", "50%", "a/b", "<x>", "{x}", "=", "^.*$")
_RANKS: Final[Mapping[str, int]] = {"int": 40, "str": 80}


@attrs.frozen
class Part:
    """One segment of a pattern: text, or a parameter of a kind with text before it."""

    text: str = ""
    kind: Literal["text", "str", "int", "path"] = "text"

    def written(self, number: int) -> str:
        """Return its text in a pattern; ``number`` makes the name of the parameter unique."""
        text = quote(self.text, safe="")
        return text if self.kind == "text" else f"{text}{{p{number}:{self.kind}}}"

    def read(self, text: str) -> tuple[object, ...] | None:
        """Return the values in a decoded segment, empty for plain text; None if it does not match."""
        if self.kind == "text":
            return () if text == self.text else None
        if not text.startswith(self.text):
            return None
        value = text[len(self.text) :]
        if self.kind == "int":
            return (int(value),) if value.isascii() and value.isdigit() else None
        return (value,) if value else None

    def place(self, behind: int) -> tuple[int, ...]:
        """Return its specificity; smaller is more specific."""
        if self.kind == "path":
            return 2, -behind
        return (0,) if self.kind == "text" else (1, _RANKS[self.kind], -len(self.text))


@attrs.frozen
class Found:
    """A route that matches a path, with the parameters in the path."""

    route: Route
    parts: tuple[Part, ...]
    params: Params

    @property
    def order(self) -> list[tuple[int, ...]]:
        """The specificity of its pattern; smaller is more specific."""
        return [part.place(len(self.parts) - number) for number, part in enumerate(self.parts)]

    def serves(self, method: str) -> bool:
        """Return whether the route answers a method."""
        return method in self.route.methods or (method == "HEAD" and "GET" in self.route.methods)


@attrs.frozen
class ModelRouter:
    """Routes, with the parts of their patterns."""

    rows: tuple[tuple[Route, tuple[Part, ...]], ...]

    def find(self, segments: Sequence[str]) -> list[Found]:
        """Return the routes that match a path, in the order of the table."""
        read = ((route, parts, _read(parts, segments)) for route, parts in self.rows)
        return [Found(route, parts, params) for route, parts, params in read if params is not None]


def encode(segments: Sequence[str], style: int = 0) -> str:
    """Return an encoded path; ``style`` selects a way of escaping characters without need."""
    return "".join("/" + _STYLES[style % len(_STYLES)](segment) for segment in segments)


def _every_byte(segment: str) -> str:
    return "".join(f"%{byte:02X}" for byte in segment.encode())


def _lower_case(segment: str) -> str:
    return "".join(f"%{byte:02x}" for byte in segment.encode())


_STYLES: Final[tuple[Callable[[str], str], ...]] = (lambda text: quote(text, safe=""), _every_byte, _lower_case)


def _read(parts: Sequence[Part], segments: Sequence[str]) -> Params | None:
    values: Params = {}
    rest = list(segments)
    for number, part in enumerate(parts):
        size = len(rest) - (len(parts) - number - 1) if part.kind == "path" else 1
        taken, rest = rest[: max(size, 0)], rest[max(size, 0) :]
        if not taken:
            return None
        read = ("/".join(taken),) if part.kind == "path" else part.read(taken[0])
        if read is None:
            return None
        values.update((f"p{number}", value) for value in read)
    return values if not rest else None


def handler_of(number: int) -> Callable[[], int]:
    """Return a handler that differs from all others."""
    return lambda: number


def _table(rows: Sequence[tuple[tuple[Part, ...], frozenset[str]]]) -> ModelRouter:
    taken: set[tuple[tuple[Part, ...], str]] = set()
    made: list[tuple[Route, tuple[Part, ...]]] = []
    for parts, wanted in rows:
        methods = {method for method in wanted if (parts, method) not in taken}
        if methods and sum(part.kind == "path" for part in parts) <= 1:
            taken.update((parts, method) for method in methods)
            path = "".join("/" + part.written(number) for number, part in enumerate(parts))
            made.append((Route(path=path, handler=handler_of(len(made)), methods=methods), parts))
    return ModelRouter(tuple(made))


_PARTS: Final = st.one_of(
    st.builds(Part, st.sampled_from(_TEXTS)),
    st.builds(Part, st.sampled_from(("", "v")), st.sampled_from(("str", "int"))),
    st.just(Part("", "path")),
)
_PATTERNS: Final = st.one_of(
    st.just((Part(),)),
    st.lists(_PARTS, min_size=1, max_size=3).map(tuple),
    st.lists(_PARTS, min_size=1, max_size=2).map(lambda parts: (*parts, Part())),
)
_METHOD_SETS: Final = st.frozensets(st.sampled_from(METHODS), min_size=1, max_size=3)

_TABLES: Final = st.lists(st.tuples(_PATTERNS, _METHOD_SETS), max_size=8).map(_table)
_SEGMENTS: Final = st.sampled_from(("", *_TEXTS))
_SAMPLES: Final[Mapping[str, st.SearchStrategy[tuple[str, ...]]]] = {
    "str": st.tuples(st.sampled_from(_TEXTS)),
    "int": st.tuples(st.sampled_from(("1", "07"))),
    "path": st.lists(_SEGMENTS, min_size=1, max_size=3).map(tuple),
}


def _sample(part: Part) -> st.SearchStrategy[tuple[str, ...]]:
    """Return segments that are likely to match the part."""
    if part.kind == "text":
        return st.just((part.text,))
    return _SAMPLES[part.kind].map(lambda texts: (part.text + texts[0], *texts[1:]))


def _paths(table: ModelRouter) -> st.SearchStrategy[list[str]]:
    """Return paths that are likely to match a route, and arbitrary paths."""
    anything = st.lists(_SEGMENTS, min_size=1, max_size=4)
    fitting = [st.tuples(*map(_sample, parts)).map(lambda texts: list(chain(*texts))) for _, parts in table.rows]
    return st.one_of(*fitting, anything)


def _case(table: ModelRouter) -> st.SearchStrategy[Case]:
    requests = st.tuples(st.sampled_from((*METHODS, "get", "TRACE")), _paths(table), st.integers(0, 2))
    return st.tuples(st.just(table), st.lists(requests, min_size=1, max_size=8))


Case: TypeAlias = tuple[ModelRouter, list[tuple[str, list[str], int]]]
"""A table and requests to it: method, decoded segments, and style of encoding."""

CASES: Final = _TABLES.flatmap(_case)
