"""Answer 503 while the app is being maintained (RFC 9110, section 15.6.4).

A setting or a file switches it on. The file works for all workers, and without a restart: ``touch /run/app/closed``
closes the app within a second, ``rm`` opens it. Browsers get a page, other clients Problem Details (RFC 9457), and both
``Retry-After``. Health checks, some addresses, and routes with the option ``maintenance=False`` are served as always.
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Awaitable, Callable
from html import escape
from pathlib import Path
from typing import Final, final

import attrs

from turnbuckle import (
    HTML,
    Handler,
    Middleware,
    Plugin,
    PluginInfo,
    Request,
    Response,
    Setup,
    TrustedAddresses,
)
from turnbuckle_contrib.problem_response import problem_response

__all__ = ["MaintenanceConfig", "MaintenancePlugin"]

_LOOK_AGAIN: Final = 1.0
_STYLE: Final = (
    "body{font:1.1rem system-ui,sans-serif;max-width:36rem;margin:20vh auto;padding:0 1.5rem;color-scheme:light dark}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Maintenance</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>Maintenance</h1>
<p>{message}</p>
</main>
</body>
</html>
"""


def _are_networks(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    TrustedAddresses(value)


def _are_paths(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for path in value:
        if not path.startswith("/"):
            raise ValueError(f"path {path!r} must start with a slash")


def _is_page(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value and not os.path.isfile(value):
        raise ValueError(f"page {value!r} is no file")


def _as_option(value: object) -> bool:
    if value is not False:
        raise ValueError(f"write False for a route that is served during maintenance, not {value!r:.60}")
    return False


@attrs.frozen(kw_only=True)
class MaintenanceConfig:
    """Settings of the plugin.

    Attributes:
        active: whether the app is being maintained.
        file: path of a file that switches maintenance on while it exists; "" for none.
        paths: paths that are served as always, each with all paths below it.
        allow: addresses and networks of clients that are served as always, and ``"unix"``.
        retry_after: seconds for ``Retry-After``; 0 for no such field.
        message: the text for clients.
        page: path of a file with the page for browsers, in UTF-8; "" for the page of the plugin.
    """

    active: bool = False
    file: str = ""
    paths: tuple[str, ...] = attrs.field(default=("/-/health",), validator=_are_paths)
    allow: tuple[str, ...] = attrs.field(default=(), validator=_are_networks)
    retry_after: int = attrs.field(default=300, validator=attrs.validators.ge(0))
    message: str = "We are working on this site. Please try again in a few minutes."
    page: str = attrs.field(default="", validator=_is_page)


@final
class MaintenancePlugin(Plugin[MaintenanceConfig]):
    """Provide the middleware ``maintenance`` in the edge zone, and the option ``maintenance`` of routes.

    Args:
        clock: returns seconds; the file is looked for once a second.
    """

    info = PluginInfo(name="maintenance", route_options={"maintenance": _as_option})

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock: Final = clock

    def provide_middleware(self, setup: Setup[MaintenanceConfig]) -> list[Middleware]:
        """Return the middleware."""
        outside = ("request_id", "proxy_headers", "server_timing")
        return [Middleware("maintenance", self._around, zone="edge", after=outside)]

    def _around(self, next_handler: Handler, setup: Setup[MaintenanceConfig]) -> Handler:
        config = setup.config
        if not config.active and not config.file:
            return next_handler
        is_on = _Switch(config, self._clock).is_on
        is_served = _Exemptions(config).covers
        answer = _Answers(config).make

        def check(request: Request) -> Awaitable[Response]:
            return next_handler(request) if not is_on() or is_served(request) else answer(request)

        return check


@final
class _Switch:
    """Whether the app is being maintained."""

    def __init__(self, config: MaintenanceConfig, clock: Callable[[], float]) -> None:
        self._config: Final = config
        self._clock: Final = clock
        self._is_on = config.active
        self._next_look = -1.0

    def is_on(self) -> bool:
        """Return whether the setting or the file says so."""
        now = self._clock()
        if now >= self._next_look and not self._config.active:
            self._next_look = now + _LOOK_AGAIN
            self._is_on = os.path.exists(self._config.file)
        return self._is_on


@final
class _Exemptions:
    """The requests that are served as always."""

    def __init__(self, config: MaintenanceConfig) -> None:
        self._paths: Final = tuple(path.rstrip("/") for path in config.paths)
        self._allow: Final = TrustedAddresses(config.allow)

    def covers(self, request: Request) -> bool:
        """Return whether a request is one of them."""
        path = request.path
        if any(path == prefix or path.startswith(f"{prefix}/") for prefix in self._paths):
            return True
        if self._allow and self._allow.trusts(request.client):
            return True
        route = request.find_route()
        return route is not None and "maintenance" in route.options


@final
class _Answers:
    """The responses in place of the app's."""

    def __init__(self, config: MaintenanceConfig) -> None:
        self._fields: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        if config.retry_after:
            self._fields["Retry-After"] = str(config.retry_after)
        self._html_fields = dict(self._fields)
        if config.page:
            self._page = Path(config.page).read_text(encoding="utf-8")
        else:
            self._page = _PAGE.format(style=_STYLE, message=escape(config.message))
            self._html_fields["Content-Security-Policy"] = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'"
        self._message: Final = config.message

    async def make(self, request: Request) -> Response:
        """Return the page for a browser, or Problem Details."""
        request.vary = (*request.vary, "Accept")
        # Not by weights: programs that send */* get Problem Details, and all browsers name the type.
        if "text/html" in request.headers.get("accept", "").lower():
            return HTML(self._page, 503, self._html_fields)
        return problem_response(503, self._message, self._fields)
