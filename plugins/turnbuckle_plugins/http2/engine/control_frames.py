"""The frames of the connection: SETTINGS, PING, GOAWAY, WINDOW_UPDATE, PRIORITY and PRIORITY_UPDATE.

Sources: RFC 9113, sections 5.3, 6.3, 6.5 to 6.9; RFC 7541, section 4.2; RFC 9218, section 7.1.
"""

from __future__ import annotations

from typing import Final, final

from turnbuckle_plugins.http2.engine.errors import ConnectionFault, StreamFault
from turnbuckle_plugins.http2.engine.frames import (
    ACK,
    DEFAULT_FRAME_SIZE,
    MAX_STREAM_ID,
    MAX_WINDOW,
    ErrorCode,
    FrameType,
    SettingId,
    frame,
    parse_settings,
)
from turnbuckle_plugins.http2.engine.priorities import parse_priority
from turnbuckle_plugins.http2.engine.state import EngineState

__all__ = ["ControlFrames"]

# The size of the table of a client's encoder, unless SETTINGS_HEADER_TABLE_SIZE changes it.
_TABLE_SIZE: Final = 4096


@final
class ControlFrames:
    """The reader of the frames of the connection."""

    def __init__(self, state: EngineState) -> None:
        self._state: Final = state
        self._credited_frames = 0
        self._is_emptying_table = False

    def renew_decoder(self) -> None:
        """Make the client empty its table, so that another decoder can go on."""
        if not self._is_emptying_table and not self._state.unacknowledged:
            self._is_emptying_table = True
            self._state.send_settings([(SettingId.HEADER_TABLE_SIZE, 0)])

    def settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Apply the settings of the peer, or note that the peer has applied the settings of this side."""
        if stream_id:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "SETTINGS on a stream")
        if flags & ACK:
            if payload:
                raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS with ACK is not empty")
            self._state.spend_control("SETTINGS frames")
            self._settings_acknowledged()
            return
        if len(payload) % 6:
            raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "the length of SETTINGS is no multiple of 6")
        settings = parse_settings(payload)
        # A frame can have 2730 values, which cost as much as many frames.
        self._state.spend_control("SETTINGS frames", 1 + len(settings) // 8)
        for name, value in settings:
            _check_setting(name, value)
        # Only the last value of a setting counts.
        latest = dict(settings)
        if SettingId.HEADER_TABLE_SIZE in latest:
            # Smaller values in between must be signalled (RFC 7541, section 4.2).
            self._state.sender.encoder.limit_table(min(value for name, value in settings if name == 1))
            self._state.sender.encoder.limit_table(latest[SettingId.HEADER_TABLE_SIZE])
        if SettingId.INITIAL_WINDOW_SIZE in latest:
            self._change_windows(latest[SettingId.INITIAL_WINDOW_SIZE])
        self._state.sender.out.append(frame(FrameType.SETTINGS, ACK, 0))

    def _settings_acknowledged(self) -> None:
        self._state.unacknowledged = max(0, self._state.unacknowledged - 1)
        if self._state.unacknowledged == 0 and self._is_emptying_table:
            # The client's next block begins with the new size of its table, which is 0.
            self._state.decoder.renew()
            self._is_emptying_table = False
            self._state.send_settings([(SettingId.HEADER_TABLE_SIZE, _TABLE_SIZE)])

    def _change_windows(self, initial: int) -> None:
        # Section 6.9.2: the windows of open streams change with the initial window.
        difference = initial - self._state.sender.initial_window
        self._state.sender.initial_window = initial
        for stream in self._state.streams.open.values():
            stream.send_window += difference
            if stream.send_window > MAX_WINDOW:
                raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "SETTINGS makes the window of a stream too large")

    def ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Answer a PING."""
        if stream_id:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "PING on a stream")
        if len(payload) != 8:
            raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "PING has not 8 bytes")
        self._state.spend_control("PING frames")
        if flags & ACK:
            self._state.answered_pings += 1
        else:
            self._state.sender.out.append(frame(FrameType.PING, ACK, 0, payload))

    def goaway(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Note that the peer will open no further streams."""
        if stream_id:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "GOAWAY on a stream")
        if len(payload) < 8:
            raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "GOAWAY has less than 8 bytes")
        self._state.spend_control("GOAWAY frames")
        self._state.is_peer_leaving = True

    def window_update(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Add to a window."""
        if len(payload) != 4:
            raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "WINDOW_UPDATE has not 4 bytes")
        # A proper client sends at most one for the stream and one for the connection per DATA frame.
        sent = self._state.sender.data_frames
        self._state.control.give(2 * (sent - self._credited_frames))
        self._credited_frames = sent
        self._state.spend_control("WINDOW_UPDATE frames")
        increment = int.from_bytes(payload) & MAX_WINDOW
        if not stream_id:
            if not increment:
                raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of 0")
            self._state.sender.add_window(increment)
            return
        stream = self._state.streams.open.get(stream_id)
        if stream is None:
            if self._state.streams.is_idle(stream_id):
                raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE on a stream that was not opened")
            return
        if not increment:
            raise StreamFault(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of 0")
        stream.send_window += increment
        if stream.send_window > MAX_WINDOW:
            raise StreamFault(ErrorCode.FLOW_CONTROL_ERROR, "the window of the stream exceeds 2^31-1")

    def push_promise(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Refuse it."""
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a client cannot push")

    def priority(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Check the priority of RFC 7540, which is deprecated and has no effect."""
        if not stream_id:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "PRIORITY on stream 0")
        self._state.spend_control("PRIORITY frames")
        code, reason = ErrorCode.NO_ERROR, ""
        if len(payload) != 5:
            code, reason = ErrorCode.FRAME_SIZE_ERROR, "PRIORITY has not 5 bytes"
        elif int.from_bytes(payload[:4]) & MAX_STREAM_ID == stream_id:
            code, reason = ErrorCode.PROTOCOL_ERROR, "the stream depends on itself"
        if reason and stream_id in self._state.streams.open:
            raise StreamFault(code, reason)
        if reason:
            raise ConnectionFault(code, reason)

    def priority_update(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Change the priority of a stream (RFC 9218)."""
        if stream_id:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "PRIORITY_UPDATE on a stream")
        if len(payload) < 4:
            raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "PRIORITY_UPDATE has less than 4 bytes")
        self._state.spend_control("PRIORITY_UPDATE frames")
        prioritized = int.from_bytes(payload[:4]) & MAX_STREAM_ID
        if not prioritized % 2:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "PRIORITY_UPDATE for a stream of the server")
        stream = self._state.streams.open.get(prioritized)
        if stream is not None:
            stream.priority = parse_priority(payload[4:])
        elif (
            self._state.streams.is_idle(prioritized)
            and len(self._state.early_priorities) < self._state.settings.max_streams
        ):
            self._state.early_priorities[prioritized] = payload[4:68]


def _check_setting(name: int, value: int) -> None:
    if name == SettingId.INITIAL_WINDOW_SIZE and value > MAX_WINDOW:
        raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "SETTINGS_INITIAL_WINDOW_SIZE exceeds 2^31-1")
    if name == SettingId.MAX_FRAME_SIZE and not DEFAULT_FRAME_SIZE <= value < 2**24:
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "SETTINGS_MAX_FRAME_SIZE is out of range")
    if name in {SettingId.ENABLE_PUSH, SettingId.ENABLE_CONNECT_PROTOCOL} and value > 1:
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a SETTINGS value is neither 0 nor 1")
