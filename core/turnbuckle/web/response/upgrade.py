"""The response that switches a connection to another protocol (RFC 9110, sections 7.8 and 15.2.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import attrs

from turnbuckle.web.headers import HeaderPairs
from turnbuckle.web.response.response import Response

__all__ = ["SwitchProtocols", "SwitchedEnd"]


@attrs.frozen(kw_only=True)
class SwitchedEnd:
    """How another protocol has ended on a connection, for the access log.

    Attributes:
        sent_bytes: bytes of content that were sent.
        is_complete: whether both sides have ended it as the protocol demands.
        reason: the end, in words.
    """

    sent_bytes: int
    is_complete: bool
    reason: str


class SwitchProtocols(Response):
    """A response after which the connection switches to another protocol.

    The client must have offered the protocol in ``Upgrade``, over HTTP/1.1; otherwise the response is a 500. If the
    request has content, it must have been read; otherwise the response is a 400.

    When the server stops, it calls ``close_when_idle()`` of a protocol that has this method, and closes the transport
    of any other protocol. The access log has the ``SwitchedEnd`` that ``describe_end()`` of a protocol returns, if it
    has this method. Connections that are still open when the shutdown timeout ends are aborted.

    Args:
        protocol: the name for the ``Upgrade`` field, such as ``"websocket"``.
        factory: creates the protocol that takes over the transport. ``connection_made`` is called once the head is
            written, then ``data_received`` with any bytes that were received early.
        headers: other fields of the response.

    Attributes:
        protocol, factory: see above.
        task: the task that serves the connection after the switch; None if no task does. A server that stops waits for
            it, and cancels it when it aborts the connection.
    """

    __slots__ = ("factory", "protocol", "task")

    def __init__(
        self, protocol: str, factory: Callable[[], asyncio.Protocol], headers: HeaderPairs | None = None
    ) -> None:
        super().__init__(b"", 101, headers)
        self.headers.set("Upgrade", protocol)
        self.headers.set("Connection", "Upgrade")
        self.protocol: Final = protocol
        self.factory = factory
        self.task: asyncio.Task[None] | None = None
