"""Read the scope of an ASGI host: the head of the request, and both ends of its connection.

A host has parsed the request already, but hosts differ in the requests that they accept. The core checks the head again
when the request begins (``HostedApplication.run``). The rules of HTTP/1.1 about its framing fields are checked here.

Sources: the ASGI specification, HTTP and WebSocket; RFC 9112, sections 3.2, 6.1 and 6.3.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final, TypeAlias
from urllib.parse import quote, unquote

import attrs

from turnbuckle import Peer, ProtocolError, RequestHead, TLSInfo, canonical_address

__all__ = ["HostHead", "Message", "Receive", "ScopeDict", "Send", "is_usually_empty", "peer_of", "read_head"]

ScopeDict: TypeAlias = MutableMapping[str, Any]
"""The scope that a host passes for one request, one WebSocket or one lifespan."""

Message: TypeAlias = MutableMapping[str, Any]
"""A message between a host and an app; its key ``type`` names its kind."""

Receive: TypeAlias = Callable[[], Awaitable[Message]]
"""Waits for the next message of the host."""

Send: TypeAlias = Callable[[Message], Awaitable[None]]
"""Passes a message to the host; it returns once the host takes more."""

# pchar and "/" (RFC 3986, section 3.3); quote() itself leaves letters, digits and "-._~".
_PATH_CHARACTERS: Final = "/:@!$&'()*+,;="

# Methods whose requests have no content unless it is announced.
_WITHOUT_CONTENT: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"DELETE", b"CONNECT"})

_OF_CONNECTION: Final = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})
_SPECIAL: Final = _OF_CONNECTION | {b"content-length", b"expect", b"host"}

_SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_TLS_VERSIONS: Final = {0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
_PROTOCOLS: Final = {"1.0": "HTTP/1.1", "1.1": "HTTP/1.1", "2": "HTTP/2", "2.0": "HTTP/2", "3": "HTTP/3"}


@attrs.frozen
class HostHead:
    """The head of a request on a host.

    Attributes:
        head: the head, without the fields of the connection, which is the host's.
        has_content: whether the request has content; None if only the host knows, as for HTTP/2, and behind adapters
            that pass no Content-Length.
        prefix: the prefix at which the host mounts the app, percent-encoded; "" for none.
    """

    head: RequestHead
    has_content: bool | None
    prefix: str


def read_head(scope: ScopeDict) -> HostHead:
    """Return the head of the request, or of the opening handshake of a WebSocket.

    Raises:
        ProtocolError: 400 for a request of HTTP/1.1 that has no Host, or both Content-Length and Transfer-Encoding.
    """
    version = scope.get("http_version") or "1.1"
    fields: list[tuple[bytes, bytes]] = []
    special: dict[bytes, bytes] = {}
    for field in scope.get("headers") or ():
        name, value = field
        if name in _SPECIAL:
            special[name] = value
            if name in _OF_CONNECTION:
                continue
        fields.append((name, value))
    if b"host" not in special:
        if version[0] != "1":
            fields.append((b"host", _authority_of(scope)))
        elif version != "1.0":
            raise ProtocolError("HTTP/1.1 request without Host")
    target, prefix = _split_target(scope)
    minor_version = 0 if version == "1.0" else 1
    if scope["type"] == "websocket":
        return HostHead(_socket_head(scope, target, minor_version, fields), False, prefix)
    head = RequestHead(scope["method"].encode("latin-1", "replace"), target, minor_version, fields)
    if minor_version and b"expect" in special:
        head.expects_continue = special[b"expect"].lower() == b"100-continue"
    return HostHead(head, _has_content(head.method, special, is_first=version[0] == "1"), prefix)


def _has_content(method: bytes, special: Mapping[bytes, bytes], *, is_first: bool) -> bool | None:
    length = special.get(b"content-length")
    if b"transfer-encoding" in special:
        # Section 6.1 lets a server reject this: two answers to where the content ends are how smuggling starts.
        if length is not None:
            raise ProtocolError("both Transfer-Encoding and Content-Length present")
        return True
    if length is not None:
        # A malformed length is refused by the core, which expects content for it.
        return length.strip(b"0") != b""
    return False if is_first and method in _WITHOUT_CONTENT else None


def is_usually_empty(head: RequestHead) -> bool:
    """Return whether requests with this method have no content as a rule."""
    return head.method in _WITHOUT_CONTENT


def _socket_head(scope: ScopeDict, target: bytes, minor_version: int, fields: list[tuple[bytes, bytes]]) -> RequestHead:
    """Return the head of an opening handshake, with the subprotocols, which some hosts pass in the scope only."""
    fields = [field for field in fields if field[0] != b"content-length"]
    subprotocols = scope.get("subprotocols")
    if subprotocols and not any(name == b"sec-websocket-protocol" for name, _ in fields):
        fields.append((b"sec-websocket-protocol", ", ".join(subprotocols).encode("latin-1", "replace")))
    return RequestHead(b"GET", target, minor_version, tuple(fields), upgrade=b"websocket")


def _authority_of(scope: ScopeDict) -> bytes:
    host, port = scope.get("server") or ("localhost", None)
    authority = f"[{host}]" if ":" in host else str(host)
    return (f"{authority}:{port}" if port else authority).encode("latin-1", "replace")


def _split_target(scope: ScopeDict) -> tuple[bytes, str]:
    """Return the target without the prefix at which the host mounts the app, and the prefix, percent-encoded."""
    root = (scope.get("root_path") or "").rstrip("/")
    raw: bytes | None = scope.get("raw_path")
    # Some hosts include the query.
    raw = raw.partition(b"?")[0] if raw else _encoded(scope["path"]).encode("ascii")
    query: bytes = scope.get("query_string") or b""
    path = _without_prefix(raw, root) if root else raw
    # More than one slash at the start would name another host in the URLs that are made from the prefix.
    prefix = "/" + _encoded(root).lstrip("/") if root else ""
    return (path + b"?" + query if query else path), prefix


def _encoded(path: str) -> str:
    return quote(path, _PATH_CHARACTERS, errors="surrogateescape")


def _without_prefix(raw: bytes, root: str) -> bytes:
    """Return the path below a prefix; the whole path if it does not begin with it, because a proxy has removed it."""
    encoded = _encoded(root).encode("ascii")
    if raw.startswith(encoded):
        rest = raw[len(encoded) :]
    else:
        # The client may have encoded the prefix in another way.
        segments = raw.split(b"/")
        count = root.count("/") + 1
        if unquote(b"/".join(segments[:count]).decode("latin-1")) != root:
            return raw
        rest = b"".join(b"/" + segment for segment in segments[count:])
    return rest or b"/" if rest[:1] in (b"", b"/") else raw


def peer_of(scope: ScopeDict, prefix: str) -> Peer:
    """Return both ends of the connection of a request, as far as the host knows them."""
    version = scope.get("http_version") or "1.1"
    return Peer(
        client=_client_of(scope),
        server=_server_of(scope),
        scheme=_SCHEMES.get(scope.get("scheme") or "http", "http"),
        tls=_tls_of(scope),
        prefix=prefix,
        protocol=_PROTOCOLS.get(version, f"HTTP/{version}"),
        carries_messages=scope["type"] == "websocket",
    )


def _client_of(scope: ScopeDict) -> tuple[str, int] | None:
    client = scope.get("client")
    if not client or not client[0]:
        return None
    host, port = client
    return canonical_address(str(host)), int(port or 0)


def _server_of(scope: ScopeDict) -> tuple[str, int] | str | None:
    server = scope.get("server")
    if not server or not server[0]:
        return None
    host, port = server
    # Without a port, it is the path of a Unix socket.
    return str(host) if port is None else (canonical_address(str(host)), int(port))


def _tls_of(scope: ScopeDict) -> TLSInfo | None:
    facts = (scope.get("extensions") or {}).get("tls")
    if not facts:
        return None
    version, cipher = facts.get("tls_version"), facts.get("cipher_suite")
    return TLSInfo(
        version=_TLS_VERSIONS.get(version, "" if version is None else f"{version:#06x}"),
        cipher="" if cipher is None else f"{cipher:#06x}",
    )
