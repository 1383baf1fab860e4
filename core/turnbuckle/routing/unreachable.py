"""Find routes that no request can reach, because earlier routes match all their paths.

Theory of operation. The paths of a route are a regular language: its segments, with separators between them. A route is
unreachable for a method if earlier routes with the method match each of its paths. To decide this, the automaton of the
route and the union of the earlier automata read the same paths in parallel, breadth first. A state in which the route
accepts and no earlier route does is a path that reaches the route; if there is no such state, no path reaches it.

The result is exact for converters that never refuse a text. A converter of an earlier route that may refuse texts
counts as if it refused them, so every reported route is certainly unreachable. Only if both routes have the same
segment in the same place does the converter count as equal on both sides.

Before this search, the router matches a sample path: it reaches nearly every route.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

import attrs

from turnbuckle.routing.escapes import encode_segment
from turnbuckle.routing.languages.automata import Automaton, States
from turnbuckle.routing.languages.charsets import SEPARATORS, CharSet
from turnbuckle.routing.languages.expressions import Alternation, Chain, Chars, Expression
from turnbuckle.routing.methods import serves
from turnbuckle.routing.nodes import TreeEntry
from turnbuckle.routing.patterns import Pattern
from turnbuckle.routing.records import Route
from turnbuckle.routing.segments import Segment, compile_reader, interleave

Find: TypeAlias = Callable[[str, str], TreeEntry | None]
"""Function that returns the entry that a method and a path reach."""

NOTHING: Final = Alternation(())
"""The expression that matches no text."""

# Maximum pairs of state sets to examine before a route counts as reachable; practical routes need a few hundred.
_MAX_PAIRS: Final = 50_000
# If at most this many routes together hide another, the report omits routes that are not needed for it.
_MAX_TRIED: Final = 20
# Characters that represent a range in a witness: they need no escape.
_PLAIN: Final = tuple(map(ord, "a0Ab1Bx-_~"))


# Represents a matching route that is not among the examined routes.
_UNKNOWN: Final = TreeEntry.of(Route(path="/", handler=lambda: None), Pattern("/", ()))


@attrs.frozen
class UnreachableRoute:
    """A route that no request can reach.

    Attributes:
        route: the route.
        by: the earlier routes that match all its paths: a single route if one is enough, otherwise several.
        witness: a percent-encoded path of the route, which another route matches.
    """

    route: Route
    by: tuple[Route, ...]
    witness: str


def unreachable_routes(
    ordered: Iterable[tuple[Route, Pattern]], find: Callable[[str, str], Route | None]
) -> tuple[UnreachableRoute, ...]:
    """Return the routes that no request can reach, for a router that tries its routes one after the other.

    Every returned route is certainly unreachable. A route that some requests reach is not returned, and neither is a
    route for which the search takes too long.

    Args:
        ordered: the routes with their patterns, in the order in which they are tried. Routes without a pattern may be
            omitted.
        find: function that returns the route for a method and a percent-encoded path, or None.
    """
    entries = {id(route): TreeEntry.of(route, pattern) for route, pattern in ordered}

    def find_entry(method: str, path: str) -> TreeEntry | None:
        route = find(method, path)
        # An omitted route may hide others, but they are not reported, because its paths are unknown.
        return entries.get(id(route), _UNKNOWN) if route is not None else None

    return tuple(find_unreachable(list(entries.values()), find_entry, static_first=False))


def find_unreachable(
    entries: Sequence[TreeEntry],
    find: Find,
    *,
    static_first: bool = True,
    is_reached: Callable[[Pattern], bool] = lambda pattern: False,
) -> Iterator[UnreachableRoute]:
    """Return the unreachable routes among ``entries``.

    Args:
        entries: the entries, in the order in which they are tried.
        find: function that returns the entry that the router finds.
        static_first: whether paths without parameters are tried before all others, so that no route hides them.
        is_reached: function that returns whether no other pattern has any path of a pattern, if that is easy to see.
    """
    samples: dict[str, str | None] = {}
    for place, entry in enumerate(entries):
        pattern = entry.pattern
        is_clear = (static_first and pattern.is_static) or is_reached(pattern)
        witness = None if is_clear else _sample(pattern, samples)
        if witness is None:
            continue  # static paths are tried first; an expression like [^\d\D] matches nothing and has no sample
        winners = {method: find(method, witness) for method in sorted(entry.route.methods)}
        if None in winners.values() or entry in winners.values():
            continue
        covers = [_cover(entry, entries[:place], method, winner) for method, winner in winners.items()]
        if all(covers):
            by = dict.fromkeys(other.route for cover in covers for other in cover)
            yield UnreachableRoute(entry.route, tuple(by), witness)


def _sample(pattern: Pattern, known: dict[str, str | None]) -> str | None:
    """Return a path of ``pattern``, or None if it has none; ``known`` caches texts by kind of parameter."""
    path = ""
    for segment in pattern.segments:
        texts: list[str] = []
        for parameter in segment.parameters:
            if parameter.kind not in known:
                codes = shortest_escape(Automaton(parameter.converter.language.expression), Automaton(NOTHING))
                known[parameter.kind] = None if codes is None else "".join(map(chr, codes))
            text = known[parameter.kind]
            if text is None:
                return None
            texts.append(text)
        path += "/" + encode_segment(interleave(segment.literals, texts))
    return path


def _cover(
    entry: TreeEntry, earlier: Sequence[TreeEntry], method: str, winner: TreeEntry | None
) -> Sequence[TreeEntry]:
    """Return the earlier routes that together match every path of ``entry``; none if they do not match all."""
    if winner is None or winner not in earlier:
        return ()  # no earlier route matches the sample, so this route refuses it itself
    # Usually the route that matched the sample is enough, and the others need not be examined.
    if _may_cover(entry.pattern, winner.pattern) and _is_covered(entry, [winner]):
        return (winner,)
    others = [
        other for other in earlier if serves(other.route.methods, method) and _may_cover(entry.pattern, other.pattern)
    ]
    if not _is_covered(entry, others):
        return ()
    single_covers = (other for other in others if _is_covered(entry, [other]))
    return _needed(entry, others) if (cover := next(single_covers, None)) is None else (cover,)


def _needed(entry: TreeEntry, others: Sequence[TreeEntry]) -> Sequence[TreeEntry]:
    """Return a minimal part of ``others`` that still covers ``entry``; all of them if there are too many to try."""
    needed = list(others)
    for other in others if len(others) <= _MAX_TRIED else ():
        rest = [route for route in needed if route is not other]
        if _is_covered(entry, rest):
            needed = rest
    return needed


def _is_covered(entry: TreeEntry, others: Sequence[TreeEntry]) -> bool:
    if not others:
        return False
    covers = [path_expression(other.pattern) for other in others]
    route, cover = Automaton(path_expression(entry.pattern)), Automaton(Alternation(tuple(covers)))
    try:
        return shortest_escape(route, cover) is None
    except _TooManyPairs:
        return False


def path_expression(pattern: Pattern) -> Expression:
    """Return the expression for all paths of a pattern, decoded, with a separator before each segment."""
    parts: list[Expression] = []
    for segment in pattern.segments:
        parts += [Chars(SEPARATORS), segment.expression]
    return Chain(tuple(parts))


def _may_cover(pattern: Pattern, other: Pattern) -> bool:
    """Return whether ``other`` may certainly match paths of ``pattern``; a quick check before automata are built."""
    aligned = list(zip(pattern.segments, other.segments, strict=False))
    spans = [left.spans_segments or right.spans_segments for left, right in aligned]
    first_span = spans.index(True) if True in spans else len(aligned)
    if first_span == len(aligned) and len(pattern.segments) != len(other.segments):
        return False
    if not all(_may_overlap(left, right) for left, right in aligned[:first_span]):
        return False
    # A segment that may refuse texts counts as equal only where both patterns read the same text with it.
    certain = {right for left, right in aligned[:first_span] if left.key == right.key}
    return all(segment.is_total or segment in certain for segment in other.segments)


def _may_overlap(left: Segment, right: Segment) -> bool:
    if left.is_static and right.is_static:
        return left.literals == right.literals
    if left.is_static or right.is_static:
        static, dynamic = (left, right) if left.is_static else (right, left)
        return compile_reader(dynamic)(static.literals[0]) is not None
    return True


class _TooManyPairs(Exception):
    """The search takes longer than startup should wait."""


_Pair: TypeAlias = tuple[int, States]
_Origins: TypeAlias = dict[_Pair, tuple[_Pair, int] | None]


def shortest_escape(route: Automaton, cover: Automaton) -> list[int] | None:
    """Return a shortest text that ``route`` matches and ``cover`` does not, or None if there is none.

    Only ``cover`` must be followed in all its states at once; for ``route`` one way through is enough.

    Raises:
        _TooManyPairs: the search takes too long.
    """
    start: _Pair = (route.first, cover.start)
    origins: _Origins = {start: None}
    pending = deque([start])
    while pending:
        pair = pending.popleft()
        if route.accepts(route.closure(pair[0])) and not cover.accepts(pair[1]):
            return _trace(origins, pair)
        for following, code in _steps(route, cover, pair):
            if following not in origins:
                origins[following] = (pair, code)
                pending.append(following)
        if len(origins) > _MAX_PAIRS:
            raise _TooManyPairs
    return None


def _trace(origins: _Origins, pair: _Pair) -> list[int]:
    codes: list[int] = []
    step = origins[pair]
    while step is not None:
        codes.append(step[1])
        step = origins[step[0]]
    return codes[::-1]


def _steps(route: Automaton, cover: Automaton, pair: _Pair) -> Iterator[tuple[_Pair, int]]:
    """Return the pairs that one more character leads to, each with such a character."""
    cuts = sorted({cut for charset, _ in cover.edges(pair[1]) for cut in _cuts(charset)})
    for charset, target in route.edges(route.closure(pair[0])):
        for code in _representatives(charset, cuts):
            yield (target, cover.step(pair[1], code)), code


def _representatives(charset: CharSet, cuts: list[int]) -> Iterator[int]:
    """Return one character for each part of ``charset`` between two cuts."""
    for first, last in charset:
        begins = [first, *(cut for cut in cuts if first < cut <= last), last + 1]
        for begin, behind in pairwise(begins):
            yield next((code for code in _PLAIN if begin <= code < behind), begin)


def _cuts(charset: CharSet) -> Iterator[int]:
    for first, last in charset:
        yield first
        yield last + 1
