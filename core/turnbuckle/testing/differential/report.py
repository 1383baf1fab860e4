"""The result of a comparison, grouped by rule, as text and as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, final

import attrs

from turnbuckle.testing.differential.differences import Kind, Permission
from turnbuckle.testing.parsing.outcome import ParserOutcome

__all__ = ["ParserDifference", "Report"]

# How much of an example is printed.
_MAX_SHOWN: Final = 300


@final
@attrs.frozen(kw_only=True)
class ParserDifference:
    """A group of similar differences, with the shortest input as an example.

    Attributes:
        parser: the parser that differs from the reference.
        kind: the kind of the difference.
        permission: the rule that permits it, or None.
        section: the section of the RFC that the input is about.
        count: number of differences in the group.
        pieces: the input of the example, as it was split.
        expected: the outcome of the reference.
        found: the outcome of the parser.
    """

    parser: str
    kind: Kind
    permission: Permission | None
    section: str
    count: int
    pieces: tuple[bytes, ...]
    expected: ParserOutcome
    found: ParserOutcome

    def lines(self) -> Iterator[str]:
        """Yield the group as lines of text."""
        times = "once" if self.count == 1 else f"{self.count} times"
        yield f"{self.section}: {self.parser} {self.kind.value} ({times})"
        if self.permission is not None:
            yield f"    permitted by {self.permission.section}: {self.permission.rule}"
        text = repr(b"".join(self.pieces))
        yield f"    bytes:     {text[:_MAX_SHOWN]}{'...' if len(text) > _MAX_SHOWN else ''}"
        if self.kind is Kind.SPLIT:
            yield f"    split:     {[len(piece) for piece in self.pieces][:_MAX_SHOWN]}"
        yield f"    reference: {self.expected}"
        yield f"    {self.parser}: {self.found}"

    def data(self) -> dict[str, object]:
        """Return the group as plain data, bytes as Latin-1."""
        return {
            "parser": self.parser,
            "kind": self.kind.name.lower(),
            "permission": self.permission.name if self.permission else None,
            "permitted_by": self.permission.section if self.permission else None,
            "section": self.section,
            "count": self.count,
            "pieces": [piece.decode("latin-1") for piece in self.pieces],
            "expected": str(self.expected),
            "found": str(self.found),
        }


@final
@attrs.frozen(kw_only=True)
class Report:
    """The result of a comparison.

    Attributes:
        parsers: the names of the compared parsers, the reference first.
        inputs: number of different inputs.
        readings: number of times that a parser read an input.
        seed: the seed of the mutations.
        differences: groups of differences, groups without a permission first.
        notes: the reasons why parsers could not be compared, by plugin.
    """

    parsers: tuple[str, ...]
    inputs: int
    readings: int
    seed: int
    differences: Sequence[ParserDifference] = ()
    notes: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def unexplained(self) -> tuple[ParserDifference, ...]:
        """The differences that no rule permits."""
        return tuple(group for group in self.differences if group.permission is None)

    @property
    def permitted(self) -> tuple[ParserDifference, ...]:
        """The differences that a rule permits."""
        return tuple(group for group in self.differences if group.permission is not None)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        reference, *others = self.parsers
        run = f"{self.inputs} inputs, {self.readings} readings, seed {self.seed}"
        yield f"{', '.join(others) or 'no other parser'} beside {reference}: {run}"
        for plugin, note in self.notes.items():
            yield f"not compared: {plugin}: {note}"
        for title, groups in (("permitted", self.permitted), ("unexplained", self.unexplained)):
            yield f"{title}: {sum(group.count for group in groups)}"
            for group in groups:
                yield from group.lines()

    def data(self) -> dict[str, object]:
        """Return the report as plain data."""
        return {
            "parsers": list(self.parsers),
            "inputs": self.inputs,
            "readings": self.readings,
            "seed": self.seed,
            "notes": dict(self.notes),
            "unexplained": [group.data() for group in self.unexplained],
            "permitted": [group.data() for group in self.permitted],
        }
