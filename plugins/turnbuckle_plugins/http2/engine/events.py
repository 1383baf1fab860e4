"""The events that the engine reports for received bytes, and the record of a stream."""

from __future__ import annotations

from collections import deque
from typing import Final, TypeAlias, final

import attrs

from turnbuckle_plugins.http2.engine.field_codec import FieldPair
from turnbuckle_plugins.http2.engine.priorities import DEFAULT_PRIORITY, Priority
from turnbuckle_plugins.http2.engine.request_fields import RequestFields

__all__ = [
    "DataReceived",
    "Event",
    "MessageEnded",
    "RequestReceived",
    "Stream",
    "StreamReset",
]


@final
@attrs.define(eq=False)
class Stream:
    """One stream, from its HEADERS frame until both sides have ended it or one has reset it.

    Attributes:
        id: its number.
        send_window: bytes of data that the peer allows; negative after it has reduced its initial window.
        receive_window: bytes of data that the peer may still send.
        unannounced: bytes that were consumed, and for which no WINDOW_UPDATE was sent yet.
        expected: bytes of content that the peer has announced; None if it has announced none.
        received: bytes of content that were received.
        has_ended: whether the peer has sent END_STREAM.
        is_sending_done: whether END_STREAM was sent, or will follow the pending data.
        is_closed: whether both sides have ended, or one has reset the stream.
        pending: data that the windows or the transport do not take yet.
        pending_size: bytes in ``pending``.
        ends_after: whether END_STREAM follows ``pending``.
        trailers: the trailer fields that follow ``pending``.
        priority: the priority of its response.
        owner: the object of the connection that serves the stream.
    """

    id: Final[int]
    send_window: int
    receive_window: int
    expected: int | None = None
    unannounced: int = 0
    received: int = 0
    has_ended: bool = False
    is_sending_done: bool = False
    is_closed: bool = False
    pending: deque[bytes | memoryview] = attrs.Factory(deque)
    pending_size: int = 0
    ends_after: bool = False
    trailers: tuple[FieldPair, ...] = ()
    priority: Priority = DEFAULT_PRIORITY
    owner: object = None


@final
@attrs.define(eq=False)
class RequestReceived:
    """A request began; ``ends`` if it has no content."""

    stream: Stream
    fields: RequestFields
    ends: bool


@final
@attrs.define(eq=False)
class DataReceived:
    """Content was received; ``Engine.consume`` lets the peer send as much again."""

    stream: Stream
    data: bytes


@final
@attrs.define(eq=False)
class MessageEnded:
    """The content has ended."""

    stream: Stream
    trailers: tuple[FieldPair, ...] = ()


@final
@attrs.define(eq=False)
class StreamReset:
    """A stream was reset.

    Attributes:
        stream: the stream; a new object if it was never opened, or closed before.
        code: the error code.
        reason: the error of the peer, because of which the server has reset it; "" if the peer has.
    """

    stream: Stream
    code: int
    reason: str = ""


Event: TypeAlias = RequestReceived | DataReceived | MessageEnded | StreamReset
