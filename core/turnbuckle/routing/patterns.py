"""Parse route patterns such as ``/users/{id:int}``.

A pattern starts with a slash and is split at its slashes. A segment is text, a parameter ``{name}``,
``{name:converter}`` or ``{name:converter(arguments)}``, or a mixture such as ``v{major:int}.{minor:int}`` with text
between any two parameters. Escapes have the same meaning as in a URL, so ``%2F`` is a slash inside a segment and
``%7B`` a brace. Segments that no client can request are refused: empty segments (except after a trailing slash), ``.``
and ``..``, raw ``?`` and ``#``.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Final

import attrs

from turnbuckle.errors import RouteError
from turnbuckle.routing.converters import BUILTIN_CONVERTERS, Converter, Converters, resolve_converter
from turnbuckle.routing.escapes import decode_segment, encode_segment, find_bad_escape
from turnbuckle.routing.foreign_patterns import ForeignSyntax, foreign_literal, foreign_parameter
from turnbuckle.routing.languages.expressions import ExpressionError
from turnbuckle.routing.segments import Parameter, Segment

MAX_SEGMENTS: Final = 100

# A whole segment of plain text, which is the most common kind and needs no further checks.
_PLAIN: Final = re.compile(r"/([\w~-][\w.~-]*)(?![^/])", re.ASCII)
# A whole segment that is one parameter without arguments, which needs no further checks either.
_LONE: Final = re.compile(r"/\{(\w+)(?::(\w+))?\}(?![^/])")
_TEXT: Final = re.compile(r"[^/{}]+")
_NAME: Final = re.compile(r"\w*")
_NEVER_RAW: Final = re.compile(r"[?#\x00-\x1f\x7f\ud800-\udfff]")
_DOTS: Final = frozenset({".", ".."})


class PatternError(RouteError):
    """A pattern that cannot be used; ``position`` is the place of the error, counted from 0.

    ``fix`` is the right spelling, or "".
    """

    def __init__(self, text: str, position: int, reason: str, fix: str = "") -> None:
        super().__init__(f"route pattern {text!r}, position {position}: {reason}")
        self.text: Final = text
        self.position: Final = position
        self.reason: Final = reason
        self.fix = fix


@attrs.frozen(eq=False)
class Pattern:
    """A parsed pattern; ``"/"`` has one segment, which is empty."""

    text: str
    segments: tuple[Segment, ...]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters, from left to right."""
        return tuple(parameter for segment in self.segments for parameter in segment.parameters)

    @property
    def is_static(self) -> bool:
        """Whether the pattern matches exactly one path."""
        return all(segment.is_static for segment in self.segments)

    @property
    def static_path(self) -> str:
        """The only path that a static pattern matches, with as few escapes as possible."""
        return "".join("/" + encode_segment(segment.literals[0]) for segment in self.segments)


def parse_pattern(text: str, converters: Converters = BUILTIN_CONVERTERS) -> Pattern:
    """Parse a pattern.

    Raises:
        RouteError: the pattern is malformed; the message has the reason and the position.
    """
    return _Reader(text, converters).pattern()


def split_outside_braces(text: str, separator: str) -> list[str]:
    """Split ``text`` at each ``separator`` that is not within braces."""
    parts, depth = [""], 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == separator and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


@attrs.define
class _Reader:
    """A recursive descent parser; each method reads one production and moves ``position`` after it."""

    text: str
    converters: Converters
    position: int = 0
    names: set[str] = attrs.field(factory=set)

    def pattern(self) -> Pattern:
        segments: list[Segment] = []
        if self._peek() != "/":
            raise PatternError(self.text, 0, "a pattern starts with '/'", _fix_of_start(self.text))
        while self._peek() == "/":
            segment = self._common_segment()
            if segment is None:
                self.position += 1
                segment = self._segment()
            segments.append(segment)
        self._check_segments(segments)
        return Pattern(self.text, tuple(segments))

    def _common_segment(self) -> Segment | None:
        """Read a slash and a segment of the most common kinds; ``_segment`` reads all others and reports errors."""
        if plain := _PLAIN.match(self.text, self.position):
            self.position = plain.end()
            return Segment((plain[1],))
        lone = _LONE.match(self.text, self.position)
        if lone is None:
            return None
        name, kind = lone[1], lone[2] or "str"
        converter = self.converters.get(kind)
        if not isinstance(converter, Converter) or name in self.names or not name.isidentifier():
            return None
        self.names.add(name)
        self.position = lone.end()
        return Segment(("", ""), (Parameter(name, kind, converter),))

    def _error(self, reason: str, position: int | None = None) -> PatternError:
        return PatternError(self.text, self.position if position is None else position, reason)

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def _check_segments(self, segments: list[Segment]) -> None:
        if len(segments) > MAX_SEGMENTS:
            raise self._error(f"{len(segments)} segments exceed {MAX_SEGMENTS}", 0)
        if len(self.names) > 1 and sum(segment.spans_segments for segment in segments) > 1:
            raise self._error("only one parameter may span segments", 0)

    def _segment(self) -> Segment:
        start = self.position
        literals = [""]
        parameters: list[Parameter] = []
        while (character := self._peek()) not in ("", "/"):
            if character == "}":
                raise self._error("'}' without '{'; write '%7D' for the character")
            if character == "{":
                if parameters and not literals[-1]:
                    raise self._error("two parameters need text between them")
                parameters.append(self._parameter())
                literals.append("")
            else:
                literals[-1] = self._literal()
        segment = Segment(tuple(literals), tuple(parameters))
        self._check_segment(segment, start)
        return segment

    def _check_segment(self, segment: Segment, start: int) -> None:
        if segment.is_static and not segment.literals[0] and self._peek():
            raise self._error("an empty segment", start)
        if segment.is_static and segment.literals[0] in _DOTS:
            raise self._error(f"clients resolve {segment.literals[0]!r} before they send a request", start)
        if segment.spans_segments and segment.literals != ("", ""):
            raise self._error("a parameter that spans segments must be a whole segment", start)

    def _check_syntax(self, foreign: ForeignSyntax | None) -> None:
        if foreign is not None:
            reason = f"{foreign.text!r} is the syntax of another framework"
            raise PatternError(self.text, self.text.find(foreign.text), reason, f"write {foreign.fix}")

    def _literal(self) -> str:
        start = self.position
        self._check_syntax(foreign_literal(self.text, start))
        found = _TEXT.match(self.text, start)
        assert found is not None, "the caller has checked that the text has a character"
        raw = found[0]
        if wrong := _NEVER_RAW.search(raw):
            fix = f"write {self.text.partition('?')[0]!r}, and read the query with request.query_params"
            position = start + wrong.start()
            raise PatternError(self.text, position, _not_raw(wrong[0]), fix if wrong[0] == "?" else "")
        if (bad := find_bad_escape(raw)) is not None:
            raise self._error("'%' without two hexadecimal digits; write '%25' for the character", start + bad)
        self.position = found.end()
        try:
            return decode_segment(raw)
        except UnicodeDecodeError as error:
            raise self._error(f"escapes in {raw!r} are not UTF-8", start) from error

    def _parameter(self) -> Parameter:
        start = self.position
        self._check_syntax(foreign_parameter(self.text, start, self.converters))
        self.position += 1
        name = self._name()
        kind, converter = self._converter(start)
        if self._peek() != "}":
            raise self._error("'{' without '}'" if not self._peek() else f"'}}' expected, not {self._peek()!r}", start)
        self.position += 1
        return Parameter(name, kind, converter)

    def _word(self) -> str:
        found = _NAME.match(self.text, self.position)
        assert found is not None, "the expression matches the empty text"
        self.position = found.end()
        return found[0]

    def _name(self) -> str:
        start = self.position
        name = self._word()
        if not name.isidentifier():
            raise self._error(f"a parameter needs a name that is an identifier, not {name!r}", start)
        if name in self.names:
            error = self._error(f"parameter {name!r} occurs twice", start)
            error.fix = "give one of the two another name"
            raise error
        self.names.add(name)
        return name

    def _converter(self, start: int) -> tuple[str, Converter]:
        if self._peek() != ":":
            return "str", self._resolve("str", None, start)
        self.position += 1
        begin = self.position
        name = self._word()
        arguments = self._arguments() if self._peek() == "(" else None
        kind = name if arguments is None else f"{name}({arguments})"
        return kind, self._resolve(name, arguments, begin)

    def _resolve(self, name: str, arguments: str | None, begin: int) -> Converter:
        try:
            return resolve_converter(self.converters, name, arguments)
        except KeyError as error:
            close = get_close_matches(name, self.converters, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(self.converters))}"
            raise self._error(f"unknown converter {name!r}; {hint}", begin) from error
        except ExpressionError as error:
            raise self._error(error.reason, begin + len(name) + 1 + error.position) from error
        except ValueError as error:
            raise self._error(str(error), begin) from error

    def _arguments(self) -> str:
        """Read up to the closing parenthesis; parentheses in escapes and classes do not count."""
        start, depth, is_class = self.position, 0, False
        while character := self._peek():
            self.position += 2 if character == "\\" else 1
            if character == "[" or (character == "]" and is_class):
                is_class = character == "["
            elif character in "()" and not is_class:
                depth += 1 if character == "(" else -1
            if depth == 0:
                return self.text[start + 1 : self.position - 1]
        raise self._error("'(' without ')'", start)


def _fix_of_start(text: str) -> str:
    method, _, path = text.partition(" ")
    if path.startswith("/") and method.isupper():
        return f"write {path!r}, and methods=[{method!r}] or @app.{method.lower()}"
    if text.startswith("^"):
        return "enable the plugin regex_router for expressions, and begin the path with '/^'"
    return f"write {'/' + text!r}" if "://" not in text else "write the path only; host=... names a host"


def _not_raw(character: str) -> str:
    if character in "?#":
        return f"a path cannot contain {character!r}; write '%{ord(character):02X}' for the character"
    if character >= "\ud800":
        return f"{character!r} cannot be encoded in UTF-8"
    return f"a control character; write '%{ord(character):02X}' if it is intended"
