"""Decode JSON with the ``json`` module, made strict, and find a faster decoder that gives the same values.

Each decoded value can be encoded again: numbers beyond the range of float and lone surrogates are refused, as are NaN
and Infinity, which JSON does not have.

Source: RFC 8259.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Final, NoReturn, final

import attrs

__all__ = ["ExactFloat", "FastDecoder", "decode_exactly", "decode_strictly", "find_fast_decoder"]

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@attrs.frozen
class FastDecoder:
    """A decoder that refuses some texts that ``decode_strictly`` accepts, and never the other way round.

    Attributes:
        name: name of its library, for reports.
        decode: returns the value of a JSON text.
        refusals: the exceptions of ``decode``.
    """

    name: str
    decode: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]


def find_fast_decoder() -> FastDecoder | None:
    """Return the decoder of msgspec, or None if it is not installed or gives other values."""
    try:
        import msgspec
    except ImportError:
        return None
    decoder = FastDecoder("msgspec", msgspec.json.Decoder().decode, (msgspec.MsgspecError, RecursionError, ValueError))
    return decoder if all(_agrees(decoder, sample) for sample in _SAMPLES) else None


# Texts in which decoders differ. An older msgspec decodes large integers as floats.
_SAMPLES: Final = (
    b'{"a":1,"b":-0,"a":[1.5,1e5,-0.0,18446744073709551616,-9223372036854775809]}',
    b"[1e400]",
    b'["\\ud800"]',
    b"NaN",
    b"\xff",
    b"[1,]",
)


def _agrees(decoder: FastDecoder, sample: bytes) -> bool:
    return _outcome(decoder.decode, decoder.refusals, sample) == _outcome(decode_strictly, (ValueError,), sample)


def _outcome(decode: Callable[[bytes], object], refusals: tuple[type[Exception], ...], sample: bytes) -> str:
    try:
        return repr(decode(sample))
    except refusals:
        return "refused"


def decode_strictly(content: bytes) -> object:
    """Return the value of a JSON text; a byte order mark before it is ignored (RFC 8259, section 8.1).

    Raises:
        ValueError: the content is not JSON, or not UTF-8; or a number or a lone surrogate in it cannot be encoded
            again.
        RecursionError: it is nested too deeply.
    """
    text = (content[3:] if content.startswith(_BYTE_ORDER_MARK) else content).decode()
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        end = -1
    if end != len(text):
        # There is whitespace around the value, or an error.
        value = _DECODER.decode(text)
    if b"\\u" in content and _SURROGATE.search(content):
        # Encoding fails if one of them is lone.
        _ENCODER.encode(value).encode()
    return value


@final
class ExactFloat(float):
    """A number with a point or exponent, with the text that it was written as.

    Attributes:
        text: the number, as it was received.
    """

    __slots__ = ("text",)

    text: str


def decode_exactly(content: bytes) -> object:
    """Return the value of a JSON text like ``decode_strictly``, with numbers as ``ExactFloat``."""
    decode_strictly(content)
    return _EXACT_DECODER.decode(content.removeprefix(_BYTE_ORDER_MARK).decode())


def _exact_float(text: str) -> ExactFloat:
    number = ExactFloat(text)
    number.text = text
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    # A number beyond the range of float, such as 1e400, would become an infinity, which cannot be sent back as JSON.
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:32]} is beyond the range of numbers")
    return value


# json.loads would make a new decoder on each call.
_DECODER: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse_constant)
_EXACT_DECODER: Final = json.JSONDecoder(parse_float=_exact_float, parse_constant=_refuse_constant)
_scan: Final[Callable[[str, int], tuple[object, int]]] = _DECODER.scan_once  # type: ignore[attr-defined]
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False)
# The escape of one half of a character beyond U+FFFF; a valid text has only pairs of them.
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
