"""Give every request an id: in ``request.state.request_id``, and in the response, for reports of problems.

The id of an incoming request is kept only if it comes from a trusted address and is a short token, because logs and
other requests contain it. Any other id is replaced silently, and so are two ids in one request.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Final, final

import attrs

from turnbuckle import (
    Handler,
    Headers,
    Middleware,
    MutableHeaders,
    Plugin,
    PluginInfo,
    Request,
    Response,
    Setup,
    TrustedAddresses,
)

__all__ = ["RequestIdConfig", "RequestIdPlugin"]

# No character with a meaning in a log, a shell, a path or a query.
_SAFE: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._~+=-]{0,127}")

_ID_SIZE: Final = 32
_POOL: Final = 64


def _is_field_name(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    MutableHeaders({value: ""})


def _are_networks(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    TrustedAddresses(entry for entry in value if entry != "*")


@attrs.frozen(kw_only=True)
class RequestIdConfig:
    """Settings of the plugin.

    Attributes:
        header: the field with the id, in requests and responses.
        trusted: addresses and networks, such as "10.0.0.0/8", of proxies whose ids are kept, and "unix" for every peer
            on a Unix socket; "*" keeps the id of any peer.
    """

    header: str = attrs.field(default="X-Request-ID", validator=_is_field_name)
    trusted: tuple[str, ...] = attrs.field(default=(), validator=_are_networks)


@final
class RequestIdPlugin(Plugin[RequestIdConfig]):
    """Provide the middleware ``request_id`` in the edge zone."""

    info = PluginInfo(name="request_id")

    def provide_middleware(self, setup: Setup[RequestIdConfig]) -> list[Middleware]:
        """Return the middleware."""
        return [Middleware("request_id", _around, zone="edge", provides=("request_id",))]


def _around(next_handler: Handler, setup: Setup[RequestIdConfig]) -> Handler:
    config = setup.config
    header = config.header
    is_trusted = _trust(config.trusted)
    make_id = _id_maker()

    async def identify(request: Request) -> Response:
        request_id = (_received_id(request.headers, header) if is_trusted(request) else "") or make_id()
        request.id = request.state.request_id = request_id
        try:
            response = await next_handler(request)
        except Exception:
            request.error_headers.set(header, request_id)
            raise
        response.headers.set(header, request_id)
        return response

    return identify


def _id_maker() -> Callable[[], str]:
    """Return a function that makes random ids. One call of the operating system makes many, because each takes time."""
    pool: list[str] = []

    def make() -> str:
        if not pool:
            digits = secrets.token_hex(_ID_SIZE // 2 * _POOL)
            pool.extend(digits[start : start + _ID_SIZE] for start in range(0, len(digits), _ID_SIZE))
        return pool.pop()

    return make


def _trust(trusted: tuple[str, ...]) -> Callable[[Request], bool]:
    """Return a predicate: whether the peer of a request is trusted."""
    if not trusted or "*" in trusted:
        return lambda request: bool(trusted)
    addresses = TrustedAddresses(trusted)
    return lambda request: addresses.trusts(request.peer.client)


def _received_id(headers: Headers, name: str) -> str:
    values = headers.get_list(name)
    return values[0] if len(values) == 1 and _SAFE.fullmatch(values[0]) else ""
