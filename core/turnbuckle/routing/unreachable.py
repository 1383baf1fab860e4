"""Find routes that no request can reach, because those tried before them take every path of theirs.

Theory of operation. A route is a regular language: its segments with separators in between. It is unreachable
for a method if each of its paths is also a path of some route that is tried earlier and has the method. To
decide that, the route's automaton and the union of theirs read the same paths side by side, breadth first; a
place where the route may stop and none of them may is a path that reaches it, and when there is no such
place, there is no such path. This is exact for converters that never refuse. One that may refuse what its
expression admits counts as refusing it (for an earlier route), so what is reported is certain; only where
both routes have this very segment in the same place is it the same on both sides.

Before any of this a sample path is tried on the router itself: nearly every route is reached by it.
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
"""Gives the endpoint that answers a method and a path."""

NOTHING: Final = Alternation(())
"""The expression that admits no text at all."""

# Pairs of state sets looked at before a route is taken for reachable; those met in practice need a few hundred.
_MAX_PAIRS: Final = 50_000
# Of so many routes that hide another only together, those that are not needed for it are left out of the report.
_MAX_TRIED: Final = 20
# Which character stands for a range in a witness: one that needs no escape, if there is one.
_PLAIN: Final = tuple(map(ord, "a0Ab1Bx-_~"))


# Stands for a route that was found, and that is none of those looked at.
_UNKNOWN: Final = TreeEntry.of(Route(path="/", handler=lambda: None), Pattern("/", ()))


@attrs.frozen
class UnreachableRoute:
    """A route that no request can reach.

    Attributes:
        route: the route.
        by: the routes that have all its paths and are tried before it: one if that is enough, or all that it takes.
        witness: a percent-encoded path of the route, which another answers.
    """

    route: Route
    by: tuple[Route, ...]
    witness: str


def unreachable_routes(
    ordered: Iterable[tuple[Route, Pattern]], find: Callable[[str, str], Route | None]
) -> tuple[UnreachableRoute, ...]:
    """Return the routes that no request can reach, for a router that tries one after the other.

    What is returned is certain: a route that only some requests can reach is not among them, and neither is one of
    which it cannot be told within reason.

    Args:
        ordered: the routes with their patterns, in the order in which they are tried. Routes with paths of another kind
            may be left out.
        find: gives the route that answers a method and a percent-encoded path, or None.
    """
    endpoints = {id(route): TreeEntry.of(route, pattern) for route, pattern in ordered}

    def find_endpoint(method: str, path: str) -> TreeEntry | None:
        route = find(method, path)
        # One that was left out hides others for all that is known here, and is no reason to report them.
        return endpoints.get(id(route), _UNKNOWN) if route is not None else None

    return tuple(find_unreachable(list(endpoints.values()), find_endpoint, static_first=False))


def find_unreachable(
    endpoints: Sequence[TreeEntry], find: Find, *, static_first: bool = True
) -> Iterator[UnreachableRoute]:
    """Return the unreachable ones among ``endpoints``, which are given in the order in which they are tried.

    Args:
        endpoints: the endpoints.
        find: asks the router.
        static_first: whether paths without parameters are tried before all others, so that nothing hides them.
    """
    samples: dict[str, str | None] = {}
    for place, endpoint in enumerate(endpoints):
        witness = None if static_first and endpoint.pattern.is_static else _sample(endpoint.pattern, samples)
        if witness is None:
            continue  # static: tried first of all; no sample: an expression like [^\d\D] admits nothing
        winners = {method: find(method, witness) for method in sorted(endpoint.route.methods)}
        if None in winners.values() or endpoint in winners.values():
            continue
        covers = [_cover(endpoint, endpoints[:place], method, winner) for method, winner in winners.items()]
        if all(covers):
            by = dict.fromkeys(each.route for cover in covers for each in cover)
            yield UnreachableRoute(endpoint.route, tuple(by), witness)


def _sample(pattern: Pattern, known: dict[str, str | None]) -> str | None:
    """Return one path of ``pattern``, or None if it has none; ``known`` keeps texts by kind of parameter."""
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
    endpoint: TreeEntry, earlier: Sequence[TreeEntry], method: str, winner: TreeEntry | None
) -> Sequence[TreeEntry]:
    """Return those of the ``earlier`` routes that together take every path of ``endpoint``; none if they do not."""
    if winner is None or winner not in earlier:
        return ()  # no earlier route takes the sample, so it is this one that refuses it
    # Mostly it is the one that took the sample, and then there is no need to look at the others.
    if _may_cover(endpoint.pattern, winner.pattern) and _is_covered(endpoint, [winner]):
        return (winner,)
    others = [
        other
        for other in earlier
        if serves(other.route.methods, method) and _may_cover(endpoint.pattern, other.pattern)
    ]
    if not _is_covered(endpoint, others):
        return ()
    alone = (other for other in others if _is_covered(endpoint, [other]))
    return _needed(endpoint, others) if (one := next(alone, None)) is None else (one,)


def _needed(endpoint: TreeEntry, others: Sequence[TreeEntry]) -> Sequence[TreeEntry]:
    """Return as few of ``others`` as still cover ``endpoint``; all of them where there are too many to try."""
    needed = list(others)
    for other in others if len(others) <= _MAX_TRIED else ():
        rest = [each for each in needed if each is not other]
        if _is_covered(endpoint, rest):
            needed = rest
    return needed


def _is_covered(endpoint: TreeEntry, others: Sequence[TreeEntry]) -> bool:
    if not others:
        return False
    covers = [path_expression(other.pattern) for other in others]
    route, cover = Automaton(path_expression(endpoint.pattern)), Automaton(Alternation(tuple(covers)))
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
    """Say whether ``other`` may take paths of ``pattern``, and for certain; a quick look, before automata are built."""
    aligned = list(zip(pattern.segments, other.segments, strict=False))
    spans = [left.spans_segments or right.spans_segments for left, right in aligned]
    run_until_settled = spans.index(True) if True in spans else len(aligned)
    if run_until_settled == len(aligned) and len(pattern.segments) != len(other.segments):
        return False
    if not all(_may_overlap(left, right) for left, right in aligned[:run_until_settled]):
        return False
    # A segment that may refuse says the same on both sides only where it reads the same text on both.
    certain = {right for left, right in aligned[:run_until_settled] if left.key == right.key}
    return all(segment.is_total or segment in certain for segment in other.segments)


def _may_overlap(left: Segment, right: Segment) -> bool:
    if left.is_static and right.is_static:
        return left.literals == right.literals
    if left.is_static or right.is_static:
        static, dynamic = (left, right) if left.is_static else (right, left)
        return compile_reader(dynamic)(static.literals[0]) is not None
    return True


class _TooManyPairs(Exception):
    """The search has grown beyond what a start-up should wait for."""


_Pair: TypeAlias = tuple[int, States]
_Origins: TypeAlias = dict[_Pair, tuple[_Pair, int] | None]


def shortest_escape(route: Automaton, cover: Automaton) -> list[int] | None:
    """Return a shortest text that ``route`` admits and ``cover`` does not, or None if there is none.

    Only ``cover`` has to be followed in all its states at once; for ``route`` one way through is enough.

    Raises:
        _TooManyPairs: it cannot be told within reason.
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
    """Return the pairs that one more character leads to, with such a character."""
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
