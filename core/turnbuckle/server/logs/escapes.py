"""Escape text for a log: nothing that a peer sends can begin a line, end a field, or control a terminal.

There are two degrees. A *message* keeps all printable characters of any script. A *field* of an access line keeps only
visible ASCII, without the characters that would end the field.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["escape_field", "escape_message", "escape_quoted", "truncate"]

_NOT_IN_QUOTES: Final = re.compile(r"[^ !#-\[\]-~]")
_NOT_IN_FIELD: Final = re.compile(r"[^!#-\[\]-~]")


def escape_message(text: str) -> str:
    """Return a message on one line, with unprintable characters escaped.

    These are control characters, line ends, lone surrogates, characters that change the direction of text or have no
    width, and all white space except the space.
    """
    # isprintable() is false for all of Unicode's categories "other" and "separator", except for the space.
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape_character(character) for character in text)


def escape_quoted(text: str) -> str:
    """Return the text in double quotes, escaped so that it ends at the next quote; ``"-"`` for an empty text."""
    return f'"{_NOT_IN_QUOTES.sub(_escape_match, text)}"' if text else '"-"'


def escape_field(text: str) -> str:
    """Return the text without white space, for a field that ends at the next space; ``-`` for an empty text."""
    return _NOT_IN_FIELD.sub(_escape_match, text) or "-"


def truncate(text: str, max_length: int) -> str:
    """Return the text, or its beginning and "..." if it is longer than ``max_length`` characters."""
    return text if len(text) <= max_length else text[: max_length - 3] + "..."


def _escape_match(match: re.Match[str]) -> str:
    found = match[0]
    return f"\\{found}" if found in '"\\' else _escape_character(found)


def _escape_character(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
