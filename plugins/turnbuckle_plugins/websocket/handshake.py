"""Check the opening handshake of a client, and negotiate compression (RFC 6455, section 4.2; RFC 7692; RFC 8441).

The core checks the origin and runs the handler. Each refusal is an ordinary response, which goes out through the
middleware of the app.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Final, TypeAlias

from websockets.exceptions import InvalidHeader, NegotiationError
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.headers import build_extension, parse_extension
from websockets.typing import ExtensionHeader
from websockets.utils import accept_key

from turnbuckle import Request, Response, Text

__all__ = ["COMPRESS_SETTINGS", "Compression", "accept_fields", "check_handshake", "negotiate"]

_VERSION: Final = "13"

# Windows of 4 KiB: with the maximum of 32 KiB, a server would need 300 KiB for each client, and save a few percent.
_WINDOW_BITS: Final = 12
COMPRESS_SETTINGS: Final[dict[str, int]] = {"memLevel": 5}
_FACTORY: Final = ServerPerMessageDeflateFactory(
    server_max_window_bits=_WINDOW_BITS, client_max_window_bits=_WINDOW_BITS, compress_settings=COMPRESS_SETTINGS
)

Compression: TypeAlias = "tuple[bool, bool, int, int, str]"
"""The arguments of ``PerMessageDeflate``, and the field for the response.

The object itself is made with the first message that is compressed, because it takes 40 KiB.
"""


def check_handshake(request: Request) -> Response | None:
    """Return the response to a request that is no valid handshake; None if it is one."""
    if request.method != "GET":
        return Text("a WebSocket begins with a GET request", 400)
    versions = request.headers.get_list("sec-websocket-version")
    if versions != [_VERSION]:
        # RFC 6455, section 4.4: the response names the versions that the server supports.
        return Text(
            f"this server supports version {_VERSION} of the WebSocket protocol",
            426,
            {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": _VERSION},
        )
    if _has_key(request) and not _is_key(request.headers.get_list("sec-websocket-key")):
        return Text("Sec-WebSocket-Key must be one value: 16 bytes in base64", 400)
    try:
        _offered_extensions(request)
    except InvalidHeader:
        # RFC 6455, section 9.1: a handshake with a field that does not match the grammar fails.
        return Text("Sec-WebSocket-Extensions must be a list of extensions with parameters", 400)
    return None


def accept_fields(request: Request, compression: Compression | None) -> Iterator[tuple[str, str]]:
    """Yield the fields of the response that accepts a handshake."""
    if _has_key(request):
        yield "Sec-WebSocket-Accept", accept_key(request.headers.get_list("sec-websocket-key")[0])
    if compression is not None:
        yield "Sec-WebSocket-Extensions", compression[-1]


def negotiate(request: Request) -> Compression | None:
    """Return the first form of permessage-deflate that the client offers and the server supports; None for none."""
    for name, parameters in _offered_extensions(request):
        if name != PerMessageDeflate.name:
            continue
        try:
            accepted, made = _FACTORY.process_request_params(parameters, ())
        except (NegotiationError, ValueError):
            # ValueError: zlib cannot compress with a window of 8 bits, which the library accepts before version 17.
            continue
        return (
            made.remote_no_context_takeover,
            made.local_no_context_takeover,
            made.remote_max_window_bits,
            made.local_max_window_bits,
            build_extension([(name, accepted)]),
        )
    return None


def _offered_extensions(request: Request) -> list[ExtensionHeader]:
    values = request.headers.get_list("sec-websocket-extensions")
    return parse_extension(", ".join(values)) if values else []


def _has_key(request: Request) -> bool:
    # RFC 8441, section 5: a stream of HTTP/2 needs no proof that the server speaks the protocol.
    return request.http_version in {"1.0", "1.1"}


def _is_key(values: list[str]) -> bool:
    if len(values) != 1:
        return False
    try:
        return len(base64.b64decode(values[0].encode(), validate=True)) == 16
    except (binascii.Error, ValueError):
        return False
