"""The tree of routes against a matcher that tries every route on every path."""

import re
from random import Random
from urllib.parse import quote

import pytest
from hypothesis import given, settings, strategies as st

from turnbuckle.errors import MethodNotAllowed, NotFound, RouteConflict
from turnbuckle.routing.converters import BUILTIN_CONVERTERS
from turnbuckle.routing.nodes import EdgeIndex, Node
from turnbuckle.routing.patterns import parse_pattern
from turnbuckle.routing.records import Route
from turnbuckle.routing.tree import TreeRouter

# Each kind of segment: how it is written, what re says of it, how its values are read, and its documented place:
# static, then one segment, then many; by rank of the converter, then by length of text.
STATIC, SINGLE, SPANNING = range(3)
KINDS = {
    "a": ("a", (), (STATIC,)),
    "b": ("b", (), (STATIC,)),
    "1": ("1", (), (STATIC,)),
    "a/b": ("a/b", (), (STATIC,)),
    "": ("", (), (STATIC,)),
    "{x}": (r"(.+)", (str,), (SINGLE, 80, 0)),
    "{x:int}": (r"([0-9]{1,100})", (int,), (SINGLE, 40, 0)),
    "{x:float}": (r"([0-9]+(?:\.[0-9]+)?)", (float,), (SINGLE, 50, 0)),
    "{x:re(a|ab|1)}": (r"(a|ab|1)", (str,), (SINGLE, 10, 0)),
    "{x:re([ab]*)}": (r"([ab]*)", (str,), (SINGLE, 10, 0)),
    "a{x}": (r"a(.+)", (str,), (SINGLE, 80, -1)),
    "a{x:int}": (r"a([0-9]{1,100})", (int,), (SINGLE, 40, -1)),
    "{x}.{y}": (r"(.+)\.(.+)", (str, str), (SINGLE, 80, -1)),
    "{x}.b": (r"(.+)\.b", (str,), (SINGLE, 80, -2)),
    "{x:path}": (r"(.*)", (str,), (SPANNING, 90, 0)),
}
SEGMENTS = ["a", "b", "1", "", "a/b", "ab", "a1", "1.5", "a.b", "a.1.b", ".", "\u00e9", "11"]
METHODS = ["GET", "POST", "HEAD"]


class Reference:
    """Match by trying all routes, in the documented order, with ``re`` on each segment."""

    def __init__(self) -> None:
        self.routes = []

    def add(self, route: Route, kinds: tuple[str, ...]) -> None:
        self.routes.append((route, kinds))

    def order(self, kinds: tuple[str, ...]) -> list[tuple[int | str, ...]]:
        """Return what routes are sorted by; ties go to the segment that was there first at its place."""
        places = []
        for depth, kind in enumerate(kinds):
            place = KINDS[kind][2]
            behind = len(kinds) - depth
            same = [(depth, kinds[: depth + 1], behind if place[0] == SPANNING else 0)]
            first = min(
                number
                for number, (_, others) in enumerate(self.routes)
                if [(depth, others[: depth + 1], len(others) - depth if place[0] == SPANNING else 0)] == same
            )
            if place[0] == STATIC:
                places.append((STATIC, 0, 0, 0, kind))
            else:
                spanning = -behind if place[0] == SPANNING else 0
                places.append((place[0], spanning, place[1], place[2], first))
        return places

    def match(self, method: str, texts: list[str]) -> set[str] | tuple[Route, list[object]]:
        allowed = set()
        for route, kinds in sorted(self.routes, key=lambda pair: self.order(pair[1])):
            values = self.read(kinds, texts)
            if values is None:
                continue
            methods = {name for other, others in self.routes if others == kinds for name in other.methods}
            if method in route.methods or (method == "HEAD" and "GET" in route.methods and "HEAD" not in methods):
                return route, values
            allowed |= route.methods | {"OPTIONS"} | ({"HEAD"} if "GET" in route.methods else set())
        return allowed

    def read(self, kinds: tuple[str, ...], texts: list[str]) -> list[object] | None:
        if not kinds:
            return None if texts else []
        if not texts:
            return None
        expression, converts, place = KINDS[kinds[0]]
        sizes = range(len(texts), 0, -1) if place[0] == SPANNING else [1]
        for size in sizes:
            found = re.fullmatch(expression, "/".join(texts[:size]), re.DOTALL)
            rest = self.read(kinds[1:], texts[size:]) if found else None
            if rest is not None:
                return [convert(text) for convert, text in zip(converts, found.groups(), strict=True)] + rest
        return None


def write(kinds: tuple[str, ...]) -> str:
    """Return the pattern, with names that do not clash."""
    names = iter("pqrstuvwxyz")
    texts = [re.sub(r"\{[xy]", lambda _: "{" + next(names), kind.replace("a/b", "a%2Fb")) for kind in kinds]
    return "/" + "/".join(texts)


@st.composite
def patterns(draw: st.DrawFn) -> tuple[str, ...]:
    kinds = draw(st.lists(st.sampled_from([kind for kind in KINDS if kind]), min_size=1, max_size=4))
    if kinds.count("{x:path}") > 1:
        kinds = [kind for kind in kinds if kind != "{x:path}"] + ["{x:path}"]
    return (*kinds, "") if draw(st.booleans()) else tuple(kinds)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(METHODS), patterns()), max_size=12),
    st.lists(
        st.tuples(st.sampled_from(METHODS), st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=5)), max_size=12
    ),
    st.randoms(use_true_random=False),
)
def test_tree_agrees_with_the_reference(
    drawn: list[tuple[str, tuple[str, ...]]], requests: list[tuple[str, list[str]]], random: Random
) -> None:
    tree, reference = TreeRouter(), Reference()
    for method, kinds in drawn:
        route = Route(path=write(kinds), handler=print, methods=[method])
        try:
            tree.add(route)
        except RouteConflict:
            assert any(others == kinds and method in other.methods for other, others in reference.routes)
        else:
            reference.add(route, kinds)
    tree.freeze()
    for method, texts in requests:
        expected = reference.match(method, texts)
        path = "".join("/" + encode(text, random) for text in texts)
        if isinstance(expected, tuple):
            match = tree.match(method, path)
            assert (match.route, list(match.path_params.values())) == (expected[0], expected[1])
            assert list(map(type, match.path_params.values())) == list(map(type, expected[1]))
        elif expected:
            with pytest.raises(MethodNotAllowed) as caught:
                tree.match(method, path)
            assert set(caught.value.allowed) == expected
            assert tree.allowed(path) == expected
        else:
            with pytest.raises(NotFound):
                tree.match(method, path)


def encode(text: str, random: Random) -> str:
    """Percent-encode all characters that need it, and sometimes others."""
    return "".join(
        f"%{ord(character):02x}" if character.isascii() and random.random() < 0.2 else quote(character, "")
        for character in text
    )


@given(st.sampled_from(METHODS), st.text(max_size=20) | st.text("/%aA2f.\u00e9\ud800", max_size=20))
def test_no_path_raises_anything_else(method: str, path: str) -> None:
    tree = TreeRouter(trailing_slash="redirect")
    for pattern in ("/", "/a", "/{x}", "/{x}/{y:int}", "/a/{x}.{y}", "/a/{r:path}/b"):
        tree.add(Route(path=pattern, handler=print))
    tree.freeze()
    for requested in (path, "/" + path):
        try:
            assert tree.match(method, requested).route is not None
        except (NotFound, MethodNotAllowed):
            continue


def test_index_finds_edges_by_their_texts() -> None:
    root = Node()
    patterns = [f"/part{number}-{{x}}.txt" for number in range(20)] + ["/{x}.txt", "/{x}", "/part1{x}", "/{x:int}"]
    for number, pattern in enumerate(patterns):
        root.descend(parse_pattern(pattern, BUILTIN_CONVERTERS), number)
    root.sort()
    assert root.index is not None
    found = [edge.segment.literals for edge in root.index.candidates("part1-a.txt")]
    assert found == [("", ""), ("part1-", ".txt"), ("part1", ""), ("", ".txt"), ("", "")]
    assert [edge.segment.literals for edge in root.index.candidates("5")] == [("", ""), ("", "")]


def test_index_is_not_made_for_a_few() -> None:
    root = Node()
    for number, pattern in enumerate(["/a{x}", "/b{x}", "/{x}"]):
        root.descend(parse_pattern(pattern, BUILTIN_CONVERTERS), number)
    root.sort()
    assert root.index is None
    assert EdgeIndex.of(root.dynamic).candidates("a1")[0].segment.literals == ("a", "")
