"""The component ``msgspec`` of the kind ``json``: the library msgspec reads and writes JSON, in C.

It serves ``request.json()`` and the dicts, lists and attrs instances that handlers return. It supports the types that
the core supports: attrs instances and dataclasses, sets, dates, times, UUIDs, decimals and members of enumerations.
Values that it does not support are passed to the core's encoder. A few values are written differently: NaN and
infinities as ``null``, bytes in Base64 and time spans as in ISO 8601, which the core rejects; and UTC as ``Z``.

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
    """Provide msgspec for reading and writing JSON."""

    info = PluginInfo(name="msgspec_json")

    def provide_components(self, setup: Setup) -> Iterable[Component]:
        """Return the component of the kind ``json``."""
        return [Component("json", "msgspec", _make)]


@final
class MsgspecJSON:
    """Read and write JSON with msgspec."""

    def __init__(self) -> None:
        self._encode: Final = msgspec.json.Encoder().encode
        self._decode: Final = msgspec.json.Decoder().decode

    def encode(self, value: object, /) -> bytes:
        """Return a value as JSON.

        Raises:
            TypeError: it contains an object that has no JSON form.
            ValueError: it contains itself.
        """
        try:
            return self._encode(value)
        except (TypeError, UnicodeEncodeError):
            # For example None as a key, or a lone surrogate. The core raises its own error if it fails as well.
            return STANDARD_JSON.encode(value)
        except (RecursionError, OverflowError) as error:
            raise ValueError(f"the value cannot be written as JSON: {error}") from error

    def decode(self, content: bytes, /) -> object:
        """Return the value of a JSON text.

        Raises:
            ValueError: it is not JSON, or not UTF-8.
        """
        try:
            return self._decode(content.removeprefix(_BYTE_ORDER_MARK))
        except (RecursionError, msgspec.MsgspecError) as error:
            raise ValueError(str(error)) from error


def _make(setup: Setup) -> JSONCodec:
    return MsgspecJSON()
