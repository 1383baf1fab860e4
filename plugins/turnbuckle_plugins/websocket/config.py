"""The settings of the plugin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

__all__ = ["WebSocketConfig"]

_AT_LEAST_0: Final[Callable[..., None]] = attrs.validators.ge(0)
_AT_LEAST_1: Final[Callable[..., None]] = attrs.validators.ge(1)


def _are_origins(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for origin in value:
        scheme, _, host = origin.partition("://")
        if origin not in {"same", "*"} and (scheme not in {"http", "https"} or not host or "/" in host):
            raise ValueError(
                f"origins are 'same', '*', or origins such as 'https://app.example.com', and not {origin!r}"
            )


@attrs.frozen(kw_only=True)
class WebSocketConfig:
    """Settings of the plugin. All times are in seconds, all sizes in bytes.

    Attributes:
        origins: origins whose pages may open a WebSocket: "same" for the host of the request, "*" for all, or origins
            such as "https://app.example.com". Clients that send no Origin are no browsers, and are always allowed.
        max_message: largest message, after decompression; a larger one closes the WebSocket with 1009.
        max_frame: largest frame; 0 for the size of a message.
        queue: messages that wait for the handler; when there are more, the peer has to wait.
        handshake: time in which a handler accepts or refuses; the answer is 503 afterwards. 0 for no limit.
        ping_interval: a peer that has sent nothing for this time is pinged. 0 for no pings.
        ping_timeout: time in which the answer to a ping arrives; otherwise the connection is aborted (1006).
        idle: time without a message in either direction after which the WebSocket is closed with 1001; 0 for no limit.
        write_timeout: time in which a peer must read at least one byte of what waits for it; otherwise the connection
            is aborted (1006). 0 for no limit.
        close_timeout: time for the end of the closing handshake, and for the clean-up of a handler after its WebSocket
            was closed; the connection is aborted, and the handler cancelled, afterwards.
        compression: whether messages are compressed if the client offers permessage-deflate (RFC 7692).
        compression_minimum: smallest message that is compressed.
    """

    origins: tuple[str, ...] = attrs.field(default=("same",), validator=_are_origins)
    max_message: int = attrs.field(default=1024 * 1024, validator=_AT_LEAST_1)
    max_frame: int = attrs.field(default=0, validator=_AT_LEAST_0)
    queue: int = attrs.field(default=32, validator=_AT_LEAST_1)
    handshake: float = attrs.field(default=10.0, validator=_AT_LEAST_0)
    ping_interval: float = attrs.field(default=20.0, validator=_AT_LEAST_0)
    ping_timeout: float = attrs.field(default=20.0, validator=_AT_LEAST_0)
    idle: float = attrs.field(default=0.0, validator=_AT_LEAST_0)
    write_timeout: float = attrs.field(default=30.0, validator=_AT_LEAST_0)
    close_timeout: float = attrs.field(default=10.0, validator=_AT_LEAST_0)
    compression: bool = True
    compression_minimum: int = attrs.field(default=256, validator=_AT_LEAST_0)
