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
from turnbuckle.http.limits import limit
from turnbuckle.web.content.charsets import is_charset
from turnbuckle.web.content.multipart import read_multipart
from turnbuckle.web.content.uploads import UploadedFile
from turnbuckle.web.media_type import MediaType
from turnbuckle.web.multidict import MAX_FIELDS, MultiMapping, parse_urlencoded

__all__ = ["MULTIPART_TYPE", "URLENCODED_TYPE", "FormData", "FormLimits", "Readable", "read_form"]


@final
class FormFiles(MultiMapping[UploadedFile]):
    """The uploaded files of a form by field name."""

    __slots__ = ()

    kind = "file"


URLENCODED_TYPE: Final = "application/x-www-form-urlencoded"
MULTIPART_TYPE: Final = "multipart/form-data"

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


_CALL: Final = "a handler passes other limits to request.form(limits)"
_FORMS: Final = "web/content/test_forms.py::test_urlencoded_form_is_bounded"
_MULTIPART: Final = "web/content/test_multipart.py::test_multipart_refuses"


@attrs.frozen(kw_only=True)
class FormLimits:
    """How much a form may hold. The limit on content applies to the form as a whole.

    Attributes:
        fields: number of fields and files together; beyond it 400.
        files: number of files; beyond it 400.
        name: length of the name of a field or file; beyond it 400.
        text: bytes of all fields that are not files; beyond it 413.
        file_size: bytes of a file; beyond it 413. 0: as many as the limit on content allows.
        file_in_memory: bytes of a file that are kept in memory; a larger file is stored on disk.
        part_field_count: number of header fields of one part of a multipart form; beyond it 400.
        part_field_line: bytes of one such header field; beyond it 400.
    """

    fields: int = limit(MAX_FIELDS, beyond="400", unit="fields", test=_FORMS, fixed=_CALL)
    files: int = limit(
        100, beyond="400", unit="files", test="web/content/test_multipart.py::test_multipart_bounds_files", fixed=_CALL
    )
    name: int = limit(1024, beyond="400", unit="characters", test=_FORMS, fixed=_CALL)
    text: int = limit(4 * 1024 * 1024, beyond="413", test=_FORMS, fixed=_CALL)
    file_size: int = limit(
        0, beyond="413", test="web/content/test_multipart.py::test_multipart_bounds_the_size_of_a_file", fixed=_CALL
    )
    file_in_memory: int = limit(
        256 * 1024,
        beyond="stored on disk",
        test="web/content/test_multipart.py::test_multipart_file_beyond_memory",
        fixed=_CALL,
    )
    part_field_count: int = limit(8, beyond="400", unit="fields", test=_MULTIPART, fixed=_CALL)
    part_field_line: int = limit(4096, beyond="400", test=_MULTIPART, fixed=_CALL)


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
        BadRequest: the form is malformed, or has more fields or files, or a longer name, than the limits allow.
        ContentTooLarge: the text of the form, or a file, exceeds the limit.
        UnsupportedMediaType: the content is not a form, or it is multipart and the extra ``forms`` is not installed.
    """
    essence = source.media_type.essence
    fields: list[tuple[str, str]]
    files: list[tuple[str, UploadedFile]] = []
    if essence == URLENCODED_TYPE:
        fields = await _read_urlencoded(source, limits)
    elif essence == MULTIPART_TYPE:
        fields, files = await read_multipart(source.media_type.get("boundary"), source.stream(), limits)
    else:
        problem = f"{essence!r} is not a form" if essence else "content without a type is not a form"
        raise UnsupportedMediaType(problem, accept=[URLENCODED_TYPE, MULTIPART_TYPE])
    form = FormData(fields, files)
    if any(len(name) > limits.name for name in (*form, *form.files)):
        form.close()
        raise BadRequest(f"a name of the form exceeds {limits.name} characters")
    return form


async def _read_urlencoded(source: Readable, limits: FormLimits) -> list[tuple[str, str]]:
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
    return list(parse_urlencoded(text, limit=limits.fields, charset=charset))
