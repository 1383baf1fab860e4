"""What a case is, how its bytes are put together, and all tables of them by group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = [
    "GET",
    "HOST",
    "NEXT",
    "Case",
    "chunked",
    "each_refused",
    "fields",
    "head",
    "kept",
    "post",
    "refused",
    "waits",
]

NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
HOST = b"Host: a"
GET = b"GET / HTTP/1.1"


class Case(NamedTuple):
    """Bytes to send, and the expected responses.

    ``statuses`` has the statuses of all responses in order, ``content`` the content of the first final response.
    ``is_closed`` is true if the server announces the end of the connection in its last response, and ends it.
    """

    data: bytes
    statuses: tuple[int, ...] = (200,)
    content: bytes | None = None
    is_closed: bool = False


def head(line: bytes = GET, *lines: bytes, host: bytes = HOST) -> bytes:
    """A head; an empty ``host`` leaves that field out."""
    return b"".join(part + b"\r\n" for part in (line, *([host] if host else []), *lines)) + b"\r\n"


def fields(*lines: bytes) -> bytes:
    """A GET with these field lines more."""
    return head(GET, *lines)


def post(*lines: bytes, content: bytes = b"") -> bytes:
    """A POST to the echo."""
    return head(b"POST / HTTP/1.1", *lines) + content


def chunked(body: bytes) -> bytes:
    """A POST to the echo whose content is chunked."""
    return post(b"Transfer-Encoding: chunked", content=body)


def kept(data: bytes, content: bytes | None = None, status: int = 200) -> Case:
    """One response, and the connection goes on."""
    return Case(data, (status,), content)


def refused(data: bytes, status: int = 400) -> Case:
    """One response, and the connection ends, whatever else was sent."""
    return Case(data, (status,), is_closed=True)


def waits(data: bytes) -> Case:
    """No response: more has to come."""
    return Case(data, ())


def each_refused(cases: Mapping[str, bytes], status: int = 400) -> dict[str, Case]:
    """Bytes by name, all of them refused alike."""
    return {name: refused(data, status) for name, data in cases.items()}
