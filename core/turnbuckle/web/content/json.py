"""Encode and decode JSON (RFC 8259): compact, in UTF-8, never NaN or Infinity, which JSON does not have.

Each decoded value can be encoded again: numbers beyond the range of float and lone surrogates are not accepted. If a
name is repeated in an object, the last value counts.

``STANDARD_JSON`` is the core's codec. An app may choose another one as its component ``json``. It encodes with
``turnbuckle.schema.json_encoding``. It decodes with msgspec where that is installed, and otherwise with the decoder of
the ``json`` module. Both accept the same texts, because each text that msgspec refuses is decoded again: the ``json``
module decides.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Final, Protocol, final

from turnbuckle.schema.json_decoding import FastDecoder, decode_strictly, find_fast_decoder
from turnbuckle.schema.json_encoding import encode_json

__all__ = ["ENCODE", "STANDARD_JSON", "JSONCodec", "StandardJSON"]


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
