"""Escape what is written to a log: nothing that a peer sends can begin a line, end a field, or steer a terminal.

Two degrees: a *message* keeps every character that can be seen, in any script; a *field* of an access line keeps
visible ASCII alone, and not what would end it.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["escape_field", "escape_message", "escape_quoted", "truncate"]

_NOT_IN_QUOTES: Final = re.compile(r"[^ !#-\[\]-~]")
_NOT_IN_FIELD: Final = re.compile(r"[^!#-\[\]-~]")


def escape_message(text: str) -> str:
    """Return a message on one line: control characters, line ends, lone surrogates, and what changes the direction of
    text or takes no room, are escaped; a space is the only white space left.
    """
    # isprintable() is false for all of Unicode's categories "other" and "separator" but the space.
    return text if text.isprintable() else "".join(each if each.isprintable() else _escape(each) for each in text)


def escape_quoted(text: str) -> str:
    """Return a text in double quotes, for a place where it ends at the next quote; ``"-"`` for none."""
    return f'"{_NOT_IN_QUOTES.sub(_escaped, text)}"' if text else '"-"'


def escape_field(text: str) -> str:
    """Return a text without white space, for a place where it ends at the next one; ``-`` for none."""
    return _NOT_IN_FIELD.sub(_escaped, text) or "-"


def truncate(text: str, most: int) -> str:
    """Return the text, and of a longer one what fits into ``most`` characters, with a mark at its end."""
    return text if len(text) <= most else text[: most - 3] + "..."


def _escaped(match: re.Match[str]) -> str:
    found = match[0]
    return f"\\{found}" if found in '"\\' else _escape(found)


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
