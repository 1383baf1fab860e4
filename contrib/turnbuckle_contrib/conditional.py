"""Give responses an ETag, so that a client that has the content already gets 304 without it (RFC 9110, section 13).

The ETag is the hash of the content, so the handler runs for each request; only the transfer is saved. A handler that
knows the version of its content sets the ETag itself, or calls ``request.check_preconditions`` before it does any work.
The server compares the ETag with If-None-Match and If-Match, after all middleware.
"""

from __future__ import annotations

from typing import Final, final

import attrs

from turnbuckle import Handler, Middleware, MutableHeaders, Plugin, PluginInfo, Request, Response, Setup

__all__ = ["ConditionalConfig", "ConditionalPlugin"]

_READING: Final = frozenset({b"GET", b"HEAD"})
# Hashing this many bytes takes 20 ms, in which no other request is served.
_MOST: Final = 16 * 1024 * 1024


def _is_size(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if not 0 < value <= _MOST:
        raise ValueError(f"{attribute.name} must be from 1 to {_MOST} bytes, not {value!r}")


@attrs.frozen(kw_only=True)
class ConditionalConfig:
    """Settings of the plugin.

    Attributes:
        max_size: content of more bytes gets no ETag, because its hash would take too long.
    """

    max_size: int = attrs.field(default=256 * 1024, validator=_is_size)


@final
class ConditionalPlugin(Plugin[ConditionalConfig]):
    """Provide the middleware ``conditional`` in the transform zone."""

    info = PluginInfo(name="conditional")

    def provide_middleware(self, setup: Setup[ConditionalConfig]) -> list[Middleware]:
        """Return the middleware."""
        return [Middleware("conditional", _around, zone="transform", after=("compress",))]


def _around(next_handler: Handler, setup: Setup[ConditionalConfig]) -> Handler:
    max_size = setup.config.max_size

    async def tag(request: Request) -> Response:
        response = await next_handler(request)
        body = response.body
        # An empty body of a response to HEAD is not the content that GET would return.
        if (
            type(body) is bytes
            and 0 < len(body) <= max_size
            and response.status == 200
            and request.head.method in _READING
            and _may_be_tagged(response.headers)
        ):
            # The handler may return the same response to a PUT, which must not have it (RFC 9110, section 9.3.4).
            return response.copy().etag()
        return response

    return tag


def _may_be_tagged(headers: MutableHeaders) -> bool:
    """Return False if there is an ETag, or if Cache-Control forbids to store the response, so that no client has it."""
    for name, value in headers.items():
        lower_name = name.lower()
        if lower_name == "etag" or (lower_name == "cache-control" and "no-store" in value.lower()):
            return False
    return True
