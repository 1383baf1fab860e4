"""Parse a Content-Type (RFC 9110, section 8.3.1), and other fields that consist of a value and parameters.

Pure and linear. Malformed parameters are skipped, because the field is only a claim about the content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import attrs

__all__ = ["MediaType", "parse_media_type", "parse_parameters"]

# parameter = parameter-name "=" ( token / quoted-string ) (RFC 9110, section 5.6.6). Each alternative begins with a
# different character and no repetition is nested in another one, so there is no backtracking.
_PARAMETER: Final = re.compile(r';[ \t]*(?:([^\s;="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*)))?[ \t]*')
# media-type = type "/" subtype, both tokens (RFC 9110, section 8.3.1)
_TCHAR: Final = r"[!#$%&'*+\-.^_`|~0-9a-z]"
_ESSENCE: Final = re.compile(rf"{_TCHAR}+/{_TCHAR}+")
_ESCAPED: Final = re.compile(r"\\(.)")

# Characters of the longest value that is cached.
_MAX_CACHED: Final = 256


@attrs.frozen
class MediaType:
    """A media type.

    Attributes:
        essence: type and subtype in lower case, such as ``"text/html"``; ``""`` if there is none, or if it is
            malformed, as the list ``text/plain, application/json`` is.
        parameters: names in lower case, and values as sent, without quotes. If a name is repeated, the first value
            counts.
    """

    essence: str
    parameters: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        """Return the value of a parameter, or ``""``."""
        return next((value for parameter, value in self.parameters if parameter == name), "")

    @property
    def is_json(self) -> bool:
        """Return whether the content is JSON, or a format based on JSON (RFC 6839, section 3.1)."""
        return self.essence == "application/json" or self.essence.endswith("+json")

    @property
    def charset(self) -> str:
        """Return the charset parameter, or ``""``."""
        return self.get("charset")


def parse_media_type(text: str) -> MediaType:
    """Split a Content-Type into its parts. Common values are cached."""
    # A long value is from an attacker or a file name. Thousands of parameters would stay in memory.
    return _cached_media_type(text) if len(text) <= _MAX_CACHED else _parse_media_type(text)


def _parse_media_type(text: str) -> MediaType:
    essence = text.partition(";")[0].strip(" \t").lower()
    return MediaType(essence if _ESSENCE.fullmatch(essence) else "", parse_parameters(text))


_cached_media_type: Final = lru_cache(maxsize=128)(_parse_media_type)


def parse_parameters(text: str) -> tuple[tuple[str, str], ...]:
    """Return the parameters behind the first semicolon, as ``MediaType.parameters``."""
    return tuple(_parameters(text))


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    position = text.find(";")
    while position >= 0 and (found := _PARAMETER.match(text, position)):
        name, quoted, token = found.groups()
        if name:
            yield name.lower(), token if quoted is None else _ESCAPED.sub(r"\1", quoted)
        position = text.find(";", found.end())
