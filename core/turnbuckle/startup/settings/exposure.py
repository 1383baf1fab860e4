"""Find settings that are right on a developer's machine and wrong where others reach the server."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from turnbuckle.diagnostics import Origin
from turnbuckle.plan import SettingValue
from turnbuckle.settings import Settings
from turnbuckle.startup.model.diagnostics import Diagnostics

__all__ = ["check_exposure"]


def check_exposure(settings: Settings, values: Mapping[str, SettingValue], diagnostics: Diagnostics) -> None:
    """Note that tracebacks are shown to whoever can reach the server, if that is more than its own machine."""
    server = settings.server
    if not settings.debug or server.unix or _is_loopback(server.host):
        return
    diagnostics.add(
        "TB211",
        f"debug is on, and {server.host!r} is no address of this machine alone",
        Origin(plugin="app", location=values["debug"].source),
        why="whoever reaches the server and makes it fail is shown its code and data",
        fix="turn debug off, or listen on 127.0.0.1",
        level="warning",
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # RFC 6761, section 6.3: these names are this machine wherever they are looked up.
        return host.lower().rstrip(".").rpartition(".")[2] == "localhost"
