"""Tests of ``turnbuckle.http.framing``."""

import pytest
from hypothesis import given, strategies as st

from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import RequestHead
from turnbuckle.http.framing import FRAMING_FIELDS, body_length, read_framing

HOST = (b"host", b"a")


def framed(*fields: tuple[bytes, bytes], minor_version: int = 1) -> RequestHead:
    head = RequestHead(b"POST", b"/", minor_version, fields)
    read_framing(head, fields)
    return head


@pytest.mark.parametrize(
    ("codings", "lengths", "length"),
    [
        pytest.param([], [], 0, id="neither"),
        pytest.param([], [b"5"], 5, id="length"),
        pytest.param([], [b"0"], 0, id="length-0"),
        pytest.param([], [b"000"], 0, id="zeros"),
        pytest.param([], [b"0005"], 5, id="zeros-before"),
        pytest.param([], [b"9" * 18], 10**18 - 1, id="eighteen-digits"),
        pytest.param([], [b"0" * 5000 + b"7"], 7, id="beyond-the-digits-of-int"),
        pytest.param([b"chunked"], [], None, id="chunked"),
        pytest.param([b"CHUNKED"], [], None, id="case-insensitive"),
    ],
)
def test_body_length(codings: list[bytes], lengths: list[bytes], length: int | None) -> None:
    assert body_length(codings, lengths) == length


@pytest.mark.parametrize(
    ("codings", "lengths", "status"),
    [
        pytest.param([], [b"5", b"0"], 400, id="1-two-lengths"),
        pytest.param([], [b"10", b"10"], 400, id="2-two-equal-lengths"),
        pytest.param([], [b"10, 10"], 400, id="2-folded"),
        pytest.param([b"chunked"], [b"5"], 400, id="3-both"),
        pytest.param([], [b"+5"], 400, id="4-plus"),
        pytest.param([], [b"-5"], 400, id="8-minus"),
        pytest.param([], [b"1_0"], 400, id="4-underscore"),
        pytest.param([], [b"0x5"], 400, id="4-hexadecimal"),
        pytest.param([], ["\N{ARABIC-INDIC DIGIT FIVE}".encode()], 400, id="4-other-digits"),
        pytest.param([], [b"\xb2"], 400, id="4-superscript"),
        pytest.param([], [b"1 2"], 400, id="6-space-inside"),
        pytest.param([], [b""], 400, id="7-empty"),
        pytest.param([], [b"5\x0b"], 400, id="13-vertical-tab"),
        pytest.param([], [b"5\xa0"], 400, id="13-no-break-space"),
        pytest.param([], [b"5\x85"], 400, id="13-next-line"),
        pytest.param([], [b"18446744073709551621"], 400, id="9-beyond-64-bits"),
        pytest.param([], [b"1" + b"0" * 18], 400, id="nineteen-digits"),
        pytest.param([], [b"9" * 5000], 400, id="9-beyond-the-digits-of-int"),
        pytest.param([b"gzip, chunked"], [], 501, id="10-gzip"),
        pytest.param([b"gzip"], [], 400, id="gzip-alone"),
        pytest.param([b"chunked", b"identity"], [], 400, id="11-identity-after"),
        pytest.param([b"chunked", b"cow"], [], 400, id="11-unknown-after"),
        pytest.param([b"cow, chunked"], [], 501, id="unknown-before"),
        pytest.param([b"identity"], [], 400, id="identity"),
        pytest.param([b"chunked123"], [], 400, id="12-prefix"),
        pytest.param([b"xchunked"], [], 400, id="12-suffix"),
        pytest.param([b"chunked;a=b"], [], 400, id="parameter"),
        pytest.param([b'"chunked"'], [], 400, id="quoted"),
        pytest.param([b"\xa0chunked"], [], 400, id="13-no-break-space-before"),
        pytest.param([b"chunked\x85"], [], 400, id="13-next-line-after"),
        pytest.param(["chun\N{KELVIN SIGN}ed".encode()], [], 400, id="14-kelvin-sign"),
        pytest.param([b"chunked, chunked"], [], 400, id="chunked-twice"),
        pytest.param([b"chunked", b"chunked"], [], 400, id="chunked-on-two-lines"),
        pytest.param([b"chunked, gzip, chunked"], [], 400, id="chunked-twice-with-another"),
        pytest.param([b""], [], 400, id="empty-coding"),
        pytest.param([b""], [b"5"], 400, id="16-empty-coding-beside-length"),
        pytest.param([b"chunked,"], [], 400, id="empty-element-after"),
    ],
)
def test_body_length_refuses(codings: list[bytes], lengths: list[bytes], status: int) -> None:
    with pytest.raises(ProtocolError) as caught:
        body_length(codings, lengths)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("minor_version", "connection", "keep_alive"),
    [
        pytest.param(1, [], True, id="1.1"),
        pytest.param(1, [b"close"], False, id="1.1-close"),
        pytest.param(1, [b"CLOSE"], False, id="1.1-close-in-upper-case"),
        pytest.param(1, [b"keep-alive, close"], False, id="38-close-in-a-list"),
        pytest.param(1, [b"keep-alive", b"close"], False, id="38-close-on-a-second-line"),
        pytest.param(1, [b"x,\tclose ,y"], False, id="close-amid-whitespace"),
        pytest.param(1, [b"closed", b"not-close"], True, id="only-like-close"),
        pytest.param(0, [], False, id="1.0"),
        pytest.param(0, [b"Keep-Alive"], True, id="1.0-keep-alive"),
        pytest.param(0, [b"keep-alive, close"], False, id="1.0-both"),
        pytest.param(0, [b"x"], False, id="1.0-other-option"),
    ],
)
def test_read_framing_keep_alive(minor_version: int, connection: list[bytes], keep_alive: bool) -> None:
    fields = [(b"connection", value) for value in connection]
    assert framed(HOST, *fields, minor_version=minor_version).keep_alive is keep_alive


@pytest.mark.parametrize(
    ("minor_version", "fields", "expects_continue"),
    [
        pytest.param(1, [(b"content-length", b"5"), (b"expect", b"100-continue")], True, id="length"),
        pytest.param(1, [(b"transfer-encoding", b"chunked"), (b"expect", b"100-Continue")], True, id="chunked"),
        pytest.param(1, [(b"expect", b"100-continue")], False, id="no-content"),
        pytest.param(1, [(b"content-length", b"0"), (b"expect", b"100-continue")], False, id="empty-content"),
        pytest.param(1, [(b"content-length", b"5"), (b"expect", b"200-ok")], False, id="other-expectation"),
        pytest.param(1, [(b"content-length", b"5")], False, id="no-expectation"),
        pytest.param(0, [(b"content-length", b"5"), (b"expect", b"100-continue")], False, id="1.0"),
    ],
)
def test_read_framing_expectation(
    minor_version: int, fields: list[tuple[bytes, bytes]], expects_continue: bool
) -> None:
    assert framed(HOST, *fields, minor_version=minor_version).expects_continue is expects_continue


@pytest.mark.parametrize(
    ("minor_version", "fields", "upgrade"),
    [
        pytest.param(1, [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")], b"websocket", id="websocket"),
        pytest.param(
            1,
            [(b"connection", b"x, upgrade"), (b"upgrade", b"a"), (b"upgrade", b"b")],
            b"a, b",
            id="several",
        ),
        pytest.param(1, [(b"upgrade", b"websocket")], b"", id="no-option"),
        pytest.param(1, [(b"connection", b"upgrade")], b"", id="no-field"),
        pytest.param(0, [(b"connection", b"upgrade"), (b"upgrade", b"websocket")], b"", id="34-1.0"),
    ],
)
def test_read_framing_upgrade(minor_version: int, fields: list[tuple[bytes, bytes]], upgrade: bytes) -> None:
    assert framed(HOST, *fields, minor_version=minor_version).upgrade == upgrade


@pytest.mark.parametrize(
    ("minor_version", "fields"),
    [
        pytest.param(1, [], id="no-host"),
        pytest.param(1, [HOST, HOST], id="39-equal-hosts"),
        pytest.param(1, [HOST, (b"host", b"b")], id="39-two-hosts"),
        pytest.param(0, [HOST, HOST], id="1.0-two-hosts"),
        pytest.param(1, [(b"host", b"a/b?x=")], id="40-host-with-path"),
        pytest.param(0, [(b"host", b"a b")], id="1.0-malformed-host"),
        pytest.param(0, [(b"transfer-encoding", b"chunked")], id="15-coding-in-1.0"),
        pytest.param(
            0, [(b"transfer-encoding", b"chunked"), (b"connection", b"keep-alive")], id="15-coding-in-1.0-kept"
        ),
    ],
)
def test_read_framing_refuses(minor_version: int, fields: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(ProtocolError) as caught:
        framed(*fields, minor_version=minor_version)
    assert caught.value.status == 400


@pytest.mark.parametrize("fields", [[], [HOST]])
def test_read_framing_of_1_0_may_lack_a_host(fields: list[tuple[bytes, bytes]]) -> None:
    assert framed(*fields, minor_version=0).content_length == 0


VALUES = st.binary(max_size=12) | st.sampled_from([b"chunked", b"5", b"close", b"a", b"upgrade", b"100-continue"])


@given(st.lists(st.tuples(st.sampled_from(sorted(FRAMING_FIELDS)), VALUES), max_size=5), st.sampled_from([0, 1]))
def test_read_framing_has_one_answer(fields: list[tuple[bytes, bytes]], minor_version: int) -> None:
    try:
        head = framed(*fields, minor_version=minor_version)
    except ProtocolError:
        return
    names = [name for name, _ in fields]
    assert names.count(b"host") == 1 or minor_version == 0
    assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
    if head.content_length is None:
        assert minor_version == 1
        assert b"transfer-encoding" in names
    elif head.content_length:
        assert (b"content-length", str(head.content_length).encode()) in [(n, v.lstrip(b"0")) for n, v in fields]
