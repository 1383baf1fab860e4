"""Set Cache-Control, by the option of the route or by media type (RFC 9111, section 5.2).

A handler's own Cache-Control stays. Without it, the option ``cache_control`` of the route decides, then the media type,
then the default. Errors are not stored.

A shared cache must not give the response for one user to another. So a value that lets it store a response is made
private if the response sets a cookie or varies by cookies, or if the request had credentials; a value of the handler is
made private if the response sets a cookie. The middleware is in the zone edge, outside of all middleware that sets
cookies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, final

import attrs

from turnbuckle import FixedHeaders, Handler, Middleware, MutableHeaders, Plugin, PluginInfo, Request, Response, Setup

__all__ = ["CacheControlConfig", "CacheControlPlugin"]

# cache-directive = token [ "=" ( token / quoted-string ) ] (RFC 9111, section 5.2)
_DIRECTIVE: Final = re.compile(r'([!#$%&\'*+\-.^_`|~0-9A-Za-z]+)(?:=(?:([!#$%&\'*+\-.^_`|~0-9A-Za-z]+)|"([^"\\]*)"))?')
_SECONDS: Final = frozenset({"max-age", "s-maxage", "stale-if-error", "stale-while-revalidate"})
_FRESH: Final = ("max-age", "s-maxage", "public", "immutable")
_CONTRADICTIONS: Final = (*(("no-store", name) for name in _FRESH), ("public", "private"), ("private", "s-maxage"))
# They let a shared cache store a response, or are meant for shared caches only.
_SHARED: Final = frozenset({"public", "s-maxage", "proxy-revalidate"})
_READING: Final = frozenset({b"GET", b"HEAD"})
_MAY_BE_PERSONAL: Final = re.compile(rb"\n(?:authorization|cookie)[ \t]*:", re.IGNORECASE)
# Types may come from users, with their uploads.
_MAX_VERDICTS: Final = 500


def _directives(value: str) -> dict[str, str]:
    """Return the directives of a field in lower case, each with its text."""
    return {part.strip().partition("=")[0].lower(): part.strip() for part in value.split(",") if part.strip()}


def _check_value(value: str) -> str:
    for part in filter(None, (part.strip() for part in value.split(","))):
        found = _DIRECTIVE.fullmatch(part)
        if found is None:
            raise ValueError(f"{part!r} is no directive of Cache-Control; write for example 'public, max-age=60'")
        if found[1].lower() in _SECONDS and not (found[2] or "").isdecimal():
            raise ValueError(f"{part!r} needs a whole number of seconds, as in '{found[1]}=60'")
    names = _directives(value).keys()
    for one, other in _CONTRADICTIONS:
        if one in names and other in names:
            raise ValueError(f"{value!r} contradicts itself: it has {one!r} and {other!r}")
    return value


def _made_private(value: str) -> str:
    """Return the value for one user: shared caches must not store the response."""
    directives = _directives(value)
    if not value or "private" in directives or "no-store" in directives:
        return value
    kept = [text for name, text in directives.items() if name not in _SHARED]
    return ", ".join(["private", *kept])


@attrs.frozen
class _Policy:
    """A value, and the value for responses that are for one user; each with its field, which was checked."""

    value: str
    private: str
    fields: FixedHeaders
    private_fields: FixedHeaders

    @classmethod
    def of(cls, value: str) -> _Policy:
        private = _made_private(value)
        return cls(value, private, *(FixedHeaders({"Cache-Control": text}) for text in (value, private)))


def _as_option(value: object) -> _Policy | None:
    if value is False:
        return None
    if not isinstance(value, str) or not value:
        raise ValueError(f"write a value such as 'public, max-age=60', or False for no change, not {value!r:.60}")
    return _Policy.of(_check_value(value))


def _is_value(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    _check_value(value)


def _are_types(instance: object, attribute: attrs.Attribute[Mapping[str, str]], value: Mapping[str, str]) -> None:
    for pattern, text in value.items():
        if not re.fullmatch(r"[\w.+*-]+/[\w.+*-]+", pattern):
            raise ValueError(f"{pattern!r} is no pattern of media types; write it like 'image/*' or 'text/css'")
        _check_value(text)


def _read_only(mapping: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(mapping))


@attrs.frozen(kw_only=True)
class CacheControlConfig:
    """Settings of the plugin; "" sets no field.

    Attributes:
        default: value for responses to GET and HEAD that nothing else decides; private if the request has a cookie.
        types: value by pattern of media types, such as ``{"image/*": "public, max-age=3600"}``; the first one decides.
        errors: value for responses with a status from 400 on.
    """

    default: str = attrs.field(default="no-cache", validator=_is_value)
    types: Mapping[str, str] = attrs.field(factory=dict, converter=_read_only, validator=_are_types)
    errors: str = attrs.field(default="no-store", validator=_is_value)


@final
class CacheControlPlugin(Plugin[CacheControlConfig]):
    """Provide the middleware ``cache_control`` in the edge zone, and the option ``cache_control`` of routes."""

    info = PluginInfo(name="cache_control", route_options={"cache_control": _as_option})

    def provide_middleware(self, setup: Setup[CacheControlConfig]) -> list[Middleware]:
        """Return the middleware."""
        return [Middleware("cache_control", _around, zone="edge")]


def _around(next_handler: Handler, setup: Setup[CacheControlConfig]) -> Handler:
    control, errors = _Control(setup.config), setup.config.errors

    async def set_cache_control(request: Request) -> Response:
        try:
            response = await next_handler(request)
        except Exception:
            if errors:
                request.error_headers.setdefault("Cache-Control", errors)
            raise
        if request.head.method in _READING and response.status >= 200:
            return control.apply(request, response)
        return response

    return set_cache_control


class _Control:
    """Sets the field of the responses of one app."""

    def __init__(self, config: CacheControlConfig) -> None:
        self._default: Final = _Policy.of(config.default)
        self._errors: Final = _Policy.of(config.errors)
        self._types: Final = [
            (re.compile(re.escape(pattern).replace(r"\*", ".*")), _Policy.of(value))
            for pattern, value in config.types.items()
        ]
        self._by_type: Final[dict[str, _Policy | None]] = {}

    def apply(self, request: Request, response: Response) -> Response:
        """Return the response with the field."""
        headers = response.headers
        own, sets_cookie, varies = _look_at(headers)
        policy = self._policy(request, response)
        # A handler that sets the value of the policy gets its private form for a personal response.
        if own and (policy is None or own not in {policy.value, policy.private}):
            return _with(response, _made_private(own)) if sets_cookie and _made_private(own) != own else response
        if policy is None or not policy.value:
            return response
        is_personal = sets_cookie or varies or self._is_personal(request, policy)
        fields = policy.private_fields if is_personal else policy.fields
        if not own:
            # The handler may return the same response on a route with another policy.
            response = response.copy()
            response.headers.add_missing(fields)
            return response
        value = policy.private if is_personal else policy.value
        return response if own == value else _with(response, value)

    def _is_personal(self, request: Request, policy: _Policy) -> bool:
        """Return whether a request has the rights of a user."""
        lines = request.head.lines
        if lines and not request.vary and not _MAY_BE_PERSONAL.search(lines):
            # Nearly all requests. A look at the lines costs less than a look at the fields.
            return False
        fields = request.headers
        return (
            "authorization" in fields
            or any("cookie" in name.lower() for name in request.vary)
            or (policy is self._default and "cookie" in fields)
        )

    def _policy(self, request: Request, response: Response) -> _Policy | None:
        route = request.route
        chosen = self._default if route is None else route.options.get("cache_control", self._default)
        if response.status >= 400 and chosen is not None:
            return self._errors
        if chosen is not self._default or not self._types:
            return chosen  # type: ignore[return-value]  # the plugin has converted the option
        return self._of_type(response.content_type or "") or self._default

    def _of_type(self, content_type: str) -> _Policy | None:
        if content_type in self._by_type:
            return self._by_type[content_type]
        essence = content_type.partition(";")[0].strip(" \t").lower()
        found = next((policy for pattern, policy in self._types if pattern.fullmatch(essence)), None)
        if len(self._by_type) < _MAX_VERDICTS:
            self._by_type[content_type] = found
        return found


def _look_at(headers: MutableHeaders) -> tuple[str, bool, bool]:
    """Return the field of the handler, and whether the response sets a cookie, and varies by cookies."""
    own, sets_cookie, varies = "", False, False
    for name, value in headers.items():
        lower_name = name.lower()
        if lower_name == "cache-control":
            own = f"{own}, {value}" if own else value
        elif lower_name == "set-cookie":
            sets_cookie = True
        elif lower_name == "vary" and "cookie" in value.lower():
            varies = True
    return own, sets_cookie, varies


def _with(response: Response, value: str) -> Response:
    """Return a copy with a value, because the app may send its own response to other users as well."""
    changed = response.copy()
    changed.headers.set("Cache-Control", value)
    return changed
