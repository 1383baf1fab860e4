"""A response whose body is a file: its validators, its content type, and the name under which browsers save it.

``FileBody`` reads the file. ``conditional/selection.py`` answers preconditions and ranges, for which this module only
sets the fields.

Sources: RFC 6266, RFC 8187; RFC 9110, sections 8.8 and 14.3.
"""

from __future__ import annotations

import hashlib
import mimetypes
import os
import re
from collections.abc import Mapping
from typing import Final, Literal, NoReturn
from urllib.parse import quote

from turnbuckle.http.dates import format_date
from turnbuckle.web.conditional.preconditions import entity_tag
from turnbuckle.web.headers import HeaderPairs
from turnbuckle.web.media_type import parse_media_type
from turnbuckle.web.response.file_body import FileBody, FileVersion
from turnbuckle.web.response.response import Response

__all__ = ["File", "content_disposition", "guess_content_type"]

# Controls (C0, DEL, C1) and lone surrogates, which have no encoding. All other characters are sent, including spaces of
# all kinds, joiners and marks of direction: file names of phones and other languages contain them.
_UNSENDABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SPACES: Final = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_NOT_PLAIN: Final = re.compile(r'["%\\]')
_COMPRESSED: Final = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
# What browsers show as a picture, as sound or as text, and never as a page with scripts.
_INERT: Final = re.compile(r"(?:audio|video)/[^/]+|image/(?:avif|bmp|gif|jpeg|png|webp)|text/plain")
_NO_SCRIPTS: Final = "default-src 'none'; sandbox"
# The fields that follow from the state of a file.
_DERIVED: Final = ("Content-Length", "ETag", "Last-Modified", "Accept-Ranges")


class File(Response):
    """A response whose body is a file.

    The server answers preconditions and ranges of the request with 304, 412, 206 or 416. A file without a size, such as
    ``/proc/cpuinfo``, is sent to its end, without Content-Length, ETag, Last-Modified and ranges.

    Args:
        path: the path of the file; a path from a client must be checked first.
        content_type: by default, it follows from the name of the file.
        download_as: the name under which browsers save the file instead of displaying it; with "", they take the name
            from the URL.
        display_as: the name under which browsers save the file after they have displayed it.
        etag: a value that is different for each content, such as its hash; by default, the ETag follows from the inode,
            the time of the last modification and the size of the file. With "", there is no ETag.
        untrusted: whether the file was made by a user: browsers then run no scripts in it, and save it instead of
            displaying it, unless it is a picture, sound, video or plain text.

    Raises:
        OSError: the file does not exist, or is not a regular file.
        ValueError: a name contains a control character or a lone surrogate, or both names are given.
    """

    __slots__ = ("_derived", "_etag")

    def __class_getitem__(cls, item: object) -> NoReturn:
        """Raise TypeError: in an annotation of a parameter, the name is meant for an uploaded file."""
        name = getattr(item, "__name__", str(item))
        raise TypeError(f"File is the response with a file; write 'UploadedFile', or 'Upload[{name}]' for an upload")

    def __init__(  # noqa: PLR0913 - all but the path by name
        self,
        path: str | os.PathLike[str],
        status: int = 200,
        headers: HeaderPairs | None = None,
        content_type: str | None = None,
        *,
        download_as: str | None = None,
        display_as: str | None = None,
        etag: str | int | None = None,
        untrusted: bool = False,
    ) -> None:
        body = FileBody(path)
        super().__init__(body, status, headers, content_type or guess_content_type(body.path))
        self._etag = etag
        self._derived = self._derive(body.version)
        for name, value in self._derived.items():
            if name == "Content-Length":
                self.headers.set(name, value)
            else:
                self.headers.setdefault(name, value)
        # Without it, browsers take a text for a page if it looks like one.
        self.headers.setdefault("X-Content-Type-Options", "nosniff")
        if download_as is not None and display_as is not None:
            raise ValueError("a file is either displayed or downloaded: leave out 'display_as' or 'download_as'")
        if untrusted and not self._make_harmless() and download_as is None:
            download_as, display_as = display_as or "", None
        if download_as is not None:
            self.headers.set("Content-Disposition", content_disposition(download_as))
        elif display_as is not None:
            self.headers.set("Content-Disposition", content_disposition(display_as, "inline"))

    def _derive(self, version: FileVersion) -> Mapping[str, str]:
        """Return the fields that follow from the state of the file."""
        if version.size is None:
            return {}
        length = {"Content-Length": str(version.size)}
        modified = {"Last-Modified": format_date(version.modified).decode("ascii")}
        if self.status != 200:
            return {**length, **modified}
        tag = _version_tag(version) if self._etag is None else entity_tag(self._etag)
        ranges = {"Accept-Ranges": "bytes"}
        return {**length, **({} if self._etag == "" else {"ETag": tag}), **modified, **ranges}

    def refresh(self, version: FileVersion) -> None:
        """Derive the fields again from another state of the file, except for fields that the app changed.

        The server calls this if the file has changed since the response was made.
        """
        if isinstance(self.body, FileBody):
            self.body = self.body.of_version(version)
        fields = dict(self._derive(version))
        if self._etag is not None:
            # It belongs to the previous content.
            fields.pop("ETag", None)
        for name in _DERIVED:
            if self.headers.get(name) != self._derived.get(name):
                continue
            self.headers.discard(name)
            if name in fields:
                self.headers.set(name, fields[name])
        self._derived = fields

    def _make_harmless(self) -> bool:
        """Forbid scripts in the file of a user, and return whether browsers may display it."""
        self.headers.setdefault("Content-Security-Policy", _NO_SCRIPTS)
        if _INERT.fullmatch(parse_media_type(self.content_type or "").essence):
            return True
        self.content_type = "application/octet-stream"
        return False


def _version_tag(version: FileVersion) -> str:
    # A hash, because clients need not know the numbers of inodes.
    state = f"{version.inode}-{version.modified_ns}-{version.size}".encode("ascii")
    return f'"{hashlib.blake2b(state, digest_size=12).hexdigest()}"'


def guess_content_type(path: str) -> str:
    """Return the Content-Type that follows from the name of a file."""
    guessed, encoding = mimetypes.guess_type(path)
    if encoding is not None:
        # The file is compressed. With the type of its content, browsers would display compressed bytes.
        return _COMPRESSED.get(encoding, "application/octet-stream")
    if guessed is None:
        return "application/octet-stream"
    return f"{guessed}; charset=utf-8" if guessed.startswith("text/") else guessed


def content_disposition(name: str, disposition: Literal["attachment", "inline"] = "attachment") -> str:
    """Return the Content-Disposition that gives content a name (RFC 6266, appendix D).

    ``filename*`` has the whole name (RFC 8187); ``filename`` is for clients that do not know it, and replaces the
    characters that they could misread. For an empty name, both parameters are omitted.

    Args:
        name: the name under which browsers save the content.
        disposition: whether they save it instead of displaying it.

    Raises:
        ValueError: the name contains a control character, or a lone surrogate, which has no encoding.
    """
    if not name:
        return disposition
    if found := _UNSENDABLE.search(name):
        raise ValueError(f"file name {name!r} contains {found.group()!r}, which cannot be sent")
    plain = _NOT_PLAIN.sub("_", _SPACES.sub(" ", name).encode("ascii", "replace").decode())
    return f"{disposition}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
