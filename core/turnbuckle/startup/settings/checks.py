"""Check the settings as a whole: unused ones, unsafe ones, and the secrets among their values."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, cast

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.plan import SettingValue
from turnbuckle.settings import Settings
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.startup.settings.given_values import Key, as_tree, variable_name
from turnbuckle.startup.settings.layers import Layers
from turnbuckle.startup.settings.problems import SettingProblems

__all__ = ["check_exposure", "check_idle_timeout", "check_listeners", "check_unused", "secret_texts"]

# Seconds that nginx and Amazon's load balancers keep idle connections to servers by default.
_PROXY_KEEP_ALIVE: Final = 60


def check_unused(
    layers: Layers,
    values: Mapping[str, SettingValue],
    claims: Collection[str | Key],
    plugins: Collection[str],
    diagnostics: Diagnostics,
) -> None:
    """Report the settings that no class of settings has used.

    Args:
        layers: the sources.
        values: all settings, by key.
        claims: the variables of the environment, and the keys of the command line, that gave a value.
        plugins: names of the plugins that are known.
        diagnostics: collects the mistakes.
    """
    problems = SettingProblems(diagnostics)
    for flag, text in layers.flags.items():
        if flag not in claims:
            problems.unknown(flag, text.source, values)
    for variable, text in layers.environ.items():
        if variable not in claims:
            known = {"TURNBUCKLE_" + variable_name(tuple(key.split("."))) for key in values}
            problems.unknown_variable(text.source[1:], known)
    for name in as_tree(layers.file.values.get("plugin")):
        if name not in plugins:
            problems.unknown_plugin(name, layers.file.location(("plugin", name)), plugins)


def check_listeners(settings: Settings, values: Mapping[str, SettingValue], diagnostics: Diagnostics) -> None:
    """Report the settings that name addresses beside ``server.bind``, and would have no effect."""
    if not settings.server.bind:
        return
    bind = values["server.bind"]
    for key in ("host", "port", "unix", "fds"):
        other = values[f"server.{key}"]
        if other.source == "default" or other.value in ("", ()):
            continue
        diagnostics.add(
            "TB212",
            f"server.bind and server.{key} both name the address to listen on",
            Origin(plugin="app", location=bind.source),
            Origin(plugin="app", location=other.source),
            why=f"server.bind is the list of all addresses with their ports, so server.{key} would have no effect",
            fix=f"remove server.{key}, and add its address to server.bind; or remove server.bind",
        )


def check_idle_timeout(settings: Settings, values: Mapping[str, SettingValue], diagnostics: Diagnostics) -> None:
    """Give a hint if connections from a proxy end earlier than common proxies expect."""
    idle = settings.timeouts.idle
    keys = [key for key, is_set in _signs_of_proxies(settings) if is_set]
    if not keys or not 0 < idle <= _PROXY_KEEP_ALIVE:
        return
    diagnostics.add(
        "TB213",
        f"timeouts.idle is {idle:g} s, but many proxies keep idle connections for {_PROXY_KEEP_ALIVE} s",
        *(Origin(plugin="app", location=f"{key} from {values[key].source}") for key in keys),
        why="a proxy that sends a request on a connection just as the server closes it answers 502",
        fix="set timeouts.idle to more than the keep-alive of the proxy, such as 75",
        level="hint",
    )


def _signs_of_proxies(settings: Settings) -> Iterator[tuple[str, bool]]:
    server = settings.server
    is_unix = any(endpoint.unix for endpoint in server.bind_address().endpoints)
    yield "proxy.protocol", settings.proxy.protocol
    yield "server.bind", is_unix and bool(server.bind)
    yield "server.unix", is_unix and not server.bind


def check_exposure(settings: Settings, values: Mapping[str, SettingValue], diagnostics: Diagnostics) -> None:
    """Warn if clients on other machines are shown tracebacks."""
    server = settings.server
    if not settings.debug or all(map(_is_loopback, server.hosts)):
        return
    exposed = next(host for host in server.hosts if not _is_loopback(host))
    diagnostics.add(
        "TB211",
        f"debug is on, and {exposed!r} is not an address that only this machine can reach",
        Origin(plugin="app", location=values["debug"].source),
        why="any client that makes the server fail is shown its code and data",
        fix="turn debug off, or listen on 127.0.0.1",
        level="warning",
    )


def secret_texts(values: Iterable[SettingValue]) -> tuple[str, ...]:
    """Return all texts in the values of secret settings, including values that another source has overruled."""
    found = dict.fromkeys(
        text
        for setting in values
        if setting.secret
        for value in (setting.value, *(overruled.value for overruled in setting.overruled))
        for text in _texts(value)
    )
    return tuple(text for text in found if text)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # RFC 6761, section 6.3: these names always resolve to the loopback address.
        return host.lower().rstrip(".").rpartition(".")[2] == "localhost"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif attrs.has(type(value)):
        yield from _texts(attrs.asdict(cast("attrs.AttrsInstance", value)))
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _texts(entry)
    elif isinstance(value, Iterable):
        for entry in value:
            yield from _texts(entry)
