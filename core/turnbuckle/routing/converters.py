"""Convert the text of a path parameter into a value, and back.

This module has the record for converters and the built-in converters. A converter consists of a regular expression
(``languages/expressions`` describes the syntax), a function from text to value, and a function from value to text. The
expression determines the texts that the parameter matches; if the function refuses a text, the route does not match.

==========  =========================================================  ================
``{x}``      any text except the empty one (``{x:str}``)                ``str``
``{x:int}``  1 to 100 ASCII digits: no sign, no ``_``                    ``int``
``float``    digits, and a point with digits: no sign, no exponent      ``float``
``uuid``     8-4-4-4-12 hexadecimal digits, either case                 ``uuid.UUID``
``date``     ``YYYY-MM-DD``, days that exist                            ``datetime.date``
``re(...)``  any text that the expression matches                       ``str``
``path``     any text, even empty, over any number of segments          ``str``
==========  =========================================================  ================

If several parameters compete for a segment, the one with the lowest ``rank`` is tried first: ``re`` 10, user-defined
20, ``uuid`` and ``date`` 30, ``int`` 40, ``float`` 50, ``str`` 80, ``path`` 90.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final, TypeAlias

import attrs

from turnbuckle.errors import RouteError
from turnbuckle.routing.languages.automata import Language
from turnbuckle.routing.languages.expressions import parse_expression, spanning

REFUSALS: Final = (ValueError, ArithmeticError, LookupError)
"""Exceptions by which ``Converter.convert`` refuses a text; ``UUID()``, ``Decimal()`` and ``Color[...]`` raise them."""


def _same(text: str) -> str:
    return text


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a str is needed")
    return value


@attrs.frozen(kw_only=True, eq=False)
class Converter:
    """A kind of path parameter: the texts that it matches, and their conversion to values and back.

    Attributes:
        regex: regular expression for the whole decoded text; ``languages/expressions`` describes the syntax.
        convert: function that returns the value of a text that ``regex`` matches; it refuses the text with a
            ``ValueError`` (or ``LookupError`` or ``ArithmeticError``).
        format: function that returns the text of a value, for ``url_for``; it refuses the value with a ``ValueError``
            or ``TypeError``.
        rank: if several converters compete for a segment, the one with the lowest rank is tried first.
        total: whether ``convert`` never refuses a text, so that routes after this one may be reported as unreachable.
        spans_segments: whether the text may contain slashes that separate segments. A route may have one such
            parameter, which must be a whole segment of the pattern.

    Raises:
        RouteError: ``regex`` cannot be used.
    """

    regex: str = ".+"
    convert: Callable[[str], object] = _same
    format: Callable[..., str] = _text
    rank: int = 20
    total: bool = False
    spans_segments: bool = False
    language: Language = attrs.field(init=False, repr=False)

    @language.default
    def _parse(self) -> Language:
        return Language(parse_expression(self.regex))

    @property
    def covering_language(self) -> Language:
        """The language of the parameter in a path, where a spanning text may contain separators."""
        return Language(spanning(self.language.expression)) if self.spans_segments else self.language

    def read(self, text: str) -> tuple[object] | None:
        """Return the value in a tuple, or None if ``text`` is refused."""
        if not self.language.accepts(text):
            return None
        try:
            return (self.convert(text),)
        except REFUSALS:
            return None

    def write(self, value: object) -> str:
        """Return the text for ``value``.

        Raises:
            ValueError: the value has no text that this converter matches.
            TypeError: the value has the wrong type.
        """
        text = self.format(value)
        if not self.language.accepts(text):
            raise ValueError(f"{text!r} is not of the form {self.regex}")
        return text


ConverterFactory: TypeAlias = Callable[[str], Converter]
"""Function that makes a converter from the text between the parentheses, as in ``{x:re(...)}``."""

Converters: TypeAlias = Mapping[str, Converter | ConverterFactory]


def _format_int(value: object) -> str:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("an int is needed")
    # str() raises a ValueError for ints of more than 4300 digits, as this function should.
    return str(int(value))


def _format_float(value: object) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError("a float is needed")
    try:
        return format(Decimal(repr(float(value))), "f")  # repr() without it would write 1e+16
    except OverflowError as error:
        raise ValueError("too large for a float") from error


def _format_uuid(value: object) -> str:
    if not isinstance(value, uuid.UUID):
        raise TypeError("a UUID is needed")
    return str(value)


def _format_date(value: object) -> str:
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise TypeError("a date is needed")
    return value.isoformat()


def _re(arguments: str) -> Converter:
    return Converter(regex=arguments, rank=10, total=True)


# int() raises for more than 4300 digits; 100 digits are more than enough for 256-bit numbers.
MAX_INT_DIGITS: Final = 100
_INT: Final = f"[0-9]{{1,{MAX_INT_DIGITS}}}"
# A float of 308 digits is always finite, and the smallest float has 324 decimals.
_FLOAT: Final = r"[0-9]{1,308}(?:\.[0-9]{1,324})?"
_UUID: Final = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"

# Exactly the days of the calendar from 0001-01-01 to 9999-12-31, so that the search for overlaps is exact.
_YEAR: Final = "(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})"
_MULTIPLE_OF_4: Final = "(?:0[48]|[2468][048]|[13579][26])"
_LEAP_YEAR: Final = f"(?:[0-9]{{2}}{_MULTIPLE_OF_4}|{_MULTIPLE_OF_4}00)"
_DAY: Final = "(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
_DATE: Final = f"(?:{_YEAR}-{_DAY}|{_LEAP_YEAR}-02-29)"

STR: Final = Converter(rank=80, total=True)
INT: Final = Converter(regex=_INT, convert=int, format=_format_int, rank=40, total=True)
PATH: Final = Converter(regex=".*", rank=90, total=True, spans_segments=True)

BUILTIN_CONVERTERS: Final[Converters] = MappingProxyType(
    {
        "str": STR,
        "int": INT,
        "float": Converter(regex=_FLOAT, convert=float, format=_format_float, rank=50, total=True),
        "uuid": Converter(regex=_UUID, convert=uuid.UUID, format=_format_uuid, rank=30, total=True),
        "date": Converter(regex=_DATE, convert=dt.date.fromisoformat, format=_format_date, rank=30, total=True),
        "re": _re,
        "path": PATH,
    }
)


CONVERTERS: Final = BUILTIN_CONVERTERS
"""The built-in converters by name, for routers that accept further converters."""


def resolve_converter(converters: Converters, name: str, arguments: str | None) -> Converter:
    """Return the converter for ``{x:name}`` or ``{x:name(arguments)}``.

    Raises:
        RouteError: the converter needs arguments but has none, or the other way round.
        KeyError: no converter has this name.
    """
    found = converters[name]
    if isinstance(found, Converter):
        if arguments is not None:
            raise RouteError(f"converter {name!r} takes no arguments")
        return found
    if arguments is None:
        raise RouteError(f"converter {name!r} needs arguments: {name}(...)")
    return found(arguments)
