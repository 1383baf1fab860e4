"""Write the line that sets a setting, as its source has it: a file, a variable, an option, or code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["as_written", "how_to_read_file", "how_to_write", "how_to_write_table"]

_Key = tuple[str, ...]

# What to write for a type without a default, by the words that describe it.
_EXAMPLES: Final[Mapping[str, str]] = {
    "a whole number": "1",
    "a number": "1.5",
    "true or false": "true",
    "text": '"text"',
}


def as_written(value: object) -> str:
    """Return a value as TOML has it; "" if it has no short form."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return f'"{value}"' if '"' not in value and value.isprintable() else ""
    return ""


def how_to_write(key: _Key, kind: str, source: str, default: str) -> str:
    """Return the fix for a value of a wrong type, or for a rejected value.

    Args:
        key: the key of the setting.
        kind: the words for the values that it takes.
        source: where the wrong value comes from.
        default: the default as TOML has it; "" for none.
    """
    value = default or next((text for words, text in _EXAMPLES.items() if kind.startswith(words)), "")
    what = "its default" if default else "for example"
    if not value:
        return f"give {'.'.join(key)} {kind}, or leave it out"
    return f"write {kind}, {what}: {_line(key, value, source)}"


def how_to_write_table(key: _Key, source: str) -> str:
    """Return the fix for a value in the place of a table."""
    if ".toml" in source:
        return f"write [{'.'.join(key)}], and the settings below it, one in each line"
    return f"write {key[-1]!r}: {{...}} with the names of the settings"


def how_to_read_file(path: str, reason: str, *, is_missing: bool, line: int | None) -> str:
    """Return the fix for a settings file that cannot be read.

    Args:
        path: the path of the file.
        reason: the reason in words.
        is_missing: whether there is no such file.
        line: the line at fault; None if it is not known.
    """
    if is_missing:
        return f"create {path!r}, or name an existing file"
    if line is not None:
        return f"correct line {line} of {path!r}: {reason}"
    if not Path(path).is_file():
        return f"write a regular file {path!r} in its place, or remove it"
    return f"save {path!r} as UTF-8" if "UTF-8" in reason else f"make {path!r} readable for this user"


def _line(key: _Key, value: str, source: str) -> str:
    dotted = ".".join(key)
    bare = value.strip('"')
    if source.startswith("$"):
        return f"{source[1:]}={bare}"
    if source.startswith("-"):
        return f"--set {dotted}={bare}"
    if ".toml" in source:
        return f"{key[-1]} = {value}"
    text = value if value not in {"true", "false"} else value.title()
    for part in reversed(key):
        text = f'{{"{part}": {text}}}'
    return f"settings={text}"
