"""Decompress the content of requests with a Content-Encoding while handlers read it (RFC 9110, section 8.4).

Handlers see content without a coding, and fields that describe it. Its size is bounded by the limit on content, which
counts decompressed bytes, and by its ratio to the received bytes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from typing import Final, final

import attrs

from turnbuckle import (
    BadRequest,
    ContentTooLarge,
    Handler,
    Middleware,
    Plugin,
    PluginInfo,
    Request,
    Response,
    Setup,
    UnsupportedMediaType,
)
from turnbuckle_contrib.content_codings import CODINGS, Decoder, are_codings_of, available_codings, make_decoder

__all__ = ["DecompressConfig", "DecompressPlugin"]

# Content up to this size may have any ratio: repetitive texts have high ones, and do no harm while they are small.
_ANY_RATIO: Final = 1024 * 1024
# RFC 9110, section 8.4.1.3: recipients consider x-gzip equivalent to gzip.
_OTHER_NAMES: Final = {"x-gzip": "gzip"}


def _is_positive(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if value < 1:
        raise ValueError(f"{attribute.name} must be at least 1, not {value!r}")


@attrs.frozen(kw_only=True)
class DecompressConfig:
    """Settings of the plugin.

    Attributes:
        codings: the accepted codings, of "gzip", "deflate", "br" and "zstd"; if empty, all whose packages are
            installed.
        max_ratio: decompressed bytes for each received byte, once there are more than 1 MiB; beyond it 413.
        max_codings: the number of codings that may be applied one after the other; beyond it 415.
    """

    codings: tuple[str, ...] = attrs.field(default=(), converter=tuple, validator=are_codings_of(CODINGS))
    max_ratio: int = attrs.field(default=100, validator=_is_positive)
    max_codings: int = attrs.field(default=2, validator=_is_positive)


@final
class DecompressPlugin(Plugin[DecompressConfig]):
    """Provide the middleware ``decompress`` in the transform zone."""

    info = PluginInfo(name="decompress")

    def provide_middleware(self, setup: Setup[DecompressConfig]) -> list[Middleware]:
        """Return the middleware."""
        return [Middleware("decompress", _around, zone="transform")]


@final
class _Decompression:
    """Decompresses the content of one request; a ``ContentTransform``."""

    def __init__(self, coding: str, max_ratio: int) -> None:
        self._coding: Final = coding
        self._decoder: Final[Decoder] = make_decoder(coding)
        self._max_ratio: Final = max_ratio
        self._received = 0
        self._produced = 0

    def transform(self, data: bytes, /) -> Iterator[bytes]:
        """Yield the decompressed content of the next bytes."""
        self._received += len(data)
        try:
            for piece in self._decoder.decode(data):
                self._produced += len(piece)
                if self._produced > max(_ANY_RATIO, self._max_ratio * self._received):
                    raise ContentTooLarge(f"the content expands to more than {self._max_ratio} times its size")
                yield piece
        except ValueError as error:
            raise self._malformed() from error

    def finish(self) -> Iterator[bytes]:
        """Check that the content is complete."""
        try:
            self._decoder.finish()
        except ValueError as error:
            raise self._malformed() from error
        return iter(())

    def _malformed(self) -> BadRequest:
        return BadRequest(f"the content is not valid {self._coding}")


def _around(next_handler: Handler, setup: Setup[DecompressConfig]) -> Handler:
    config = setup.config
    accepted = config.codings or available_codings()

    def decompress(request: Request) -> Awaitable[Response]:
        fields = request.headers.get_list("content-encoding")
        if fields:
            codings = _split(fields)
            _check(codings, accepted, config.max_codings)
            # They are listed in the order in which they were applied.
            for coding in reversed(codings):
                transform = _Decompression(coding, config.max_ratio)
                request.transform_content(transform, replaced=["content-encoding"])
        return next_handler(request)

    return decompress


def _split(fields: list[str]) -> list[str]:
    names = [name.strip(" \t").lower() for name in ",".join(fields).split(",")]
    return [_OTHER_NAMES.get(name, name) for name in names if name not in {"", "identity"}]


def _check(codings: list[str], accepted: tuple[str, ...], max_codings: int) -> None:
    for coding in codings:
        if coding not in accepted:
            raise UnsupportedMediaType(f"content coding {coding!r:.40} is not accepted", accept_encoding=accepted)
    if len(codings) > max_codings:
        raise UnsupportedMediaType(f"more than {max_codings} content codings", accept_encoding=accepted)
