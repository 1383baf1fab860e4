"""All settings of the server and the app, as attrs classes; their docstrings are the reference of settings.

A section is a field whose type is an attrs class. Metadata ``{"short": "name"}`` lets a lone value for a section stand
for one of its settings. Metadata ``{"secret": True}`` keeps a value out of every print. Where
values come from, and which source wins, is told in ``turnbuckle.startup.model.sources``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

import attrs

from turnbuckle.http.limits import Limits
from turnbuckle.server.listen.addresses import BindAddress, is_mode
from turnbuckle.server.listen.proxied_connection import ProxySettings
from turnbuckle.server.logs.setup import LogSettings
from turnbuckle.server.model.capacity import Capacity
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.server.tls.context import TLS
from turnbuckle.server.workers.reloader import Reload
from turnbuckle.server.workers.settings import Workers

__all__ = [
    "MiddlewareSettings",
    "ParserSettings",
    "PluginsSettings",
    "RoutingSettings",
    "ServerSettings",
    "Settings",
]

_Validator: TypeAlias = Callable[[object, "attrs.Attribute[int]", int], None]


def _read_only(mapping: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(mapping)


def _between(least: int, most: int) -> _Validator:
    def check(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
        if not least <= value <= most:
            raise ValueError(f"{attribute.name} must be from {least} to {most}, not {value!r}")

    return check


def _seconds(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value < math.inf:
        raise ValueError(f"{attribute.name} must be a number of seconds of at least 0, not {value!r}")


@attrs.frozen(kw_only=True)
class ServerSettings:
    """Where and how the server listens.

    Attributes:
        host: address to listen on.
        port: TCP port to listen on; 0 lets the system choose.
        unix: path of a Unix socket to listen on instead of host and port, or ``@name`` for one without a file on Linux;
            "" for none.
        unix_mode: octal mode of the file of the Unix socket, such as "660"; "" leaves it to the umask.
        unix_owner: name or number of the user that owns the file; "" for that of the process.
        unix_group: name or number of the group that owns the file; "" for that of the process.
        backlog: connections that may wait to be accepted.
        reuse_port: let several processes listen on the same port.
        fds: numbers of inherited sockets to listen on instead of host and port. Sockets that systemd passes are found
            without it.
        fd_name: of the sockets that systemd passes, those to listen on; "" for all.
        ready_file: path of a file that is there as long as connections are accepted, with the process id and the
            addresses in it; "" for none.
        loop: the event loop; "auto" is uvloop where it is installed.
        cancel_on_disconnect: cancel a handler when its client goes away before the response. A client that has sent
            its whole request and then no more counts as gone, which for streams, too, is told from nothing else.
        watchdog: seconds that the event loop may be blocked for before the log says by which request, route and line;
            0 for never.
    """

    host: str = "127.0.0.1"
    port: int = attrs.field(default=8000, validator=_between(0, 65535))
    unix: str = ""
    unix_mode: str = attrs.field(default="", validator=is_mode)
    unix_owner: str = ""
    unix_group: str = ""
    backlog: int = attrs.field(default=2048, validator=_between(1, 1_000_000))
    reuse_port: bool = False
    fds: tuple[int, ...] = ()
    fd_name: str = ""
    ready_file: str = ""
    loop: Literal["auto", "asyncio", "uvloop"] = "auto"
    cancel_on_disconnect: bool = False
    watchdog: float = attrs.field(default=1.0, validator=_seconds)

    def bind_address(self) -> BindAddress:
        """Return where the server is to listen."""
        return BindAddress(
            host=self.host,
            port=self.port,
            unix=self.unix,
            unix_mode=self.unix_mode,
            unix_owner=self.unix_owner,
            unix_group=self.unix_group,
            backlog=self.backlog,
            reuse_port=self.reuse_port,
            fds=self.fds,
        )


def _share(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{attribute.name} must be from 0 to 1, not {value!r}")


@attrs.frozen(kw_only=True)
class ParserSettings:
    """Which parser reads requests, and which one is compared with it; ``parser = "x"`` is short for
    ``parser.name = "x"``.

    Attributes:
        name: name of the parser to use; "" lets plugins and defaults decide.
        shadow: name of a second parser that reads the same octets on some connections; where the two disagree is
            logged, and never acted on. "" for none.
        shadow_sample: the share of connections that are shadowed.
    """

    name: str = ""
    shadow: str = ""
    shadow_sample: float = attrs.field(default=0.01, validator=_share)


@attrs.frozen(kw_only=True)
class RoutingSettings:
    """How paths are matched.

    Attributes:
        trailing_slash: what happens to a path that differs from a route by its last slash alone: "strict" answers 404,
            "redirect" sends the client to the route, "ignore" takes both for the same.
    """

    trailing_slash: Literal["strict", "redirect", "ignore"] = "strict"


@attrs.frozen(kw_only=True)
class MiddlewareSettings:
    """The order of the chain, where the solved one will not do.

    Attributes:
        order: names of all middleware of the app, outermost first; overrides zones, before and after. Empty: solved.
    """

    order: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class PluginsSettings:
    """Which plugins take part.

    Attributes:
        enabled: names of plugins to enable.
        disabled: names of plugins that stay out, whoever enables them.
        optional: names of plugins whose failure is a warning and leaves them out.
        autoload: enable every installed plugin. A server's chain then changes when a dependency appears.
    """

    enabled: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    autoload: bool = False


@attrs.frozen(kw_only=True)
class Settings:
    """All settings but those of plugins, which have their own under ``[plugin.NAME]``.

    Attributes:
        debug: show tracebacks to clients. Never in production: they tell what the code and its data look like.
        parser: which parser reads requests, and which one is compared with it.
        router: name of the router to use; "" lets plugins and defaults decide.
        components: name of the component to use for each kind, such as ``json = "msgspec"``.
        server: where and how the server listens.
        log: what is logged, how a line looks, and where it goes.
        limits: how large each part of a request may be.
        timeouts: how long a connection waits for each thing.
        capacity: how much the server takes on at a time, and one connection may ask of it.
        workers: how many processes serve, and when one of them is replaced.
        reload: what is watched with ``--reload``.
        tls: how connections are secured.
        proxy: proxies that tell where connections come from.
        routing: how paths are matched.
        middleware: the order of the chain.
        plugins: which plugins take part.
    """

    debug: bool = False
    parser: ParserSettings = attrs.field(factory=ParserSettings, metadata={"short": "name"})
    router: str = ""
    components: Mapping[str, str] = attrs.field(factory=dict, converter=_read_only)
    server: ServerSettings = attrs.field(factory=ServerSettings)
    log: LogSettings = attrs.field(factory=LogSettings)
    limits: Limits = attrs.field(factory=Limits)
    timeouts: Timeouts = attrs.field(factory=Timeouts)
    capacity: Capacity = attrs.field(factory=Capacity)
    workers: Workers = attrs.field(factory=Workers)
    reload: Reload = attrs.field(factory=Reload)
    tls: TLS = attrs.field(factory=TLS)
    proxy: ProxySettings = attrs.field(factory=ProxySettings)
    routing: RoutingSettings = attrs.field(factory=RoutingSettings)
    middleware: MiddlewareSettings = attrs.field(factory=MiddlewareSettings)
    plugins: PluginsSettings = attrs.field(factory=PluginsSettings)
