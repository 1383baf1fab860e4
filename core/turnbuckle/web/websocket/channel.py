"""The interface between a WebSocket and the part that carries its messages, and the close codes of RFC 6455.

A *channel* carries whole messages: the plugin ``websocket`` reads and writes frames, and an ASGI host passes its
messages. Handlers do not use a channel directly; ``WebSocket`` does.
"""

from __future__ import annotations

from typing import Final, Protocol

from turnbuckle.errors import ConnectionLost

__all__ = ["MessageChannel", "WebSocketClosed", "check_close"]

# Section 7.4, and the IANA registry of close codes: these may be sent. 1005, 1006 and 1015 only describe an end.
_REGISTERED: Final = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})
# Section 5.5: the payload of a control frame has 125 bytes at most, and the code takes two of them.
_MAX_REASON: Final = 123


class WebSocketClosed(ConnectionLost):
    """The WebSocket is closed, so that nothing can be received or sent.

    Args:
        code: the close code (RFC 6455, section 7.4): 1005 if the peer gave none, 1006 if the connection was lost
            without a closing handshake.
        reason: the reason that was given with the code.
        was_clean: whether both sides have closed as the protocol demands.
    """

    def __init__(self, code: int, reason: str = "", was_clean: bool = True) -> None:
        super().__init__(f"the WebSocket is closed with code {code}" + (f": {reason}" if reason else ""))
        self.code: Final = code
        self.reason: Final = reason
        self.was_clean: Final = was_clean


class MessageChannel(Protocol):
    """Carries the messages of one WebSocket in both directions."""

    async def receive(self) -> str | bytes:
        """Return the next message; text as ``str``, binary as ``bytes``.

        Raises:
            WebSocketClosed: there are no more messages.
            RuntimeError: another task is waiting for a message already.
        """

    async def send(self, message: str | bytes) -> None:
        """Send a message, and wait while the peer reads too slowly. Messages of several tasks are never mixed.

        Raises:
            WebSocketClosed: the WebSocket is closed.
        """

    def send_nowait(self, message: str | bytes) -> bool:
        """Send a message if the peer reads, and return whether it was sent.

        A carrier that cannot send without waiting returns False, as this does.

        Raises:
            WebSocketClosed: the WebSocket is closed.
        """
        return False

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the WebSocket, and wait for the end of the closing handshake; do nothing if it is closed."""


def check_close(code: int, reason: str) -> None:
    """Validate a close code and its reason before they are sent.

    Raises:
        ValueError: the code is reserved or not registered, or the reason has more than 123 bytes.
    """
    if code not in _REGISTERED and not 3000 <= code <= 4999:
        raise ValueError(
            f"close code {code!r} cannot be sent; use 1000, another registered code, or one from 3000 to 4999"
        )
    size = len(reason.encode())
    if size > _MAX_REASON:
        raise ValueError(f"close reason of {size} bytes exceeds {_MAX_REASON}")
