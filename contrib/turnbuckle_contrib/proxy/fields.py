"""The fields that a proxy passes on, removes, and adds.

Sources: RFC 9110, sections 7.6.1 (Connection), 7.6.2 (Max-Forwards), 7.6.3 (Via) and 7.8 (Upgrade); RFC 7239
(Forwarded).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from turnbuckle import HTTPError, Request

__all__ = ["Fields", "public_location", "request_fields", "response_fields"]

Fields: TypeAlias = list[tuple[str, str]]

# Section 7.6.1; and the fields for proxies, to which a client of this server does not talk.
_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# Facts about the client that only this server may state. Some programs read "_" in a name as "-".
_FORWARDED: Final = re.compile(
    r"forwarded|x[-_]forwarded(?:[-_].*)?|x[-_](?:real|client|cluster[-_]client)[-_]ip|proxy"
)
# Framing is made again, "100 Continue" is sent by this server, and Host follows from the upstream.
_MADE_AGAIN: Final = frozenset({"content-length", "expect", "host", "via", "cookie"})
_OF_WEBSOCKETS: Final = re.compile("sec-websocket-.*")
_PSEUDONYM: Final = "turnbuckle"
_MAX_HOPS: Final = 10


def _connection_options(values: Iterable[str]) -> frozenset[str]:
    return frozenset(option.strip(" \t").lower() for value in values for option in value.split(","))


def request_fields(
    request: Request, *, forwarded: Literal["x-forwarded", "forwarded", "none"], prefix: str, is_websocket: bool = False
) -> Fields:
    """Return the fields of a request for the upstream, without Host and without the framing.

    Args:
        request: the request.
        forwarded: the fields that describe the client.
        prefix: the prefix that was removed from the path.
        is_websocket: whether the client of the upstream makes the handshake of a WebSocket.

    Raises:
        HTTPError: 508, the request has passed this server too often.
    """
    headers = request.headers
    options = _connection_options(headers.get_list("connection"))
    removed = _HOP_BY_HOP | _MADE_AGAIN | options
    fields = [
        (name, _as_text(value))
        for name, value in headers.items()
        if (lower := name.lower()) not in removed
        and not _FORWARDED.fullmatch(lower)
        and not (is_websocket and _OF_WEBSOCKETS.fullmatch(lower))
    ]
    if "cookie" not in options and (cookies := headers.get_list("cookie")):
        # HTTP/2 may split the field (RFC 9113, section 8.2.3).
        fields.append(("Cookie", _as_text("; ".join(cookies))))
    fields.append(("Via", _via(headers.get_list("via"), request.http_version)))
    return fields + _description(request, forwarded, prefix)


def _as_text(value: str) -> str:
    """Return a value as the client of the upstream takes it, which sends UTF-8."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def _via(values: Sequence[str], version: str) -> str:
    members = [member.strip() for value in values for member in value.split(",") if member.strip()]
    if sum(member.split()[-1].lower() == _PSEUDONYM for member in members) >= _MAX_HOPS:
        raise HTTPError(508)
    return ", ".join([*map(_as_text, members), f"{version} {_PSEUDONYM}"])


def _description(request: Request, forwarded: str, prefix: str) -> Fields:
    client = request.client
    address = client[0] if client is not None else ""
    public_prefix = request.prefix + prefix
    if forwarded == "x-forwarded":
        described = [
            ("X-Forwarded-For", address),
            ("X-Forwarded-Proto", request.scheme),
            ("X-Forwarded-Host", request.host),
            ("X-Forwarded-Prefix", public_prefix),
        ]
        return [(name, value) for name, value in described if value]
    if forwarded == "forwarded":
        node = f'"[{address}]"' if ":" in address else address or "unknown"
        host = f';host="{request.host}"' if request.host else ""
        return [("Forwarded", f"for={node};proto={request.scheme}{host}")]
    return []


def response_fields(raw: Iterable[tuple[bytes, bytes]], *, keeps_length: bool) -> Fields:
    """Return the fields of an upstream's response for the client.

    Args:
        raw: the fields as received.
        keeps_length: whether the Content-Length stays true: nothing has changed the content.
    """
    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw]
    by_name = [name.lower() for name, _ in fields]
    options = _connection_options(value for name, value in fields if name.lower() == "connection")
    removed = _HOP_BY_HOP | options
    if not keeps_length or "transfer-encoding" in by_name:
        # RFC 9112, section 6.1: with both, the length is not the length.
        removed |= {"content-length"}
    return [field for field, name in zip(fields, by_name, strict=True) if name not in removed]


def public_location(location: str, *, origin: str, base: str, host: str, prefix: str, is_stripped: bool) -> str:
    """Return a Location of the upstream as the client must request it; unchanged if it does not lead to the upstream.

    Args:
        location: the value.
        origin: scheme and authority of the upstream.
        base: the path that precedes the paths of requests there.
        host: the host that the upstream was requested with; it may use it in its URLs.
        prefix: the prefix of the proxy, as the client sees it.
        is_stripped: whether the prefix was removed from the path.
    """
    try:
        url = urlsplit(location)
    except ValueError:
        return location
    if url.netloc and url.netloc.lower() not in {urlsplit(origin).netloc.lower(), host.lower()}:
        return location
    if not url.path.startswith("/"):
        # A reference that is relative to the path of the request; or the root.
        return location if url.path or not url.netloc else f"{prefix}/"
    rest = location.partition("//")[2].partition("/")[2] if url.netloc else location[1:]
    path = f"/{rest}"
    if not url.netloc and prefix and _is_below(path, prefix):
        # The upstream knows the prefix.
        return location
    if base and not _is_below(path, base):
        return location
    # Two slashes would lead to another host.
    inner = "/" + path[len(base) :].lstrip("/")
    return prefix + inner if is_stripped else inner


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith((f"{prefix}/", f"{prefix}?", f"{prefix}#"))
