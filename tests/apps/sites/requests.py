"""The requests that are sent to a site under each server."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["COMMON", "SOCKETS", "Sent"]


class Sent(NamedTuple):
    """A request.

    Attributes:
        method: for example ``"GET"``.
        target: path and query, percent-encoded.
        headers: fields besides Host.
        content: the content; a list is sent in chunks.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes | tuple[bytes, ...] = b""


_FORM: Final = (("Content-Type", "application/x-www-form-urlencoded"),)
_PARTS: Final = (("Content-Type", "multipart/form-data; boundary=xyz"),)


def multipart(size: int) -> bytes:
    """Return a form with a field and a file of a size."""
    head = b'--xyz\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n--xyz\r\n'
    file_head = b'Content-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: application/x\r\n\r\n'
    return head + file_head + b"x" * size + b"\r\n--xyz--\r\n"


COMMON: Final = [
    Sent("GET", "/"),
    Sent("HEAD", "/"),
    Sent("OPTIONS", "/"),
    Sent("GET", "/items/5?q=%C3%A9&q=2"),
    Sent("GET", "/items/five"),
    Sent("GET", "/paths/a%20b/c%C3%A9"),
    Sent("POST", "/form", _FORM, b"a=1&b=%20x&a=2"),
    Sent("POST", "/upload", _PARTS, multipart(10)),
    Sent("POST", "/upload", _PARTS, multipart(300_000)),
    Sent("POST", "/echo", (), b"x" * 200_000),
    Sent("POST", "/echo", (), (b"one", b"two", b"x" * 70_000)),
    Sent("POST", "/"),
    Sent("GET", "/stream"),
    Sent("HEAD", "/stream"),
    Sent("GET", "/redirect"),
    Sent("GET", "/missing"),
    Sent("GET", "/error"),
    Sent("GET", "/cookies", (("Cookie", "a=1; b=2"),)),
    Sent("GET", "/cookies", (("X-Name", "one"), ("X-Name", "two"))),
    Sent("GET", "/empty"),
    Sent("GET", "/file"),
    Sent("GET", "/file", (("Range", "bytes=0-3"),)),
]
"""The requests that the sites have in common."""

SOCKETS: Final = ["/ws", "/ws-denied"]
"""The paths of WebSockets: one that echoes three messages, and one that refuses."""
