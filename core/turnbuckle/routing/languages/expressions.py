r"""Parse the regular expressions of converters.

The syntax is the part of Python's syntax that describes regular languages, so that expressions can be compared exactly
and matched in linear time: literals, ``.``, classes, ``\d \w \s`` and their negations (ASCII), ``\xHH``, ``\uHHHH``,
groups ``(...)`` and ``(?:...)``, ``|``, and the quantifiers ``* + ? {m} {m,} {,n} {m,n}``. The dot matches any
character, including line breaks. An expression always matches the whole text, so there are no anchors; look-around,
back references, possessive quantifiers and flags are refused, with their position. A lazy quantifier is read as the
greedy one, because both match the same texts.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias, assert_never

import attrs

from turnbuckle.errors import RouteError
from turnbuckle.routing.languages.charsets import ANY, SEPARATOR, CharSet, complement, contains, single, union

MAX_POSITIONS: Final = 5000
_MAX_DEPTH: Final = 50

_DIGITS: Final[CharSet] = ((0x30, 0x39),)
_WORD: Final[CharSet] = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Final[CharSet] = ((0x09, 0x0D), (0x20, 0x20))
_CLASSES: Final[dict[str, CharSet]] = {
    "d": _DIGITS,
    "D": complement(_DIGITS),
    "w": _WORD,
    "W": complement(_WORD),
    "s": _SPACE,
    "S": complement(_SPACE),
}
_CONTROLS: Final[dict[str, str]] = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_HEXADECIMAL: Final = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})")
_QUANTIFIER: Final = re.compile(r"\*|\+|\?|\{([0-9]{0,4})(?:(,)([0-9]{0,4}))?\}")


class ExpressionError(RouteError):
    """An expression cannot be parsed; ``position`` is the place of the error, counted from 0."""

    def __init__(self, text: str, position: int, reason: str) -> None:
        super().__init__(f"expression {text!r}, position {position}: {reason}")
        self.position: Final = position
        self.reason: Final = reason


@attrs.frozen
class Chars:
    """One character of a set."""

    charset: CharSet


@attrs.frozen
class Chain:
    """A sequence of expressions; the empty chain matches the empty text."""

    items: tuple[Expression, ...]


@attrs.frozen
class Alternation:
    """Any one of several expressions."""

    items: tuple[Expression, ...]


@attrs.frozen
class Repeat:
    """An expression repeated ``least`` to ``most`` times; without an upper limit if ``most`` is None."""

    item: Expression
    least: int
    most: int | None


Expression: TypeAlias = Chars | Chain | Alternation | Repeat

ANY_TEXT: Final = Repeat(Chars(ANY), 1, None)
"""Any text except the empty one."""


def literal(text: str) -> Chain:
    """Return the expression that matches only ``text``."""
    return Chain(tuple(Chars(single(character)) for character in text))


def parse_expression(text: str) -> Expression:
    """Parse an expression.

    Raises:
        ExpressionError: the expression is malformed or not regular, or has more than ``MAX_POSITIONS`` positions when
            its repetitions are expanded.
    """
    reader = _Reader(text)
    expression = reader.choice(depth=0)
    if not reader.is_at_end:
        raise reader.error("')' without '('")
    size = positions(expression)
    if size > MAX_POSITIONS:
        raise reader.error(f"{size} positions with expanded repetitions exceed {MAX_POSITIONS}")
    return expression


def positions(expression: Expression) -> int:
    """Return the number of character positions in the expression when its repetitions are expanded."""
    match expression:
        case Chars():
            return 1
        case Chain(items) | Alternation(items):
            return 1 + sum(map(positions, items))
        case Repeat(item, least, most):
            return 1 + positions(item) * (least + 1 if most is None else most)
        case _:
            assert_never(expression)


def mirrored(expression: Expression) -> Expression:
    """Return the expression that matches the same texts from right to left."""
    match expression:
        case Chars():
            return expression
        case Chain(items):
            return Chain(tuple(mirrored(item) for item in reversed(items)))
        case Alternation(items):
            return Alternation(tuple(map(mirrored, items)))
        case Repeat(item, least, most):
            return Repeat(mirrored(item), least, most)
        case _:
            assert_never(expression)


def spanning(expression: Expression) -> Expression:
    """Return the expression with the separator allowed wherever a slash is allowed, for texts that span segments."""
    match expression:
        case Chars(charset):
            return Chars(union([*charset, (SEPARATOR, SEPARATOR)])) if contains(charset, ord("/")) else expression
        case Chain(items):
            return Chain(tuple(map(spanning, items)))
        case Alternation(items):
            return Alternation(tuple(map(spanning, items)))
        case Repeat(item, least, most):
            return Repeat(spanning(item), least, most)
        case _:
            assert_never(expression)


def python_regex(expression: Expression) -> str:
    """Return a regular expression for ``re`` that matches the same texts."""
    match expression:
        case Chars(()):
            return "(?!)"
        case Chars(charset):
            return "[" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in charset) + "]"
        case Chain(items):
            return "(?:" + "".join(map(python_regex, items)) + ")"
        case Alternation(items):
            return "(?:" + "|".join(map(python_regex, items)) + ")"
        case Repeat(item, least, most):
            return f"(?:{python_regex(item)}){{{least},{'' if most is None else most}}}"
        case _:
            assert_never(expression)


@attrs.define
class _Reader:
    """A recursive descent parser; each method reads one production and moves ``position`` after it."""

    text: str
    position: int = 0

    @property
    def is_at_end(self) -> bool:
        return self.position >= len(self.text)

    def error(self, reason: str, position: int | None = None) -> ExpressionError:
        return ExpressionError(self.text, self.position if position is None else position, reason)

    def peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def take(self, expected: str) -> bool:
        if not self.text.startswith(expected, self.position):
            return False
        self.position += len(expected)
        return True

    def choice(self, depth: int) -> Expression:
        if depth > _MAX_DEPTH:
            raise self.error(f"groups nested deeper than {_MAX_DEPTH}")
        items = [self._chain(depth)]
        while self.take("|"):
            items.append(self._chain(depth))
        return items[0] if len(items) == 1 else Alternation(tuple(items))

    def _chain(self, depth: int) -> Expression:
        items: list[Expression] = []
        while not self.is_at_end and self.peek() not in "|)":
            items.append(self._quantified(self._atom(depth)))
        return items[0] if len(items) == 1 else Chain(tuple(items))

    def _quantified(self, item: Expression) -> Expression:
        start = self.position
        found = _QUANTIFIER.match(self.text, start)
        if found is None:
            if self.peek() == "{":
                raise self.error("a quantifier is {m}, {m,}, {,n} or {m,n}; write '\\{' for the character")
            return item
        self.position = found.end()
        least, most = self._bounds(found, start)
        self.take("?")
        if self.peek() and self.peek() in "*+?{":
            raise self.error("a quantifier after a quantifier")
        return Repeat(item, least, most)

    def _bounds(self, found: re.Match[str], start: int) -> tuple[int, int | None]:
        match found[0]:
            case "*":
                return 0, None
            case "+":
                return 1, None
            case "?":
                return 0, 1
        low, comma, high = found.groups()
        if not low and not high:
            raise self.error("a quantifier without numbers", start)
        least = int(low or 0)
        most = int(high) if high else None if comma else least
        if most is not None and most < least:
            raise self.error(f"a quantifier from {least} down to {most}", start)
        return least, most

    def _atom(self, depth: int) -> Expression:
        character = self.peek()
        match character:
            case "(":
                return self._group(depth)
            case "[":
                return Chars(self._class())
            case "\\":
                return Chars(self._escape())
            case "*" | "+" | "?" | "{":
                raise self.error(f"nothing before {character!r} to repeat")
            case "^" | "$":
                raise self.error(f"{character!r} is not needed: an expression always matches the whole text")
        self.position += 1
        return Chars(ANY) if character == "." else Chars(single(character))

    def _group(self, depth: int) -> Expression:
        start = self.position
        self.position += 1
        if not self.take("?:") and self.peek() == "?":
            raise self.error("only '(...)' and '(?:...)' are allowed as groups", start)
        expression = self.choice(depth + 1)
        if not self.take(")"):
            raise self.error("'(' without ')'", start)
        return expression

    def _escape(self) -> CharSet:
        start = self.position
        self.position += 1
        character = self.peek()
        if found := _HEXADECIMAL.match(self.text, self.position):
            self.position = found.end()
            return single(chr(int(found[1] or found[2], 16)))
        self.position += 1
        if character in _CLASSES:
            return _CLASSES[character]
        if character in _CONTROLS:
            return single(_CONTROLS[character])
        if not character or character.isalnum():
            raise self.error(f"unknown escape '\\{character}'" if character else "a single '\\'", start)
        return single(character)

    def _class(self) -> CharSet:
        start = self.position
        self.position += 1
        is_negated = self.take("^")
        ranges: list[tuple[int, int]] = []
        while not self.take("]"):
            if self.is_at_end:
                raise self.error("'[' without ']'", start)
            ranges += self._class_item()
        if not ranges:
            raise self.error("an empty class", start)
        charset = union(ranges)
        return complement(charset) if is_negated else charset

    def _class_item(self) -> CharSet:
        start = self.position
        low = self._class_member()
        if self.peek() != "-" or self.text[self.position + 1 : self.position + 2] in ("]", ""):
            return low
        self.position += 1
        high = self._class_member()
        if not (_is_single(low) and _is_single(high)):
            raise self.error("a range between classes", start)
        if low[0][0] > high[0][0]:
            raise self.error("a range that runs backwards", start)
        return ((low[0][0], high[0][0]),)

    def _class_member(self) -> CharSet:
        character = self.peek()
        if character == "\\":
            return self._escape()
        if character == "[":
            raise self.error("'[' inside a class; write '\\['")
        self.position += 1
        return single(character)


def _is_single(charset: CharSet) -> bool:
    return len(charset) == 1 and charset[0][0] == charset[0][1]
