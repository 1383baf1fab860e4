"""What a comparison has found, grouped by rule, as text and as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, final

import attrs

from turnbuckle.testing.differential.differences import Kind, Permission
from turnbuckle.testing.parsing.outcome import ParserOutcome

__all__ = ["ParserDifference", "Report"]

# How much of an example is printed as text.
_SHOWN: Final = 300


@final
@attrs.frozen(kw_only=True)
class ParserDifference:
    """A group of differences alike, with the shortest of them as an example.

    Attributes:
        parser: that differs from the reference.
        kind: in which way.
        permission: the rule that permits it; None if there is none.
        section: the RFC that the octets are about.
        count: how many there were.
        octets: of the example, as they were cut.
        expected: what the reference made of them.
        found: what the parser made of them.
    """

    parser: str
    kind: Kind
    permission: Permission | None
    section: str
    count: int
    octets: tuple[bytes, ...]
    expected: ParserOutcome
    found: ParserOutcome

    def lines(self) -> Iterator[str]:
        """Yield the group as lines of text."""
        times = "once" if self.count == 1 else f"{self.count} times"
        yield f"{self.section}: {self.parser} {self.kind.value} ({times})"
        if self.permission is not None:
            yield f"    permitted by {self.permission.section}: {self.permission.rule}"
        octets = repr(b"".join(self.octets))
        yield f"    octets:    {octets[:_SHOWN]}{'...' if len(octets) > _SHOWN else ''}"
        if self.kind is Kind.SPLIT:
            yield f"    cut into:  {[len(piece) for piece in self.octets][:_SHOWN]}"
        yield f"    reference: {self.expected}"
        yield f"    {self.parser}: {self.found}"

    def data(self) -> dict[str, object]:
        """Return the group as plain data, octets as Latin-1."""
        return {
            "parser": self.parser,
            "kind": self.kind.name.lower(),
            "permission": self.permission.name if self.permission else None,
            "permitted_by": self.permission.section if self.permission else None,
            "section": self.section,
            "count": self.count,
            "octets": [piece.decode("latin-1") for piece in self.octets],
            "expected": str(self.expected),
            "found": str(self.found),
        }


@final
@attrs.frozen(kw_only=True)
class Report:
    """What a comparison has found.

    Attributes:
        parsers: the names of those that were compared, the reference first.
        inputs: how many different octets were read.
        readings: how often one of the parsers read some.
        seed: of the mutations.
        differences: in groups, those without a permission first.
        notes: on parsers that could not be compared, by plugin.
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
        return tuple(each for each in self.differences if each.permission is None)

    @property
    def permitted(self) -> tuple[ParserDifference, ...]:
        """The differences that some rule permits."""
        return tuple(each for each in self.differences if each.permission is not None)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        reference, *others = self.parsers
        run = f"{self.inputs} inputs, {self.readings} readings, seed {self.seed}"
        yield f"{', '.join(others) or 'no other parser'} beside {reference}: {run}"
        for plugin, note in self.notes.items():
            yield f"not compared: {plugin}: {note}"
        for title, groups in (("permitted", self.permitted), ("unexplained", self.unexplained)):
            yield f"{title}: {sum(each.count for each in groups)}"
            for each in groups:
                yield from each.lines()

    def data(self) -> dict[str, object]:
        """Return the report as plain data."""
        return {
            "parsers": list(self.parsers),
            "inputs": self.inputs,
            "readings": self.readings,
            "seed": self.seed,
            "notes": dict(self.notes),
            "unexplained": [each.data() for each in self.unexplained],
            "permitted": [each.data() for each in self.permitted],
        }
