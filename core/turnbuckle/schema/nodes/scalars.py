"""The nodes of single values: strings, numbers, booleans, dates, UUIDs and the like.

JSON is read strictly: ``"1"`` is no int and ``1.0`` is none, as msgspec decides. Texts of queries and the like are read
with ``parse``, because they have no other form.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Any, Final, TypeAlias, final
from uuid import UUID

import attrs

from turnbuckle.schema.definitions import JSONSchema, SchemaBuilder
from turnbuckle.schema.faults import FaultList, Unfit, kind_of
from turnbuckle.schema.json_decoding import ExactFloat
from turnbuckle.schema.nodes.base import MISFIT, Inexact, QuickDump, RecordMaker, TypeNode
from turnbuckle.schema.nodes.times import format_duration, read_date, read_datetime, read_duration, read_time

__all__ = ["SCALARS", "Scalar", "ScalarNode"]

_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_UUID: Final = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BOOLEANS: Final = MappingProxyType(
    {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}
)


_Function: TypeAlias = Callable[[object], object]


@attrs.frozen
class Scalar:
    """How the values of one type are read and written.

    Attributes:
        label: the name of the type, for reasons.
        form: the types of JSON that its values have.
        load: returns the value for a value of JSON's own types, or raises ``Unfit``.
        dump: returns the form that ``encode_json`` writes, or raises ``Unfit``.
        parse: returns the value of a text, or raises ``Unfit``.
        schema: its JSON Schema.
        decodes_fast: see ``TypeNode``.
        plain_types: see ``TypeNode``.
        exact_type: the type of values for which ``quick_dump`` is called, if they are not plain.
        quick_dump: see ``TypeNode``; ``dump`` by default.
    """

    label: str
    form: str
    load: Callable[[object], object]
    dump: Callable[[object], object]
    parse: Callable[[str], object]
    schema: Mapping[str, object]
    decodes_fast: bool = attrs.field(default=True, kw_only=True)
    plain_types: frozenset[type] = attrs.field(default=frozenset(), kw_only=True)
    exact_type: type | None = attrs.field(default=None, kw_only=True)
    quick_dump: QuickDump | None = attrs.field(default=None, kw_only=True)


@final
class ScalarNode(TypeNode):
    """The node of a single value."""

    __slots__ = ("scalar",)

    def __init__(self, scalar: Scalar) -> None:
        # Every int is a float as well.
        forms = {"integer", "number"} if scalar.form == "number" else set(scalar.form.split())
        super().__init__(scalar.label, frozenset(forms), decodes_fast=scalar.decodes_fast)
        self.scalar: Final = scalar
        self.plain_types = scalar.plain_types

    @property
    def is_scalar(self) -> bool:
        """Whether a value can be read from one text."""
        return True

    def load(self, value: object, at: str, faults: FaultList) -> object:
        """Return the value."""
        try:
            return self.scalar.load(value)
        except Unfit as unfit:
            faults.add(at, unfit.reason)
            return MISFIT

    def dump(self, value: object, at: str, faults: FaultList) -> object:
        """Return the form of the value."""
        try:
            return self.scalar.dump(value)
        except Unfit as unfit:
            faults.add(at, unfit.reason)
            return MISFIT

    def parse(self, text: str) -> object:
        """Return the value of a text."""
        return self.scalar.parse(text)

    def describe(self, builder: SchemaBuilder) -> JSONSchema:
        """Return the JSON Schema of the type."""
        return dict(self.scalar.schema)

    @property
    def keeps_values(self) -> bool:
        """Whether ``quick_dump`` returns the values themselves."""
        return bool(self.plain_types) or self.scalar.exact_type is float

    def exact_types(self) -> frozenset[type]:
        """Return the types of the values that ``quick_dump`` accepts."""
        exact = self.scalar.exact_type
        return self.plain_types if exact is None else frozenset({exact})

    def quick_dump(self, records: RecordMaker) -> QuickDump | None:
        """Return a function that dumps values of exactly this type."""
        exact, dump = self.scalar.exact_type, self.scalar.quick_dump or self.scalar.dump
        if exact is None:
            return super().quick_dump(records)

        def dump_exactly(value: object) -> object:
            if type(value) is exact:
                return dump(value)
            raise Inexact

        return dump_exactly


def _mismatch(label: str, value: object) -> Unfit:
    return Unfit(f"expected {label}, got {kind_of(value)}")


def _load_int(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _mismatch("int", value)


def _dump_int(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        # A member of an IntEnum is written as its number.
        return int(value)
    raise _mismatch("int", value)


def _parse_int(text: str) -> object:
    try:
        if _INTEGER.fullmatch(text):
            return int(text)
    except ValueError:
        # It has more digits than int() reads.
        raise Unfit("out of range") from None
    raise Unfit("expected int")


def _load_float(value: object) -> object:
    if isinstance(value, float | int) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            raise Unfit("out of range") from None
        if math.isfinite(number):
            return number
        raise Unfit("expected a finite number")
    raise _mismatch("float", value)


def _parse_float(text: str) -> object:
    if not _NUMBER.fullmatch(text):
        raise Unfit("expected float")
    number = float(text)
    if math.isinf(number):
        raise Unfit("out of range")
    return number


def _quick_dump_float(value: Any) -> object:
    # Other numbers are written with exponents, on whose form the encoders do not agree.
    if 1e-4 <= value < 1e16 or -1e16 < value <= -1e-4 or value == 0:
        return value
    raise Inexact


def _load_str(value: object) -> object:
    if isinstance(value, str):
        return value
    raise _mismatch("str", value)


def _dump_str(value: object) -> object:
    if isinstance(value, str):
        return str.__str__(value)
    raise _mismatch("str", value)


def _load_bool(value: object) -> object:
    if value is True or value is False:
        return value
    raise _mismatch("bool", value)


def _parse_bool(text: str) -> object:
    found = _BOOLEANS.get(text.lower())
    if found is None:
        raise Unfit("expected bool: true or false")
    return found


def _load_none(value: object) -> object:
    if value is None:
        return value
    raise _mismatch("null", value)


def _parse_none(text: str) -> object:
    if text:
        raise Unfit("expected an empty text")
    return None


def _load_text(label: str, kind: type, parse: Callable[[str], object]) -> Callable[[object], object]:
    """Return a function that reads a string; a value of the type itself is accepted, because other formats have it."""

    def load(value: object) -> object:
        if isinstance(value, str):
            return parse(value)
        if type(value) is kind:
            return value
        raise _mismatch(label, value)

    return load


def _dump_text(label: str, kind: type, write: Callable[..., str]) -> Callable[[object], object]:
    def dump(value: object) -> object:
        if isinstance(value, kind):
            return write(value)
        raise _mismatch(label, value)

    return dump


def _dump_date(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    raise _mismatch("date", value)


def _dump_zoned(label: str, kind: type[datetime] | type[time]) -> Callable[[object], object]:
    def dump(value: object) -> object:
        if isinstance(value, kind):
            offset = value.utcoffset()
            if offset is not None and offset.total_seconds() % 60:
                raise Unfit("expected an offset of whole minutes")
            return value.isoformat()
        raise _mismatch(label, value)

    return dump


def _parse_uuid(text: str) -> object:
    if _UUID.fullmatch(text):
        return UUID(text)
    raise Unfit("expected a UUID")


def _parse_decimal(text: str) -> object:
    try:
        if _NUMBER.fullmatch(text):
            return Decimal(text)
    except InvalidOperation:
        pass
    raise Unfit("expected a decimal number")


def _load_decimal(value: object) -> object:
    if isinstance(value, str):
        return _parse_decimal(value)
    if isinstance(value, ExactFloat):
        return _parse_decimal(value.text)
    if isinstance(value, float) and math.isfinite(value):
        return Decimal(repr(value))
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    raise _mismatch("decimal", value)


def _dump_decimal(value: object) -> object:
    if isinstance(value, Decimal):
        if value.is_finite():
            return str(value)
        raise Unfit("expected a finite number")
    raise _mismatch("decimal", value)


def _parse_bytes(text: str) -> object:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unfit("expected Base64") from None


def _parse_path(text: str) -> object:
    # No file has such a name, and the functions of the system raise ValueError for it.
    if "\0" in text:
        raise Unfit("expected a path")
    return Path(text)


def _load_path(value: object) -> object:
    if isinstance(value, str | PurePath):
        return _parse_path(str(value))
    raise _mismatch("path", value)


def _text(
    kind: type, label: str, parse: Callable[[str], object], write: Callable[..., str], schema_format: str
) -> Scalar:
    schema = {"type": "string", "format": schema_format}
    return Scalar(
        label,
        "string",
        _load_text(label, kind, parse),
        _dump_text(label, kind, write),
        parse,
        schema,
        plain_types=frozenset({kind}),
    )


def _zoned(kind: type[datetime] | type[time], label: str, parse: Callable[[str], object], schema_format: str) -> Scalar:
    schema = {"type": "string", "format": schema_format}
    return Scalar(
        label,
        "string",
        _load_text(label, kind, parse),
        _dump_zoned(label, kind),
        parse,
        schema,
        exact_type=kind,
    )


_PATH: Final = Scalar(
    "path",
    "string",
    _load_path,
    _dump_text("path", PurePath, str),
    _parse_path,
    {"type": "string", "format": "path"},
    decodes_fast=False,
    exact_type=type(Path()),
)
_NONE: Final = Scalar(
    "null", "null", _load_none, _load_none, _parse_none, {"type": "null"}, plain_types=frozenset({type(None)})
)

SCALARS: Final[Mapping[object, Scalar]] = MappingProxyType(
    {
        str: Scalar("str", "string", _load_str, _dump_str, str, {"type": "string"}, plain_types=frozenset({str})),
        int: Scalar(
            "int", "integer", _load_int, _dump_int, _parse_int, {"type": "integer"}, plain_types=frozenset({int})
        ),
        float: Scalar(
            "float",
            "number",
            _load_float,
            _load_float,
            _parse_float,
            {"type": "number"},
            exact_type=float,
            quick_dump=_quick_dump_float,
        ),
        bool: Scalar(
            "bool", "boolean", _load_bool, _load_bool, _parse_bool, {"type": "boolean"}, plain_types=frozenset({bool})
        ),
        type(None): _NONE,
        None: _NONE,
        bytes: attrs.evolve(
            _text(bytes, "Base64", _parse_bytes, lambda value: base64.b64encode(value).decode(), ""),
            schema={"type": "string", "contentEncoding": "base64"},
            plain_types=frozenset(),
            exact_type=bytes,
        ),
        date: attrs.evolve(_text(date, "date", read_date, str, "date"), dump=_dump_date),
        datetime: _zoned(datetime, "datetime", read_datetime, "date-time"),
        time: _zoned(time, "time", read_time, "time"),
        timedelta: attrs.evolve(
            _text(timedelta, "duration", read_duration, format_duration, "duration"),
            decodes_fast=False,
            plain_types=frozenset(),
            exact_type=timedelta,
        ),
        UUID: _text(UUID, "UUID", _parse_uuid, str, "uuid"),
        Decimal: Scalar(
            "decimal",
            "string number integer",
            _load_decimal,
            _dump_decimal,
            _parse_decimal,
            {"type": ["string", "number"]},
            decodes_fast=False,
            exact_type=Decimal,
        ),
        Path: _PATH,
        PurePath: _PATH,
    }
)
"""How values of each type are read and written."""
