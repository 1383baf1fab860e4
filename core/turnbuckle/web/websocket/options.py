"""The rules that hold for WebSockets on every carrier, and the check of the ``Origin`` of their requests.

A browser lets any page open a WebSocket to any host, and sends the cookies of that host along. Only the field
``Origin`` says which page it was (RFC 6455, sections 4.2.2 and 10.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from turnbuckle.web.request.request import Request

__all__ = ["WebSocketOptions", "allows_origin", "is_same_origin"]

_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


def _as_origins(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value.lower(),) if isinstance(value, str) else tuple(origin.lower() for origin in value)


@attrs.frozen(kw_only=True)
class WebSocketOptions:
    """The options of an app for its WebSockets.

    Attributes:
        origins: the origins whose pages may open a WebSocket: ``"same"`` for the host of the request, ``"*"`` for all,
            or origins such as ``"https://app.example.com"``. Clients that send no ``Origin`` are no browsers, and are
            always allowed.
        handshake: seconds in which a handler accepts or refuses; the answer is 503 afterwards. 0 for no limit.
        close_timeout: seconds that a handler has for its clean-up after its WebSocket was closed; it is cancelled
            afterwards. 0 for no limit.
    """

    origins: tuple[str, ...] = attrs.field(default=("same",), converter=_as_origins)
    handshake: float = 10.0
    close_timeout: float = 10.0


def allows_origin(request: Request, origins: Iterable[str]) -> bool:
    """Return whether the page that a request comes from may open a WebSocket.

    Args:
        request: the request; a trusted proxy may have reported its host.
        origins: see ``WebSocketOptions``.
    """
    allowed = tuple(origins)
    if "*" in allowed or "origin" not in request.headers:
        return True
    values = request.headers.get_list("origin")
    origin = values[0].lower()
    if len(values) > 1:
        return False
    return origin in allowed or ("same" in allowed and is_same_origin(origin, request))


def is_same_origin(origin: str, request: Request) -> bool:
    """Return whether an ``Origin`` is the origin that a request was sent to (RFC 6454, sections 5 and 7).

    Args:
        origin: value of the field, in lower case, as browsers send it.
        request: the request; a trusted proxy may have reported its scheme and its host.
    """
    scheme, _, authority = origin.partition("://")
    port = _DEFAULT_PORTS.get(scheme)
    if port is None or not authority:
        return False
    # A proxy that ends TLS may not have been declared as trusted: then a page from https is still the same host. The
    # reverse, a page that came without TLS, is not: anyone on the way may have written it.
    if request.scheme == "https" and scheme != "https":
        return False
    return authority.removesuffix(port) == request.host.lower().removesuffix(port)
