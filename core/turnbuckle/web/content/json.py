"""Encode and decode JSON (RFC 8259): compact, in UTF-8, never NaN or Infinity, which JSON does not have.

Each decoded value can be encoded again: numbers beyond the range of float and lone surrogates are not accepted. If a
name is repeated in an object, the last value counts.

``STANDARD_JSON`` is the core's codec. An app may choose another one as its component ``json``.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from types import CoroutineType
from typing import Final, NoReturn, Protocol, final
from uuid import UUID

import attrs

__all__ = ["ENCODE", "STANDARD_JSON", "JSONCodec", "encode_json"]


class JSONCodec(Protocol):
    """The interface of a component of the kind ``json``."""

    def encode(self, value: object, /) -> bytes:
        """Return a value as JSON, in UTF-8.

        Raises:
            TypeError: it contains an object that has no JSON form.
            ValueError: it contains a value that JSON cannot express.
        """

    def decode(self, content: bytes, /) -> object:
        """Return the value of a JSON text.

        Raises:
            ValueError: the content is not JSON, or not UTF-8; or a number or a lone surrogate in it cannot be encoded
                again.
        """


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
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8 form, so it is escaped.
        return _ASCII_ENCODER.encode(value).encode()


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
# Encoders are made once: json.dumps would make a new one on each call with these options.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_to_json_type)
_ASCII_ENCODER: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_to_json_type)


@final
class _StandardJSON:
    """The json module of the standard library, made strict."""

    __slots__ = ()

    def encode(self, value: object, /) -> bytes:
        return encode_json(value)

    def decode(self, content: bytes, /) -> object:
        value: object = _DECODER.decode(content.decode("utf-8-sig"))
        if b"\\u" in content and _SURROGATE.search(content):
            # Encoding fails if one of them is lone.
            _ENCODER.encode(value).encode()
        return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    # A number beyond the range of float, such as 1e400, would become an infinity, which cannot be sent back as JSON.
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:32]} is beyond the range of numbers")
    return value


# As for encoding, json.loads would make a new decoder on each call.
_DECODER: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse_constant)
# The escape of one half of a character beyond U+FFFF; a valid text has only pairs of them.
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


STANDARD_JSON: Final[JSONCodec] = _StandardJSON()

ENCODE: Final[ContextVar[Callable[[object], bytes]]] = ContextVar("turnbuckle_json_encode", default=encode_json)
"""The encoder of ``JSON(...)``. An app with another codec sets it for each of its requests."""
