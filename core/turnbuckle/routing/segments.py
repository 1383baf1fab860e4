"""Match one decoded segment of a path against one segment of a pattern.

This module has the record for a segment of a pattern and compiles it into a closure, so that matching does not evaluate
the pattern again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import attrs

from turnbuckle.routing.converters import INT, MAX_INT_DIGITS, REFUSALS, STR, Converter
from turnbuckle.routing.languages.automata import Language
from turnbuckle.routing.languages.expressions import Chain, Expression, literal
from turnbuckle.routing.languages.splitting import Splitter

Values: TypeAlias = tuple[object, ...]

Reader: TypeAlias = Callable[[str], Values | None]
"""Function that returns the values of the parameters in a segment, or None if the segment does not match."""


@attrs.frozen(eq=False)
class Parameter:
    """A named parameter; ``kind`` is the text of its converter in the pattern, such as ``"re([a-z]+)"``."""

    name: str
    kind: str
    converter: Converter


@attrs.frozen(eq=False)
class Segment:
    """A segment of a pattern: the part between two slashes.

    Attributes:
        literals: the decoded texts around the parameters, one more than there are parameters; a static segment has
            exactly one.
        parameters: the parameters between the literals.
    """

    literals: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()

    @property
    def is_static(self) -> bool:
        """Whether the segment matches exactly one text."""
        return not self.parameters

    @property
    def spans_segments(self) -> bool:
        """Whether the segment matches any number of segments of the path."""
        return bool(self.parameters) and any(parameter.converter.spans_segments for parameter in self.parameters)

    def reader(self) -> Reader:
        """Return a function that reads the values of the parameters in a text, in time linear in its length.

        A regular expression for several parameters would try all ways to split the text, which takes minutes for a few
        hundred characters of a malicious client.
        """
        return compile_reader(self)

    @property
    def is_total(self) -> bool:
        """Whether the converters accept every text that the expression matches."""
        return all(parameter.converter.total for parameter in self.parameters)

    @property
    def key(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Key that is equal for segments of a router that differ only in the names of their parameters."""
        return self.literals, tuple(parameter.kind for parameter in self.parameters)

    @property
    def order(self) -> tuple[int, int]:
        """Sort key among dynamic segments: by the least specific converter, then by the length of literal text."""
        return max(parameter.converter.rank for parameter in self.parameters), -sum(map(len, self.literals))

    @property
    def expression(self) -> Expression:
        """The expression for the texts that the segment matches, with separators if it spans segments."""
        parts: list[Expression] = [literal(self.literals[0])]
        for parameter, following in zip(self.parameters, self.literals[1:], strict=True):
            parts += [parameter.converter.covering_language.expression, literal(following)]
        return Chain(tuple(parts))


def compile_reader(segment: Segment) -> Reader:
    """Return the function that reads the values of the parameters in ``segment``."""
    if not segment.parameters:
        return _static_reader(segment.literals[0])
    if len(segment.parameters) > 1:
        return _splitting_reader(segment)
    whole = _whole_reader(segment.parameters[0].converter)
    return whole if segment.literals == ("", "") else _trimming_reader(segment, whole)


def _whole_reader(converter: Converter) -> Reader:
    if converter is STR:
        return _text_reader
    return _int_reader if converter is INT else _converting_reader(converter)


def _text_reader(text: str) -> Values | None:
    return (text,) if text else None


def _int_reader(text: str) -> Values | None:
    # The same as the expression of the converter, without a call of re.
    return (int(text),) if text.isdigit() and text.isascii() and len(text) <= MAX_INT_DIGITS else None


def _converting_reader(converter: Converter) -> Reader:
    language, convert = converter.language, converter.convert

    def read(text: str) -> Values | None:
        # The language is compiled for the first text: most apps have routes that are never requested.
        if not language.accepts(text):
            return None
        try:
            return (convert(text),)
        except REFUSALS:
            return None

    return read


def _static_reader(expected: str) -> Reader:
    return lambda text: () if text == expected else None


def _trimming_reader(segment: Segment, whole: Reader) -> Reader:
    prefix, suffix = segment.literals[0], segment.literals[-1]

    def read(text: str) -> Values | None:
        inner = trim(text, prefix, suffix)
        return None if inner is None else whole(inner)

    return read


def _splitting_reader(segment: Segment) -> Reader:
    prefix, *separators, suffix = segment.literals
    languages: list[Language] = [parameter.converter.language for parameter in segment.parameters]
    converts = [parameter.converter.convert for parameter in segment.parameters]
    splitter = Splitter(languages, separators)

    def read(text: str) -> Values | None:
        inner = trim(text, prefix, suffix)
        pieces = None if inner is None else splitter.split(inner)
        if pieces is None:
            return None
        try:
            return tuple([convert(piece) for convert, piece in zip(converts, pieces, strict=True)])
        except REFUSALS:
            return None

    return read


def trim(text: str, prefix: str, suffix: str) -> str | None:
    """Return the part of ``text`` between ``prefix`` and ``suffix``, or None if it does not have both."""
    end = len(text) - len(suffix)
    if end < len(prefix) or not text.startswith(prefix) or not text.endswith(suffix):
        return None
    return text[len(prefix) : end]


def interleave(literals: Sequence[str], texts: Sequence[str]) -> str:
    """Join ``texts`` and ``literals`` alternately; there is one literal more than there are texts."""
    return literals[0] + "".join(text + literal for text, literal in zip(texts, literals[1:], strict=True))
