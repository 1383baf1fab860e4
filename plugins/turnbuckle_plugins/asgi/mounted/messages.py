"""Check and convert the messages of an ASGI app: their types, fields and values.

Sources: the ASGI specification 3.0, and its part "HTTP & WebSocket" 2.4.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Final, TypeAlias

__all__ = [
    "ASGIApp",
    "AppProtocolError",
    "ClientGone",
    "Message",
    "Receive",
    "Scope",
    "Send",
    "decoded_fields",
    "decoded_links",
    "is_of_client",
]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

# The server frames the content itself, and an app need not know how.
_FRAMING: Final = frozenset({b"transfer-encoding", b"keep-alive"})


class AppProtocolError(RuntimeError):
    """An app sent a message that ASGI does not allow, or ended without a complete response."""


class ClientGone(ConnectionError):
    """The client of a streamed response has gone; ``send`` raises it, as ASGI asks for an ``OSError``."""


def decoded_fields(headers: Iterable[Iterable[bytes]]) -> tuple[list[tuple[str, str]], str | None]:
    """Return the fields of a response as texts, and the value of Content-Length, which is not among them.

    Args:
        headers: pairs of name and value, as bytes.

    Raises:
        AppProtocolError: they are no such pairs.
    """
    fields: list[tuple[str, str]] = []
    length = None
    try:
        for name, value in headers:
            lower_name = name.lower()
            if lower_name == b"content-length":
                length = value.decode("latin-1")
            elif lower_name not in _FRAMING:
                fields.append((name.decode("latin-1"), value.decode("latin-1")))
    except (AttributeError, TypeError, ValueError) as error:
        raise AppProtocolError(f"headers are pairs of bytes, not {headers!r:.200}") from error
    return fields, length


def decoded_links(links: Iterable[bytes]) -> list[str]:
    """Return the values of Link fields as texts.

    Raises:
        AppProtocolError: they are no bytes.
    """
    try:
        return [link.decode("latin-1") for link in links]
    except (AttributeError, TypeError) as error:
        raise AppProtocolError(f"links are a list of bytes, not {links!r:.200}") from error


def is_of_client(error: BaseException) -> bool:
    """Return whether an exception of an app follows from the end of its connection."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ClientGone):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
