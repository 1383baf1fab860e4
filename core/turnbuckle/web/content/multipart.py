"""Read ``multipart/form-data`` as it arrives, with the parser of the package ``multipart`` (RFC 7578, RFC 2046).

What a client could grow is bounded: the number of parts and files, the fields of a part, the text altogether, and, by
the limit on content, all of it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import AsyncIterator, Iterable
from typing import Final, Protocol, final

from turnbuckle.errors import BadRequest, ContentTooLarge, UnsupportedMediaType
from turnbuckle.web.content.formdata import FormData, FormLimits
from turnbuckle.web.content.uploads import UploadedFile

__all__ = ["read_multipart"]

# boundary := 0*69<bchars> bcharsnospace (RFC 2046, section 5.1.1)
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")


class _Segment(Protocol):
    name: str
    filename: str | None
    content_type: str | None


class _Parser(Protocol):
    def parse(self, chunk: bytes) -> Iterable[_Segment | bytes | None]:
        """Yield the start of a part, pieces of its content, and None at its end."""

    def close(self) -> None:
        """Raise if a part is still open."""


async def read_multipart(boundary: str, pieces: AsyncIterator[bytes], limits: FormLimits) -> FormData:
    """Read a multipart form.

    Raises:
        BadRequest: it is malformed, or has too many parts or fields in a part.
        ContentTooLarge: its text exceeds the limit.
        UnsupportedMediaType: the package ``multipart`` is not installed.
    """
    parser = _make_parser(boundary, limits)
    collector = _Collector(limits)
    try:
        async for piece in pieces:
            for event in parser.parse(piece):
                await collector.take(event)
        parser.close()
        form = collector.form()
    except ValueError as error:
        # Each error of the package is a ValueError, and its message says how the form is broken.
        raise BadRequest("the multipart form is malformed or has too many parts") from error
    finally:
        collector.close_rest()
    return form


def _make_parser(boundary: str, limits: FormLimits) -> _Parser:
    if not _BOUNDARY.fullmatch(boundary):
        raise BadRequest("the boundary of the multipart form is missing or malformed")
    try:
        package = importlib.import_module("multipart")
    except ImportError as error:
        message = "multipart forms need the extra 'forms': pip install 'turnbuckle[forms]'"
        raise UnsupportedMediaType(message) from error
    parser: _Parser = package.PushMultipartParser(
        boundary,
        max_header_size=limits.part_field_line,
        max_header_count=limits.part_field_count,
        max_segment_count=limits.fields,
    )
    return parser


@final
class _Collector:
    """Puts the events of the parser together into fields and files."""

    __slots__ = ("_file", "_limits", "_name", "_text", "_text_size", "fields", "files")

    def __init__(self, limits: FormLimits) -> None:
        self._limits: Final = limits
        self._name = ""
        self._file: UploadedFile | None = None
        self._text: list[bytes] = []
        self._text_size = 0
        self.fields: Final[list[tuple[str, str]]] = []
        self.files: Final[list[tuple[str, UploadedFile]]] = []

    def form(self) -> FormData:
        """Return what was collected, and leave the files to whoever has the form."""
        form = FormData(self.fields, tuple(self.files))
        self.files.clear()
        return form

    def close_rest(self) -> None:
        """Close the files of a form that did not come to its end, without waiting for the last reference."""
        for _, file in self.files:
            file.close()
        if self._file is not None:
            self._file.close()

    async def take(self, event: _Segment | bytes | None) -> None:
        """Take the start of a part, some of its content, or its end."""
        if event is None:
            await self._finish()
        elif not isinstance(event, bytes):
            self._start(event)
        elif self._file is not None:
            await self._file.write(event)
        else:
            self._add_text(event)

    def _start(self, segment: _Segment) -> None:
        self._name = segment.name
        if segment.filename is None:
            return
        if len(self.files) >= self._limits.files:
            raise BadRequest(f"more than {self._limits.files} files")
        self._file = UploadedFile(segment.filename, segment.content_type or "", in_memory=self._limits.file_in_memory)

    def _add_text(self, piece: bytes) -> None:
        self._text_size += len(piece)
        if self._text_size > self._limits.text:
            raise ContentTooLarge(f"text of the form exceeds {self._limits.text} octets")
        self._text.append(piece)

    async def _finish(self) -> None:
        file, self._file = self._file, None
        if file is None:
            self.fields.append((self._name, b"".join(self._text).decode("utf-8", "replace")))
            self._text.clear()
            return
        await file.rewind()
        # What a browser sends for a file input that was left empty.
        if file.name or file.size:
            self.files.append((self._name, file))
