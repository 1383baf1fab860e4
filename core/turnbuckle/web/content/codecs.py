"""Encode and decode content by its media type: as JSON, and in the formats of plugins.

A plugin provides a format as a component whose kind has the media type: ``codec:application/msgpack``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Protocol, final

import attrs

from turnbuckle.web.content.json import JSONCodec
from turnbuckle.web.media_type import MediaType

__all__ = ["CODEC_KIND", "JSON_TYPE", "NO_CODECS", "Codec", "Codecs"]

CODEC_KIND: Final = "codec:"
"""The beginning of the kind of a codec; the media type follows."""

JSON_TYPE: Final = "application/json"


class Codec(Protocol):
    """The interface of a component of the kind ``codec:TYPE``; a JSON codec has the same methods."""

    def encode(self, value: object, /) -> bytes:
        """Return a value in the format of the codec.

        Raises:
            TypeError: it contains an object that has no form in the format.
            ValueError: it contains a value that the format cannot express.
        """

    def decode(self, content: bytes, /) -> object:
        """Return the value of content in the format.

        Raises:
            ValueError: the content does not have the format. The client sees nothing of the message.
        """


NO_CODECS: Final[Mapping[str, Codec]] = MappingProxyType({})


@final
@attrs.frozen(eq=False)
class Codecs:
    """The codecs of one app.

    Attributes:
        json: the codec of JSON.
        others: the further codecs by media type, in lower case.
        types: all media types, JSON first.
    """

    json: JSONCodec
    others: Mapping[str, Codec] = NO_CODECS
    types: tuple[str, ...] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "types", (JSON_TYPE, *self.others))

    def encode(self, value: object, media_type: str) -> bytes:
        """Return a value in one of the formats of ``types``; it raises as ``Codec.encode`` does."""
        return self.json.encode(value) if media_type == JSON_TYPE else self.others[media_type].encode(value)

    def find(self, media_type: MediaType) -> Codec | None:
        """Return the codec of a media type, or None.

        A type with a structured suffix is decoded by the codec of the suffix (RFC 6838, section 4.2.8): JSON for
        ``application/problem+json``, and ``application/cbor`` for ``application/senml+cbor``.
        """
        if media_type.is_json:
            return self.json
        essence = media_type.essence
        found = self.others.get(essence)
        if found is None and "+" in essence:
            found = self.others.get(f"application/{essence.rpartition('+')[2]}")
        return found
