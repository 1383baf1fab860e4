"""Call the factories of protocols: of whole connections, by ALPN name or first bytes, and of requests that upgrade."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from turnbuckle.plan import Plan
from turnbuckle.records import ProtocolProvider
from turnbuckle.server.model.application import ConnectionProtocol
from turnbuckle.setup import Setup
from turnbuckle.startup.compile.factories import ReportFailure
from turnbuckle.web.types import Handler

__all__ = ["WEBSOCKET_TOKEN", "connection_protocols", "upgrade_protocols"]

WEBSOCKET_TOKEN: Final = "websocket"
"""The token of WebSocket in the ``Upgrade`` field."""


def connection_protocols(
    plan: Plan,
    handle: Handler,
    setup_of: Callable[[str], Setup],
    report: ReportFailure,
) -> Iterator[tuple[ProtocolProvider, ConnectionProtocol]]:
    """Yield the protocols of whole connections, with their records.

    Args:
        plan: the plan of the app.
        handle: the handler of the whole app.
        setup_of: returns the setup of a plugin.
        report: reports a factory that failed.
    """
    for entry in plan.protocols:
        record, setup = entry.record, setup_of(entry.origin.plugin)
        if not record.alpn and not record.preface:
            continue
        try:
            factory = record.factory(handle, setup)
            if not callable(factory):
                raise TypeError(f"its factory returned {factory!r:.80}, which does not make an asyncio.Protocol")
        except Exception as error:  # noqa: BLE001  # a factory may raise anything
            report("TB506", f"protocol {record.name!r}", entry.origin, error)
            continue
        yield record, ConnectionProtocol(version=record.version or record.name, make=factory)


def upgrade_protocols(
    plan: Plan,
    dispatch: Handler,
    websockets: Handler | None,
    setup_of: Callable[[str], Setup],
    report: ReportFailure,
) -> Iterator[tuple[str, Handler]]:
    """Yield the handlers of requests that offer a protocol, with the token of the ``Upgrade`` field in lower case.

    Args:
        plan: the plan of the app.
        dispatch: the next handler of most protocols.
        websockets: the next handler of WebSocket; None if the app has no routes for it.
        setup_of: returns the setup of a plugin.
        report: reports a factory that failed.
    """
    for entry in plan.protocols:
        record, token = entry.record, entry.record.upgrade.lower()
        if not token:
            continue
        try:
            next_handler = websockets if token == WEBSOCKET_TOKEN and websockets is not None else dispatch
            handler = record.factory(next_handler, setup_of(entry.origin.plugin))
            if not callable(handler):
                raise TypeError(f"its factory returned {handler!r:.80}, which is not a handler")
        except Exception as error:  # noqa: BLE001  # a factory may raise anything
            report("TB506", f"protocol {record.name!r}", entry.origin, error)
            continue
        yield token, handler
