"""Redirect requests without TLS to https (RFC 9110, section 15.4.9).

A proxy that ends TLS is recognized with the plugin ``proxy_headers``, which runs further outside. The host of the
redirect is the host of the request, which a client chooses, so ``allowed_hosts`` should check it first; or it is fixed
in the settings. In debug mode, nothing is redirected.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable
from typing import Final, Literal, final

import attrs

from turnbuckle import (
    BadRequest,
    Diagnostic,
    Handler,
    Middleware,
    Plan,
    Plugin,
    PluginInfo,
    Redirect,
    Request,
    Response,
    Setup,
)

__all__ = ["HTTPSRedirectConfig", "HTTPSRedirectPlugin"]

_HINT: Final = "TB451"
_HOST: Final = re.compile(r"[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]+)*\.?|\[[0-9A-Fa-f:.]+\]")
_PORT: Final = re.compile(r":[0-9]*\Z")
_DEFAULT_PORT: Final = 443

_log: Final = logging.getLogger("turnbuckle.https_redirect")


def _is_host(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value and not _HOST.fullmatch(value):
        raise ValueError(f"host is a name such as 'example.com', without scheme and port, and not {value!r}")


def _are_paths(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for path in value:
        if not path.startswith("/") or path.endswith("/"):
            raise ValueError(f"a path in exempt starts with a slash and does not end with one, unlike {path!r}")


@attrs.frozen(kw_only=True)
class HTTPSRedirectConfig:
    """Settings of the plugin.

    Attributes:
        host: the host to redirect to; "" for the host of the request.
        port: the port of https.
        status: status of the redirect; after 307 and 308, clients repeat the request with its method and content.
        exempt: paths that are served without TLS, with all paths below them.
    """

    host: str = attrs.field(default="", validator=_is_host)
    port: int = attrs.field(
        default=_DEFAULT_PORT, validator=attrs.validators.and_(attrs.validators.ge(1), attrs.validators.le(65535))
    )
    status: Literal[301, 302, 307, 308] = 308
    exempt: tuple[str, ...] = attrs.field(
        default=("/-/health", "/.well-known/acme-challenge"), converter=tuple, validator=_are_paths
    )


@final
class HTTPSRedirectPlugin(Plugin[HTTPSRedirectConfig]):
    """Provide the middleware ``https_redirect`` in the security zone, inside of ``allowed_hosts``."""

    info = PluginInfo(name="https_redirect")

    def provide_middleware(self, setup: Setup[HTTPSRedirectConfig]) -> list[Middleware]:
        """Return the middleware."""
        inside = ("security_headers", "cors", "csrf")
        return [Middleware("https_redirect", _around, zone="security", after=("allowed_hosts",), before=inside)]

    def review_plan(self, plan: Plan) -> list[Diagnostic]:
        """Give a hint if clients choose the host of the redirect."""
        scopes = list(plan.root.walk())
        configs = [config for scope in scopes for config in scope.configs.values()]
        is_open = any(isinstance(config, HTTPSRedirectConfig) and not config.host for config in configs)
        names = {entry.record.name for scope in scopes for entry in scope.middleware}
        if not is_open or "allowed_hosts" in names or any(found.code == _HINT for found in plan.diagnostics):
            return []
        return [
            Diagnostic(
                level="hint",
                code=_HINT,
                text="https_redirect redirects to any host that a client sends",
                why="a cache that stores such a redirect sends other clients to a foreign host",
                fix="enable allowed_hosts with the hosts of the app, or set plugin.https_redirect.host",
            )
        ]


def _around(next_handler: Handler, setup: Setup[HTTPSRedirectConfig]) -> Handler:
    if setup.debug:
        return next_handler
    config = setup.config
    below = tuple(f"{path}/" for path in config.exempt)
    hint = _ProxyHint()

    async def redirect(request: Request) -> Response:
        hint.give(request)
        return Redirect(_location(request, config), config.status)

    def upgrade(request: Request) -> Awaitable[Response]:
        if request.scheme == "https":
            return next_handler(request)
        path = request.raw_path
        if path in config.exempt or path.startswith(below) or path == "*":
            return next_handler(request)
        return redirect(request)

    return upgrade


def _location(request: Request, config: HTTPSRedirectConfig) -> str:
    host = config.host or _PORT.sub("", request.host)
    if not _HOST.fullmatch(host):
        raise BadRequest("this request has no host to redirect to")
    port = "" if config.port == _DEFAULT_PORT else f":{config.port}"
    return f"https://{host}{port}{request.with_prefix(request.raw_path, request.query)}"


@final
class _ProxyHint:
    """Logs once that a proxy seems to end TLS, which would redirect its clients for ever."""

    def __init__(self) -> None:
        self._is_given = False

    def give(self, request: Request) -> None:
        """Log the hint if the request has the field of such a proxy."""
        if not self._is_given and request.headers.get("x-forwarded-proto", "").lower() == "https":
            self._is_given = True
            _log.warning(
                "a request came without TLS, with X-Forwarded-Proto: https from %s, and is redirected; if this is a"
                " proxy that ends TLS, enable the plugin proxy_headers and trust it",
                request.client[0] if request.client else "a Unix socket",
            )
