"""Messages of a server: fragments, compression and close frames."""

from __future__ import annotations

import zlib

import pytest

from turnbuckle.testing import Frame, MalformedFrame
from turnbuckle.testing.websocket.frames import BINARY, CLOSE, TEXT
from turnbuckle.testing.websocket.messages import Deflate, MessageAssembler, close_payload, read_close

_HELLO = bytes.fromhex("f2 48 cd c9 c9 07 00")  # "Hello", compressed (RFC 7692, section 7.2.3.1)


def test_fragments_make_one_message() -> None:
    assembler = MessageAssembler()
    assert assembler.take(Frame(TEXT, "é".encode()[:1], is_final=False)) is None
    assert assembler.take(Frame(0, "é".encode()[1:], is_final=False)) is None
    assert assembler.take(Frame(0)) == "é"
    assert assembler.take(Frame(BINARY, b"\xff")) == b"\xff"


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([Frame(0, b"a")], id="continuation_of_nothing"),
        pytest.param([Frame(TEXT, b"a", is_final=False), Frame(TEXT, b"b")], id="second_message_within_the_first"),
        pytest.param([Frame(TEXT, b"\xff")], id="text_is_not_utf_8"),
        pytest.param([Frame(TEXT, b"\xff\xff", reserved=4)], id="not_compressed"),
    ],
)
def test_wrong_message(frames: list[Frame]) -> None:
    assembler = MessageAssembler(Deflate([]))
    for frame in frames[:-1]:
        assembler.take(frame)
    with pytest.raises(MalformedFrame):
        assembler.take(frames[-1])


def test_compressed_messages_share_their_context() -> None:
    assembler = MessageAssembler(Deflate([]))
    assert assembler.take(Frame(TEXT, _HELLO[:3], reserved=4, is_final=False)) is None
    assert assembler.take(Frame(0, _HELLO[3:])) == "Hello"
    assert assembler.take(Frame(TEXT, bytes.fromhex("f2 00 11 00 00"), reserved=4)) == "Hello"
    assert assembler.take(Frame(TEXT, b"plain")) == "plain"


def test_contexts_are_not_kept_if_negotiated() -> None:
    deflate = Deflate(["server_no_context_takeover", "client_no_context_takeover", "client_max_window_bits=9"])
    assert deflate.compress(b"Hello") == deflate.compress(b"Hello") == _HELLO
    assert deflate.decompress(_HELLO) == b"Hello"
    with pytest.raises(MalformedFrame):
        deflate.decompress(bytes.fromhex("f2 00 11 00 00"))
    kept = Deflate(['server_max_window_bits="15"'])
    first, second = kept.compress(b"Hello" * 20), kept.compress(b"Hello" * 20)
    assert len(second) < len(first)
    assert zlib.decompressobj(wbits=-15).decompress(first + b"\x00\x00\xff\xff") == b"Hello" * 20


@pytest.mark.parametrize(
    "parameter",
    ["server_max_window_bits", "server_max_window_bits=16", "client_max_window_bits=07", "x", "x_no_context_takeover"],
)
def test_wrong_parameter(parameter: str) -> None:
    with pytest.raises(MalformedFrame):
        Deflate([parameter])
    with pytest.raises(MalformedFrame):
        Deflate(["server_no_context_takeover"] * 2)


def test_close_frames() -> None:
    assert read_close(Frame(CLOSE, close_payload(1001, "so long"))) == (1001, "so long")
    assert read_close(Frame(CLOSE, close_payload(1005))) == (1005, "")
    for payload in (b"\x03", b"\x03\xed", b"\x03\xe7", b"\x03\xe8\xff", b"\x13\x88"):
        with pytest.raises(MalformedFrame):
            read_close(Frame(CLOSE, payload))
