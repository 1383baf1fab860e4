"""The tree of routes, one level for each segment.

This module defines the order in which routes are tried, and the walk that tries them. At each node: first the static
child for the text, with one dict look-up; then the dynamic segments, the most specific first (``Segment.order``, then
the order of registration); then parameters that span segments, those with more segments after them first. The walk
leaves a branch that does not match, so it finds the first route in this order that matches the path and has the method.

Every node has a fixed depth, and the number of segments after a spanning parameter determines the text that it takes.
Therefore a walk visits each node at most once for any path, and its cost cannot explode. It visits only nodes whose
segments match: if many mixed segments such as ``report-{id}.pdf`` share a node, an index finds them by their outer
texts.

``walk`` yields all nodes where a path ends. ``find_first`` takes the first of them that has the method; it is what a
request costs, so it makes no generators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import attrs

from turnbuckle.routing.methods import allowed_methods
from turnbuckle.routing.patterns import Pattern
from turnbuckle.routing.records import Match, Route
from turnbuckle.routing.segments import Reader, Segment, Values, compile_reader

SegmentKey: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]

MatchParts: TypeAlias = tuple[Callable[..., object], Mapping[str, object], Route | None]
"""The parts of a ``Match``: handler, parameters and route. Each request needs them, and a tuple is cheap."""

NO_PARAMS: Final[Mapping[str, object]] = MappingProxyType({})

# With fewer edges, trying one after the other is cheaper than slicing the text for look-ups.
_INDEX_FROM: Final = 8


@attrs.frozen(eq=False)
class TreeEntry:
    """A route at its node.

    Attributes:
        route: the route.
        pattern: its pattern.
        names: the names of its parameters, from left to right.
        ready: the match of a route without parameters, which is always the same; None if it has parameters.
        found: the parts of ``ready``.
    """

    route: Route
    pattern: Pattern
    names: tuple[str, ...]
    ready: Match | None
    found: MatchParts | None

    @classmethod
    def of(cls, route: Route, pattern: Pattern) -> TreeEntry:
        """Return the entry for a route and its pattern."""
        names = tuple(parameter.name for parameter in pattern.parameters)
        if names:
            return cls(route, pattern, names, None, None)
        found = route.handler, NO_PARAMS, route
        return cls(route, pattern, names, Match(*found), found)

    def match(self, values: Values) -> Match:
        """Return the match for the values of all parameters, from left to right."""
        return Match(*self.parts(values)) if self.ready is None else self.ready

    def parts(self, values: Values) -> MatchParts:
        """Return the parts of the match for the values of all parameters."""
        if self.found is not None:
            return self.found
        route, names = self.route, self.names
        if len(names) == 1:
            return route.handler, {names[0]: values[0]}, route
        params = dict(zip(names, values))  # noqa: B905  # both belong to one pattern; strict=True would cost half as much again
        return route.handler, params, route


@attrs.frozen(eq=False)
class Edge:
    """A dynamic segment that leads to a child; ``behind`` is the number of segments after a spanning one."""

    segment: Segment
    read: Reader
    child: Node
    place: tuple[int, int, int]
    behind: int = 0


@attrs.define(eq=False)
class Node:
    """A node of the tree: the routes whose paths share a prefix.

    Attributes:
        static: children by the decoded text of their segment.
        dynamic: edges for a single segment; a sorted node has them in the order in which they are tried.
        spanning: edges for any number of segments; sorted likewise.
        entries: entries by method, for paths that end here; a sorted node has HEAD if it has GET.
        allowed: the methods in ``Allow`` for paths that end here.
        is_branching: whether there are edges beside the static children.
        only: the edge for a single segment, if it is the only edge.
        index: index of the dynamic edges by their outer texts; None if there are few edges.
        by_key: edges by the key of their segment and by the number of segments after a spanning one.
    """

    static: dict[str, Node] = attrs.field(factory=dict)
    dynamic: list[Edge] = attrs.field(factory=list)
    spanning: list[Edge] = attrs.field(factory=list)
    entries: dict[str, TreeEntry] = attrs.field(factory=dict)
    allowed: frozenset[str] = frozenset()
    is_branching: bool = False
    only: Edge | None = None
    index: EdgeIndex | None = None
    by_key: dict[tuple[SegmentKey, int], Edge] = attrs.field(factory=dict)

    def descend(self, pattern: Pattern, sequence: int) -> Node:
        """Return the node where ``pattern`` ends, and add it if needed; ``sequence`` is the number of the route."""
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

    def leads_only_to(self, pattern: Pattern) -> bool:
        """Return whether a path of an added pattern has one way through the sorted tree, which no edge competes with.

        False if the pattern has a parameter that spans segments: finding out then takes a search.
        """
        node = self
        for segment in pattern.segments:
            if segment.is_static and not node.is_branching:
                node = node.static[segment.literals[0]]
            elif segment.is_static or node.static or node.only is None:
                return False
            else:
                node = node.only.child
        return True

    def sort(self) -> None:
        """Sort and index this node and all nodes below it, as ``walk`` needs them."""
        self.dynamic.sort(key=lambda edge: edge.place)
        self.spanning.sort(key=lambda edge: (-edge.behind, edge.place))
        self.index = EdgeIndex.of(self.dynamic) if len(self.dynamic) >= _INDEX_FROM else None
        self.is_branching = bool(self.by_key)
        self.only = self.dynamic[0] if len(self.by_key) == len(self.dynamic) == 1 else None
        if self.entries:
            self.allowed = allowed_methods(self.entries)
        if "GET" in self.entries:
            self.entries.setdefault("HEAD", self.entries["GET"])
        for child in self.children():
            child.sort()

    def children(self) -> Iterator[Node]:
        """Return the children in the order in which ``walk`` tries them."""
        yield from self.static.values()
        for edge in (*self.dynamic, *self.spanning):
            yield edge.child

    def in_order(self) -> Iterator[TreeEntry]:
        """Return the entries of this node and the nodes below in the order in which they are tried, without repeats."""
        yield from dict.fromkeys(self.entries.values())
        for child in self.children():
            yield from child.in_order()


@attrs.frozen(eq=False)
class EdgeIndex:
    """Edges by the text before their first parameter and the text after their last one."""

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
        """Return the edges whose outer texts match, in the order in which they are tried."""
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
"""The nodes where a path ends, with the values of its parameters, in the order in which they are tried."""


def walk(node: Node, segments: list[str], depth: int, values: Values) -> Reached:
    """Return the nodes below ``node`` that match the segments from ``depth`` to the end."""
    size = len(segments)
    while depth < size and not node.is_branching:
        child = node.static.get(segments[depth])
        if child is None:
            return
        node = child
        depth += 1
    if depth == size:
        if node.entries:
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


Hit: TypeAlias = tuple[TreeEntry, Values]
"""The entry that answers a request, with the values of its parameters."""


def find_first(  # noqa: PLR0917 - a record for the arguments would cost every request
    node: Node, segments: list[str], depth: int, values: Values, method: str, allowed: set[str]
) -> Hit | None:
    """Return the first entry for a method below ``node`` that matches the segments from ``depth`` to the end.

    Without one, the methods of all nodes where the path ends are added to ``allowed``.
    """
    size = len(segments)
    while depth < size:
        text = segments[depth]
        depth += 1
        child = node.static.get(text)
        if not node.is_branching:
            if child is None:
                return None
            node = child
            continue
        if child is not None:
            hit = find_first(child, segments, depth, values, method, allowed)
            if hit is not None:
                return hit
        only = node.only
        if only is None:
            return _find_in_edges(node, segments, depth - 1, values, method, allowed)
        taken = only.read(text)
        if taken is None:
            return None
        node = only.child
        values += taken
    entry = node.entries.get(method)
    if entry is not None:
        return entry, values
    allowed |= node.allowed
    return None


def _find_in_edges(  # noqa: PLR0917 - as above
    node: Node, segments: list[str], depth: int, values: Values, method: str, allowed: set[str]
) -> Hit | None:
    text = segments[depth]
    for edge in node.dynamic if node.index is None else node.index.candidates(text):
        taken = edge.read(text)
        if taken is not None:
            hit = find_first(edge.child, segments, depth + 1, values + taken, method, allowed)
            if hit is not None:
                return hit
    for edge in node.spanning:
        end = len(segments) - edge.behind
        taken = edge.read("/".join(segments[depth:end])) if end > depth else None
        if taken is not None:
            hit = find_first(edge.child, segments, end, values + taken, method, allowed)
            if hit is not None:
                return hit
    return None
