"""The content types of files by their suffix, the same on every machine.

The tables of the operating system are not read: on some machines, they give scripts a type that browsers refuse.
"""

from __future__ import annotations

import mimetypes
import posixpath
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["content_type_of"]

_BINARY: Final = "application/octet-stream"
# Types that the module mimetypes does not have in every version of Python, or has in another form.
_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".avif": "image/avif",
        ".cjs": "text/javascript",
        ".gltf": "model/gltf+json",
        ".ico": "image/x-icon",
        ".js": "text/javascript",
        ".map": "application/json",
        ".md": "text/markdown",
        ".mjs": "text/javascript",
        ".mp4": "video/mp4",
        ".opus": "audio/ogg",
        ".otf": "font/otf",
        ".rtf": "application/rtf",
        ".ttf": "font/ttf",
        ".wasm": "application/wasm",
        ".weba": "audio/webm",
        ".webm": "video/webm",
        ".webmanifest": "application/manifest+json",
        ".webp": "image/webp",
        ".woff": "font/woff",
        ".woff2": "font/woff2",
        ".xml": "application/xml",
        # A compressed file that is requested by its own name is the file itself, and not a coding of another one.
        ".br": _BINARY,
        ".bz2": "application/x-bzip2",
        ".gz": "application/gzip",
        ".tgz": "application/gzip",
        ".xz": "application/x-xz",
        ".zst": "application/zstd",
    }
)
_OTHERS: Final[Mapping[str, str]] = MappingProxyType({**mimetypes.MimeTypes().types_map[1], **_TYPES})


def content_type_of(name: str, more: Mapping[str, str]) -> str:
    """Return the Content-Type of a file.

    Args:
        name: its name or path.
        more: the types of the settings, which take precedence, by suffix.
    """
    suffix = posixpath.splitext(name)[1].lower()
    if suffix in more:
        return more[suffix]
    found = _OTHERS.get(suffix, _BINARY)
    return f"{found}; charset=utf-8" if found.startswith("text/") else found
