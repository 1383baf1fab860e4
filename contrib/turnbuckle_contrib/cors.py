"""Permit scripts of other origins to read responses: the CORS protocol of the Fetch standard, section 3.3.

A browser lets a page read only the responses of the same origin, unless the server permits more. Before a request that
no form could send, the browser asks with a preflight: OPTIONS with ``Access-Control-Request-Method``. It is answered
here for every path, also for one that does not exist, so that the script sees the 404 afterwards; handlers do not see
it. For other origins, everything is as without the plugin.

Nothing is protected by this: requests without a preflight are served for every origin, and only their responses cannot
be read. The plugin ``csrf`` refuses such requests. Only origins that the settings contain are ever sent back.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Final, final

import attrs

from turnbuckle import Handler, Middleware, MutableHeaders, Plugin, PluginInfo, Request, Response, Setup
from turnbuckle_contrib.origins import ANY, check_origin, compile_origins

__all__ = ["CORSConfig", "CORSPlugin"]

# token = 1*tchar (RFC 9110, section 5.6.2)
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ALLOW_ORIGIN: Final = "Access-Control-Allow-Origin"
_REQUEST_METHOD: Final = "access-control-request-method"
_REQUEST_HEADERS: Final = "Access-Control-Request-Headers"
_MAX_REQUESTED: Final = 100


def _are_origins(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for origin in value:
        if origin != ANY:
            check_origin(origin)


def _are_tokens(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for name in value:
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{attribute.name} contains {name!r}, which is no name")


def _are_methods(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    _are_tokens(instance, attribute, value)
    for name in value:
        if name != name.upper():
            raise ValueError(f"methods are compared with regard to case; write {name.upper()!r}, not {name!r}")


@attrs.frozen(kw_only=True)
class CORSConfig:
    """Settings of the plugin.

    Attributes:
        origins: origins whose scripts may read responses, such as "https://app.example.com", "https://*.example.com"
            for all names below a host, or "*" for all.
        methods: methods that scripts may use, besides GET, HEAD and POST.
        headers: fields that scripts may set, besides those that every page may set; "*" for all.
        exposed: fields of responses that scripts may read, besides those that every page may read; "*" for all.
        credentials: whether browsers send cookies and certificates, and let scripts read the responses.
        max_age: seconds that a browser may remember the answer to a preflight.
        private_network: whether pages from the internet may reach this server in a private network.
    """

    origins: tuple[str, ...] = attrs.field(default=(), converter=tuple, validator=_are_origins)
    methods: tuple[str, ...] = attrs.field(
        default=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"), converter=tuple, validator=_are_methods
    )
    headers: tuple[str, ...] = attrs.field(
        default=("Authorization", "Content-Type"), converter=tuple, validator=_are_tokens
    )
    exposed: tuple[str, ...] = attrs.field(default=(), converter=tuple, validator=_are_tokens)
    credentials: bool = False
    max_age: int = attrs.field(default=600, validator=attrs.validators.ge(0))
    private_network: bool = False

    def __attrs_post_init__(self) -> None:
        if self.credentials and ANY in self.origins:
            raise ValueError(
                "credentials for the origins '*' would let every page read the data of every user; list the origins"
            )
        if self.credentials and ANY in self.exposed:
            raise ValueError("with credentials, browsers take '*' in exposed as a name; list the fields")
        if self.private_network and ANY in self.origins:
            raise ValueError(
                "private_network for the origins '*' would let every page reach this server; list the origins"
            )


@final
class CORSPlugin(Plugin[CORSConfig]):
    """Provide the middleware ``cors`` in the security zone."""

    info = PluginInfo(name="cors")

    def provide_middleware(self, setup: Setup[CORSConfig]) -> list[Middleware]:
        """Return the middleware."""
        return [Middleware("cors", _around, zone="security", before=("csrf",))]


def _around(next_handler: Handler, setup: Setup[CORSConfig]) -> Handler:
    config = setup.config
    if not config.origins:
        return next_handler
    is_allowed = compile_origins(config.origins)
    is_public = ANY in config.origins
    answer = _Answer(config)

    async def with_fields(request: Request, origin: str) -> Response:
        try:
            response = await next_handler(request)
        except Exception:
            answer.permit(request.error_headers, origin)
            raise
        if not is_public:
            # The handler may return the same response to scripts of another origin.
            response = response.copy()
        answer.permit(response.headers, origin)
        return response

    def share(request: Request) -> Awaitable[Response]:
        headers = request.headers
        origin = headers.get("origin")
        if not is_public:
            # The field decides about the response, even if it is missing.
            request.vary = (*request.vary, "Origin")
        if origin is None:
            return with_fields(request, "") if is_public else next_handler(request)
        if not is_allowed(origin) or len(headers.get_list("origin")) > 1:
            return next_handler(request)
        if request.method == "OPTIONS" and _REQUEST_METHOD in headers:
            return answer.preflight(request, origin)
        return with_fields(request, origin)

    return share


@final
class _Answer:
    """The fields of responses, made once from the settings."""

    def __init__(self, config: CORSConfig) -> None:
        self._is_public: Final = ANY in config.origins
        self._mirrors: Final = ANY in config.headers
        credentials = [("Access-Control-Allow-Credentials", "true")] if config.credentials else []
        exposed = [("Access-Control-Expose-Headers", ", ".join(config.exposed))] if config.exposed else []
        self._fields: Final = (*credentials, *exposed)
        self._takes_private_network: Final = config.private_network
        lists = {
            "Access-Control-Allow-Methods": ", ".join(config.methods),
            "Access-Control-Allow-Headers": "" if self._mirrors else ", ".join(config.headers),
            "Access-Control-Max-Age": str(config.max_age),
        }
        self._preflight: Final = (*credentials, *((name, value) for name, value in lists.items() if value))

    def permit(self, headers: MutableHeaders, origin: str) -> None:
        """Add the fields to a response, unless a handler or an inner scope has decided."""
        if _ALLOW_ORIGIN in headers:
            return
        headers.add(_ALLOW_ORIGIN, ANY if self._is_public else origin)
        for name, value in self._fields:
            headers.set(name, value)

    async def preflight(self, request: Request, origin: str) -> Response:
        """Answer a preflight.

        Methods and fields that are not allowed are not refused here: the browser compares the lists, and reports the
        name that is missing.

        Args:
            request: the preflight.
            origin: its origin, which is permitted.
        """
        headers = MutableHeaders(self._preflight)
        headers.add(_ALLOW_ORIGIN, ANY if self._is_public else origin)
        if self._mirrors:
            request.vary = (*request.vary, _REQUEST_HEADERS)
            names = _requested(request)
            if names:
                headers.add("Access-Control-Allow-Headers", names)
        if self._takes_private_network and request.headers.get("access-control-request-private-network") == "true":
            headers.add("Access-Control-Allow-Private-Network", "true")
        return Response(status=204, headers=headers.items())


def _requested(request: Request) -> str:
    """Return the names of the fields that a preflight asks for, if all of them are names."""
    names = [name.strip(" \t") for name in ",".join(request.headers.get_list(_REQUEST_HEADERS)).split(",")]
    if len(names) > _MAX_REQUESTED or not all(map(_TOKEN.fullmatch, names)):
        return ""
    return ", ".join(names)
