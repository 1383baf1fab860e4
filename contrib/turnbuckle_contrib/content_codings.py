"""Decode the content codings gzip, deflate, br and zstd piece by piece, with bounds on memory and time.

Each decoder returns at most some 100 KB at once, however well its input is compressed. ``br`` needs the package
``brotli``, and ``zstd`` the package ``backports.zstd``, or Python 3.14.

Sources: RFC 9110, section 8.4.1 (codings); RFC 1950 to 1952 (deflate, gzip); RFC 7932 (br); RFC 8878 and 9659 (zstd).
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Any, Final, Protocol, final

__all__ = ["CODINGS", "EXTRAS", "Decoder", "are_codings_of", "available_codings", "coding_package", "make_decoder"]

_PIECE: Final = 64 * 1024
# Each frame costs time and memory, and an empty one has 20 bytes or less.
_MAX_FRAMES: Final = 1000
# RFC 9659, section 3: a sender must not use a larger window; a decoder has to store it.
_ZSTD_WINDOW_LOG: Final = 23
# The low half of the first byte of a zlib stream, and the divisor of its first two bytes (RFC 1950, section 2.2).
_ZLIB_METHOD: Final = 8
_ZLIB_CHECK: Final = 31

CODINGS: Final = ("gzip", "deflate", "br", "zstd")
EXTRAS: Final[Mapping[str, str]] = {"br": "brotli", "zstd": "zstd"}
"""The extras of codings that are not in every Python's library."""


class _Frame(Protocol):
    """A decoder of one gzip member, zstd frame, or brotli or deflate stream."""

    @property
    def eof(self) -> bool:
        """Whether the frame is complete."""

    @property
    def needs_input(self) -> bool:
        """Whether all output for the input so far was returned."""

    @property
    def unused_data(self) -> bytes:
        """The input behind the end of the frame."""

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        """Return the next output; ``data`` is empty if the last output did not exhaust the input."""


@final
class _ZlibFrame:
    """A member of gzip, or a deflate stream."""

    def __init__(self, window_bits: int) -> None:
        self._zlib: Final = zlib.decompressobj(window_bits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        piece = self._zlib.decompress(data or self._zlib.unconsumed_tail, max_length)
        self.needs_input = len(piece) < max_length
        return piece


@final
class _DeflateFrame:
    """A deflate stream in the zlib format, or without it, as some clients send it (RFC 9110, section 8.4.1.2)."""

    eof = False
    unused_data = b""
    needs_input = True

    def __init__(self) -> None:
        self._start = b""
        self._frame: _ZlibFrame | None = None

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        frame = self._frame
        if frame is None:
            data = self._start = self._start + data
            if len(data) < 2:
                return b""
            is_zlib = data[0] & 15 == _ZLIB_METHOD and int.from_bytes(data[:2]) % _ZLIB_CHECK == 0
            frame = self._frame = _ZlibFrame(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
        piece = frame.decompress(data, max_length)
        self.eof, self.unused_data, self.needs_input = frame.eof, frame.unused_data, frame.needs_input
        return piece


@final
class _BrotliFrame:
    """A brotli stream."""

    unused_data = b""

    def __init__(self, package: Any) -> None:
        self._brotli: Final = package.Decompressor()
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return bool(self._brotli.is_finished())

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        piece: bytes = self._brotli.process(data, output_buffer_limit=max_length)
        self.needs_input = not piece and self._brotli.can_accept_more_data()
        return piece


@final
class Decoder:
    """Decodes the content of one message.

    Args:
        make_frame: makes the decoder of one frame.
        errors: the exceptions that it raises.
        max_frames: the number of frames that may follow each other.
    """

    def __init__(self, make_frame: Callable[[], _Frame], errors: tuple[type[Exception], ...], max_frames: int) -> None:
        self._make_frame: Final = make_frame
        self._errors: Final = errors
        self._frames_left = max_frames
        self._frame: _Frame | None = None

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield the output for the next bytes.

        Raises:
            ValueError: the content is malformed.
        """
        while data or self._frame is not None:
            frame = self._frame or self._begin_frame()
            try:
                piece = frame.decompress(data, _PIECE)
            except self._errors as error:
                raise ValueError(str(error)) from error
            if piece:
                yield piece
            if frame.eof:
                data, self._frame = frame.unused_data, None
            elif frame.needs_input:
                return
            else:
                data = b""

    def _begin_frame(self) -> _Frame:
        if not self._frames_left:
            raise ValueError("there is more content behind its end")
        self._frames_left -= 1
        self._frame = frame = self._make_frame()
        return frame

    def finish(self) -> None:
        """Check that the content is complete; no content at all is.

        Raises:
            ValueError: it is cut off.
        """
        if self._frame is not None:
            raise ValueError("the content is cut off")


def available_codings() -> tuple[str, ...]:
    """Return the codings whose packages are installed."""
    return tuple(coding for coding in CODINGS if coding not in EXTRAS or coding_package(coding) is not None)


def are_codings_of(known: Collection[str]) -> Callable[[object, object, Iterable[str]], None]:
    """Return a validator for a field of settings with codings: each is known, and its package is installed."""

    def validate(instance: object, attribute: object, value: Iterable[str]) -> None:
        available = available_codings()
        for coding in value:
            if coding not in known:
                raise ValueError(f"{coding!r} is none of the codings {', '.join(known)}")
            if coding not in available:
                raise ValueError(f"{coding!r} needs pip install 'turnbuckle[{EXTRAS[coding]}]'")

    return validate


def make_decoder(coding: str) -> Decoder:
    """Return a decoder for one message; the coding must be available."""
    if coding == "gzip":
        return Decoder(lambda: _ZlibFrame(16 + zlib.MAX_WBITS), (zlib.error,), _MAX_FRAMES)
    if coding == "deflate":
        return Decoder(_DeflateFrame, (zlib.error,), 1)
    package: Any = coding_package(coding)
    if coding == "br":
        return Decoder(lambda: _BrotliFrame(package), (package.error,), 1)
    options = {package.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    return Decoder(lambda: package.ZstdDecompressor(options=options), (package.ZstdError,), _MAX_FRAMES)


@cache
def coding_package(coding: str) -> ModuleType | None:
    """Return the package of br or zstd, or None if it is not installed."""
    names = ("brotli",) if coding == "br" else ("compression.zstd", "backports.zstd")
    for name in names:
        try:
            package = importlib.import_module(name)
        except ImportError:
            continue
        # brotli has the limit of its output from version 1.2 on; without it, a small request could fill the memory.
        if coding != "br" or hasattr(package.Decompressor, "can_accept_more_data"):
            return package
    return None
