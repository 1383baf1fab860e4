"""Give every request an id: in ``request.state.request_id``, and in the response for whoever reports a problem.

An id that the client or a proxy sent is kept if it is a short token, as it ends up in logs and in other requests;
anything else, also two of them, is replaced in silence.
"""

from __future__ import annotations

import re
import secrets
from typing import Final, cast, final

import attrs

from turnbuckle import Handler, Headers, Middleware, MutableHeaders, Plugin, PluginInfo, Request, Response, Setup

__all__ = ["RequestIdConfig", "RequestIdPlugin"]

# Nothing that means something in a log, a shell, a path or a query.
_SAFE: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._~+=-]{0,127}")


def _is_field_name(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    MutableHeaders({value: ""})


@attrs.frozen(kw_only=True)
class RequestIdConfig:
    """Settings of the plugin.

    Attributes:
        header: the field that carries the id, of requests and of responses.
        accept: keep the id that a request brings along; False always makes a new one.
    """

    header: str = attrs.field(default="X-Request-ID", validator=_is_field_name)
    accept: bool = True


@final
class RequestIdPlugin(Plugin):
    """Puts the middleware ``request_id`` at the edge."""

    info = PluginInfo(name="request_id", config=RequestIdConfig)

    def provide_middleware(self, setup: Setup) -> list[Middleware]:
        """Add the middleware."""
        return [Middleware("request_id", _around, zone="edge", provides=("request_id",))]


def _around(next_handler: Handler, setup: Setup) -> Handler:
    config = cast("RequestIdConfig", setup.config)
    header = config.header

    async def identify(request: Request) -> Response:
        request_id = (_brought(request.headers, header) if config.accept else "") or secrets.token_hex(16)
        request.state.request_id = request_id
        response = await next_handler(request)
        response.headers.set(header, request_id)
        return response

    return identify


def _brought(headers: Headers, name: str) -> str:
    values = headers.get_list(name)
    return values[0] if len(values) == 1 and _SAFE.fullmatch(values[0]) else ""
