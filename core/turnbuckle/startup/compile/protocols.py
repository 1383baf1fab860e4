"""Call the factories of protocols that take over whole connections, by ALPN name or by first bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from turnbuckle.diagnostics import Origin
from turnbuckle.plan import Plan
from turnbuckle.records import ProtocolProvider
from turnbuckle.server.model.application import ConnectionProtocol
from turnbuckle.setup import Setup
from turnbuckle.web.types import Handler

__all__ = ["connection_protocols"]


def connection_protocols(
    plan: Plan,
    handle: Handler,
    setup_of: Callable[[str], Setup],
    report: Callable[[str, str, Origin, Exception], None],
) -> Iterator[tuple[ProtocolProvider, ConnectionProtocol]]:
    """Yield the protocols of whole connections, with their records.

    Args:
        plan: the plan of the app.
        handle: the handler of the whole app.
        setup_of: returns the setup of a plugin.
        report: reports a factory that failed: code, subject, origin and exception.
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
