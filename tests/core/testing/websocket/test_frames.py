"""Frames of a server: every right one at every split, and every wrong one."""

from __future__ import annotations

import pytest

from turnbuckle.testing import Frame, MalformedFrame
from turnbuckle.testing.websocket.frames import BINARY, CLOSE, PING, TEXT, FrameReader

# The examples of RFC 6455, section 5.7.
_EXAMPLES = [
    pytest.param("81 05 48 65 6c 6c 6f", Frame(TEXT, b"Hello"), id="text"),
    pytest.param("01 03 48 65 6c", Frame(TEXT, b"Hel", is_final=False), id="first_fragment"),
    pytest.param("80 02 6c 6f", Frame(0, b"lo"), id="last_fragment"),
    pytest.param("89 05 48 65 6c 6c 6f", Frame(PING, b"Hello"), id="ping"),
    pytest.param("82 7E 01 00" + "00" * 256, Frame(BINARY, bytes(256)), id="two_bytes_of_length"),
    pytest.param("82 7F 00 00 00 00 00 01 00 00" + "00" * 65536, Frame(BINARY, bytes(65536)), id="eight_bytes"),
]


@pytest.mark.parametrize(("data", "frame"), _EXAMPLES)
def test_frame_of_a_server_at_every_split(data: str, frame: Frame) -> None:
    encoded = bytes.fromhex(data)
    assert frame.encode(is_masked=False) == encoded
    for split in {0, 1, 2, 3, len(encoded) - 1}:
        reader = FrameReader()
        reader.feed(encoded[:split])
        assert reader.next_frame() is None
        reader.feed(encoded[split:] + b"\x8a")
        assert reader.next_frame() == frame
        assert reader.unread == b"\x8a"


def test_frame_of_a_client_is_masked() -> None:
    encoded = Frame(TEXT, b"Hello").encode(mask=bytes.fromhex("37 fa 21 3d"))
    assert encoded == bytes.fromhex("81 85 37 fa 21 3d 7f 9f 4d 51 58")
    assert Frame(TEXT, b"Hello").encode()[2:6] != Frame(TEXT, b"Hello").encode()[2:6]


@pytest.mark.parametrize(
    ("data", "is_compressed"),
    [
        pytest.param("81 85 37 fa 21 3d 7f 9f 4d 51 58", False, id="masked"),
        pytest.param("83 00", False, id="reserved_opcode"),
        pytest.param("8b 00", False, id="reserved_control_opcode"),
        pytest.param("c1 00", False, id="compressed_without_negotiation"),
        pytest.param("c0 00", True, id="continuation_marked_as_compressed"),
        pytest.param("c9 00", True, id="compressed_ping"),
        pytest.param("a1 00", True, id="rsv2"),
        pytest.param("09 00", False, id="fragmented_ping"),
        pytest.param("88 7e 00 7e", False, id="long_close"),
        pytest.param("81 7e 00 7d", False, id="length_not_minimal_in_two_bytes"),
        pytest.param("81 7f 00 00 00 00 00 00 ff ff", False, id="length_not_minimal_in_eight_bytes"),
        pytest.param("81 7f 80 00 00 00 00 00 00 00", False, id="length_with_the_highest_bit"),
    ],
)
def test_wrong_frame_of_a_server(data: str, is_compressed: bool) -> None:
    reader = FrameReader(is_compressed=is_compressed)
    reader.feed(bytes.fromhex(data))
    with pytest.raises(MalformedFrame):
        reader.next_frame()


def test_control_frames() -> None:
    assert Frame(CLOSE).is_control
    assert not Frame(BINARY).is_control
