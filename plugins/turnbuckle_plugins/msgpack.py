"""The codec of ``application/msgpack``: content in MessagePack, read and written by the library msgspec.

It serves ``request.decode()`` and, for clients that accept it, the dicts, lists and instances that handlers return. It
writes the types that the core writes as JSON. Bytes and times with a time zone are values of MessagePack itself, and
come back as such; an extension type of a client is a ``msgspec.msgpack.Ext``. Attributes of attrs classes whose names
begin with an underscore are omitted.

Needs the extra ``msgspec``: ``pip install 'turnbuckle[msgspec]'``.

Source: the specification of MessagePack, https://github.com/msgpack/msgpack/blob/master/spec.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, final

import msgspec

from turnbuckle import Codec, Component, Plugin, PluginInfo, Setup

__all__ = ["MsgpackCodec", "MsgpackPlugin"]

MEDIA_TYPE: Final = "application/msgpack"


@final
class MsgpackPlugin(Plugin):
    """Provide MessagePack for requests and responses."""

    info = PluginInfo(name="msgpack")

    def provide_components(self, setup: Setup) -> Iterable[Component]:
        """Return the codec."""
        return [Component(f"codec:{MEDIA_TYPE}", "msgspec", _make)]


@final
class MsgpackCodec:
    """Read and write MessagePack with msgspec."""

    def __init__(self) -> None:
        self._encode: Final = msgspec.msgpack.Encoder().encode
        self._decode: Final = msgspec.msgpack.Decoder().decode

    def encode(self, value: object, /) -> bytes:
        """Return a value as MessagePack.

        Raises:
            TypeError: it contains an object that has no form in MessagePack.
            ValueError: it contains itself, a whole number beyond 64 bits, or half a character.
        """
        try:
            return self._encode(value)
        except (RecursionError, OverflowError) as error:
            raise ValueError(f"the value cannot be written as MessagePack: {error}") from error

    def decode(self, content: bytes, /) -> object:
        """Return the value of content in MessagePack.

        Raises:
            ValueError: it is not MessagePack, or a text in it is not UTF-8.
        """
        try:
            return self._decode(content)
        except RecursionError as error:
            raise ValueError(str(error)) from error


def _make(setup: Setup) -> Codec:
    return MsgpackCodec()
