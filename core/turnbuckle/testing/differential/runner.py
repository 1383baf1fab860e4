"""Read the corpus and its variants with every parser, and collect the differences.

Theory of operation. The reference reads each input in one piece, which defines its meaning. Each other parser reads it
in one piece, behind the guard, and is compared with the reference. Then every parser, including the reference, reads
the input in pieces and is compared with itself: the meaning of a message must not depend on the split. Inputs of the
corpus are split at every position, mutations at a few. Each input ends, so incomplete requests are rejected.
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

# Longer inputs are not split everywhere, because the time grows with the square of their length.
_MAX_CUT: Final = 300

_Case: TypeAlias = ValidCase | InvalidCase
_Key: TypeAlias = tuple[str, Kind, Permission | None, str]
_CORPUS: Final[Sequence[_Case]] = (*VALID, *INVALID)


@final
@attrs.frozen
class _Input:
    """An input, its section of the RFC, and a source of random splits; None to split it at every position."""

    data: bytes
    section: str
    chance: random.Random | None = None

    def cuts(self) -> Iterator[list[bytes]]:
        if len(self.data) > _MAX_CUT:
            return
        yield byte_by_byte(self.data)
        if self.chance is None:
            yield from pairs(self.data)
        elif len(self.data) > 1:
            yield cut(self.data, [self.chance.randrange(1, len(self.data)) for _ in range(3)])


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
        parsers: parsers by name; the name ``h1`` is skipped, because it is the reference.
        mutations: number of mutations of each case of the corpus.
        seed: seed of the mutations; the same seed makes the same mutations.
        corpus: cases to use instead of the cases of Turnbuckle.
        notes: the reasons why parsers could not be compared, for the report.
    """
    others = {name: guarded(factory) for name, factory in sorted(parsers.items()) if name != REFERENCE}
    comparison = _Comparison(H1ParserFactory(), others)
    for given in _inputs(corpus, mutations, seed):
        comparison.compare(given)
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
        yield _Input(case.data, case.section)
        yield _Input(case.data + NEXT, case.section, random.Random(f"{seed}:{case.name}"))
        for number in range(mutations):
            key = f"{seed}:{case.name}:{number}"
            # Some damage is visible only in the next request.
            data = mutated(case.data, key) + (NEXT if number % 2 else b"")
            yield _Input(data, case.section, random.Random(key))


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
        expected = self._read(self.reference, [given.data])
        self._compare_cuts(REFERENCE, self.reference, given, expected)
        for name, factory in self.others.items():
            found = self._read(factory, [given.data])
            kind = differ(expected, found)
            if kind is not None:
                permission = permission_for(self._question(kind, given.data, expected, found))
                self._note((name, kind, permission, given.section), (given.data,), expected, found)
            if kind is not Kind.FAULT:
                self._compare_cuts(name, factory, given, found)

    def _compare_cuts(self, name: str, factory: ParserFactory, given: _Input, whole: ParserOutcome) -> None:
        for pieces in given.cuts():
            found = self._read(factory, pieces)
            # The split may decide which of several faults is found first, and therefore the status.
            if differ(whole, found) not in (None, Kind.STATUS):
                self._note((name, Kind.SPLIT, None, given.section), tuple(pieces), whole, found)
                return

    def _read(self, factory: ParserFactory, pieces: Sequence[bytes]) -> ParserOutcome:
        self.readings += 1
        return read(factory, pieces, at_end=True)

    def _question(self, kind: Kind, data: bytes, expected: ParserOutcome, found: ParserOutcome) -> Question:
        return Question(
            kind=kind,
            data=data,
            reference=expected,
            other=found,
            strict=lambda repaired: read(self.reference, [repaired], at_end=True),
        )

    def _note(self, key: _Key, pieces: tuple[bytes, ...], expected: ParserOutcome, found: ParserOutcome) -> None:
        parser, kind, permission, section = key
        known = self.groups.get(key)
        count = known.count + 1 if known else 1
        if known is not None and sum(map(len, known.pieces)) <= sum(map(len, pieces)):
            self.groups[key] = attrs.evolve(known, count=count)
            return
        self.groups[key] = ParserDifference(
            parser=parser,
            kind=kind,
            permission=permission,
            section=section,
            count=count,
            pieces=pieces,
            expected=expected,
            found=found,
        )

    def differences(self) -> list[ParserDifference]:
        return sorted(
            self.groups.values(),
            key=lambda group: (group.permission is not None, group.section, group.parser, group.kind.name),
        )
