"""Tests of ``turnbuckle.web.request.target``."""

import pytest
from hypothesis import given, strategies as st

from turnbuckle.web.request.target import Target, parse_target


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        pytest.param(b"/", Target("/", "/", "", ""), id="root"),
        pytest.param(b"/a/b?c=d", Target("/a/b", "/a/b", "c=d", ""), id="query"),
        pytest.param(b"/a?b?c", Target("/a", "/a", "b?c", ""), id="question mark in query"),
        pytest.param(b"/~a%7e%20b", Target("/~a%7e%20b", "/~a~ b", "", ""), id="percent and tilde"),
        pytest.param(b"/a%2Fb", Target("/a%2Fb", "/a/b", "", ""), id="encoded slash"),
        pytest.param(b"/%C3%A9", Target("/%C3%A9", "/é", "", ""), id="utf-8"),
        pytest.param(b"/%ff", Target("/%ff", "/\ufffd", "", ""), id="not utf-8"),
        pytest.param(b"/%zz%", Target("/%zz%", "/%zz%", "", ""), id="bad escapes stay"),
        pytest.param(b"/\xc3\xa9", Target("/\xc3\xa9", "/é", "", ""), id="raw utf-8"),
        pytest.param(b"//evil.example/x", Target("//evil.example/x", "//evil.example/x", "", ""), id="two slashes"),
        pytest.param(b"/http://b/c", Target("/http://b/c", "/http://b/c", "", ""), id="a URI as path"),
        pytest.param(b"*", Target("*", "*", "", ""), id="asterisk-form"),
        pytest.param(b"http://a.example:80/b%20c?d", Target("/b%20c", "/b c", "d", "a.example:80"), id="absolute"),
        pytest.param(b"HTTP://a.example", Target("/", "/", "", "a.example"), id="absolute without path"),
        pytest.param(b"http://a.example?q", Target("/", "/", "q", "a.example"), id="absolute, query alone"),
        pytest.param(b"http://u:p@a.example/", Target("/", "/", "", "a.example"), id="userinfo"),
        pytest.param(b"a.example:443", Target("", "", "", "a.example:443"), id="authority-form"),
        pytest.param(b"@a.example/http://b", Target("", "", "", "@a.example/http://b"), id="no form at all"),
    ],
)
def test_parse_target(target: bytes, parts: Target) -> None:
    assert parse_target(target) == parts


def test_parse_target_remembers_short_ones_only() -> None:
    short, long = b"/" + b"a" * 200, b"/" + b"a" * 300
    assert parse_target(short) is parse_target(bytes(bytearray(short)))
    assert parse_target(long) is not parse_target(bytes(bytearray(long)))
    assert parse_target(long).path == long.decode()


@given(st.binary())
def test_parse_target_never_fails(target: bytes) -> None:
    assert parse_target(b"/" + target).raw_path.startswith("/")
