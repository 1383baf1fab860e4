"""HTTP/2 of a server, without I/O: received bytes become events, and calls become bytes.

A connection feeds bytes to ``receive``, which returns the events in them. It then answers with ``send_head``,
``send_data`` and ``send_trailers`` of ``sender``, reports consumed content with ``consume``, and writes the bytes of
``take``. The
library behind ``FieldDecoder`` decompresses the fields of requests; frames, states, windows and limits are decided
here.

A connection error is final: ``receive`` returns the events before it, ``fault`` is set, and GOAWAY is among the bytes.

Sources: RFC 9113, sections 3.4, 4.1, 5.4.1 and 6.8; RFC 8441, section 3; RFC 9218, section 2.1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from turnbuckle_plugins.http2.engine.control_frames import ControlFrames
from turnbuckle_plugins.http2.engine.errors import ConnectionFault, StreamFault
from turnbuckle_plugins.http2.engine.events import Event, Stream
from turnbuckle_plugins.http2.engine.field_codec import DecoderFactory
from turnbuckle_plugins.http2.engine.frames import (
    ACK,
    DEFAULT_FRAME_SIZE,
    DEFAULT_WINDOW,
    FRAME_HEAD,
    MAX_STREAM_ID,
    PREFACE,
    ErrorCode,
    FrameType,
    SettingId,
    frame,
    goaway_frame,
    reset_frame,
    window_update_frame,
)
from turnbuckle_plugins.http2.engine.request_frames import RequestFrames
from turnbuckle_plugins.http2.engine.sending import Sender
from turnbuckle_plugins.http2.engine.state import EngineSettings, EngineState
from turnbuckle_plugins.http2.engine.stream_map import ClosedBy, StreamMap

__all__ = ["Engine"]

_HEAD_SIZE: Final = FRAME_HEAD.size
_parse_head: Final = FRAME_HEAD.unpack_from

# An enum is not as fast as an int.
_CONTINUATION: Final = int(FrameType.CONTINUATION)


@final
class Engine:
    """The state of one connection.

    Args:
        settings: the limits.
        decoder: makes the decoder of field blocks.

    Attributes:
        fault: the connection error that has ended the connection; None without one.
        streams: the streams.
        sender: the sending half.
        frames_read: number of frames that were read.
        is_ready: whether the preface and the settings of the peer were read.
    """

    def __init__(self, settings: EngineSettings, decoder: DecoderFactory) -> None:
        self.fault: ConnectionFault | None = None
        self.is_ready = False
        self.frames_read = 0
        self._state: Final = EngineState(settings, decoder)
        self.streams: Final[StreamMap] = self._state.streams
        self.sender: Final[Sender] = self._state.sender
        self._requests: Final = RequestFrames(self._state)
        self._control: Final = ControlFrames(self._state)
        self._buffer = b""
        self._is_preface_read = False
        requests, control = self._requests, self._control
        self._readers: Final[dict[int, Callable[[int, int, bytes], None]]] = {
            FrameType.DATA: requests.data,
            FrameType.HEADERS: requests.headers,
            FrameType.PRIORITY: control.priority,
            FrameType.RST_STREAM: requests.rst_stream,
            FrameType.SETTINGS: control.settings,
            FrameType.PUSH_PROMISE: control.push_promise,
            FrameType.PING: control.ping,
            FrameType.GOAWAY: control.goaway,
            FrameType.WINDOW_UPDATE: control.window_update,
            FrameType.CONTINUATION: requests.continuation,
            FrameType.PRIORITY_UPDATE: control.priority_update,
        }

    # -- facts ---------------------------------------------------------------------------------------------------------

    @property
    def incomplete(self) -> int:
        """The number of the frame that has begun, or that has begun the field block; 0 if neither is incomplete."""
        block = self._requests.block
        if block is not None:
            return block.began
        return self.frames_read + 1 if self._buffer else 0

    @property
    def is_peer_leaving(self) -> bool:
        """Whether the peer has sent GOAWAY."""
        return self._state.is_peer_leaving

    @property
    def answered_pings(self) -> int:
        """Number of PING frames of this side that the peer has answered."""
        return self._state.answered_pings

    # -- receiving -----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float, busy: int = 0) -> list[Event]:
        """Read bytes, and return their events.

        Args:
            data: the bytes, at any split.
            now: monotonic seconds.
            busy: requests that are being served, including those whose streams were reset.
        """
        if self.fault is not None:
            return []
        state = self._state
        state.now = now
        state.busy = max(busy, len(self.streams.open))
        try:
            self._read(self._buffer + data if self._buffer else data)
        except ConnectionFault as fault:
            self.end(fault)
        if state.decoder.is_worn:
            self._control.renew_decoder()
        events, state.events = state.events, []
        return events

    def consume(self, stream: Stream, size: int) -> None:
        """Return consumed bytes to the windows: the peer may send as many again."""
        self._state.consume(stream, size)

    # -- sending -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Queue the first bytes of the server: its settings, and the window of the connection."""
        settings = self._state.settings
        values = [
            (SettingId.MAX_CONCURRENT_STREAMS, settings.max_streams),
            (SettingId.INITIAL_WINDOW_SIZE, settings.stream_window),
            (SettingId.MAX_HEADER_LIST_SIZE, settings.field_section),
            (SettingId.NO_RFC7540_PRIORITIES, 1),
        ]
        if settings.accepts_connect:
            values.append((SettingId.ENABLE_CONNECT_PROTOCOL, 1))
        self._state.send_settings(values)
        if settings.connection_window > DEFAULT_WINDOW:
            self.sender.out.append(window_update_frame(0, settings.connection_window - DEFAULT_WINDOW))

    def reset(self, stream: Stream, code: ErrorCode) -> None:
        """Reset a stream, unless it is closed."""
        if not stream.is_closed:
            self.sender.out.append(reset_frame(stream.id, code))
            self._state.close(stream, ClosedBy.SERVER)

    def take(self, most: int) -> bytes:
        """Return bytes to write: all control frames, and data of about ``most`` bytes as the windows allow."""
        sender = self.sender
        if sender.waiting and not sender.is_paused:
            sender.produce(most)
        if not sender.out:
            return b""
        out = b"".join(sender.out)
        sender.out.clear()
        return out

    # -- the end -------------------------------------------------------------------------------------------------------

    def announce_end(self) -> None:
        """Announce the end of the connection; requests that the peer has sent meanwhile are served (section 6.8)."""
        self.sender.out.append(goaway_frame(MAX_STREAM_ID, ErrorCode.NO_ERROR))
        self.sender.out.append(frame(FrameType.PING, 0, 0, b"draining"))

    def refuse_streams(self) -> None:
        """Accept no further streams; the peer learns which one was the last."""
        self._state.last_accepted = self.streams.highest
        self.sender.out.append(goaway_frame(self.streams.highest, ErrorCode.NO_ERROR))

    def end(self, fault: ConnectionFault) -> None:
        """End the connection because of an error."""
        self.fault = fault
        self.sender.out.append(goaway_frame(self.streams.highest, fault.code, fault.reason))

    # -- frames --------------------------------------------------------------------------------------------------------

    def _read(self, data: bytes) -> None:
        position, size = 0, len(data)
        if not self._is_preface_read:
            if not PREFACE.startswith(data[: len(PREFACE)]):
                raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "the connection does not begin with the preface")
            if size < len(PREFACE):
                self._buffer = data
                return
            self._is_preface_read = True
            position = len(PREFACE)
        requests, readers = self._requests, self._readers
        while size - position >= _HEAD_SIZE:
            high, low, kind, flags, stream_id = _parse_head(data, position)
            if high or low > DEFAULT_FRAME_SIZE:
                raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "a frame is larger than 16384 bytes")
            start = position + _HEAD_SIZE
            end = start + low
            if end > size:
                break
            stream_id &= MAX_STREAM_ID
            if requests.block is not None and (kind != _CONTINUATION or stream_id != requests.block.stream_id):
                raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "another frame within a field block")
            if not self.is_ready:
                self._check_first_frame(kind, flags)
            try:
                reader = readers.get(kind) or self._ignore
                reader(flags, stream_id, data[start:end])
            except StreamFault as fault:
                self._state.fault_stream(stream_id, fault)
            position = end
            self.frames_read += 1
            if requests.block is not None and not requests.block.began:
                requests.block.began = self.frames_read
        self._buffer = data[position:]

    def _check_first_frame(self, kind: int, flags: int) -> None:
        if kind != FrameType.SETTINGS or flags & ACK:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS")
        self.is_ready = True

    def _ignore(self, flags: int, stream_id: int, payload: bytes) -> None:
        # Section 4.1: frames of unknown types are ignored.
        self._state.spend_control("frames of unknown types")
