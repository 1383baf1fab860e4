"""Read a Content-Type (RFC 9110, section 8.3.1), and other fields made of a value and parameters.

Pure and linear. What is malformed is skipped: the field says what the content claims to be, and nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import attrs

__all__ = ["MediaType", "parse_media_type"]

# parameter = parameter-name "=" ( token / quoted-string ) (RFC 9110, section 5.6.6). Each alternative begins with
# another octet and none repeats within a repetition, so nothing is tried twice.
_PARAMETER: Final = re.compile(r';[ \t]*(?:([^\s;="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*)))?[ \t]*')
_ESCAPED: Final = re.compile(r"\\(.)")


@attrs.frozen
class MediaType:
    """A media type.

    Attributes:
        essence: type and subtype in lower case, as ``"text/html"``; ``""`` if there is none.
        parameters: names in lower case, values as sent, without quotes; of two with one name the first.
    """

    essence: str
    parameters: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        """Return the value of a parameter, or ``""``."""
        return next((value for known, value in self.parameters if known == name), "")

    @property
    def is_json(self) -> bool:
        """Tell whether it is JSON, or something written in it (RFC 6839, section 3.1)."""
        return self.essence == "application/json" or self.essence.endswith("+json")

    @property
    def charset(self) -> str:
        """Return the charset parameter, or ``""``."""
        return self.get("charset")


@lru_cache(maxsize=128)
def parse_media_type(text: str) -> MediaType:
    """Take a Content-Type apart; the usual ones are remembered."""
    essence = text.partition(";")[0].strip(" \t").lower()
    return MediaType(essence, tuple(_parameters(text)))


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    position = text.find(";")
    while position >= 0 and (found := _PARAMETER.match(text, position)):
        name, quoted, token = found.groups()
        if name:
            yield name.lower(), token if quoted is None else _ESCAPED.sub(r"\1", quoted)
        position = text.find(";", found.end())
