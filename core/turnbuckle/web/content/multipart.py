"""Read ``multipart/form-data`` as it arrives, with the parser of the package ``multipart`` (RFC 7578, RFC 2046).

Everything that a client could make grow has a limit: the number of parts and of files, the header fields of a part, and
the text of all fields. The limit on content applies to the form as a whole.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import AsyncIterator, Iterable
from typing import Final, NamedTuple, Protocol, final

from turnbuckle.errors import BadRequest, ContentTooLarge, UnsupportedMediaType
from turnbuckle.web.content.uploads import UploadedFile

__all__ = ["MultipartForm", "read_multipart"]

# boundary := 0*69<bchars> bcharsnospace (RFC 2046, section 5.1.1)
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")


class MultipartForm(NamedTuple):
    """The fields and the files of a form, each with its name, in the order received."""

    fields: list[tuple[str, str]]
    files: list[tuple[str, UploadedFile]]


class _Limits(Protocol):
    """The limits of a multipart form; ``FormLimits`` describes them."""

    @property
    def fields(self) -> int: ...
    @property
    def files(self) -> int: ...
    @property
    def text(self) -> int: ...
    @property
    def part_field_count(self) -> int: ...
    @property
    def part_field_line(self) -> int: ...
    @property
    def file_in_memory(self) -> int: ...


class _Segment(Protocol):
    name: str
    filename: str | None
    content_type: str | None


class _Parser(Protocol):
    def parse(self, chunk: bytes) -> Iterable[_Segment | bytes | None]:
        """Yield the start of a part, pieces of its content, and None at its end."""

    def close(self) -> None:
        """Raise if a part is still open."""


async def read_multipart(boundary: str, pieces: AsyncIterator[bytes], limits: _Limits) -> MultipartForm:
    """Read a multipart form.

    Raises:
        BadRequest: the form is malformed, or has too many parts, files, or header fields in a part.
        ContentTooLarge: the text of the form exceeds the limit.
        UnsupportedMediaType: the package ``multipart`` is not installed.
    """
    parser = _make_parser(boundary, limits)
    collector = _Collector(limits)
    try:
        async for piece in pieces:
            for event in parser.parse(piece):
                await collector.add(event)
        parser.close()
        form = collector.release_form()
    except ValueError as error:
        # All errors of the package derive from ValueError. Their messages describe how the form is malformed.
        raise BadRequest("the multipart form is malformed or has too many parts") from error
    finally:
        collector.close_files()
    return form


def _make_parser(boundary: str, limits: _Limits) -> _Parser:
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
    """Collects the fields and files of a form from the events of the parser."""

    __slots__ = ("_fields", "_file", "_files", "_limits", "_name", "_text", "_text_size")

    def __init__(self, limits: _Limits) -> None:
        self._limits: Final = limits
        self._name = ""
        self._file: UploadedFile | None = None
        self._text: list[bytes] = []
        self._text_size = 0
        self._fields: Final[list[tuple[str, str]]] = []
        self._files: list[tuple[str, UploadedFile]] = []

    def release_form(self) -> MultipartForm:
        """Return the complete form; the caller then owns the files."""
        files, self._files = self._files, []
        return MultipartForm(self._fields, files)

    def close_files(self) -> None:
        """Close the files of an incomplete form now instead of when the last reference to them goes."""
        for _, file in self._files:
            file.close()
        if self._file is not None:
            self._file.close()

    async def add(self, event: _Segment | bytes | None) -> None:
        """Process the start of a part, a piece of its content, or its end."""
        if event is None:
            await self._finish_part()
        elif not isinstance(event, bytes):
            self._start_part(event)
        elif self._file is not None:
            await self._file.write(event)
        else:
            self._add_text(event)

    def _start_part(self, segment: _Segment) -> None:
        self._name = segment.name
        if segment.filename is None:
            return
        if len(self._files) >= self._limits.files:
            raise BadRequest(f"more than {self._limits.files} files")
        self._file = UploadedFile(segment.filename, segment.content_type or "", in_memory=self._limits.file_in_memory)

    def _add_text(self, piece: bytes) -> None:
        self._text_size += len(piece)
        if self._text_size > self._limits.text:
            raise ContentTooLarge(f"text of the form exceeds {self._limits.text} bytes")
        self._text.append(piece)

    async def _finish_part(self) -> None:
        file, self._file = self._file, None
        if file is None:
            self._fields.append((self._name, b"".join(self._text).decode("utf-8", "replace")))
            self._text.clear()
            return
        await file.rewind()
        # Browsers send a part with neither a name nor content for a file input that was left empty.
        if file.name or file.size:
            self._files.append((self._name, file))
