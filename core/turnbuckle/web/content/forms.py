"""Read the content of a request as a form, by its media type.

``application/x-www-form-urlencoded`` is read here; ``multipart/form-data`` is read by ``multipart.py``, which needs the
extra ``forms``.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from typing import Final, Protocol, final
from urllib.parse import unquote_plus

import attrs

from turnbuckle.errors import BadRequest, ContentTooLarge, UnsupportedMediaType
from turnbuckle.web.content.charsets import is_charset
from turnbuckle.web.content.multipart import read_multipart
from turnbuckle.web.content.uploads import UploadedFile
from turnbuckle.web.media_type import MediaType
from turnbuckle.web.multidict import MAX_FIELDS, MultiMapping, parse_urlencoded

__all__ = ["FormData", "FormLimits", "Readable", "read_form"]


@final
class FormFiles(MultiMapping[UploadedFile]):
    """The uploaded files of a form by field name."""

    __slots__ = ()

    kind = "file"


_CHARSET_FIELD: Final = re.compile(r"(?:\A|&)_charset_=([^&]+)")


@final
class FormData(MultiMapping[str]):
    """The fields of a form: ``form["title"]`` is the first value, ``form.get_list("tag")`` returns all.

    Attributes:
        files: the uploaded files by field name, as a mapping of the same kind.
    """

    __slots__ = ("files",)

    kind = "form field"

    def __init__(self, fields: Iterable[tuple[str, str]] = (), files: Iterable[tuple[str, UploadedFile]] = ()) -> None:
        super().__init__(fields)
        self.files: Final[MultiMapping[UploadedFile]] = FormFiles(files)

    def close(self) -> None:
        """Close all files. Files that are not referenced any more are closed without this call."""
        for _, file in self.files.items():
            file.close()


@attrs.frozen(kw_only=True)
class FormLimits:
    """How much a form may hold. The limit on content applies to the form as a whole.

    Attributes:
        fields: number of fields and files together; beyond it 400.
        files: number of files; beyond it 400.
        text: bytes of all fields that are not files; beyond it 413.
        part_field_count: number of header fields of one part; beyond it 400.
        part_field_line: bytes of one such header field; beyond it 400.
        file_in_memory: bytes of a file; a larger file is stored on disk.
    """

    fields: int = MAX_FIELDS
    files: int = 100
    text: int = 4 * 1024 * 1024
    part_field_count: int = 8
    part_field_line: int = 4096
    file_in_memory: int = 256 * 1024


class Readable(Protocol):
    """The source of a form; ``Request`` is one."""

    @property
    def media_type(self) -> MediaType:
        """Return the Content-Type."""

    def stream(self) -> AsyncIterator[bytes]:
        """Return an iterator over the content."""


async def read_form(source: Readable, limits: FormLimits) -> FormData:
    """Read content as a form.

    Raises:
        BadRequest: the form is malformed, or has more fields or files than the limits allow.
        ContentTooLarge: the text of the form exceeds the limit.
        UnsupportedMediaType: the content is not a form, or it is multipart and the extra ``forms`` is not installed.
    """
    match source.media_type.essence:
        case "application/x-www-form-urlencoded":
            return await _read_urlencoded(source, limits)
        case "multipart/form-data":
            boundary = source.media_type.get("boundary")
            return FormData(*await read_multipart(boundary, source.stream(), limits))
        case other:
            raise UnsupportedMediaType(f"{other!r} is not a form" if other else "content without a type is not a form")


async def _read_urlencoded(source: Readable, limits: FormLimits) -> FormData:
    pieces = []
    size = 0
    async for piece in source.stream():
        pieces.append(piece)
        size += len(piece)
        if size > limits.text:
            raise ContentTooLarge(f"text of the form exceeds {limits.text} bytes")
    text = b"".join(pieces).decode("latin-1")
    charset = source.media_type.charset
    if not charset:
        # Browsers fill in a hidden field of this name.
        found = _CHARSET_FIELD.search(text)
        charset = (unquote_plus(found[1]).strip() if found else "") or "utf-8"
    if not is_charset(charset):
        raise BadRequest("the form is in an unknown charset")
    return FormData(parse_urlencoded(text, limit=limits.fields, charset=charset))
