"""All settings of the server and the app, as attrs classes; their docstrings are the settings reference.

A section is a field whose type is an attrs class. With the metadata ``{"short": "name"}``, a single value for the
section sets that one of its settings. The metadata ``{"secret": True}`` excludes a value from all output.
``turnbuckle.startup.model.sources`` describes the sources of values and their precedence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import attrs

from turnbuckle._frozen_mapping import frozen_mapping
from turnbuckle.http.limits import Limits
from turnbuckle.server.listen.addresses import BindAddress, are_endpoints, is_mode
from turnbuckle.server.listen.proxied_connection import ProxySettings
from turnbuckle.server.logs.setup import LogSettings
from turnbuckle.server.model.capacity import Capacity
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.server.tls.context import TLS
from turnbuckle.server.workers.reloader import Reload
from turnbuckle.server.workers.settings import Workers
from turnbuckle.web.content.forms import FormLimits

__all__ = [
    "MiddlewareSettings",
    "ParserSettings",
    "PluginsSettings",
    "RoutingSettings",
    "ServerSettings",
    "Settings",
]

_Validator: TypeAlias = Callable[[object, "attrs.Attribute[int]", int], None]


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
    """The address that the server listens on, and how it listens.

    Attributes:
        host: address to listen on, or a list of addresses, such as ``["0.0.0.0", "::"]`` for IPv4 and IPv6; separated
            by commas on the command line and in the environment.
        port: TCP port to listen on; 0 lets the system choose.
        bind: several addresses to listen on, each with its port, and Unix sockets and inherited sockets beside them,
            such as ``["127.0.0.1:8000", "[::1]:8001", "unix:/run/app.sock", "fd:3"]``; instead of host, port, unix and
            fds.
        unix: path of a Unix socket to listen on instead of host and port, or ``@name`` for one without a file on Linux;
            "" for none.
        unix_mode: octal mode of the socket file, such as "660"; "" leaves it to the umask.
        unix_owner: name or number of the user that owns the socket file; "" for the user of the process.
        unix_group: name or number of the group that owns the socket file; "" for the group of the process.
        backlog: number of connections that may wait to be accepted.
        reuse_port: let several processes listen on the same port.
        fds: numbers of inherited sockets to listen on instead of host and port. Sockets from systemd are found without
            this setting, and take precedence over the other addresses.
        fd_name: name of the systemd sockets to listen on; "" for all of them.
        ready_file: path of a file that exists while connections are accepted and contains the process ID and the
            addresses; "" for none.
        loop: the event loop; "auto" is uvloop if it is installed.
        cancel_on_disconnect: cancel a handler when its client disconnects before the response. A client that closes its
            side of the connection after the request counts as disconnected; streams detect a disconnect in no other
            way.
        threads: number of threads for plain ``def`` handlers, files and other blocking calls; 0 for Python's default,
            which is four more than the processors, and at most 32. A thread that waits for content does not count.
        watchdog: seconds that the event loop may be blocked before the request, the route and the line of code are
            logged; 0 for never.
    """

    host: str | tuple[str, ...] = "127.0.0.1"
    port: int = attrs.field(default=8000, validator=_between(0, 65535))
    bind: tuple[str, ...] = attrs.field(default=(), validator=are_endpoints)
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
    threads: int = attrs.field(default=0, validator=_between(0, 10_000))
    watchdog: float = attrs.field(default=1.0, validator=_seconds)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names and addresses of hosts to listen on; none if all sockets are Unix sockets or inherited."""
        return tuple(host for endpoint in self.bind_address().endpoints for host in endpoint.hosts)

    def bind_address(self) -> BindAddress:
        """Return the address to listen on."""
        return BindAddress(
            host=self.host,
            port=self.port,
            bind=self.bind,
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
    """The parser of requests, and the shadow parser; ``parser = "x"`` is short for ``parser.name = "x"``.

    Attributes:
        name: name of the parser; "" leaves the choice to plugins and defaults.
        shadow: name of a second parser that reads the same bytes on some connections; differences are logged and have
            no other effect. "" for none.
        shadow_sample: the fraction of connections with a shadow parser.
    """

    name: str = ""
    shadow: str = ""
    shadow_sample: float = attrs.field(default=0.01, validator=_share)


@attrs.frozen(kw_only=True)
class RoutingSettings:
    """Settings of path matching.

    Attributes:
        trailing_slash: handling of a path that differs from a route only in its trailing slash: "strict" answers 404,
            "redirect" redirects to the path of the route, "ignore" treats both paths alike.
    """

    trailing_slash: Literal["strict", "redirect", "ignore"] = "strict"


@attrs.frozen(kw_only=True)
class MiddlewareSettings:
    """Settings of the middleware chain.

    Attributes:
        order: names of all middleware of the app, outermost first; overrides zones, before and after. If empty, the
            order is computed.
        chain: name of the middleware chain that requests run through; empty for no chain.
        chains: names of the chains of scopes, by their prefix, such as "/api".
        without: names of middleware, or of plugins, that requests do not run through.
    """

    order: tuple[str, ...] = ()
    chain: str = ""
    chains: Mapping[str, str] = attrs.field(factory=dict)
    without: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class PluginsSettings:
    """The choice of plugins.

    Attributes:
        enabled: names of plugins to enable.
        disabled: names of plugins to disable, even if they are enabled elsewhere.
        optional: names of plugins that are quarantined with a warning if they fail.
        autoload: enable every installed plugin. A new dependency can then change the middleware chain.
    """

    enabled: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    autoload: bool = False


@attrs.frozen(kw_only=True)
class Settings:
    """All settings except plugin settings, which are under ``[plugin.NAME]``.

    Attributes:
        debug: show tracebacks to clients. Never enable it in production: tracebacks reveal code and data.
        parser: the parser of requests, and the shadow parser.
        router: name of the router; "" leaves the choice to plugins and defaults.
        components: name of the component for each kind, such as ``json = "msgspec"``.
        server: the address that the server listens on, and how it listens.
        log: the content, the format and the destination of logs.
        limits: maximum sizes of the parts of a request.
        forms: maximum sizes of the parts of a form.
        timeouts: maximum waiting times of a connection.
        capacity: maximum load of the server and of each connection.
        workers: the number of worker processes, and when they are replaced.
        reload: the files that ``--reload`` watches.
        tls: certificates and protocol versions of secured connections.
        proxy: the proxies that are trusted to send the PROXY protocol.
        routing: settings of path matching.
        middleware: the order of the middleware chain.
        plugins: the choice of plugins.
    """

    debug: bool = False
    parser: ParserSettings = attrs.field(factory=ParserSettings, metadata={"short": "name"})
    router: str = ""
    components: Mapping[str, str] = attrs.field(factory=dict, converter=frozen_mapping)
    server: ServerSettings = attrs.field(factory=ServerSettings)
    log: LogSettings = attrs.field(factory=LogSettings)
    limits: Limits = attrs.field(factory=Limits)
    forms: FormLimits = attrs.field(factory=FormLimits)
    timeouts: Timeouts = attrs.field(factory=Timeouts)
    capacity: Capacity = attrs.field(factory=Capacity)
    workers: Workers = attrs.field(factory=Workers)
    reload: Reload = attrs.field(factory=Reload)
    tls: TLS = attrs.field(factory=TLS)
    proxy: ProxySettings = attrs.field(factory=ProxySettings)
    routing: RoutingSettings = attrs.field(factory=RoutingSettings)
    middleware: MiddlewareSettings = attrs.field(factory=MiddlewareSettings)
    plugins: PluginsSettings = attrs.field(factory=PluginsSettings)
