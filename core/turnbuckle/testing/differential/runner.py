"""Read the corpus, its mutations and its splits with every parser, and note where they differ.

Theory of operation. Each input is read by the reference in one piece; that is what it means. Each other parser reads it
in one piece, behind the guard, and is compared. Then every parser, the reference as well, reads it cut into pieces, and
is compared with itself: what a message means may not depend on where the network cuts. Octets of the corpus are cut at
every place, mutations at a few. All input ends, so what is incomplete is refused, and nothing is left open.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias, final

import attrs

from turnbuckle.http.events import ParserFactory
from turnbuckle.http.guard import guarded
from turnbuckle.http.parser import H1ParserFactory
from turnbuckle.testing.differential.differences import Kind, Permission, Question, differ, permission_for
from turnbuckle.testing.differential.report import ParserDifference, Report
from turnbuckle.testing.parsing.cases import NEXT, InvalidCase, ValidCase
from turnbuckle.testing.parsing.invalid import INVALID
from turnbuckle.testing.parsing.outcome import ParserOutcome, read
from turnbuckle.testing.parsing.valid import VALID
from turnbuckle.testing.parsing.variants import byte_by_byte, cut, mutated, pairs

__all__ = ["REFERENCE", "compare_parsers"]

REFERENCE: Final = "h1"
"""The name of the core's own parser."""

# Longer octets are not cut everywhere: time goes with the square of their length.
_MAX_CUT: Final = 300

_Case: TypeAlias = ValidCase | InvalidCase
_Key: TypeAlias = tuple[str, Kind, Permission | None, str]
_CORPUS: Final[Sequence[_Case]] = (*VALID, *INVALID)


@final
@attrs.frozen
class _Input:
    """Octets, the RFC that they are about, and whether they are cut at every place or at a few."""

    octets: bytes
    section: str
    chance: random.Random | None = None

    def cuts(self) -> Iterator[list[bytes]]:
        if len(self.octets) > _MAX_CUT:
            return
        yield byte_by_byte(self.octets)
        if self.chance is None:
            yield from pairs(self.octets)
        elif len(self.octets) > 1:
            yield cut(self.octets, [self.chance.randrange(1, len(self.octets)) for _ in range(3)])


def compare_parsers(
    parsers: Mapping[str, ParserFactory],
    *,
    mutations: int = 20,
    seed: int = 0,
    corpus: Sequence[_Case] = _CORPUS,
    notes: Mapping[str, str] | None = None,
) -> Report:
    """Compare parsers with the core's own.

    Args:
        parsers: by name; one named ``h1`` is left out, for it is the reference.
        mutations: how many of each case of the corpus are made.
        seed: the same one makes the same mutations.
        corpus: other cases than those that come with Turnbuckle.
        notes: on parsers that could not be compared, for the report.
    """
    others = {name: guarded(factory) for name, factory in sorted(parsers.items()) if name != REFERENCE}
    comparison = _Comparison(H1ParserFactory(), others)
    for each in _inputs(corpus, mutations, seed):
        comparison.compare(each)
    return Report(
        parsers=(REFERENCE, *others),
        inputs=comparison.inputs,
        readings=comparison.readings,
        seed=seed,
        differences=comparison.differences(),
        notes=notes or {},
    )


def _inputs(corpus: Sequence[_Case], mutations: int, seed: int) -> Iterator[_Input]:
    for case in corpus:
        yield _Input(case.octets, case.section)
        yield _Input(case.octets + NEXT, case.section, random.Random(f"{seed}:{case.name}"))
        for number in range(mutations):
            key = f"{seed}:{case.name}:{number}"
            # Some damage shows only in what follows.
            octets = mutated(case.octets, key) + (NEXT if number % 2 else b"")
            yield _Input(octets, case.section, random.Random(key))


@final
@attrs.define
class _Comparison:
    reference: ParserFactory
    others: Mapping[str, ParserFactory]
    inputs: int = 0
    readings: int = 0
    groups: dict[_Key, ParserDifference] = attrs.field(factory=dict)

    def compare(self, given: _Input) -> None:
        self.inputs += 1
        expected = self._read(self.reference, [given.octets])
        self._compare_cuts(REFERENCE, self.reference, given, expected)
        for name, factory in self.others.items():
            found = self._read(factory, [given.octets])
            kind = differ(expected, found)
            if kind is not None:
                permission = permission_for(self._question(kind, given.octets, expected, found))
                self._note((name, kind, permission, given.section), (given.octets,), expected, found)
            if kind is not Kind.FAULT:
                self._compare_cuts(name, factory, given, found)

    def _compare_cuts(self, name: str, factory: ParserFactory, given: _Input, whole: ParserOutcome) -> None:
        for pieces in given.cuts():
            found = self._read(factory, pieces)
            # Which of several faults is met first, and so which status it has, may depend on the cut.
            if differ(whole, found) not in (None, Kind.STATUS):
                self._note((name, Kind.SPLIT, None, given.section), tuple(pieces), whole, found)
                return

    def _read(self, factory: ParserFactory, pieces: Sequence[bytes]) -> ParserOutcome:
        self.readings += 1
        return read(factory, pieces, at_end=True)

    def _question(self, kind: Kind, octets: bytes, expected: ParserOutcome, found: ParserOutcome) -> Question:
        return Question(
            kind=kind,
            octets=octets,
            reference=expected,
            other=found,
            strict=lambda repaired: read(self.reference, [repaired], at_end=True),
        )

    def _note(self, key: _Key, pieces: tuple[bytes, ...], expected: ParserOutcome, found: ParserOutcome) -> None:
        parser, kind, permission, section = key
        known = self.groups.get(key)
        count = known.count + 1 if known else 1
        if known is not None and sum(map(len, known.octets)) <= sum(map(len, pieces)):
            self.groups[key] = attrs.evolve(known, count=count)
            return
        self.groups[key] = ParserDifference(
            parser=parser,
            kind=kind,
            permission=permission,
            section=section,
            count=count,
            octets=pieces,
            expected=expected,
            found=found,
        )

    def differences(self) -> list[ParserDifference]:
        return sorted(
            self.groups.values(),
            key=lambda each: (each.permission is not None, each.section, each.parser, each.kind.name),
        )
