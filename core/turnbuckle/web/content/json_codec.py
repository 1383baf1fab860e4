"""What reads and writes JSON for an app (RFC 8259): that of the core, or the component ``json`` that was chosen."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final, NoReturn, Protocol, final

from turnbuckle.web.content.json_encoding import encode_json

__all__ = ["ENCODE", "STANDARD_JSON", "JSONCodec"]

ENCODE: Final[ContextVar[Callable[[object], bytes]]] = ContextVar("turnbuckle_json_encode", default=encode_json)
"""What ``JSON(...)`` writes with. An app that has another codec sets it for each of its requests."""


class JSONCodec(Protocol):
    """What a component of the kind ``json`` is."""

    def encode(self, value: object, /) -> bytes:
        """Return a value as JSON, in UTF-8.

        Raises:
            TypeError: it holds something that has no JSON form.
            ValueError: it holds a value of which JSON has none.
        """

    def decode(self, content: bytes, /) -> object:
        """Return the value that is written in JSON.

        Raises:
            ValueError: it is not JSON, or not UTF-8.
        """


@final
class _StandardJSON:
    """The json module of the standard library."""

    __slots__ = ()

    def encode(self, value: object, /) -> bytes:
        return encode_json(value)

    def decode(self, content: bytes, /) -> object:
        return json.loads(content.decode("utf-8-sig"), parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


STANDARD_JSON: Final[JSONCodec] = _StandardJSON()
