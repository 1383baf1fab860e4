"""Write JSON (RFC 8259): compact, in UTF-8, and never the NaN and Infinity that JSON does not have."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Final
from uuid import UUID

import attrs

__all__ = ["encode_json"]


def encode_json(value: object) -> bytes:
    """Return a value as JSON.

    Beyond what JSON knows: attrs instances and dataclasses become objects; sets become arrays; dates, times, UUIDs and
    decimals become strings; members of an enumeration become their values.

    Raises:
        TypeError: it holds something that is none of these.
        ValueError: it holds NaN or an infinity, or contains itself.
    """
    try:
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError:
        # A lone surrogate, which JSON can only carry escaped.
        return _ASCII_ENCODER.encode(value).encode()


def _plain(value: object) -> object:
    for base in type(value).__mro__:
        if convert := _CONVERSIONS.get(base):
            return convert(value)
    kind = type(value)
    if attrs.has(kind):
        return {field.name: getattr(value, field.name) for field in attrs.fields(kind)}
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"{value!r} of type {type(value).__qualname__} has no JSON form")


def _isoformat(value: date | time) -> str:
    return value.isoformat()


def _value_of(member: Enum) -> object:
    value: object = member.value
    return value


_CONVERSIONS: Final[Mapping[type, Callable[..., object]]] = {
    datetime: _isoformat,
    date: _isoformat,
    time: _isoformat,
    UUID: str,
    Decimal: str,
    Enum: _value_of,
    set: list,
    frozenset: list,
}
# An encoder made once: json.dumps would make one for each call with these options.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
_ASCII_ENCODER: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_plain)
