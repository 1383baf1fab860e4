"""Answer only for hosts that are one's own: anything else is an attack on links, caches and cookies, or a mistake.

Sources: RFC 9110, sections 7.2 (Host) and 15.5.20 (421); RFC 9112, section 3.2.2 (absolute-form).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable
from typing import Final, Literal, cast, final

import attrs

from turnbuckle import Handler, HTTPError, Middleware, Plugin, PluginInfo, Request, Response, Setup

__all__ = ["AllowedHostsConfig", "AllowedHostsPlugin"]

_ANY: Final = "*"
_PATTERN: Final = re.compile(r"(?:\*\.)?[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]+)*\.?|\[[0-9A-Fa-f:.]+\]|\*")
# The authority has passed the grammar of the connection; this takes the port off.
_HOST: Final = re.compile(r"(\[[^\]]*\]|[^:]*)(?::[0-9]*)?")


def _are_patterns(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for each in value:
        if not _PATTERN.fullmatch(each):
            raise ValueError(f'{each!r} is no host such as "example.com", "*.example.com" or "[::1]", without a port')
        _plain(each)


@attrs.frozen(kw_only=True)
class AllowedHostsConfig:
    """Settings of the plugin.

    Attributes:
        hosts: names and addresses without ports; "*.example.com" stands for all names below example.com, and "*" for
            any host.
        status: of the answer to all others: 400, or 421, which lets clients that share connections try another one.
    """

    hosts: tuple[str, ...] = attrs.field(
        default=("localhost", "127.0.0.1", "[::1]"), converter=tuple, validator=_are_patterns
    )
    status: Literal[400, 421] = 400


@final
class AllowedHostsPlugin(Plugin):
    """Puts the middleware ``allowed_hosts`` into the security zone."""

    info = PluginInfo(name="allowed_hosts", config=AllowedHostsConfig)

    def provide_middleware(self, setup: Setup) -> list[Middleware]:
        """Add the middleware."""
        return [Middleware("allowed_hosts", _around, zone="security")]


def _around(next_handler: Handler, setup: Setup) -> Handler:
    config = cast("AllowedHostsConfig", setup.config)
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
    exact = frozenset(_plain(each) for each in hosts if not each.startswith("*."))
    below = tuple(_plain(each)[1:] for each in hosts if each.startswith("*."))

    def is_allowed(authority: str) -> bool:
        found = _HOST.fullmatch(authority)
        if found is None or not found[1]:
            return False
        try:
            host = _plain(found[1])
        except ValueError:
            return False
        # Something has to stand before the dot.
        return host in exact or (bool(below) and host.endswith(below) and not host.startswith("."))

    return is_allowed


def _plain(host: str) -> str:
    """Return a host in the one form that all of its spellings share."""
    if host.startswith("["):
        return f"[{ipaddress.IPv6Address(host[1:-1])}]"
    return host.lower().removesuffix(".")
