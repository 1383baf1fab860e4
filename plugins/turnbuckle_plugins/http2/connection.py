"""A connection of HTTP/2: the engine, the transport, the deadlines, and the requests of its streams.

The deadlines have the names and values of HTTP/1.1: ``head`` for the preface and for a field
block, ``idle`` without a stream, ``write`` for a peer that reads nothing, ``linger`` after the end. The deadlines of
requests belong to their runs.

The connection ends in two steps when the server stops: GOAWAY with the highest possible stream first, and the number of
the last stream once the peer has answered a PING, so that no request is lost that it sent before it knew (RFC 9113,
section 6.8).
"""

from __future__ import annotations

import asyncio
import logging
import math
from typing import Final, cast, final

from turnbuckle import ProtocolError, ProtocolLink, RequestHead, SwitchProtocols
from turnbuckle_plugins.http2.engine.engine import Engine
from turnbuckle_plugins.http2.engine.errors import ConnectionFault
from turnbuckle_plugins.http2.engine.events import (
    DataReceived,
    Event,
    MessageEnded,
    RequestReceived,
    Stream,
    StreamReset,
)
from turnbuckle_plugins.http2.engine.frames import ErrorCode
from turnbuckle_plugins.http2.request_stream import RequestStream
from turnbuckle_plugins.http2.tunnel import Tunnel

__all__ = ["HTTP2Connection"]

_log: Final = logging.getLogger("turnbuckle.server")

# Bytes that are written before other connections get a turn.
_MAX_IN_A_TURN: Final = 262144
_PRODUCE: Final = 65536

# Bytes of heads and control frames that wait for a peer that reads nothing.
_MAX_UNREAD: Final = 1048576


@final
class HTTP2Connection(asyncio.Protocol):
    """The protocol of one connection.

    Args:
        link: the server's side of the connection.
        engine: the engine.

    Attributes:
        engine: see above.
    """

    def __init__(self, link: ProtocolLink, engine: Engine) -> None:
        self.engine: Final = engine
        self._link: Final = link
        self._clock: Final = link.clock
        self._transport: asyncio.Transport
        self._is_in_turn = False
        self._is_flush_scheduled = False
        self._is_closing = False
        self._is_eof_received = False
        self._pending: Final[set[RequestStream]] = set()
        self._dropping: Final[dict[RequestStream, float]] = {}
        self._tunnels: Final[set[Tunnel]] = set()
        # 0: serving; 1: the end was announced; 2: no further streams are accepted.
        self._end_step = 0
        self._incomplete = -1
        self._read_due = math.inf
        self._idle_due = math.inf
        self._write_due = math.inf
        self._end_due = math.inf
        self._unread = 0

    # -- calls of the transport ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the settings."""
        self._transport = cast(asyncio.Transport, transport)
        self.engine.start()
        self._read_due = self._after(self._link.timeouts.head)
        self._rearm()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Read frames, and begin or continue the requests in them."""
        if self._is_closing:
            return
        engine = self.engine
        events = engine.receive(data, self._clock.monotonic(), self._link.run_count)
        self._is_in_turn = True
        for event in events:
            self._take_event(event)
        self._is_in_turn = False
        if engine.fault is not None:
            self._fail(engine.fault)
            return
        if self._end_step == 1 and engine.answered_pings:
            self._refuse_streams()
        self._note_reading()
        self._flush()

    def eof_received(self) -> bool:
        """Serve the requests that are complete; the peer sends no more."""
        if self._is_closing:
            return False
        for stream in [*self.engine.streams.open.values()]:
            if not stream.has_ended:
                self._lose(stream)
        self._is_eof_received = True
        if not self.engine.streams.open or not self._transport.can_write_eof():
            return False
        # Responses that wait for a window would wait for ever.
        self.schedule_flush()
        return True

    def pause_writing(self) -> None:
        """Store data in the streams, so that their handlers wait."""
        self.engine.sender.is_paused = True
        self._unread = self._transport.get_write_buffer_size()
        self._write_due = self._after(self._link.timeouts.write)
        self._rearm()

    def resume_writing(self) -> None:
        """Go on sending."""
        self.engine.sender.is_paused = False
        self._write_due = math.inf
        self._rearm()
        self.schedule_flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the streams that the peer is gone."""
        self._is_closing = True
        for stream in [*self.engine.streams.open.values()]:
            self._lose(stream)
        for tunnel in tuple(self._tunnels):
            tunnel.disconnect()

    # -- calls of the server -------------------------------------------------------------------------------------------

    def expire(self, now: float) -> None:
        """Act on deadlines that have passed."""
        if self._write_due <= now and not self._may_go_on_writing(now):
            self._link.refused("the peer reads too slowly")
            self._transport.abort()
        elif self._is_closing:
            if self._end_due <= now:
                self._expire_end(now)
        elif self._read_due <= now:
            self._end_with(ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "a frame or a field block takes too long"))
        elif self._end_step == 1 and self._end_due <= now:
            self._refuse_streams()
            self._flush()
        elif self._idle_due <= now:
            self.engine.refuse_streams()
            self._close()
        else:
            self._expire_dropping(now)
        self._rearm()

    def close_when_idle(self) -> None:
        """Serve the requests that the peer has sent, and then close."""
        if self._is_closing:
            return
        for tunnel in tuple(self._tunnels):
            tunnel.close_when_idle()
        if not self.engine.is_ready:
            self._close()
        elif not self._end_step:
            self._announce_end()
            self._flush()

    # -- calls of the streams ------------------------------------------------------------------------------------------

    def schedule_flush(self) -> None:
        """Write the bytes of the engine once the tasks of this turn have run."""
        if not self._is_in_turn and not self._is_flush_scheduled:
            self._is_flush_scheduled = True
            self._link.loop.call_soon(self._flush_scheduled)

    def reset_later(self, stream: RequestStream, code: ErrorCode) -> None:
        """Reset a stream once its head and data were written.

        A client that reads them together with the reset would drop them.
        """
        self.schedule_flush()
        self._link.loop.call_soon(self._reset, stream, code)

    def _reset(self, stream: RequestStream, code: ErrorCode) -> None:
        self.engine.reset(stream.stream, code)
        self._flush()

    def note_pending(self, stream: RequestStream) -> None:
        """Note a stream whose data waits."""
        self._pending.add(stream)

    def response_ended(self, stream: RequestStream) -> None:
        """Drop the rest of a request whose response is complete; reset the stream if there is much or it takes long."""
        if stream.stream.has_ended or stream.stream.is_closed:
            return
        if stream.stream.received > self._link.timeouts.drain_content:
            self._dropping[stream] = 0.0
        else:
            self._dropping[stream] = self._after(self._link.timeouts.linger)
        self._rearm()

    def open_tunnel(self, stream: RequestStream, response: SwitchProtocols) -> None:
        """Answer an extended CONNECT with 200, and connect the stream with the protocol of the response."""
        protocol = response.factory()
        fields = [
            (name.lower().encode("ascii"), value.encode("latin-1"))
            for name, value in response.fields()
            if name.lower() not in _NOT_IN_TUNNELS
        ]
        self.engine.sender.send_head(stream.stream, 200, fields, ends=False)
        tunnel = Tunnel(stream, protocol, self._transport, self._link.loop, self._tunnels.discard)
        self._tunnels.add(tunnel)
        tunnel.start()
        self.schedule_flush()
        if self._link.is_draining:
            tunnel.close_when_idle()

    # -- events --------------------------------------------------------------------------------------------------------

    def _take_event(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._begin(event)
            return
        channel = event.stream.owner
        if isinstance(event, StreamReset) and event.reason:
            _log.debug("HTTP/2 stream %d of %s reset: %s", event.stream.id, self._link.peer.client, event.reason)
        if isinstance(event, DataReceived):
            if isinstance(channel, RequestStream) and not event.stream.is_closed:
                self._take_data(channel, event)
            else:
                self.engine.consume(event.stream, len(event.data))
        elif not isinstance(channel, RequestStream):
            return
        elif isinstance(event, MessageEnded):
            self._end_message(channel, event)
        elif isinstance(event, StreamReset):
            self._dropping.pop(channel, None)
            channel.lost()

    def _begin(self, event: RequestReceived) -> None:
        stream, fields = event.stream, event.fields
        if stream.is_closed:
            # Opened and reset within one read: it never begins.
            return
        link = self._link
        if not self._end_step and link.is_draining:
            self._announce_end()
        self._idle_due = math.inf
        channel = RequestStream(self, stream)
        stream.owner = channel
        if fields.protocol:
            if fields.protocol.decode("latin-1").lower() in link.upgrades:
                # RFC 8441: for the handlers, it is the GET of an upgrade.
                head = RequestHead(b"GET", fields.target, 1, fields.fields, upgrade=fields.protocol)
            else:
                # No handler is called, because the client has not made a request for one.
                host = dict(fields.fields)[b"host"]
                target = host if b":" in host.rpartition(b"]")[2] else host + b":443"
                head = RequestHead(b"CONNECT", target, 1, fields.fields)
            channel.expect_tunnel()
            has_content = False
        else:
            head = RequestHead(fields.method, fields.target, 1, fields.fields)
            has_content = not event.ends
            head.expects_continue = fields.expects_continue and has_content
        if fields.is_checked:
            head.content_length = fields.content_length if has_content else 0
            run = link.run(head, channel, has_content=has_content, is_checked=True)
        else:
            # The check of the head ends with its length.
            head.content_length = -1
            run = link.run(head, channel, has_content=has_content)
            fields.is_checked = head.content_length != -1
        if not run.is_done or stream.pending_size:
            channel.serve(run)

    def _take_data(self, channel: RequestStream, event: DataReceived) -> None:
        stream = event.stream
        if channel.is_response_ended and channel in self._dropping:
            self.engine.consume(stream, len(event.data))
            if stream.received > self._link.timeouts.drain_content:
                self._dropping.pop(channel)
                self.engine.reset(stream, ErrorCode.NO_ERROR)
        else:
            channel.data_received(event.data)

    def _end_message(self, channel: RequestStream, event: MessageEnded) -> None:
        self._dropping.pop(channel, None)
        trailers, limits = event.trailers, self._link.limits
        if trailers and (
            len(trailers) > limits.trailer_count
            or sum(len(name) + len(value) + 4 for name, value in trailers) > limits.trailer_section
        ):
            channel.message_failed(ProtocolError("the trailer section exceeds its limits", status=431))
        else:
            channel.message_ended(trailers)

    def _lose(self, stream: Stream) -> None:
        self.engine.reset(stream, ErrorCode.CANCEL)
        if isinstance(stream.owner, RequestStream):
            stream.owner.lost()

    # -- writing -------------------------------------------------------------------------------------------------------

    def _flush_scheduled(self) -> None:
        self._is_flush_scheduled = False
        self._flush()

    def _flush(self) -> None:
        engine, transport = self.engine, self._transport
        if self._is_closing or transport.is_closing():
            return
        data = engine.take(_PRODUCE)
        size = 0
        while data:
            transport.write(data)
            size += len(data)
            if size >= _MAX_IN_A_TURN and engine.sender.waiting:
                self.schedule_flush()
                break
            data = engine.take(_PRODUCE) if engine.sender.waiting else b""
        if self._is_eof_received and engine.sender.waiting and not engine.sender.is_paused:
            # Their windows can never open again.
            for stream in [*engine.sender.waiting.values()]:
                self._lose(stream)
        if self._pending:
            self._note_sent()
        if engine.sender.is_paused and transport.get_write_buffer_size() > _MAX_UNREAD:
            self._link.refused("the peer reads nothing, and sends frames that are to be answered")
            transport.abort()
        elif not engine.streams.open:
            self._note_idle()

    def _note_sent(self) -> None:
        for channel in tuple(self._pending):
            if channel.note_sent() or channel.stream.is_closed:
                self._pending.discard(channel)

    # -- deadlines -----------------------------------------------------------------------------------------------------

    def _after(self, seconds: float) -> float:
        return self._clock.monotonic() + seconds if seconds else math.inf

    def _rearm(self) -> None:
        dropping = min(self._dropping.values()) if self._dropping else math.inf
        self._link.set_deadline(min(self._read_due, self._idle_due, self._write_due, self._end_due, dropping))

    def _note_reading(self) -> None:
        """Limit the time of an incomplete frame or field block, and of the settings of the peer."""
        if not self.engine.is_ready:
            return
        incomplete = self.engine.incomplete
        if incomplete != self._incomplete:
            self._incomplete = incomplete
            self._read_due = self._after(self._link.timeouts.head) if incomplete else math.inf
            self._rearm()

    def _note_idle(self) -> None:
        if self._end_step == 2 or self.engine.is_peer_leaving or self._is_eof_received:
            self._close()
        elif self._idle_due == math.inf and self.engine.is_ready:
            self._idle_due = self._after(self._link.timeouts.idle)
            self._rearm()

    def _may_go_on_writing(self, now: float) -> bool:
        timeouts, left = self._link.timeouts, self._transport.get_write_buffer_size()
        read, self._unread = self._unread - left, left
        if read <= 0 or read < timeouts.write * timeouts.write_rate:
            return False
        self._write_due = self._after(timeouts.write)
        return True

    def _expire_dropping(self, now: float) -> None:
        for channel, due in tuple(self._dropping.items()):
            if due <= now:
                del self._dropping[channel]
                # Section 8.1: the response is complete; the peer need not send the rest.
                self.engine.reset(channel.stream, ErrorCode.NO_ERROR)
        self._flush()

    # -- the end -------------------------------------------------------------------------------------------------------

    def _announce_end(self) -> None:
        self._end_step = 1
        self._end_due = self._after(self._link.timeouts.last_request)
        self.engine.announce_end()
        self._rearm()

    def _refuse_streams(self) -> None:
        self._end_step = 2
        self._end_due = math.inf
        self.engine.refuse_streams()
        self._rearm()

    def _end_with(self, fault: ConnectionFault) -> None:
        self.engine.end(fault)
        self._fail(fault)

    def _fail(self, fault: ConnectionFault) -> None:
        """End the connection because of an error of the peer; the log explains the code."""
        self._link.refused(f"{fault.code.name}: {fault.reason}")
        for stream in [*self.engine.streams.open.values()]:
            stream.is_closed = True
            if isinstance(stream.owner, RequestStream):
                stream.owner.lost()
        self._flush_last()

    def _close(self) -> None:
        if not self._is_closing:
            self._flush_last()

    def _flush_last(self) -> None:
        self._is_closing = True
        transport, timeouts = self._transport, self._link.timeouts
        transport.write(self.engine.take(0))
        self._unread = transport.get_write_buffer_size()
        self._read_due = self._idle_due = self._write_due = math.inf
        self._end_due = self._after(timeouts.write if self._unread else timeouts.linger or timeouts.write)
        self._rearm()
        if self._is_eof_received or not timeouts.linger or not transport.can_write_eof():
            transport.close()
            return
        try:
            # To close with unread bytes would destroy what the peer has not read yet, such as GOAWAY.
            transport.write_eof()
        except OSError:
            # If the peer is gone, the socket raises at once, and asyncio does not catch that.
            transport.abort()

    def _expire_end(self, now: float) -> None:
        """Go on while the peer reads the last bytes, and give it a moment after them; then abort."""
        timeouts = self._link.timeouts
        if self._unread and not self._transport.get_write_buffer_size():
            self._unread = 0
            self._end_due = self._after(timeouts.linger or timeouts.write)
        elif self._unread and self._may_go_on_writing(now):
            self._end_due, self._write_due = self._write_due, math.inf
        else:
            self._transport.abort()


# They belong to the upgrade of HTTP/1.1.
_NOT_IN_TUNNELS: Final = frozenset({"connection", "upgrade", "sec-websocket-accept"})
