"""Pass requests that offer another protocol to the plugin for that protocol (RFC 9110, section 7.8).

An app without such plugins does not have this handler. In an app with such plugins, a request that offers no protocol
costs one attribute access more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Final

from turnbuckle.errors import HTTPError
from turnbuckle.routing.nodes import MatchParts
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.types import Handler

__all__ = ["compile_upgrade", "offered_protocols", "upgrade_required"]

# RFC 9110, section 15.5.22: the response names the protocol.
_REQUIRED: Final = {"Upgrade": "websocket", "Connection": "Upgrade"}


def compile_upgrade(protocols: Mapping[str, Handler], dispatch: Handler) -> Handler:
    """Return the innermost handler of an app with plugins for other protocols.

    Args:
        protocols: the handlers of the protocols, by token of the ``Upgrade`` field in lower case.
        dispatch: the handler for requests that offer none of them.
    """

    def switch(request: Request) -> Awaitable[Response]:
        if upgrade := request.head.upgrade:
            for token in offered_protocols(upgrade):
                if token in protocols:
                    return protocols[token](request)
        return dispatch(request)

    return switch


def offered_protocols(upgrade: bytes) -> Iterator[str]:
    """Yield the tokens of an ``Upgrade`` field in lower case, in the order of the client's preference."""
    # protocol = protocol-name ["/" protocol-version]: a plugin may support one version or all of them.
    for element in upgrade.decode("latin-1").lower().split(","):
        token = element.strip(" \t")
        yield token
        yield token.partition("/")[0]


def upgrade_required(request: Request, find: Callable[[Request], MatchParts]) -> HTTPError | None:
    """Return the exception for a request that has no route, and whose path is one of a WebSocket; None for any other.

    The request of a client that asks for a WebSocket has no ``Upgrade`` if a proxy drops the field. HTTP/2 has no such
    field (RFC 9113, section 8.6).

    Args:
        request: the request.
        find: finds the handler of a WebSocket, or raises an exception.
    """
    if request.method not in ("GET", "HEAD") or request.head.upgrade or not request.http_version.startswith("1."):
        return None
    try:
        find(request)
    except Exception:  # noqa: BLE001  # a foreign router may raise anything
        return None
    return HTTPError(426, "only a WebSocket has this path", headers=_REQUIRED)
