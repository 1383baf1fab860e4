"""Describe a request as the scope of an ASGI app.

Sources: the ASGI specification, part "HTTP & WebSocket" 2.4, sections "HTTP Connection Scope" and "Websocket Connection
Scope"; its extensions ``tls``, ``http.response.early_hint``, ``http.response.pathsend`` and
``http.response.trailers``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast
from urllib.parse import unquote_to_bytes

from turnbuckle import Mount, Request, TLSInfo
from turnbuckle_plugins.asgi.mounted.messages import Scope

__all__ = ["scope_maker", "websocket_scope"]

_TLS_VERSIONS: Final = {"TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
_HTTP_EXTENSIONS: Final[Mapping[str, Mapping[str, object]]] = {
    "http.response.early_hint": {},
    "http.response.pathsend": {},
    "http.response.trailers": {},
}


def scope_maker(mount: Mount, state: Mapping[str, object]) -> Callable[[Request], Scope]:
    """Return the function that makes the scope of a request.

    Args:
        mount: the mount.
        state: the values that the app has stored in its lifespan.
    """
    mounted_at = mount.path
    is_plain = "{" not in mounted_at

    def make_scope(request: Request) -> Scope:
        head = request.head
        prefix, raw_path = request.prefix, request.raw_path
        if prefix or not (is_plain and raw_path.startswith(mounted_at)):
            root_path, raw_path = prefix + mount.root_of(raw_path), prefix + raw_path
        else:
            root_path = mounted_at
        server = request.server
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": request.http_version,
            "method": request.method,
            "scheme": request.scheme,
            "path": _decoded(raw_path),
            "raw_path": raw_path.encode("latin-1"),
            "query_string": request.query.encode("latin-1"),
            "root_path": _decoded(root_path),
            "headers": list(head.fields) if head.target[:1] == b"/" else _fields_with_authority(request),
            "client": request.client,
            "server": (server, None) if isinstance(server, str) else server,
            "state": dict(state),
            "extensions": dict(_HTTP_EXTENSIONS),
        }
        if request.path_params:
            scope["path_params"] = dict(request.path_params)
        if request.tls is not None:
            scope["extensions"]["tls"] = _tls_extension(request)
        return scope

    return make_scope


def websocket_scope(scope: Scope, subprotocols: Iterable[str]) -> Scope:
    """Return the scope of a WebSocket.

    Args:
        scope: the scope of the request that asks for it.
        subprotocols: the subprotocols that the client offers.
    """
    del scope["method"]
    scope["type"] = "websocket"
    scope["scheme"] = "wss" if scope["scheme"] == "https" else "ws"
    scope["subprotocols"] = list(subprotocols)
    tls = {name: value for name, value in scope["extensions"].items() if name == "tls"}
    scope["extensions"] = {"websocket.http.response": {}, **tls}
    return scope


def _decoded(path: str) -> str:
    if "%" not in path and path.isascii():
        return path
    return unquote_to_bytes(path.encode("latin-1")).decode("utf-8", "replace")


def _fields_with_authority(request: Request) -> list[tuple[bytes, bytes]]:
    # RFC 9112, section 3.2.2: the Host field is ignored if the target has an authority.
    fields = [(name, value) for name, value in request.head.fields if name != b"host"]
    return [(b"host", request.host.encode("latin-1")), *fields]


def _tls_extension(request: Request) -> dict[str, object]:
    tls, certificate = cast(TLSInfo, request.tls), request.client_certificate
    return {
        "server_cert": None,
        "client_cert_chain": [certificate.pem] if certificate is not None else [],
        "client_cert_name": _distinguished_name(certificate.subject) if certificate is not None else None,
        "client_cert_error": None,
        "tls_version": _TLS_VERSIONS.get(tls.version),
        "cipher_suite": None,
    }


def _distinguished_name(subject: tuple[tuple[str, str], ...]) -> str:
    """Return a subject as a text (RFC 4514): the last part first, special characters escaped."""
    return ",".join(f"{_SHORT.get(name, name)}={_escaped(value)}" for name, value in reversed(subject))


_SHORT: Final = {
    "commonName": "CN",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "streetAddress": "STREET",
    "domainComponent": "DC",
    "userId": "UID",
}


def _escaped(value: str) -> str:
    text = "".join(f"\\{character}" if character in '"+,;<>\\' else character for character in value)
    if text[:1] in {"#", " "}:
        text = f"\\{text}"
    return f"{text[:-1]}\\ " if text[-1:] == " " and len(text) > 1 and text[-2] != "\\" else text
