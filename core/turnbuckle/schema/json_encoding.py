"""Encode JSON (RFC 8259): compact, in UTF-8, never NaN or Infinity, which JSON does not have.

This encodes with the encoder of the ``json`` module, which is kept. Encoding is not left to msgspec, which writes
floats, NaN and times of UTC in another way.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from types import CoroutineType
from typing import Final
from uuid import UUID

import attrs

__all__ = ["encode_json"]


def encode_json(value: object) -> bytes:
    """Return a value as JSON.

    In addition to the types of JSON itself: attrs instances, dataclasses and instances of ``msgspec.Struct`` become
    objects; sets become arrays; dates, times, UUIDs and decimals become strings; members of an enumeration become their
    values.

    Raises:
        TypeError: it contains an object of another type.
        ValueError: it contains NaN, an infinity, or itself.
    """
    try:
        return "".join(_encode_parts(value, 0)).encode()
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8 form, so it is escaped.
        return _ASCII_ENCODER.encode(value).encode()
    except RecursionError:
        # The kept encoder does not look for values that contain themselves; this one reports them.
        return _ENCODER.encode(value).encode()


def _to_json_type(value: object) -> object:
    for base in type(value).__mro__:
        if convert := _CONVERSIONS.get(base):
            return convert(value)
    kind = type(value)
    if attrs.has(kind):
        return {field.name: getattr(value, field.name) for field in attrs.fields(kind)}
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(kind, "__struct_fields__"):
        # Its options, such as other names of its fields, are known to msgspec only, which is imported already.
        return sys.modules["msgspec"].to_builtins(value, enc_hook=_to_json_type)
    if isinstance(value, CoroutineType):
        name = value.__qualname__
        value.close()
        raise TypeError(f"the coroutine {name}(...) has no JSON form; 'await' is missing")
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
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_to_json_type)
_ASCII_ENCODER: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_to_json_type)


def _make_encoder() -> Callable[[object, int], Iterable[str]]:
    """Return the C function inside ``_ENCODER``, which makes a new one on each call; ``_ENCODER`` where there is none.

    Without ``markers`` it keeps no state, so threads can share it.
    """

    def encode(value: object, level: int) -> Iterable[str]:
        return (_ENCODER.encode(value),)

    make = getattr(json.encoder, "c_make_encoder", None)
    try:
        made: Callable[[object, int], Iterable[str]]
        made = make(None, _to_json_type, json.encoder.encode_basestring, None, ":", ",", False, False, False)  # type: ignore[misc]
        return made if "".join(made(_SAMPLE, 0)) == _ENCODER.encode(_SAMPLE) else encode
    except (TypeError, ValueError):
        # It belongs to the json module, and may have other arguments in another version of Python.
        return encode


_SAMPLE: Final = {"é": [1, 1e16, True, None, "\n"], "b": {}, "c": date.min}
_encode_parts: Final = _make_encoder()
