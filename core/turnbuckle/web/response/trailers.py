"""The trailer fields of a response, which follow its content: a checksum, or the result of a stream.

They are known before the content, or returned by a function that is called after the last piece.

Sources: RFC 9110, sections 6.5, 6.6.2 and 10.1.4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from turnbuckle.http.body_writer import NOT_SENT_IN_TRAILERS
from turnbuckle.web.headers import HeaderPairs, Headers, MutableHeaders

__all__ = ["Trailers", "check_trailers", "read_trailers", "takes_trailers", "trailer_names"]

Trailers: TypeAlias = HeaderPairs | Callable[[], HeaderPairs]
"""The fields, as a mapping or as pairs, or a function that returns them after the last piece of the content."""


def check_trailers(trailers: Trailers) -> Trailers:
    """Return trailers as a response stores them.

    Raises:
        ValueError: a field cannot be sent, or RFC 9110, section 6.5.1, forbids it in trailers.
    """
    return trailers if callable(trailers) else _checked(trailers)


def read_trailers(trailers: Trailers) -> Sequence[tuple[str, str]]:
    """Return the fields after the last piece of the content.

    Raises:
        ValueError: the function returned a field that cannot be sent; it may raise anything else.
    """
    return _checked(trailers() if callable(trailers) else trailers)


def _checked(trailers: HeaderPairs) -> Sequence[tuple[str, str]]:
    fields = MutableHeaders(trailers).items()
    for name, _ in fields:
        if name.lower() in NOT_SENT_IN_TRAILERS:
            raise ValueError(f"field {name!r} must not be sent in a trailer section")
    return fields


def trailer_names(trailers: Trailers) -> str:
    """Return the value of the field ``Trailer``, which announces trailers; "" if only a function knows them."""
    return "" if callable(trailers) else ", ".join(MutableHeaders(trailers))


def takes_trailers(headers: Headers) -> bool:
    """Return whether a client of HTTP/1.1 keeps trailers: its TE field has ``trailers``."""
    codings = (coding for value in headers.get_list("te") for coding in value.split(","))
    return any(coding.partition(";")[0].strip().lower() == "trailers" for coding in codings)
