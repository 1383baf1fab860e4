"""Limit the content of requests by route, path and media type (RFC 9110, section 15.5.14).

The server has one limit for all content, ``limits.content``, and routes can have their own. This middleware sets lower
ones, for example little JSON beside large uploads. It answers with Problem Details before the content is sent;
content of unknown length is cut off when it exceeds the limit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from types import MappingProxyType
from typing import Final, final

import attrs

from turnbuckle import ContentTooLarge, Handler, Middleware, Plugin, PluginInfo, Request, Response, Setup

__all__ = ["BodyLimitConfig", "BodyLimitPlugin"]

_MIB: Final = 1024 * 1024


def _check_size(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"write a number of bytes, such as {_MIB}, not {value!r:.60}")
    return value


def _is_size(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    _check_size(value)


def _are_paths(instance: object, attribute: attrs.Attribute[Mapping[str, int]], value: Mapping[str, int]) -> None:
    for path, size in value.items():
        if not path.startswith("/"):
            raise ValueError(f"path {path!r} must start with a slash")
        _check_size(size)


def _are_types(instance: object, attribute: attrs.Attribute[Mapping[str, int]], value: Mapping[str, int]) -> None:
    for name, size in value.items():
        if name.count("/") != 1 or name != name.lower() or not name.strip("/*"):
            raise ValueError(f"{name!r} is no media type; write it like 'multipart/form-data' or 'image/*'")
        _check_size(size)


def _read_only(mapping: Mapping[str, int]) -> Mapping[str, int]:
    return MappingProxyType(dict(mapping))


@attrs.frozen(kw_only=True)
class BodyLimitConfig:
    """Settings of the plugin, in bytes.

    The option of the route decides, then ``limits`` of the route, the path, the media type, and the default.

    Attributes:
        default: for all other content.
        paths: by path; a limit applies to the path and to all paths below it, and the longest path decides.
        types: by media type; ``"image/*"`` applies to all images.
    """

    default: int = attrs.field(default=_MIB, validator=_is_size)
    paths: Mapping[str, int] = attrs.field(factory=dict, converter=_read_only, validator=_are_paths)
    types: Mapping[str, int] = attrs.field(factory=dict, converter=_read_only, validator=_are_types)


@final
class BodyLimitPlugin(Plugin[BodyLimitConfig]):
    """Provide the middleware ``body_limit`` in the edge zone, and the option ``body_limit`` of routes."""

    info = PluginInfo(name="body_limit", route_options={"body_limit": _check_size})

    def provide_middleware(self, setup: Setup[BodyLimitConfig]) -> list[Middleware]:
        """Return the middleware.

        Raises:
            ValueError: a limit is higher than the server's.
        """
        config, most = setup.config, setup.settings.limits.content
        for size in (config.default, *config.paths.values(), *config.types.values()):
            if size > most:
                error = ValueError(f"the limit of {size} bytes exceeds limits.content, which is {most}")
                error.add_note(f"fix: set limits.content = {size}, or a lower limit here")
                raise error
        return [Middleware("body_limit", _around, zone="edge", after=("request_id", "proxy_headers", "timeout"))]


def _around(next_handler: Handler, setup: Setup[BodyLimitConfig]) -> Handler:
    config = setup.config
    paths = [(path.rstrip("/"), config.paths[path]) for path in sorted(config.paths, key=len, reverse=True)]
    types, default = config.types, config.default

    def limit(request: Request) -> Awaitable[Response]:
        length = request.head.content_length
        if length == 0:
            return next_handler(request)
        size = _limit_of(request)
        if length is not None and length > size:
            raise ContentTooLarge(f"the content must have at most {size} bytes", problem={"limit": size})
        request.content_limit = min(size, request.content_limit)
        return next_handler(request)

    def _limit_of(request: Request) -> int:
        route = request.find_route()
        if route is not None and "body_limit" in route.options:
            return route.options["body_limit"]  # type: ignore[return-value]  # the plugin has checked the option
        if route is not None and "content" in route.limits:
            return route.limits["content"]
        path = request.path
        for prefix, size in paths:
            if path == prefix or path.startswith(f"{prefix}/"):
                return size
        essence = request.content_type
        return types.get(essence, types.get(f"{essence.partition('/')[0]}/*", default))

    return limit
