"""The carrier's end of one request: between the server's ``StreamRun`` and the engine.

Content is passed on while the handler keeps up. The rest waits here in one piece, so that a peer that sends one byte
per frame cannot make the server keep an object for each; the windows bound its size.

Sources: RFC 9113, sections 5.2, 8.1 and 8.4; RFC 8441, section 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, final

from turnbuckle import ProtocolError, StreamRun, SwitchProtocols
from turnbuckle_plugins.http2.engine.engine import Engine
from turnbuckle_plugins.http2.engine.events import Stream
from turnbuckle_plugins.http2.engine.field_codec import FieldPair
from turnbuckle_plugins.http2.engine.frames import ErrorCode

__all__ = ["RequestStream", "StreamOwner"]

# Bytes of a response that wait for windows or the transport before the handler has to wait.
_MAX_PENDING: Final = 65536

# Bytes and pieces of content that a handler may have before the following ones wait here.
_MAX_PASSED_ON: Final = 65536
_MAX_PIECES: Final = 16

_REDIRECTIONS: Final = 300
_NO_CONTENT: Final[Sequence[FieldPair]] = ((b"content-length", b"0"),)


class StreamOwner(Protocol):
    """The connection of a stream."""

    @property
    def engine(self) -> Engine:
        """The engine of the connection."""

    def schedule_flush(self) -> None:
        """Write the bytes of the engine soon."""

    def reset_later(self, stream: RequestStream, code: ErrorCode) -> None:
        """Reset a stream after the bytes of the engine were written."""

    def note_pending(self, stream: RequestStream) -> None:
        """Call ``note_sent`` of a stream when its data is sent."""

    def response_ended(self, stream: RequestStream) -> None:
        """Note the end of a response, whose request may be incomplete."""

    def open_tunnel(self, stream: RequestStream, response: SwitchProtocols) -> None:
        """Make a tunnel of a stream."""


class ContentReceiver(Protocol):
    """The receiver of the content of a stream: a run, or a tunnel."""

    def content_received(self, data: bytes) -> None:
        """Take content; ``RequestStream.content_consumed`` is called for each byte."""

    def content_ended(self, trailers: Sequence[FieldPair] = ()) -> None:
        """Take the end of the content."""

    def resume_writing(self) -> None:
        """Continue to write."""

    def disconnect(self) -> None:
        """Note that the stream was reset, or the peer is gone."""


@final
class RequestStream:
    """One request and its response; a ``StreamChannel``.

    Attributes:
        stream: the stream.
        receiver: the receiver of the content; None before the server has begun the request, and after its end.
        is_connect: whether the request is an extended CONNECT, for which a 2xx response means a tunnel.
        is_response_ended: whether the response is complete, or the stream was reset.
    """

    __slots__ = (
        "_backlog",
        "_end",
        "_owner",
        "_passed_on",
        "_pieces",
        "_sender",
        "is_connect",
        "is_response_ended",
        "receiver",
        "stream",
    )

    def __init__(self, owner: StreamOwner, stream: Stream) -> None:
        self.stream: Final = stream
        self.receiver: ContentReceiver | None = None
        self.is_connect = False
        self.is_response_ended = False
        self._owner: Final = owner
        self._sender: Final = owner.engine.sender
        self._passed_on = 0
        self._pieces = 0
        self._backlog: bytearray | None = None
        self._end: tuple[FieldPair, ...] | None = None

    # -- calls of the server -------------------------------------------------------------------------------------------

    @property
    def is_writing_paused(self) -> bool:
        """Whether the handler should wait."""
        return self.stream.pending_size > _MAX_PENDING

    @property
    def unsent_size(self) -> int:
        """Bytes that wait for windows or the transport."""
        return self.stream.pending_size

    def send_interim(self, status: int, fields: Sequence[FieldPair]) -> bool:
        """Send an interim response, and return True."""
        self._sender.send_head(self.stream, status, fields, ends=False)
        self._owner.schedule_flush()
        return True

    def send_head(self, status: int, fields: Sequence[FieldPair], *, ends: bool) -> None:
        """Send the head of the response."""
        if self.is_connect and status < _REDIRECTIONS:
            # The handler has ignored the offer of the protocol (RFC 8441, section 5: the tunnel is refused).
            status, fields, ends = 501, _NO_CONTENT, True
        self._sender.send_head(self.stream, status, fields, ends=ends)
        if ends:
            self._response_ended()
        self._owner.schedule_flush()

    def send_data(self, data: bytes, *, ends: bool) -> None:
        """Send content of the response."""
        if self.stream.is_sending_done:
            return
        self._sender.send_data(self.stream, data, ends=ends)
        if ends:
            self._response_ended()
        elif self.stream.pending_size:
            self._owner.note_pending(self)
        self._owner.schedule_flush()

    def send_trailers(self, fields: Sequence[FieldPair]) -> None:
        """Send the trailer fields of the response."""
        self._sender.send_trailers(self.stream, fields)
        self._response_ended()
        self._owner.schedule_flush()

    def reset(self, reason: str, *, error: bool) -> None:
        """Reset the stream, because the response cannot be completed."""
        self.is_response_ended = True
        if error:
            self._owner.reset_later(self, ErrorCode.INTERNAL_ERROR)
        else:
            self._owner.engine.reset(self.stream, ErrorCode.CANCEL)
        self._owner.schedule_flush()

    def content_consumed(self, size: int) -> None:
        """Return consumed bytes to the windows, and pass on content that waits."""
        self._passed_on -= size
        self._owner.engine.consume(self.stream, size)
        if self._passed_on <= 0:
            self._pieces = 0
            if self._backlog is not None and not self.is_connect:
                self._pass_backlog()
        if self._owner.engine.sender.out:
            self._owner.schedule_flush()

    def switch(self, response: SwitchProtocols) -> None:
        """Make a tunnel of the stream."""
        self._owner.open_tunnel(self, response)

    # -- calls of the connection ---------------------------------------------------------------------------------------

    def expect_tunnel(self) -> None:
        """Store received data until the stream is a tunnel."""
        self.is_connect = True
        self._backlog = bytearray()

    def serve(self, run: StreamRun) -> None:
        """Pass the content to a run."""
        if self.receiver is None:
            self.receiver = run

    def data_received(self, data: bytes) -> None:
        """Pass content on, or keep it while the handler has enough."""
        if self._backlog is not None:
            self._backlog += data
        elif self._passed_on >= _MAX_PASSED_ON or self._pieces >= _MAX_PIECES:
            self._backlog = bytearray(data)
        elif self.receiver is None:
            self._owner.engine.consume(self.stream, len(data))
        else:
            self._passed_on += len(data)
            self._pieces += 1
            self.receiver.content_received(data)

    def message_ended(self, trailers: tuple[FieldPair, ...]) -> None:
        """Pass the end of the content on, after the content."""
        if self._backlog is not None:
            self._end = trailers
        elif self.receiver is not None:
            self.receiver.content_ended(trailers)

    def message_failed(self, error: ProtocolError) -> None:
        """Make the reading of the content fail."""
        receiver = self.receiver
        if isinstance(receiver, StreamRun):
            receiver.content_failed(error)

    def detach(self) -> None:
        """Forget the run, and let the stream forget this object: otherwise they would be garbage in a cycle."""
        self.receiver = None
        self.stream.owner = None

    def lost(self) -> None:
        """Note that the peer has reset the stream, or is gone."""
        self.is_response_ended = True
        self._drop_backlog()
        receiver = self.receiver
        self.detach()
        if receiver is not None:
            receiver.disconnect()

    def note_sent(self) -> bool:
        """Resume the handler if enough of its data was sent; return whether none is left."""
        stream = self.stream
        if stream.pending_size > _MAX_PENDING // 2:
            return False
        receiver = self.receiver
        if stream.is_closed:
            self.detach()
        if receiver is not None:
            receiver.resume_writing()
        return not stream.pending_size

    def take_over(self, receiver: ContentReceiver) -> None:
        """Pass the content to another receiver from now on, and first what waits."""
        self.receiver = receiver
        self.is_connect = False
        self._passed_on = self._pieces = 0
        if self._backlog is not None:
            self._pass_backlog()

    # -- parts ---------------------------------------------------------------------------------------------------------

    def _response_ended(self) -> None:
        stream = self.stream
        self.is_response_ended = True
        if stream.is_closed:
            self.detach()
            return
        self._drop_backlog()
        if stream.pending_size:
            self._owner.note_pending(self)
        self._owner.response_ended(self)

    def _pass_backlog(self) -> None:
        backlog, self._backlog = self._backlog, None
        if backlog:
            data = bytes(backlog)
            self._passed_on += len(data)
            if self.receiver is not None:
                self.receiver.content_received(data)
            else:
                self.content_consumed(len(data))
        end, self._end = self._end, None
        if end is not None and self.receiver is not None:
            self.receiver.content_ended(end)

    def _drop_backlog(self) -> None:
        backlog, self._backlog = self._backlog, None
        if backlog:
            self._owner.engine.consume(self.stream, len(backlog))
