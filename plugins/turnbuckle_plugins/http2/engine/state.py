"""The state of a connection that the readers of frames share, and its limits.

Sources: RFC 9113, sections 5.2, 5.4.2 and 6.9.
"""

from __future__ import annotations

from typing import Final, final

import attrs

from turnbuckle_plugins.http2.engine.budgets import Budget
from turnbuckle_plugins.http2.engine.errors import ConnectionFault, StreamFault
from turnbuckle_plugins.http2.engine.events import Event, Stream, StreamReset
from turnbuckle_plugins.http2.engine.field_codec import DecoderFactory, FieldDecoder
from turnbuckle_plugins.http2.engine.frames import (
    MAX_STREAM_ID,
    ErrorCode,
    SettingId,
    reset_frame,
    settings_frame,
    window_update_frame,
)
from turnbuckle_plugins.http2.engine.sending import Sender
from turnbuckle_plugins.http2.engine.stream_map import ClosedBy, StreamMap

__all__ = ["EngineSettings", "EngineState"]

# What a stream error costs in resets: each is caused by a frame that no proper client sends.
_FAULT_COST: Final = 5


@final
@attrs.frozen(kw_only=True)
class EngineSettings:
    """The limits of one connection; ``plugin.py`` makes them from the settings of the plugin and the server.

    Attributes:
        max_streams: streams at a time (SETTINGS_MAX_CONCURRENT_STREAMS).
        stream_window: bytes of content of a stream that may wait for its handler.
        connection_window: the same for all streams together.
        field_section: the largest field section, as HPACK counts it (SETTINGS_MAX_HEADER_LIST_SIZE).
        continuations: CONTINUATION frames of one field block.
        resets: streams that a peer may reset, or make the server reset, in a burst.
        resets_rate: the same for each second in the long run.
        control_frames: frames without a use for a request, in a burst.
        control_rate: the same for each second in the long run.
        accepts_connect: whether streams may become tunnels (SETTINGS_ENABLE_CONNECT_PROTOCOL).
    """

    max_streams: int = 100
    stream_window: int = 262144
    connection_window: int = 1048576
    field_section: int = 69632
    continuations: int = 16
    resets: int = 500
    resets_rate: int = 50
    control_frames: int = 1000
    control_rate: int = 200
    accepts_connect: bool = False


@final
class EngineState:
    """The state of a connection.

    Attributes:
        settings: the limits.
        decoder: the decoder of field blocks.
        streams: the streams.
        sender: the sending half.
        events: the events of the bytes that are being read.
        now: the time of these bytes, in monotonic seconds.
        busy: the streams that count for the limit.
        window: bytes of data that the peer may still send.
        last_accepted: the last stream that is accepted.
        early_priorities: the priorities of streams that are not open yet.
        control: the budget of frames that serve no request.
        resets: the budget of resets.
        unacknowledged: number of SETTINGS frames that the peer has not acknowledged.
        is_peer_leaving: whether the peer has sent GOAWAY.
        answered_pings: number of PING frames of this side that the peer has answered.
    """

    def __init__(self, settings: EngineSettings, decoder: DecoderFactory) -> None:
        self.settings: Final = settings
        self.decoder: Final[FieldDecoder] = decoder(settings.field_section)
        self.streams: Final = StreamMap()
        self.sender: Final = Sender(self._response_ended)
        self.events: list[Event] = []
        self.now = 0.0
        self.busy = 0
        self.window = settings.connection_window
        self.last_accepted = MAX_STREAM_ID
        self.early_priorities: Final[dict[int, bytes]] = {}
        self.resets: Final = Budget(settings.resets, settings.resets_rate)
        self.control: Final = Budget(settings.control_frames, settings.control_rate)
        self.unacknowledged = 0
        self.is_peer_leaving = False
        self.answered_pings = 0
        self._unannounced = 0

    def spend_control(self, frames: str, count: int = 1) -> None:
        """Count frames that serve no request; end the connection if there are too many."""
        if not self.control.spend(count, self.now):
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, f"too many {frames}")

    def spend_resets(self, count: int, cause: str) -> None:
        """Count resets; end the connection if there are too many."""
        if not self.resets.spend(count, self.now):
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, f"too many {cause}")

    def fault_stream(self, stream_id: int, fault: StreamFault) -> None:
        """Reset a stream because of an error of the peer."""
        self.spend_resets(_FAULT_COST, "frames that break the rules of their streams")
        self.sender.out.append(reset_frame(stream_id, fault.code))
        stream = self.streams.open.get(stream_id)
        if stream is None:
            self.streams.remember(stream_id, ClosedBy.SERVER)
            self.decoder.release(stream_id, may_continue=False)
            stream = Stream(stream_id, 0, 0)
        else:
            self.close(stream, ClosedBy.SERVER)
        self.events.append(StreamReset(stream, fault.code, fault.reason))

    def consume_connection(self, size: int) -> None:
        """Return consumed bytes to the window of the connection."""
        self._unannounced += size
        if self._unannounced * 2 >= self.settings.connection_window:
            self.sender.out.append(window_update_frame(0, self._unannounced))
            self.window += self._unannounced
            self._unannounced = 0

    def close(self, stream: Stream, closed_by: ClosedBy) -> None:
        """Close a stream."""
        self.sender.forget(stream)
        self.streams.close(stream, closed_by)
        self.decoder.release(stream.id, may_continue=not stream.has_ended)

    def _response_ended(self, stream: Stream) -> None:
        if stream.has_ended:
            self.close(stream, ClosedBy.END)

    def send_settings(self, settings: list[tuple[SettingId, int]]) -> None:
        """Send settings, which the peer will acknowledge."""
        self.unacknowledged += 1
        self.sender.out.append(settings_frame(settings))

    def consume(self, stream: Stream, size: int) -> None:
        """Return consumed bytes to the windows of a stream and the connection."""
        self.consume_connection(size)
        if stream.is_closed or stream.has_ended:
            return
        stream.unannounced += size
        if stream.unannounced * 2 >= self.settings.stream_window:
            self.sender.out.append(window_update_frame(stream.id, stream.unannounced))
            stream.receive_window += stream.unannounced
            stream.unannounced = 0
