"""Match the most common dynamic routes without a walk: a static prefix, then one segment with a parameter.

A path such as ``/users/7`` is cut at its last slash. One look-up finds the *leaves* of the prefix ``/users/``, another
one the leaf for the method, and the leaf reads the rest. A leaf answers only if the tree would answer the same: the
prefix and the rest are ASCII text without escapes, so they are decoded as they are, and no static route has the path.
In all other cases it returns None, and the tree decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeAlias

from turnbuckle.routing.converters import INT, MAX_INT_DIGITS, STR
from turnbuckle.routing.nodes import Edge, MatchParts, Node, TreeEntry
from turnbuckle.routing.segments import Reader

__all__ = ["Leaf", "Leaves", "compile_leaves"]

Leaf: TypeAlias = Callable[[str], MatchParts | None]
"""Function that returns the parts of the match for the last segment of a path, or None if the tree has to decide."""

Leaves: TypeAlias = Mapping[str, Mapping[str, Leaf]]
"""Leaves by prefix, which ends with its slash, and by method."""


def compile_leaves(root: Node) -> Leaves:
    """Return the leaves of a sorted tree."""
    return {
        prefix: _leaves_of(node)
        for prefix, node in _static_nodes(root)
        # Where many edges compete, the tree has an index of them.
        if node.is_branching and node.index is None
    }


def _leaves_of(node: Node) -> dict[str, Leaf]:
    edges = [*node.dynamic, *(edge for edge in node.spanning if not edge.behind)]
    leaves: dict[str, Leaf] = {}
    made: dict[tuple[int, ...], Leaf] = {}
    for method in dict.fromkeys(method for edge in edges for method in edge.child.entries):
        candidates = [(edge, edge.child.entries[method]) for edge in edges if method in edge.child.entries]
        # The methods of a route, and HEAD with GET, share a leaf.
        key = tuple(id(entry) for _, entry in candidates)
        leaf = made.get(key)
        if leaf is None:
            leaf = made[key] = _compile_leaf(node, candidates)
        leaves[method] = leaf
    return leaves


def _static_nodes(root: Node) -> Iterator[tuple[str, Node]]:
    """Yield the nodes that only static segments lead to, with their prefixes as clients send them."""
    pending = [("/", root)]
    while pending:
        prefix, node = pending.pop()
        yield prefix, node
        pending += [(f"{prefix}{text}/", child) for text, child in node.static.items() if _is_plain(text)]


def _is_plain(text: str) -> bool:
    """Return whether only this text itself is decoded to this text, or an escaped one that the tree decides about."""
    return text.isascii() and "%" not in text and "/" not in text


def _compile_leaf(node: Node, candidates: list[tuple[Edge, TreeEntry]]) -> Leaf:
    edge, entry = candidates[0]
    if len(candidates) == 1 and edge.segment.literals == ("", ""):
        converter = edge.segment.parameters[0].converter
        if converter is INT and not any(text.isdigit() for text in node.static):
            return _int_leaf(entry)
        if converter is STR:
            return _text_leaf(entry, node.static)
    return _reading_leaf([(edge.read, entry) for edge, entry in candidates], node.static)


def _int_leaf(entry: TreeEntry) -> Leaf:
    (name,), route = entry.names, entry.route
    handler = route.handler

    def leaf(text: str) -> MatchParts | None:
        if text.isdigit() and text.isascii() and len(text) <= MAX_INT_DIGITS:
            return handler, {name: int(text)}, route
        return None

    return leaf


def _text_leaf(entry: TreeEntry, static: Collection[str]) -> Leaf:
    (name,), route = entry.names, entry.route
    handler = route.handler

    def leaf(text: str) -> MatchParts | None:
        if text and "%" not in text and text.isascii() and text not in static:
            return handler, {name: text}, route
        return None

    return leaf


def _reading_leaf(candidates: list[tuple[Reader, TreeEntry]], static: Collection[str]) -> Leaf:
    def leaf(text: str) -> MatchParts | None:
        if "%" in text or not text.isascii() or text in static:
            return None
        for read, entry in candidates:
            taken = read(text)
            if taken is not None:
                return entry.parts(taken)
        return None

    return leaf
