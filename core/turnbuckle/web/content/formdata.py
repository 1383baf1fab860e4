"""Hold what a form brought, and bound what it may bring."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, final

import attrs

from turnbuckle.web.content.uploads import UploadedFile
from turnbuckle.web.multidict import MultiMapping
from turnbuckle.web.request.query import MAX_FIELDS

__all__ = ["FormData", "FormLimits"]


@final
class FormData(MultiMapping[str]):
    """The fields of a form: ``form["title"]`` is the first value, ``form.get_list("tag")`` gives all.

    Attributes:
        files: the files that came with it, by field name in the same way.
    """

    __slots__ = ("files",)

    def __init__(self, fields: Iterable[tuple[str, str]] = (), files: Iterable[tuple[str, UploadedFile]] = ()) -> None:
        super().__init__(fields)
        self.files: Final[MultiMapping[UploadedFile]] = MultiMapping(files)

    def close(self) -> None:
        """Give up all files; done anyway once nothing refers to them."""
        for _, file in self.files.items():
            file.close()


@attrs.frozen(kw_only=True)
class FormLimits:
    """How much a form may hold; the limit on content bounds the whole.

    Attributes:
        fields: number of fields and files together; beyond it 400.
        files: number of files; beyond it 400.
        text: octets of all fields that are no files; beyond it 413.
        part_field_count: number of header fields of one part; beyond it 400.
        part_field_line: octets of one such field; beyond it 400.
        file_in_memory: octets of a file beyond which it is kept on disk.
    """

    fields: int = MAX_FIELDS
    files: int = 100
    text: int = 4 * 1024 * 1024
    part_field_count: int = 8
    part_field_line: int = 4096
    file_in_memory: int = 256 * 1024
