"""Read ``multipart/form-data`` as it arrives, with the parser of the package ``multipart`` (RFC 7578, RFC 2046).

Everything that a client could make grow has a limit: the number of parts and of files, the header fields of a part, and
the text of all fields. The limit on content applies to the form as a whole.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import AsyncIterator, Iterable
from typing import Final, NamedTuple, Protocol, final
from urllib.parse import unquote

from turnbuckle.errors import BadRequest, ContentTooLarge, UnsupportedMediaType
from turnbuckle.web.content.charsets import decode_text, is_charset
from turnbuckle.web.content.uploads import UploadedFile
from turnbuckle.web.media_type import parse_media_type

__all__ = ["MultipartForm", "read_multipart"]

# boundary := 0*69<bchars> bcharsnospace (RFC 2046, section 5.1.1)
# Clients on Android send "*****", Dart sends "&", and some boundaries are longer, so every printable character of ASCII
# is accepted, up to the length that the package accepts in its strict mode.
_BOUNDARY: Final = re.compile(r"[ -~]{0,1023}[!-~]")
# ext-value = charset "'" [ language ] "'" value-chars (RFC 8187, section 3.2)
_EXTENDED: Final = re.compile(r"([^']*)'[^']*'(.*)", re.DOTALL)
# encoded-word = "=?" charset "?" encoding "?" encoded-text "?=" (RFC 2047, section 2)
_ENCODED_WORD: Final = re.compile(r"=\?[^?\s]+\?[BQbq]\?[^?\s]*\?=")
# A name without quotes that is no token has no end that all recipients agree on.
_UNREADABLE: Final = re.compile(r"""[;\s]name\s*=\s*[^"\s;]""", re.IGNORECASE)
_CHARSET_FIELD: Final = b"_charset_"
# The forms that can be read without the package.
_WITHOUT_PACKAGE: Final = ("application/x-www-form-urlencoded",)


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
    def file_size(self) -> int: ...
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
    charset: str | None

    def header(self, name: str, default: str, /) -> str:
        """Return a header field of the part."""


class _Parser(Protocol):
    def parse(self, chunk: bytes) -> Iterable[_Segment | bytes | None]:
        """Yield the start of a part, pieces of its content, and None at its end."""

    def close(self) -> None:
        """Raise if a part is still open."""


async def read_multipart(boundary: str, pieces: AsyncIterator[bytes], limits: _Limits) -> MultipartForm:
    """Read a multipart form.

    Raises:
        BadRequest: the form is malformed, or has too many parts, files, or header fields in a part.
        ContentTooLarge: the text of the form, or a file, exceeds the limit.
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
        message = "multipart forms need the extra 'forms': pip install 'turnbuckle[forms]', or '.[forms]' in a clone"
        raise UnsupportedMediaType(message, accept=_WITHOUT_PACKAGE) from error
    make = getattr(package, "PushMultipartParser", None)
    if make is None:
        message = "multipart forms need the package 'multipart'; 'python-multipart' is installed in its place"
        raise UnsupportedMediaType(message, accept=_WITHOUT_PACKAGE)
    parser: _Parser = make(
        boundary,
        max_header_size=limits.part_field_line,
        max_header_count=limits.part_field_count,
        max_segment_count=limits.fields,
        # Names may be in any charset; as Latin-1 their bytes are kept until the charset is known.
        header_charset="latin-1",
    )
    return parser


@final
class _Collector:
    """Collects the fields and files of a form from the events of the parser."""

    __slots__ = ("_charset", "_fields", "_file", "_files", "_limits", "_name", "_text", "_text_size")

    def __init__(self, limits: _Limits) -> None:
        self._limits: Final = limits
        self._name = b""
        self._file: UploadedFile | None = None
        self._text: list[bytes] = []
        self._text_size = 0
        self._charset = ""
        self._fields: Final[list[tuple[bytes, bytes, str]]] = []
        self._files: list[tuple[bytes, UploadedFile]] = []

    def release_form(self) -> MultipartForm:
        """Return the complete form; the caller then owns the files."""
        default = self._default_charset()
        fields = [
            (_decode_name(name, default), _decode_field(text, charset or default))
            for name, text, charset in self._fields
        ]
        files, self._files = self._files, []
        return MultipartForm(fields, [(_decode_name(name, default), file) for name, file in files])

    def _default_charset(self) -> str:
        """Return the content of the field ``_charset_`` as received so far; "" if there is none."""
        found = next((text for name, text, _ in self._fields if name == _CHARSET_FIELD), b"")
        return found.decode("latin-1").strip()

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
            await self._write_file(self._file, event)
        else:
            self._add_text(event)

    def _start_part(self, segment: _Segment) -> None:
        disposition = segment.header("Content-Disposition", "")
        # RFC 7578, section 4.2, forbids the forms with an asterisk, but clients send them for names that are not ASCII.
        self._name = segment.name.encode("latin-1") or (_extended(disposition, "name*") or "").encode()
        if not self._name and _UNREADABLE.search(disposition):
            raise ValueError("the name of a part needs quotes")
        self._charset = segment.charset or ""
        name = segment.filename
        if name is None or _ENCODED_WORD.fullmatch(name):
            # Clients in .NET send a name that is not ASCII in both forms, in "filename" as an encoded word of mail.
            extended = _extended(disposition, "filename*")
            name = name if extended is None else extended
        else:
            name = _decode_name(name.encode("latin-1"), self._default_charset())
        if name is None:
            return
        if len(self._files) >= self._limits.files:
            raise BadRequest(f"more than {self._limits.files} files")
        self._file = UploadedFile(name, segment.content_type or "", in_memory=self._limits.file_in_memory)

    async def _write_file(self, file: UploadedFile, piece: bytes) -> None:
        largest = self._limits.file_size
        if largest and file.size + len(piece) > largest:
            raise ContentTooLarge(f"a file of the form exceeds {largest} bytes")
        await file.write(piece)

    def _add_text(self, piece: bytes) -> None:
        self._text_size += len(piece)
        if self._text_size > self._limits.text:
            raise ContentTooLarge(f"text of the form exceeds {self._limits.text} bytes")
        self._text.append(piece)

    async def _finish_part(self) -> None:
        file, self._file = self._file, None
        if file is None:
            self._fields.append((self._name, b"".join(self._text), self._charset))
            self._text.clear()
            return
        await file.rewind()
        # Browsers send a part with neither a name nor content for a file input that was left empty.
        if file.name or file.size:
            self._files.append((self._name, file))


def _decode_name(name: bytes, charset: str) -> str:
    """Decode the name of a part or file: in UTF-8, or else in the charset of the form; other bytes are replaced."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode(charset if is_charset(charset) else "utf-8", "replace")


def _decode_field(text: bytes, charset: str) -> str:
    """Decode a field in the charset of its part, or else of the field ``_charset_`` (RFC 7578, sections 4.5 and 4.6).

    Raises:
        BadRequest: the charset is unknown, or the text is not valid in it.
    """
    if not charset:
        # Old browsers send the charset of the page without its name.
        return text.decode("utf-8", "replace")
    return decode_text(text, charset)


def _extended(disposition: str, parameter: str) -> str | None:
    """Return the decoded value of ``name*`` or ``filename*``; None if the part does not have it.

    A value without a known charset is returned as received, and bytes that are invalid in it are replaced.
    """
    value = next((value for name, value in parse_media_type(disposition).parameters if name == parameter), None)
    if value is None:
        return None
    found = _EXTENDED.fullmatch(value)
    if found is None or not is_charset(found[1]):
        return _decode_name(value.encode("latin-1"), "")
    return unquote(found[2], found[1], "replace")
