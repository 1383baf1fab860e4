"""Encode content in gzip, br or zstd, as a whole or piece by piece.

An encoder has the memory of its window and its tables: about 100 KiB for gzip, 400 KiB for br and 800 KiB for zstd with
the default levels. An event stream may be open for hours, so its encoder is smaller: 20 KiB for gzip and br, and 80 KiB
for zstd.

Padding of a random length hides the exact length of content, which an attacker could compare (BREACH). It is the name
of a file in the header of gzip, and a frame of zstd that decoders skip. br has no place for it that encoders can write.

Sources: RFC 1952, section 2.3.1 (names in gzip); RFC 8878, section 3.1.2 (skippable frames); RFC 9659 (windows).
"""

from __future__ import annotations

import secrets
import zlib
from functools import partial
from typing import Any, Final, Protocol

import attrs

from turnbuckle_contrib.content_codings import coding_package

__all__ = ["PADDED_CODINGS", "Encoder", "EncoderOptions", "make_encoder"]

PADDED_CODINGS: Final = frozenset({"gzip", "zstd"})
"""The codings that can have padding."""

_GZIP: Final = 16
# Window and memory level of zlib for event streams, and the window of the other codings as a power of two.
_SMALL_ZLIB: Final = (12, 5)
_SMALL_WINDOW: Final = 16
# The lowest levels with small tables.
_SMALL_BR_LEVEL: Final = 2
_SMALL_ZSTD_LEVEL: Final = 1

# A member of gzip begins with 10 bytes; the fourth has the flags (RFC 1952, section 2.3).
_GZIP_HEADER_SIZE: Final = 10
_FLAG_NAME: Final = b"\x08"
_SKIPPABLE_MAGIC: Final = b"\x50\x2a\x4d\x18"


class Encoder(Protocol):
    """Encodes the content of one response. Only one thread at a time may use it."""

    def encode(self, data: bytes, /) -> bytes:
        """Return the output that follows from the next bytes; most of it may be returned later."""

    def flush(self) -> bytes:
        """Return the output for all bytes so far, so that the recipient can decode them."""

    def finish(self) -> bytes:
        """Return the rest of the output."""


@attrs.frozen(kw_only=True)
class EncoderOptions:
    """How to encode one response.

    Attributes:
        level: the compression level of the coding.
        is_live: whether the encoder may be in use for hours, so that it should be small.
        padding: maximum number of random bytes.
    """

    level: int
    is_live: bool = False
    padding: int = 0


def make_encoder(coding: str, options: EncoderOptions) -> Encoder:
    """Return an encoder for one response; the package of the coding must be installed."""
    if coding == "gzip":
        return _GzipEncoder(options)
    return _BrotliEncoder(options) if coding == "br" else _ZstdEncoder(options)


class _GzipEncoder:
    def __init__(self, options: EncoderOptions) -> None:
        window, memory = _SMALL_ZLIB if options.is_live else (zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL)
        compressor = zlib.compressobj(options.level, zlib.DEFLATED, _GZIP + window, memory)
        self._compressor: Final = compressor
        self._padding = secrets.randbelow(options.padding + 1) if options.padding else 0

    def encode(self, data: bytes, /) -> bytes:
        output = self._compressor.compress(data)
        return self._padded(output) if self._padding else output

    def flush(self) -> bytes:
        return self._compressor.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        output = self._compressor.flush()
        return self._padded(output) if self._padding else output

    def _padded(self, output: bytes) -> bytes:
        """Insert the name of a file behind the header, which zlib returns with its first output."""
        if len(output) < _GZIP_HEADER_SIZE:
            return output
        name, self._padding = b"x" * self._padding + b"\0", 0
        return output[:3] + _FLAG_NAME + output[4:_GZIP_HEADER_SIZE] + name + output[_GZIP_HEADER_SIZE:]


class _BrotliEncoder:
    def __init__(self, options: EncoderOptions) -> None:
        package: Any = coding_package("br")
        make = partial(package.Compressor, quality=options.level)
        small = partial(package.Compressor, quality=min(options.level, _SMALL_BR_LEVEL), lgwin=_SMALL_WINDOW)
        compressor = small() if options.is_live else make()
        self.encode: Final = compressor.process
        self.flush: Final = compressor.flush
        self.finish: Final = compressor.finish


class _ZstdEncoder:
    def __init__(self, options: EncoderOptions) -> None:
        package: Any = coding_package("zstd")
        parameter = package.CompressionParameter
        chosen = {parameter.compression_level: options.level}
        if options.is_live:
            chosen = {
                parameter.compression_level: min(options.level, _SMALL_ZSTD_LEVEL),
                parameter.window_log: _SMALL_WINDOW,
            }
        compressor = package.ZstdCompressor(options=chosen)
        self.encode: Final = compressor.compress
        self.flush: Final = partial(compressor.flush, package.ZstdCompressor.FLUSH_BLOCK)
        self._end: Final = partial(compressor.flush, package.ZstdCompressor.FLUSH_FRAME)
        self._padding: Final = secrets.randbelow(options.padding + 1) if options.padding else 0

    def finish(self) -> bytes:
        end: bytes = self._end()
        if not self._padding:
            return end
        # Behind the content: a recipient that stops at the end of the first frame has all of it.
        return end + _SKIPPABLE_MAGIC + self._padding.to_bytes(4, "little") + bytes(self._padding)
