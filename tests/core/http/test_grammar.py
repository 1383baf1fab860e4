"""Tests of ``turnbuckle.http.grammar``."""

import time

import pytest
from hypothesis import given, strategies as st

from turnbuckle.http.grammar import (
    CHUNK_LINE,
    CONTENT_LENGTH,
    FIELD_VALUE,
    FORBIDDEN_IN_HEAD,
    REQUEST_LINE,
    TOKEN,
    is_authority,
    is_target,
    is_token,
)

TOKEN_BYTES = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def test_token_bytes() -> None:
    assert bytes(byte for byte in range(256) if is_token(bytes([byte]))) == bytes(sorted(TOKEN_BYTES))


@pytest.mark.parametrize("text", [b"", b"a b", b"a\n", b"a:", b"\xc3\xa9"])
def test_is_token_refuses(text: bytes) -> None:
    assert not is_token(text)


def test_field_value_bytes() -> None:
    accepted = [byte for byte in range(256) if FIELD_VALUE.fullmatch(bytes([byte]))]
    assert accepted == [9, *range(32, 127), *range(128, 256)]


@pytest.mark.parametrize(
    ("head", "is_forbidden"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\tb \x80\xff\r\n", False, id="what-heads-hold"),
        pytest.param(b"GET / HTTP/1.1\r", False, id="cr-whose-lf-may-come"),
        pytest.param(b"GET /\rHTTP/1.1", True, id="cr-alone"),
        pytest.param(b"GET / HTTP/1.1\n", True, id="lf-alone"),
        pytest.param(b"\n", True, id="lf-first"),
        pytest.param(b"a\r\r\n", True, id="two-cr"),
        pytest.param(b"a\r\n\n", True, id="two-lf"),
        pytest.param(b"a\0", True, id="nul"),
        pytest.param(b"a\x0b", True, id="vertical-tab"),
        pytest.param(b"a\x1b", True, id="escape"),
        pytest.param(b"a\x7f", True, id="delete"),
    ],
)
def test_forbidden_in_head(head: bytes, is_forbidden: bool) -> None:
    assert (FORBIDDEN_IN_HEAD.search(head) is not None) is is_forbidden


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        pytest.param(b"GET / HTTP/1.1", True, id="plain"),
        pytest.param(b"M-SEARCH * HTTP/1.0", True, id="token"),
        pytest.param(b"GET  / HTTP/1.1", False, id="two-spaces"),
        pytest.param(b"GET / HTTP/1.1 ", False, id="space-after"),
        pytest.param(b"GET\t/\tHTTP/1.1", False, id="tabs"),
        pytest.param(b"GET / http/1.1", False, id="lower-case-name"),
        pytest.param(b"GET / HTTP/1", False, id="no-minor-version"),
        pytest.param(b"GET / HTTP/1.10", False, id="two-digit-minor-version"),
        pytest.param(b"GET / HTTP/1.\xb2", False, id="superscript"),
        pytest.param(b"GET /", False, id="no-version"),
        pytest.param(b"GET /\xc3\xa9 HTTP/1.1", False, id="eighth-bit-in-target"),
        pytest.param(b"GET / HTTP/1.1\n", False, id="line-feed-after"),
    ],
)
def test_request_line(line: bytes, is_one: bool) -> None:
    assert (REQUEST_LINE.fullmatch(line) is not None) is is_one


@pytest.mark.parametrize("text", [b"+5", b"-5", b" 5", b"5 ", b"1_0", b"0x5", b"", b"5\n", b"\xd9\xa1", b"5.0"])
def test_content_length_refuses(text: bytes) -> None:
    assert CONTENT_LENGTH.fullmatch(text) is None


@pytest.mark.parametrize(
    ("line", "size"),
    [
        pytest.param(b"5", b"5", id="digit"),
        pytest.param(b"0005", b"0005", id="zeros"),
        pytest.param(b"aBcDeF", b"aBcDeF", id="either-case"),
        pytest.param(b"f" * 16, b"f" * 16, id="sixteen-digits"),
        pytest.param(b"5;a", b"5", id="name"),
        pytest.param(b"5;a=b;c=d", b"5", id="names-and-values"),
        pytest.param(b"5 ; a = b\t;\tc", b"5", id="bad-whitespace"),
        pytest.param(b'5;a="b;c \\" \\\\ d"', b"5", id="quoted-string"),
        pytest.param(b'5;a=""', b"5", id="empty-quoted-string"),
    ],
)
def test_chunk_line(line: bytes, size: bytes) -> None:
    found = CHUNK_LINE.fullmatch(line)
    assert found is not None
    assert found[1] == size


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b" 5", id="space-before"),
        pytest.param(b"5 ", id="space-after"),
        pytest.param(b"+5", id="sign"),
        pytest.param(b"0x5", id="prefix"),
        pytest.param(b"5_0", id="underscore"),
        pytest.param(b"5h", id="no-hexadecimal"),
        pytest.param(b"1" + b"0" * 16, id="seventeen-digits"),
        pytest.param(b"5;", id="no-name"),
        pytest.param(b"5;;a", id="empty-name"),
        pytest.param(b"5;a=", id="no-value"),
        pytest.param(b"5;@{}", id="no-token"),
        pytest.param(b'5;a="b', id="open-quote"),
        pytest.param(b'5;a="b"c', id="after-the-quote"),
        pytest.param(b'5;a="\\"', id="escaped-quote-does-not-close"),
        pytest.param(b"5;a\x00b", id="nul"),
        pytest.param(b"5;a\nb", id="line-feed"),
        pytest.param(b"5\r", id="carriage-return"),
        pytest.param("\N{ARABIC-INDIC DIGIT FIVE}".encode(), id="other-digits"),
    ],
)
def test_chunk_line_refuses(line: bytes) -> None:
    assert CHUNK_LINE.fullmatch(line) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"example.com", id="name"),
        pytest.param(b"example.com:8000", id="port"),
        pytest.param(b"example.com:", id="empty-port"),
        pytest.param(b"example.com:65535", id="last-port"),
        pytest.param(b"127.0.0.1:80", id="ipv4"),
        pytest.param(b"[::1]", id="ipv6"),
        pytest.param(b"[2001:db8::1]:8080", id="ipv6-port"),
        pytest.param(b"[::ffff:127.0.0.1]", id="ipv6-ipv4"),
        pytest.param(b"a_b-c.~d", id="unreserved"),
        pytest.param(b"a!$&'()*+;=b", id="sub-delims"),
        pytest.param(b"caf%C3%A9", id="percent-encoded"),
    ],
)
def test_is_authority(text: bytes) -> None:
    assert is_authority(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b":80", id="port-alone"),
        pytest.param(b"a.example,b.example", id="list"),
        pytest.param(b"example.com/x", id="path"),
        pytest.param(b"example.com?x", id="query"),
        pytest.param(b"example.com#x", id="fragment"),
        pytest.param(b"user@example.com", id="user"),
        pytest.param(b"http://example.com", id="uri"),
        pytest.param(b"a.example, b.example", id="list-with-space"),
        pytest.param(b"exa mple.com", id="space"),
        pytest.param(b"example.com:80:80", id="two-ports"),
        pytest.param(b"example.com:65536", id="port-too-large"),
        pytest.param(b"example.com:080000", id="six-digits"),
        pytest.param(b"example.com:x", id="port-is-no-number"),
        pytest.param(b"example.com:+1", id="sign-in-port"),
        pytest.param(b"::1", id="ipv6-without-brackets"),
        pytest.param(b"[::1", id="open-bracket"),
        pytest.param(b"[]", id="empty-brackets"),
        pytest.param(b"[1::2::3]", id="no-ipv6"),
        pytest.param(b"[127.0.0.1]", id="ipv4-in-brackets"),
        pytest.param(b"[::1]x", id="after-brackets"),
        pytest.param(b"[fe80::1%25eth0]", id="zone"),
        pytest.param(b"a%zz", id="broken-escape"),
        pytest.param(b"a%2", id="half-an-escape"),
        pytest.param(b"caf\xc3\xa9", id="eighth-bit"),
        pytest.param(b"a\\b", id="backslash"),
        pytest.param(b"a\n", id="line-feed"),
        pytest.param(b"<a>", id="brackets"),
    ],
)
def test_is_authority_refuses(text: bytes) -> None:
    assert not is_authority(text)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        pytest.param(b"GET", b"/", id="root"),
        pytest.param(b"GET", b"/a/b?c=d&e=f", id="path-and-query"),
        pytest.param(b"GET", b"/~a%20b;v=1,2/@:!$&'()*+", id="pchar"),
        pytest.param(b"GET", b"//evil.example/%2f..", id="two-slashes"),
        pytest.param(b"GET", b"/%zz%", id="broken-escapes-are-the-router's"),
        pytest.param(b"GET", b"/a[0]|{b}^`?x[]=1", id="what-browsers-leave"),
        pytest.param(b"GET", b"http://example.com", id="absolute-without-path"),
        pytest.param(b"GET", b"HTTP://example.com:80/a?b", id="absolute"),
        pytest.param(b"GET", b"https://[::1]?q", id="absolute-query-only"),
        pytest.param(b"OPTIONS", b"*", id="asterisk"),
        pytest.param(b"CONNECT", b"example.com:443", id="authority"),
        pytest.param(b"CONNECT", b"[::1]:443", id="authority-ipv6"),
    ],
)
def test_is_target(method: bytes, target: bytes) -> None:
    assert is_target(method, target)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        pytest.param(b"GET", b"", id="empty"),
        pytest.param(b"GET", b"*", id="asterisk"),
        pytest.param(b"OPTIONS", b"**", id="two-asterisks"),
        pytest.param(b"GET", b"index.html", id="relative"),
        pytest.param(b"GET", b"@google.com", id="41-authority-without-slash"),
        pytest.param(b"GET", b"?a", id="query-alone"),
        pytest.param(b"GET", b"/a#b", id="fragment"),
        pytest.param(b"GET", b"/a\\b", id="backslash"),
        pytest.param(b"GET", b'/"', id="quote"),
        pytest.param(b"GET", b"/<x>", id="angle-brackets"),
        pytest.param(b"GET", b"/ a", id="space"),
        pytest.param(b"GET", b"/\xc3\xa9", id="eighth-bit"),
        pytest.param(b"GET", b"/\n", id="line-feed"),
        pytest.param(b"GET", b"ftp://example.com/", id="other-scheme"),
        pytest.param(b"GET", b"http:///a", id="absolute-without-authority"),
        pytest.param(b"GET", b"http://:80/a", id="absolute-with-port-alone"),
        pytest.param(b"GET", b"http://u:p@example.com/", id="user"),
        pytest.param(b"GET", b"http:/a", id="one-slash"),
        pytest.param(b"GET", b"example.com:443", id="authority-for-another-method"),
        pytest.param(b"CONNECT", b"/", id="connect-path"),
        pytest.param(b"CONNECT", b"example.com", id="connect-without-port"),
        pytest.param(b"CONNECT", b"example.com:", id="connect-with-empty-port"),
        pytest.param(b"CONNECT", b":443", id="connect-without-host"),
        pytest.param(b"CONNECT", b"http://example.com:443", id="connect-absolute"),
    ],
)
def test_is_target_refuses(method: bytes, target: bytes) -> None:
    assert not is_target(method, target)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"5" + b";a" * 20000 + b"!@", id="extensions"),
        pytest.param(b"5;a" + b" " * 40000 + b"@", id="whitespace"),
        pytest.param(b"5;a=" + b'"' + b"\\a" * 20000, id="quoted-pairs"),
        pytest.param(b"5;" + b"a" * 40000 + b"\x00", id="token"),
    ],
)
def test_chunk_line_takes_linear_time(text: bytes) -> None:
    # Backtracking over 40,000 bytes would take minutes, not the milliseconds that one pass takes.
    start = time.process_time()
    assert CHUNK_LINE.fullmatch(text) is None
    assert time.process_time() - start < 1


@given(st.binary(max_size=30))
def test_grammar_never_raises(text: bytes) -> None:
    assert is_token(text) is (TOKEN.fullmatch(text) is not None)
    for answer in (is_authority(text), is_target(b"GET", text), is_target(b"CONNECT", text)):
        assert answer in (True, False)
