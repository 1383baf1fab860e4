"""Answer that the connection changes its protocol (RFC 9110, sections 7.8 and 15.2.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, final

from turnbuckle.web.headers import HeaderPairs
from turnbuckle.web.response.response import Response

__all__ = ["SwitchProtocols"]


@final
class SwitchProtocols(Response):
    """Switch to another protocol, once this response is sent.

    The client must have offered it in ``Upgrade``, over HTTP/1.1; it is answered with 500 otherwise. The content of its
    request must have been read, if there is any; it is answered with 400 otherwise. When the server stops, a protocol
    that has a method ``close_when_idle()`` is told by it to part from its peer, and the transport of any other is
    closed;
    what is open when the time for that is over is cut off.

    Args:
        protocol: the name for the ``Upgrade`` field, such as ``"websocket"``.
        factory: makes what takes over the transport. ``connection_made`` is called once the head is written, then
            ``data_received`` with any octets that came early.
        headers: other fields of the response.
    """

    __slots__ = ("factory", "protocol")

    def __init__(
        self, protocol: str, factory: Callable[[], asyncio.Protocol], headers: HeaderPairs | None = None
    ) -> None:
        super().__init__(b"", 101, headers)
        self.headers.set("Upgrade", protocol)
        self.headers.set("Connection", "Upgrade")
        self.protocol: Final = protocol
        self.factory: Final = factory
