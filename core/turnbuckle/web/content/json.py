"""Encode and decode JSON (RFC 8259): compact, in UTF-8, never NaN or Infinity, which JSON does not have.

Each decoded value can be encoded again: numbers beyond the range of float and lone surrogates are not accepted. If a
name is repeated in an object, the last value counts.

``STANDARD_JSON`` is the core's codec. An app may choose another one as its component ``json``. It encodes with the
encoder of the ``json`` module, which is kept. It decodes with msgspec where that is installed, and otherwise with the
decoder of the ``json`` module. Both accept the same texts, because each text that msgspec refuses is decoded again: the
``json`` module decides. Encoding is not left to msgspec, which writes floats, NaN and times of UTC in another way.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from types import CoroutineType
from typing import Final, Protocol, final
from uuid import UUID

import attrs

from turnbuckle.web.content.json_decoding import FastDecoder, decode_strictly, find_fast_decoder

__all__ = ["ENCODE", "STANDARD_JSON", "JSONCodec", "StandardJSON", "encode_json"]


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


@final
class StandardJSON:
    """The codec of the core.

    Attributes:
        fast_decoder: decodes first; None if there is no faster decoder than the ``json`` module.
    """

    __slots__ = ("fast_decoder",)

    def __init__(self) -> None:
        self.fast_decoder: FastDecoder | None = None

    def use_fast_decoder(self) -> None:
        """Use the faster decoder if it is installed; importing it costs time, so this is called once by startup."""
        if self.fast_decoder is None:
            self.fast_decoder = find_fast_decoder()

    def encode(self, value: object, /) -> bytes:
        """Return a value as JSON; see ``encode_json``."""
        return encode_json(value)

    def decode(self, content: bytes, /) -> object:
        """Return the value of a JSON text; see ``JSONCodec``."""
        fast = self.fast_decoder
        if fast is not None:
            try:
                return fast.decode(content)
            except fast.refusals:
                pass
        return decode_strictly(content)


STANDARD_JSON: Final = StandardJSON()

ENCODE: Final[ContextVar[Callable[[object], bytes]]] = ContextVar("turnbuckle_json_encode", default=encode_json)
"""The encoder of ``JSON(...)``. An app with another codec sets it for each of its requests."""
