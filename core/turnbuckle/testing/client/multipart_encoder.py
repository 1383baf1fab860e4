"""Encode forms with files as ``multipart/form-data`` (RFC 7578), in the form that browsers send."""

from __future__ import annotations

import mimetypes
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol, TypeAlias, cast

__all__ = ["FileContent", "FileField", "FileFields", "encode_multipart"]


class _OpenFile(Protocol):
    def read(self) -> bytes | str:
        """Return the rest of the file."""


FileContent: TypeAlias = "bytes | str | _OpenFile"
FileField: TypeAlias = (
    "FileContent | tuple[str | None, FileContent] | tuple[str | None, FileContent, str | None]"
    " | tuple[str | None, FileContent, str | None, Mapping[str, str]]"
)
FileFields: TypeAlias = "Mapping[str, FileField] | Iterable[tuple[str, FileField]]"

# Browsers escape these characters in the names of fields and files (HTML, "multipart/form-data encoding algorithm").
_ESCAPES: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


def encode_multipart(data: Mapping[str, object] | Iterable[tuple[str, object]], files: FileFields) -> tuple[bytes, str]:
    """Return the content of a form, and its Content-Type.

    Args:
        data: the fields; a list stands for a repeated name.
        files: the files; see ``RequestOptions``. A file name of None makes the content a field.

    Raises:
        TypeError: a file is not of a known form.
    """
    boundary = f"turnbuckle-{secrets.token_hex(16)}"
    lines = b"".join(
        f"--{boundary}\r\n".encode() + head + b"\r\n\r\n" + content + b"\r\n"
        for head, content in (*_fields(data), *_files(files))
    )
    return lines + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _fields(data: Mapping[str, object] | Iterable[tuple[str, object]]) -> Iterator[tuple[bytes, bytes]]:
    for name, value in data.items() if isinstance(data, Mapping) else data:
        for item in value if isinstance(value, list | tuple) else (value,):
            yield _disposition(name).encode(), item if isinstance(item, bytes) else str(item).encode()


def _files(files: FileFields) -> Iterator[tuple[bytes, bytes]]:
    for name, field in files.items() if isinstance(files, Mapping) else files:
        # For the type checker, each tuple has the length of the longest.
        parts = cast("tuple[object, ...]", field if isinstance(field, tuple) else (_file_name(field), field))
        if not 2 <= len(parts) <= 4:
            raise TypeError(f"file {name!r} must be (file name, content, media type, fields), not {field!r:.60}")
        file_name, content, media_type, fields = (*parts, None, None)[:4]
        head = _disposition(name, None if file_name is None else str(file_name))
        if media_type or file_name is not None:
            head += f"\r\nContent-Type: {media_type or _guessed_type(str(file_name))}"
        if isinstance(fields, Mapping):
            head += "".join(f"\r\n{key}: {value}" for key, value in fields.items())
        yield head.encode(), _read(name, content)


def _disposition(name: str, file_name: str | None = None) -> str:
    text = f'Content-Disposition: form-data; name="{name.translate(_ESCAPES)}"'
    return text if file_name is None else f'{text}; filename="{file_name.translate(_ESCAPES)}"'


def _file_name(content: object) -> str:
    path = getattr(content, "name", None)
    return os.path.basename(path) if isinstance(path, str) else "upload"


def _guessed_type(file_name: str) -> str:
    return mimetypes.guess_type(file_name)[0] or "application/octet-stream"


def _read(name: str, content: object) -> bytes:
    read = getattr(content, "read", None)
    data = read() if read is not None else content
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data)
    raise TypeError(f"the content of file {name!r} must be bytes, text or an open file, not {data!r:.60}")
