"""The tree of routes, one level for each segment.

Owns the order in which routes are tried, and the walk that tries them. At each node: the static child of that
text, in one dict look-up; then the dynamic segments, the most specific first (``Segment.order``, then the
order of registration); then parameters that span segments, those with more segments behind them first. A
branch that leads nowhere is left again, so the first route in this order that fits the path and has the
method is found.

Every node is at one depth, and what a spanning parameter takes is settled by the number of segments behind
it. So a walk comes to each node once at most, whatever the path: there is nothing to blow up. And it comes
only to nodes whose segments fit: where many mixed segments such as ``report-{id}.pdf`` share a node, they are
found by their outer texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import attrs

from turnbuckle.routing.methods import allowed_methods
from turnbuckle.routing.patterns import Pattern
from turnbuckle.routing.records import Match, Route
from turnbuckle.routing.segments import Reader, Segment, Values, compile_reader

SegmentKey: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]

NO_PARAMS: Final[Mapping[str, object]] = MappingProxyType({})

# Below this many, trying one after the other is cheaper than cutting the text for look-ups.
_INDEX_FROM: Final = 8


@attrs.frozen(eq=False)
class TreeEntry:
    """Where a route ends; ``ready`` is its match when that is always the same, because it has no parameters."""

    route: Route
    pattern: Pattern
    names: tuple[str, ...]
    ready: Match | None

    @classmethod
    def of(cls, route: Route, pattern: Pattern) -> TreeEntry:
        """Return the endpoint of a route with its pattern."""
        names = tuple(parameter.name for parameter in pattern.parameters)
        return cls(route, pattern, names, None if names else Match(route.handler, NO_PARAMS, route))

    def match(self, values: Values) -> Match:
        """Return the match for the values of all parameters, from left to right."""
        if self.ready is not None:
            return self.ready
        params = dict(zip(self.names, values))  # noqa: B905  # of one pattern; to check costs half as much again
        return Match(self.route.handler, params, self.route)


@attrs.frozen(eq=False)
class Edge:
    """The way to a child through a dynamic segment; ``behind`` counts the segments after one that spans several."""

    segment: Segment
    read: Reader
    child: Node
    place: tuple[int, int, int]
    behind: int = 0


@attrs.define(eq=False)
class Node:
    """The routes whose paths have come this far.

    Attributes:
        static: children by the decoded text of their segment.
        dynamic: edges of one segment; in the order in which they are tried once the node is sorted.
        spanning: edges of any number of segments; likewise.
        endpoints: by method, for paths that end here; with HEAD where there is GET once the node is sorted.
        allowed: what ``Allow`` names for such a path.
        is_branching: whether there are edges beside the static children.
        index: finds dynamic edges by their outer texts; None where there are few edges.
        by_key: edges by what makes their segments the same, and by the number of segments behind a spanning one.
    """

    static: dict[str, Node] = attrs.field(factory=dict)
    dynamic: list[Edge] = attrs.field(factory=list)
    spanning: list[Edge] = attrs.field(factory=list)
    endpoints: dict[str, TreeEntry] = attrs.field(factory=dict)
    allowed: frozenset[str] = frozenset()
    is_branching: bool = False
    index: EdgeIndex | None = None
    by_key: dict[tuple[SegmentKey, int], Edge] = attrs.field(factory=dict)

    def descend(self, pattern: Pattern, sequence: int) -> Node:
        """Return the node where ``pattern`` ends, made as needed; ``sequence`` says how early the route was added."""
        node = self
        for depth, segment in enumerate(pattern.segments, start=1):
            if segment.is_static:
                text = segment.literals[0]
                child = node.static.get(text)
                if child is None:
                    child = node.static[text] = Node()
                node = child
            else:
                node = node._child(segment, len(pattern.segments) - depth, sequence)
        return node

    def _child(self, segment: Segment, behind: int, sequence: int) -> Node:
        if not segment.spans_segments:
            behind = 0
        key = segment.key, behind
        edge = self.by_key.get(key)
        if edge is None:
            place = (*segment.order, sequence)
            edge = self.by_key[key] = Edge(segment, compile_reader(segment), Node(), place, behind)
            (self.spanning if segment.spans_segments else self.dynamic).append(edge)
        return edge.child

    def sort(self) -> None:
        """Bring this node, and all below it, into the form that ``walk`` reads."""
        self.dynamic.sort(key=lambda edge: edge.place)
        self.spanning.sort(key=lambda edge: (-edge.behind, edge.place))
        self.index = EdgeIndex.of(self.dynamic) if len(self.dynamic) >= _INDEX_FROM else None
        self.is_branching = bool(self.by_key)
        if self.endpoints:
            self.allowed = allowed_methods(self.endpoints)
        if "GET" in self.endpoints:
            self.endpoints.setdefault("HEAD", self.endpoints["GET"])
        for child in self.children():
            child.sort()

    def children(self) -> Iterator[Node]:
        """Return the children in the order in which ``walk`` tries them."""
        yield from self.static.values()
        for edge in (*self.dynamic, *self.spanning):
            yield edge.child

    def in_order(self) -> Iterator[TreeEntry]:
        """Return the endpoints here and below in the order in which they are tried, each once."""
        yield from dict.fromkeys(self.endpoints.values())
        for child in self.children():
            yield from child.in_order()


@attrs.frozen(eq=False)
class EdgeIndex:
    """Edges by the text before their first and behind their last parameter."""

    by_texts: Mapping[tuple[str, str], list[Edge]]
    lengths: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, edges: list[Edge]) -> EdgeIndex:
        """Return the index of ``edges``."""
        by_texts: dict[tuple[str, str], list[Edge]] = {}
        for edge in edges:
            texts = edge.segment.literals[0], edge.segment.literals[-1]
            by_texts.setdefault(texts, []).append(edge)
        return cls(by_texts, tuple({(len(prefix), len(suffix)) for prefix, suffix in by_texts}))

    def candidates(self, text: str) -> list[Edge]:
        """Return the edges whose outer texts fit, in the order in which they are tried."""
        size = len(text)
        found = [
            edge
            for before, behind in self.lengths
            if before + behind <= size
            for edge in self.by_texts.get((text[:before], text[size - behind :]), ())
        ]
        found.sort(key=lambda edge: edge.place)
        return found


Reached: TypeAlias = Iterator[tuple[Node, Values]]
"""The nodes where a path ends, with the values of the parameters on the way, in the order of preference."""


def walk(node: Node, segments: list[str], depth: int, values: Values) -> Reached:
    """Return the ends of all ways from ``node`` that fit the segments from ``depth`` on."""
    size = len(segments)
    while depth < size and not node.is_branching:
        child = node.static.get(segments[depth])
        if child is None:
            return
        node = child
        depth += 1
    if depth == size:
        if node.endpoints:
            yield node, values
        return
    text = segments[depth]
    child = node.static.get(text)
    if child is not None:
        yield from walk(child, segments, depth + 1, values)
    for edge in node.dynamic if node.index is None else node.index.candidates(text):
        taken = edge.read(text)
        if taken is not None:
            yield from walk(edge.child, segments, depth + 1, values + taken)
    if node.spanning:
        yield from _walk_spanning(node, segments, depth, values)


def _walk_spanning(node: Node, segments: list[str], depth: int, values: Values) -> Reached:
    for edge in node.spanning:
        end = len(segments) - edge.behind
        taken = edge.read("/".join(segments[depth:end])) if end > depth else None
        if taken is not None:
            yield from walk(edge.child, segments, end, values + taken)
