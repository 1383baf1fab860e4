"""Answer only requests for the app's own hosts; other hosts are attacks on links, caches and cookies, or mistakes.

Sources: RFC 9110, sections 7.2 (Host) and 15.5.20 (421); RFC 9112, section 3.2.2 (absolute-form).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable
from typing import Final, Literal, final

import attrs

from turnbuckle import Handler, HTTPError, Middleware, Plugin, PluginInfo, Request, Response, Setup

__all__ = ["AllowedHostsConfig", "AllowedHostsPlugin"]

_ANY: Final = "*"
_PATTERN: Final = re.compile(r"(?:\*\.)?[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]+)*\.?|\[[0-9A-Fa-f:.]+\]|\*")
# The connection has checked the grammar of the authority; this separates the port.
_HOST: Final = re.compile(r"(\[[^\]]*\]|[^:]*)(?::[0-9]*)?")


def _are_patterns(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for pattern in value:
        if not _PATTERN.fullmatch(pattern):
            raise ValueError(
                f'{pattern!r} is not a host such as "example.com", "*.example.com" or "[::1]", without a port'
            )
        _normalize(pattern)


@attrs.frozen(kw_only=True)
class AllowedHostsConfig:
    """Settings of the plugin.

    Attributes:
        hosts: names and addresses without ports; "*.example.com" stands for all names below example.com, "*" for any
            host.
        status: status of the response to other hosts: 400, or 421, after which a client that shares connections may
            try another connection.
    """

    hosts: tuple[str, ...] = attrs.field(
        default=("localhost", "127.0.0.1", "[::1]"), converter=tuple, validator=_are_patterns
    )
    status: Literal[400, 421] = 400


@final
class AllowedHostsPlugin(Plugin[AllowedHostsConfig]):
    """Provide the middleware ``allowed_hosts`` in the security zone."""

    info = PluginInfo(name="allowed_hosts")

    def provide_middleware(self, setup: Setup[AllowedHostsConfig]) -> list[Middleware]:
        """Return the middleware."""
        return [Middleware("allowed_hosts", _around, zone="security")]


def _around(next_handler: Handler, setup: Setup[AllowedHostsConfig]) -> Handler:
    config = setup.config
    if _ANY in config.hosts:
        return next_handler
    is_allowed = _compile(config.hosts)
    status = config.status

    def check(request: Request) -> Awaitable[Response]:
        if not is_allowed(request.host):
            raise HTTPError(status, "this host is not served here")
        return next_handler(request)

    return check


def _compile(hosts: tuple[str, ...]) -> Callable[[str], bool]:
    exact = frozenset(_normalize(host) for host in hosts if not host.startswith("*."))
    below = tuple(_normalize(host)[1:] for host in hosts if host.startswith("*."))

    def is_allowed(authority: str) -> bool:
        if authority in exact:
            # The usual spelling, without a port.
            return True
        found = _HOST.fullmatch(authority)
        if found is None or not found[1]:
            return False
        try:
            host = _normalize(found[1])
        except ValueError:
            return False
        # There must be a label before the dot.
        return host in exact or (bool(below) and host.endswith(below) and not host.startswith("."))

    return is_allowed


def _normalize(host: str) -> str:
    """Return the normal form of a host."""
    if host.startswith("["):
        return f"[{ipaddress.IPv6Address(host[1:-1])}]"
    return host.lower().removesuffix(".")
