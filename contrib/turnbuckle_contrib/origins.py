"""Origins of web pages in settings, and the predicates that they compile to (RFC 6454, section 7).

An origin is compared as the whole text that browsers send. A pattern such as ``https://*.example.com`` stands for all
names below a host, and is compared part by part: no text before or after can make another host match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

__all__ = ["ANY", "check_origin", "compile_origins"]

ANY: Final = "*"
"""Stands for all origins, including ``null``."""

# scheme "://" host [ ":" port ] (RFC 6454, section 6.2); browsers send it in lower case, without a default port.
_ORIGIN: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<below>\*\.)?"
    r"(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?P<port>:[0-9]{1,5})?"
)
_LABELS: Final = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


def check_origin(origin: str) -> None:
    """Check an origin, or a pattern of origins, of the settings.

    Raises:
        ValueError: browsers never send it, or it stands for more than one site.
    """
    found = _ORIGIN.fullmatch(origin)
    if found is None:
        raise ValueError(
            f"{origin!r} is no origin{_mistake(origin)}; write it as browsers do: 'https://app.example.com'"
        )
    if found["port"] and found["port"] == _DEFAULT_PORTS.get(found["scheme"]):
        short = origin.removesuffix(found["port"])
        raise ValueError(f"{origin!r} has the default port, which browsers omit; write {short!r}")
    if found["below"] and "." not in found["host"] and found["host"] != "localhost":
        raise ValueError(f"{origin!r} stands for all sites below a top-level domain; name a domain below it")


def _mistake(origin: str) -> str:
    if origin == "null":
        return ": any page can send it from a sandboxed frame"
    if origin != origin.lower():
        return ": its letters must be in lower case"
    if not origin.isascii():
        return ": a name that is not ASCII is written in Punycode, 'xn--...'"
    if "/" in origin.partition("://")[2]:
        return ": it must end after the host and the port"
    return ""


def compile_origins(origins: Iterable[str]) -> Callable[[str], bool]:
    """Return a predicate: whether a received ``Origin`` is one of these origins or matches one of the patterns.

    Args:
        origins: checked origins and patterns.
    """
    every = tuple(origins)
    if ANY in every:
        return lambda origin: True
    exact = frozenset(origin for origin in every if "*" not in origin)
    patterns = tuple(tuple(origin.split("*", 1)) for origin in every if "*" in origin)
    if not patterns:
        return exact.__contains__

    def is_one(origin: str) -> bool:
        return origin in exact or any(_is_below(origin, start, end) for start, end in patterns)

    return is_one


def _is_below(origin: str, start: str, end: str) -> bool:
    """Return whether only labels of a name are between the two parts of a pattern."""
    if not (origin.startswith(start) and origin.endswith(end)):
        return False
    return _LABELS.fullmatch(origin[len(start) : len(origin) - len(end)]) is not None
