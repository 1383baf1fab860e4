"""Format rows as lines of comma-separated values (RFC 4180, section 2).

Lines end with CRLF. A value is quoted if it contains a quote, a line break or the delimiter. Every line has as many
values as the header.
"""

from __future__ import annotations

import csv
import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from enum import Enum
from typing import Final, final

import attrs

__all__ = ["CSVEncoder"]

# Spreadsheets run a text as a formula if it begins with one of these; numbers are harmless.
_FORMULA: Final = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


class _Text:
    """The file of a ``csv.writer``, whose ``writerow`` returns the written text."""

    def write(self, text: str) -> str:
        return text


@final
class CSVEncoder:
    """Encodes the rows of one table; ``CSV`` describes the arguments.

    Raises:
        TypeError: the header is a text, or the delimiter is not one character.
    """

    def __init__(self, header: Sequence[str] | None, *, delimiter: str = ",", escape_formulas: bool = False) -> None:
        if isinstance(header, str):
            raise TypeError(f"the header is a list of names, not a text; write [{header!r}]")
        self._writer: Final = csv.writer(_Text(), lineterminator="\r\n", delimiter=delimiter)
        self._escape: Final = escape_formulas
        self._names: tuple[str, ...] | None = None if header is None else tuple(header)
        self._rows = 0

    def header_line(self) -> bytes:
        """Return the line of the header; b"" if the rows decide about it."""
        return b"" if self._names is None else self._line(self._names)

    def row(self, row: object) -> bytes:
        """Return the line of a row, after the line of the header if this row decides about it.

        Raises:
            TypeError: the row has neither values nor names, or a value consists of bytes.
            ValueError: the row has another number of values than the header.
        """
        self._rows += 1
        named = _named_values(row)
        if named is None:
            return self._line(self._checked(row))
        header = b""
        if self._names is None:
            self._names = tuple(named)
            header = self._line(self._names)
        return header + self._line([named.get(name) for name in self._names])

    def _checked(self, row: object) -> Sequence[object]:
        if not isinstance(row, Sequence) or isinstance(row, str | bytes):
            kind = type(row).__qualname__
            raise TypeError(f"row {self._rows} of a CSV response is a sequence or has names for its values, not {kind}")
        if self._names is not None and len(row) != len(self._names):
            raise ValueError(f"row {self._rows} has {len(row)} values, and the header has {len(self._names)}")
        return row

    def _line(self, values: Iterable[object]) -> bytes:
        text: str = self._writer.writerow([self._text(value) for value in values])
        # A lone surrogate has no encoding, as in the body of a response.
        return text.encode("utf-8", "replace")

    def _text(self, value: object) -> object:
        if isinstance(value, Enum):
            value = value.value
        if isinstance(value, date | time):
            return value.isoformat()
        if isinstance(value, bytes | bytearray | memoryview):
            raise TypeError(f"row {self._rows} has a value of type {type(value).__name__}; write value.decode()")
        if self._escape and isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
            return "'" + value
        return value


def _named_values(row: object) -> Mapping[str, object] | None:
    """Return the values of a row by their names; None if they have none."""
    if isinstance(row, Mapping):
        return row
    kind = type(row)
    names: Sequence[str]
    if attrs.has(kind):
        names = [field.name for field in attrs.fields(kind)]
    elif dataclasses.is_dataclass(kind):
        names = [field.name for field in dataclasses.fields(kind)]
    else:
        names = getattr(kind, "__struct_fields__", getattr(kind, "_fields", ()))
    return {name: getattr(row, name) for name in names} if names else None
