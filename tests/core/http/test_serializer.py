"""Tests of ``turnbuckle.http.serializer``."""

import http

import pytest
from hypothesis import given, strategies as st

from turnbuckle.http.serializer import (
    CLOSE_LINE,
    KEEP_ALIVE_LINE,
    Field,
    LengthMismatch,
    announced_length,
    connection_line,
    error_response,
    full_response,
    interim_response,
    response_head,
    wants_close,
)
from turnbuckle.http.status import REASON_PHRASES

DATE = b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
TEXT = ("Content-Type", "text/plain")
NEAR_TEXT = st.text(st.sampled_from("aZ0- \t\r\n\0\x0b\x7f\x85\xa0\xff:,\u212a"), max_size=6)


def parse_response(response: bytes) -> tuple[bytes, list[tuple[bytes, bytes]], bytes]:
    """Parse a response as strictly as possible, and return its status line, fields and body."""
    head, end, body = response.partition(b"\r\n\r\n")
    start, *lines = head.split(b"\r\n")
    assert end
    assert not set(b"\r\n\0") & set(head.replace(b"\r\n", b""))
    fields = [line.partition(b": ") for line in lines]
    assert all(colon for _, colon, _ in fields)
    return start, [(name.lower(), value) for name, _, value in fields], body


def values(response: bytes, name: bytes) -> list[bytes]:
    return [value for key, value in parse_response(response)[1] if key == name]


def test_full_response_is_one_message() -> None:
    assert full_response(200, [TEXT], b"hello", DATE) == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + DATE + b"Content-Length: 5\r\n\r\nhello"
    )


@pytest.mark.parametrize("status", [pytest.param(status, id=str(status)) for status in REASON_PHRASES if status >= 200])
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"CONNECT", b"POST"])
def test_full_response_has_content_unless_it_is_forbidden(status: int, method: bytes) -> None:
    response = full_response(status, [TEXT], b"hello", DATE, method)
    start, fields, body = parse_response(response)
    assert start == f"HTTP/1.1 {status} {REASON_PHRASES[status]}".encode()
    assert (b"content-type", b"text/plain") in fields
    assert len(values(response, b"date")) == 1
    is_tunnel = method == b"CONNECT" and status < 300
    has_content = method != b"HEAD" and status not in (204, 205, 304) and not is_tunnel
    assert body == (b"hello" if has_content else b"")
    length = [] if status in (204, 304) or is_tunnel else [b"0"] if status == 205 else [b"5"]
    assert values(response, b"content-length") == length


@pytest.mark.parametrize(
    ("status", "start"),
    [
        pytest.param(599, b"HTTP/1.1 599 ", id="unregistered"),
        pytest.param(299, b"HTTP/1.1 299 ", id="unregistered-success"),
        pytest.param(http.HTTPStatus.CREATED, b"HTTP/1.1 201 Created", id="enum"),
        pytest.param(http.HTTPStatus.NO_CONTENT, b"HTTP/1.1 204 No Content", id="enum-without-content"),
    ],
)
def test_full_response_status_line(status: int, start: bytes) -> None:
    assert parse_response(full_response(status, (), b"", DATE))[0] == start


@pytest.mark.parametrize("status", [0, 1, True, 99, 100, 101, 103, 199, 600, 1000, -200])
def test_full_response_refuses_status(status: int) -> None:
    with pytest.raises(ValueError, match="status"):
        full_response(status, (), b"", DATE)


@pytest.mark.parametrize("status", [0, 99, 100, 103, 199, 600])
def test_response_head_refuses_status(status: int) -> None:
    with pytest.raises(ValueError, match="status"):
        response_head(status, (), b"", DATE)


def test_status_lines_take_whole_numbers_only() -> None:
    with pytest.raises(ValueError, match="whole number"):
        response_head(299.5, (), b"", DATE)  # type: ignore[arg-type]  # an application may pass it anyway


@pytest.mark.parametrize("length", [0, 1, 9, 10, 65536])
def test_full_response_announces_its_length(length: int) -> None:
    response = full_response(200, (), b"x" * length, DATE)
    assert values(response, b"content-length") == [str(length).encode()]
    assert parse_response(response)[2] == b"x" * length


def test_full_response_length_lines_stay_true_when_there_are_many() -> None:
    for length in range(4200):
        assert b"Content-Length: %d\r\n\r\n" % length in full_response(200, (), b"x" * length, b"")


@pytest.mark.parametrize(
    ("field", "line"),
    [
        pytest.param(("Content-Length", "5"), b"content-length", id="content-length"),
        pytest.param(("Date", "Thu, 01 Jan 1970 00:00:00 GMT"), b"date", id="date"),
        pytest.param(("server", "other"), b"server", id="server"),
        pytest.param(("Connection", "close"), b"connection", id="connection"),
    ],
)
def test_framing_fields_of_the_application_are_sent_once(field: Field, line: bytes) -> None:
    response = full_response(200, [TEXT, field], b"hello", DATE + b"Server: ours\r\n" + CLOSE_LINE)
    assert values(response, line) == [field[1].encode()]
    assert len(parse_response(response)[1]) == 5


@pytest.mark.parametrize("name", ["Transfer-Encoding", "transfer-encoding", "TRANSFER-ENCODING"])
@pytest.mark.parametrize("status", [200, 204, 304])
def test_transfer_encoding_of_the_application_is_refused(name: str, status: int) -> None:
    with pytest.raises(ValueError, match="is set by the server"):
        full_response(status, [(name, "chunked")], b"", DATE)
    with pytest.raises(ValueError, match="is set by the server"):
        response_head(status, [(name, "chunked")], b"", DATE)


@pytest.mark.parametrize("name", ["Date", "Server"])
def test_singletons_of_the_application_are_refused_twice(name: str) -> None:
    with pytest.raises(ValueError, match="appears twice"):
        full_response(200, [(name, "a"), (name.lower(), "b")], b"", DATE)


@pytest.mark.parametrize("name", ["Date", "Server", "Connection", "Content-Length"])
def test_framing_fields_of_the_application_are_checked(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        full_response(200, [(name, "5\r\nX: y")], b"hello", DATE)


@pytest.mark.parametrize(
    ("method", "status", "body", "length"),
    [
        pytest.param(b"GET", 200, b"hello", "4", id="shorter"),
        pytest.param(b"GET", 200, b"hello", "6", id="longer"),
        pytest.param(b"GET", 200, b"hello", "0", id="zero"),
        pytest.param(b"GET", 200, b"", "5", id="no-content"),
        pytest.param(b"HEAD", 200, b"hello", "4", id="head"),
        pytest.param(b"CONNECT", 405, b"hello", "4", id="connect-refused"),
    ],
)
def test_full_response_refuses_a_wrong_length(method: bytes, status: int, body: bytes, length: str) -> None:
    with pytest.raises(LengthMismatch):
        full_response(status, [("Content-Length", length)], body, DATE, method)


@pytest.mark.parametrize(
    ("method", "status", "length"),
    [
        pytest.param(b"HEAD", 200, [b"1234"], id="head"),
        pytest.param(b"GET", 304, [b"1234"], id="304"),
        pytest.param(b"GET", 204, [], id="204"),
        pytest.param(b"GET", 205, [b"0"], id="205"),
        pytest.param(b"CONNECT", 200, [], id="connect"),
    ],
)
def test_full_response_without_content_announces_what_it_may(method: bytes, status: int, length: list[bytes]) -> None:
    response = full_response(status, [("Content-Length", "1234")], b"", DATE, method)
    assert values(response, b"content-length") == length


def test_full_response_to_head_without_a_body_leaves_the_length_open() -> None:
    assert values(full_response(200, (), b"", DATE, b"HEAD"), b"content-length") == []


@pytest.mark.parametrize(
    ("fields", "own", "line"),
    [
        pytest.param(["close"], b"", [b"close"], id="wish-alone"),
        pytest.param(["Close"], KEEP_ALIVE_LINE, [b"Close"], id="wish-beats-keep-alive"),
        pytest.param(["keep-alive"], CLOSE_LINE, [b"close"], id="close-beats-keep-alive"),
        pytest.param(["Upgrade"], CLOSE_LINE, [b"Upgrade, close"], id="joined-with-ours"),
        pytest.param(["close, X-A"], CLOSE_LINE, [b"X-A, close"], id="close-comes-last"),
        pytest.param(["X-A", "X-B, x-a"], b"", [b"x-a, X-B"], id="several-lines"),
        pytest.param(["Upgrade"], b"", [b"Upgrade"], id="upgrade"),
        pytest.param([" , "[1:2]], b"", [], id="empty-list"),
    ],
)
def test_connection_options_are_joined(fields: list[str], own: bytes, line: list[bytes]) -> None:
    response = response_head(426, [("Connection", value) for value in fields], b"", DATE + own)
    assert values(response, b"connection") == line


@pytest.mark.parametrize("value", ["close;x", "clo\xe9", "@"])
def test_connection_options_are_tokens(value: str) -> None:
    with pytest.raises(ValueError, match="not a list of tokens"):
        full_response(200, [("Connection", value)], b"", DATE)
    with pytest.raises(ValueError, match="not a list of tokens"):
        wants_close([("Connection", value)])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param([], False, id="nothing"),
        pytest.param([TEXT], False, id="other-field"),
        pytest.param([("X-Closing-", "close")], False, id="name-of-the-same-length"),
        pytest.param([("Connection", "keep-alive")], False, id="other-option"),
        pytest.param([("Connection", "closer")], False, id="prefix"),
        pytest.param([("Connection", "close")], True, id="close"),
        pytest.param([("CONNECTION", "Upgrade,\tCLOSE ")], True, id="38-in-a-list"),
        pytest.param([("connection", "x"), TEXT, ("connection", "close")], True, id="second-line"),
    ],
)
def test_wants_close(fields: list[Field], expected: bool) -> None:
    assert wants_close(fields) is expected


@pytest.mark.parametrize(
    ("minor_version", "close", "line"),
    [
        pytest.param(1, False, b"", id="1.1-stays"),
        pytest.param(1, True, CLOSE_LINE, id="1.1-closes"),
        pytest.param(0, False, KEEP_ALIVE_LINE, id="1.0-stays"),
        pytest.param(0, True, CLOSE_LINE, id="1.0-closes"),
    ],
)
def test_connection_line(minor_version: int, close: bool, line: bytes) -> None:
    assert connection_line(minor_version, close) == line


@pytest.mark.parametrize(
    ("fields", "length"),
    [
        pytest.param([], None, id="none"),
        pytest.param([("X-Some-Length0", "5")], None, id="name-of-the-same-length"),
        pytest.param([("content-length", "5")], 5, id="one"),
        pytest.param([("Content-Length", "005")], 5, id="zeros"),
        pytest.param([("Content-Length", "5"), TEXT, ("CONTENT-LENGTH", "5")], 5, id="equal-twice"),
    ],
)
def test_announced_length(fields: list[Field], length: int | None) -> None:
    assert announced_length(fields) == length


@pytest.mark.parametrize(
    "value",
    ["", "+5", "-5", " 5", "5 ", "1_0", "0x5", "5, 5", "\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT ONE}", "9" * 5000],
)
def test_announced_length_refuses(value: str) -> None:
    with pytest.raises(ValueError, match="is not a decimal number"):
        announced_length([("Content-Length", value)])


@pytest.mark.parametrize(("first", "second"), [("5", "6"), ("0", "5")])
def test_announced_length_refuses_two_that_differ(first: str, second: str) -> None:
    with pytest.raises(ValueError, match=f"as {first} and as '{second}'"):
        announced_length([("Content-Length", first), ("Content-Length", second)])


def test_response_head_of_a_stream() -> None:
    head = response_head(200, [TEXT], b"Transfer-Encoding: chunked\r\n", DATE)
    assert head == (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + DATE + b"Transfer-Encoding: chunked\r\n\r\n")


def test_response_head_leaves_the_length_to_the_framing() -> None:
    head = response_head(200, [("Content-Length", "5"), TEXT], b"Content-Length: 5\r\n", DATE)
    assert values(head, b"content-length") == [b"5"]


def test_response_head_switches_protocols() -> None:
    head = response_head(101, [("Upgrade", "websocket"), ("Connection", "Upgrade")], b"", DATE)
    assert head == (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" + DATE + b"Connection: Upgrade\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("status", "fields", "response"),
    [
        pytest.param(100, (), b"HTTP/1.1 100 Continue\r\n\r\n", id="continue"),
        pytest.param(103, [("Link", "</a>")], b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", id="early-hints"),
        pytest.param(199, (), b"HTTP/1.1 199 \r\n\r\n", id="unregistered"),
    ],
)
def test_interim_response(status: int, fields: list[Field], response: bytes) -> None:
    assert interim_response(status, fields) == response


@pytest.mark.parametrize("status", [99, 101, 200])
def test_interim_response_refuses_status(status: int) -> None:
    with pytest.raises(ValueError, match="interim"):
        interim_response(status)


@pytest.mark.parametrize("name", ["Content-Length", "Transfer-Encoding", "Connection"])
def test_interim_response_refuses_framing(name: str) -> None:
    with pytest.raises(ValueError, match="must not be sent in an interim response"):
        interim_response(103, [(name, "5")])


@pytest.mark.parametrize("status", [400, 408, 413, 414, 431, 500, 501, 503, 505])
def test_error_response(status: int) -> None:
    response = error_response(status, date_line=DATE)
    start, fields, body = parse_response(response)
    assert start == f"HTTP/1.1 {status} {REASON_PHRASES[status]}".encode()
    assert body == f"{REASON_PHRASES[status]}\n".encode()
    assert dict(fields) == {
        b"date": DATE[6:-2],
        b"connection": b"close",
        b"content-type": b"text/plain; charset=utf-8",
        b"content-length": str(len(body)).encode(),
    }


def test_error_response_variants() -> None:
    assert values(error_response(400, date_line=DATE, close=False), b"connection") == []
    assert parse_response(error_response(400, date_line=DATE, method=b"HEAD"))[2] == b""
    assert parse_response(error_response(499, date_line=DATE))[2] == b"499\n"


@given(st.lists(st.tuples(NEAR_TEXT | st.text(max_size=6), NEAR_TEXT | st.text(max_size=6)), max_size=4))
def test_no_field_changes_the_message(fields: list[Field]) -> None:
    try:
        response = full_response(200, fields, b"hello", DATE)
    except ValueError:
        return
    start, parsed, body = parse_response(response)
    assert (start, body) == (b"HTTP/1.1 200 OK", b"hello")
    sent = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields]
    assert parsed == [*sent, (b"date", DATE[6:-2]), (b"content-length", b"5")]


FRAMING_NAMES = st.sampled_from(["Content-Length", "content-length", "Transfer-Encoding", "Connection", "Date", "X"])
FRAMING_VALUES = st.sampled_from(
    ["5", "05", "6", "0", "chunked", "close", "keep-alive", "close, x", "a\r\nb", "", "+5"]
)


@given(
    st.lists(st.tuples(FRAMING_NAMES, FRAMING_VALUES), max_size=4),
    st.sampled_from([b"", CLOSE_LINE, KEEP_ALIVE_LINE]),
    st.sampled_from([b"GET", b"HEAD"]),
)
def test_no_framing_field_breaks_the_message(fields: list[Field], own: bytes, method: bytes) -> None:
    try:
        response = full_response(200, fields, b"hello", DATE + own, method)
    except ValueError:
        return
    assert values(response, b"content-length") == [b"5"]
    assert values(response, b"transfer-encoding") == []
    assert len(values(response, b"date")) == 1
    closes = own == CLOSE_LINE or wants_close(fields)
    assert b"close" in b",".join(values(response, b"connection")).split(b", ") or not closes
    assert parse_response(response)[2] == (b"hello" if method == b"GET" else b"")


@pytest.mark.parametrize("name", ["Transfer-Encoding", "Keep-Alive", "keep-alive"])
def test_fields_of_the_server_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is set by the server"):
        full_response(200, [(name, "timeout=60")], b"", b"")


@pytest.mark.parametrize("fields", [[], [("Connection", "Upgrade")]], ids=["without", "with"])
def test_upgrade_is_sent_with_its_connection_option(fields: list[tuple[str, str]]) -> None:
    response = full_response(426, [("Upgrade", "h2c"), *fields], b"", b"")
    assert b"\r\nUpgrade: h2c\r\n" in response
    assert response.lower().count(b"\r\nconnection: upgrade\r\n") == 1


def test_connection_and_date_of_the_application() -> None:
    own_lines = b"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n" + connection_line(1, close=True)
    response = full_response(200, [("Connection", "keep-alive"), ("Date", "today")], b"", own_lines)
    assert response.count(b"Date: ") == 1
    assert b"\r\nDate: today\r\n" in response
    assert b"\r\nConnection: close\r\n" in response
