"""Tests of ``turnbuckle.http.body_writer``."""

import pytest
from hypothesis import given, strategies as st

from turnbuckle.errors import TurnbuckleError
from turnbuckle.http.body_writer import (
    BodyFraming,
    BodyWriter,
    LengthMismatch,
    choose_framing,
    chunk,
    framing_line,
    last_chunk,
)

NONE, LENGTH, CHUNKED, UNTIL_CLOSE = BodyFraming


@pytest.mark.parametrize(
    ("asked", "status", "length", "framing", "line"),
    [
        pytest.param((b"GET", 1), 200, 5, LENGTH, b"Content-Length: 5\r\n", id="length"),
        pytest.param((b"GET", 1), 200, 0, LENGTH, b"Content-Length: 0\r\n", id="length-0"),
        pytest.param((b"GET", 0), 200, 5, LENGTH, b"Content-Length: 5\r\n", id="length-for-1.0"),
        pytest.param((b"GET", 1), 200, None, CHUNKED, b"Transfer-Encoding: chunked\r\n", id="unknown"),
        pytest.param((b"GET", 0), 200, None, UNTIL_CLOSE, b"", id="unknown-for-1.0"),
        pytest.param((b"HEAD", 1), 200, 5, NONE, b"Content-Length: 5\r\n", id="head"),
        pytest.param((b"HEAD", 1), 200, None, NONE, b"", id="head-unknown"),
        pytest.param((b"HEAD", 0), 200, None, NONE, b"", id="head-unknown-for-1.0"),
        pytest.param((b"GET", 1), 304, 5, NONE, b"Content-Length: 5\r\n", id="304"),
        pytest.param((b"GET", 1), 304, None, NONE, b"", id="304-unknown"),
        pytest.param((b"GET", 1), 204, 5, NONE, b"", id="52-204"),
        pytest.param((b"HEAD", 1), 204, 5, NONE, b"", id="head-204"),
        pytest.param((b"GET", 0), 204, None, NONE, b"", id="204-unknown"),
        pytest.param((b"GET", 1), 101, 5, NONE, b"", id="101"),
        pytest.param((b"GET", 1), 103, None, NONE, b"", id="103"),
        pytest.param((b"GET", 1), 205, 5, NONE, b"Content-Length: 0\r\n", id="205"),
        pytest.param((b"GET", 1), 205, None, NONE, b"Content-Length: 0\r\n", id="205-unknown"),
        pytest.param((b"CONNECT", 1), 200, 5, NONE, b"", id="connect"),
        pytest.param((b"CONNECT", 1), 205, None, NONE, b"", id="connect-205"),
        pytest.param((b"CONNECT", 1), 405, 5, LENGTH, b"Content-Length: 5\r\n", id="connect-refused"),
        pytest.param(
            (b"CONNECT", 1), 405, None, CHUNKED, b"Transfer-Encoding: chunked\r\n", id="connect-refused-unknown"
        ),
        pytest.param((b"head", 1), 200, 5, LENGTH, b"Content-Length: 5\r\n", id="methods-are-case-sensitive"),
    ],
)
def test_framing(asked: tuple[bytes, int], status: int, length: int | None, framing: BodyFraming, line: bytes) -> None:
    method, minor_version = asked
    assert choose_framing(method, minor_version, status, length) is framing
    assert framing_line(framing, method, status, length) == line


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        pytest.param(b"", b"", id="empty-never-ends-the-content"),
        pytest.param(b"hello", b"5\r\nhello\r\n", id="one-digit"),
        pytest.param(b"x" * 300, b"12c\r\n" + b"x" * 300 + b"\r\n", id="hexadecimal"),
        pytest.param(b"0\r\n\r\n", b"5\r\n0\r\n\r\n\r\n", id="content-like-an-end"),
    ],
)
def test_chunk(data: bytes, sent: bytes) -> None:
    assert chunk(data) == sent


def test_last_chunk() -> None:
    assert last_chunk() == b"0\r\n\r\n"
    assert last_chunk([("X-A", "1"), ("X-B", "2")]) == b"0\r\nX-A: 1\r\nX-B: 2\r\n\r\n"


@pytest.mark.parametrize(
    "name", ["Content-Length", "transfer-encoding", "HOST", "Set-Cookie", "Trailer", "Content-Type", "Connection"]
)
def test_last_chunk_refuses_fields_forbidden_in_trailers(name: str) -> None:
    with pytest.raises(ValueError, match="must not be sent in a trailer section"):
        last_chunk([(name, "1")])


def test_last_chunk_refuses_a_broken_field() -> None:
    with pytest.raises(ValueError, match="holds"):
        last_chunk([("X-A", "1\r\n\r\nHTTP/1.1 200 OK")])


@pytest.mark.parametrize(
    ("framing", "length", "sent"),
    [
        pytest.param(NONE, None, b"", id="none"),
        pytest.param(NONE, 99, b"", id="none-is-not-counted"),
        pytest.param(LENGTH, 5, b"hello", id="length"),
        pytest.param(CHUNKED, None, b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", id="chunked"),
        pytest.param(UNTIL_CLOSE, None, b"hello", id="until-close"),
    ],
)
def test_body_writer(framing: BodyFraming, length: int | None, sent: bytes) -> None:
    writer = BodyWriter(framing, length)
    assert writer.write(b"hel") + writer.write(b"") + writer.write(b"lo") + writer.end() == sent
    assert writer.is_ended


@pytest.mark.parametrize("framing", list(BodyFraming))
def test_body_writer_ends_once(framing: BodyFraming) -> None:
    writer = BodyWriter(framing, 0)
    writer.end()
    with pytest.raises(RuntimeError, match="after its end"):
        writer.write(b"x")
    with pytest.raises(RuntimeError, match="twice"):
        writer.end()


@pytest.mark.parametrize(
    ("framing", "sent"),
    [
        pytest.param(CHUNKED, b"0\r\nX-A: 1\r\n\r\n", id="chunked"),
        pytest.param(LENGTH, b"", id="length"),
        pytest.param(UNTIL_CLOSE, b"", id="until-close"),
        pytest.param(NONE, b"", id="none"),
    ],
)
def test_body_writer_sends_trailers_where_they_fit(framing: BodyFraming, sent: bytes) -> None:
    assert BodyWriter(framing, 0).end([("X-A", "1")]) == sent


def test_body_writer_refuses_more_than_announced() -> None:
    writer = BodyWriter(LENGTH, 5)
    assert writer.write(b"hell") == b"hell"
    with pytest.raises(LengthMismatch, match="of 6 bytes does not match the announced Content-Length of 5") as caught:
        writer.write(b"o!")
    assert (caught.value.announced, caught.value.actual) == (5, 6)


def test_body_writer_refuses_less_than_announced() -> None:
    writer = BodyWriter(LENGTH, 5)
    writer.write(b"hell")
    with pytest.raises(LengthMismatch) as caught:
        writer.end()
    assert (caught.value.announced, caught.value.actual) == (5, 4)


def test_counted_bytes_are_checked_at_the_end() -> None:
    writer = BodyWriter(LENGTH, 5)
    writer.count(4)
    with pytest.raises(LengthMismatch):
        writer.end()


def test_length_mismatch_is_a_value_error() -> None:
    assert issubclass(LengthMismatch, TurnbuckleError)
    assert issubclass(LengthMismatch, ValueError)


@given(st.lists(st.binary(max_size=20)))
def test_chunks_hold_the_content(pieces: list[bytes]) -> None:
    writer = BodyWriter(CHUNKED)
    sent = b"".join([writer.write(piece) for piece in pieces]) + writer.end()
    content = b""
    while not sent.startswith(b"0\r\n"):
        size, _, sent = sent.partition(b"\r\n")
        content += sent[: int(size, 16)]
        assert sent[int(size, 16) :].startswith(b"\r\n")
        sent = sent[int(size, 16) + 2 :]
    assert sent == b"0\r\n\r\n"
    assert content == b"".join(pieces)
