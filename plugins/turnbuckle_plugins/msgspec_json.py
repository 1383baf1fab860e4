"""The component ``msgspec`` of the kind ``json``: the library of that name reads and writes JSON, in C.

It serves ``request.json()``, and what handlers return as a dict, a list or an attrs instance. It knows what the core
does: attrs instances and dataclasses, sets, dates, times, UUIDs, decimals and members of enumerations; what it does not
know is left to the core. Some things it writes in another way: NaN and infinities as ``null``, bytes in Base64 and time
spans as in ISO 8601, where the core refuses all of them; and UTC as ``Z``.

Needs the extra ``msgspec``: ``pip install 'turnbuckle[msgspec]'``.

Source: RFC 8259.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, final

import msgspec

from turnbuckle import STANDARD_JSON, Component, JSONCodec, Plugin, PluginInfo, Setup

__all__ = ["MsgspecJSON", "MsgspecJSONPlugin"]

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@final
class MsgspecJSONPlugin(Plugin):
    """Offer msgspec to read and write JSON."""

    info = PluginInfo(name="msgspec_json")

    def provide_components(self, setup: Setup) -> Iterable[Component]:
        """Offer msgspec as the component of the kind ``json``."""
        return [Component("json", "msgspec", _make)]


@final
class MsgspecJSON:
    """Reads and writes JSON with msgspec."""

    def __init__(self) -> None:
        self._encode: Final = msgspec.json.Encoder().encode
        self._decode: Final = msgspec.json.Decoder().decode

    def encode(self, value: object, /) -> bytes:
        """Return a value as JSON.

        Raises:
            TypeError: it holds something that has no JSON form.
            ValueError: it contains itself.
        """
        try:
            return self._encode(value)
        except (TypeError, UnicodeEncodeError):
            # Such as keys that are None, and lone surrogates. What the core cannot write either, it says so itself.
            return STANDARD_JSON.encode(value)
        except (RecursionError, OverflowError) as error:
            raise ValueError(f"the value cannot be written as JSON: {error}") from error

    def decode(self, content: bytes, /) -> object:
        """Return the value that is written in JSON.

        Raises:
            ValueError: it is not JSON, or not UTF-8.
        """
        try:
            return self._decode(content.removeprefix(_BYTE_ORDER_MARK))
        except (RecursionError, msgspec.MsgspecError) as error:
            raise ValueError(str(error)) from error


def _make(setup: Setup) -> JSONCodec:
    return MsgspecJSON()
