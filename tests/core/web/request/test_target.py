"""Tests of ``turnbuckle.web.request.target``."""

import pytest
from hypothesis import given, strategies as st

from turnbuckle.web.request.target import Target, decode_path_lossy, parse_target


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        pytest.param(b"/", Target("/", "", ""), id="root"),
        pytest.param(b"/a/b?c=d", Target("/a/b", "c=d", ""), id="query"),
        pytest.param(b"/a?b?c", Target("/a", "b?c", ""), id="question mark in query"),
        pytest.param(b"/~a%7e%20b", Target("/~a%7e%20b", "", ""), id="percent and tilde"),
        pytest.param(b"/a%2Fb", Target("/a%2Fb", "", ""), id="encoded slash"),
        pytest.param(b"/%C3%A9", Target("/%C3%A9", "", ""), id="utf-8"),
        pytest.param(b"/%ff", Target("/%ff", "", ""), id="not utf-8"),
        pytest.param(b"/%zz%", Target("/%zz%", "", ""), id="bad escapes stay"),
        pytest.param(b"/\xc3\xa9", Target("/\xc3\xa9", "", ""), id="raw utf-8"),
        pytest.param(b"//evil.example/x", Target("//evil.example/x", "", ""), id="two slashes"),
        pytest.param(b"/http://b/c", Target("/http://b/c", "", ""), id="a URI as path"),
        pytest.param(b"*", Target("*", "", ""), id="asterisk-form"),
        pytest.param(b"http://a.example:80/b%20c?d", Target("/b%20c", "d", "a.example:80"), id="absolute"),
        pytest.param(b"HTTP://a.example", Target("/", "", "a.example"), id="absolute without path"),
        pytest.param(b"http://a.example?q", Target("/", "q", "a.example"), id="absolute, query alone"),
        pytest.param(b"http://u:p@a.example/", Target("/", "", "a.example"), id="userinfo"),
        pytest.param(b"a.example:443", Target("", "", "a.example:443"), id="authority-form"),
        pytest.param(b"@a.example/http://b", Target("", "", "@a.example/http://b"), id="no form at all"),
    ],
)
def test_parse_target(target: bytes, parts: Target) -> None:
    assert parse_target(target) == parts


@pytest.mark.parametrize(
    ("raw_path", "path"),
    [
        pytest.param("", "", id="none"),
        pytest.param("*", "*", id="asterisk"),
        pytest.param("/a/b", "/a/b", id="plain"),
        pytest.param("/~a%7e%20b", "/~a~ b", id="percent and tilde"),
        pytest.param("/a%2Fb", "/a/b", id="encoded slash"),
        pytest.param("/%C3%A9", "/é", id="utf-8"),
        pytest.param("/%ff", "/\ufffd", id="not utf-8"),
        pytest.param("/%zz%", "/%zz%", id="bad escapes stay"),
        pytest.param("/\xc3\xa9", "/é", id="raw utf-8"),
        pytest.param("/http://b/c", "/http://b/c", id="a URI as path"),
    ],
)
def test_decode_path_lossy(raw_path: str, path: str) -> None:
    assert decode_path_lossy(raw_path) == path


@given(st.binary())
def test_parse_target_never_fails(target: bytes) -> None:
    assert parse_target(b"/" + target).raw_path.startswith("/")
