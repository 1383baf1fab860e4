"""A pattern of origins matches only origins whose host is below its host, with any text around it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings, strategies as st

from turnbuckle_contrib.origins import check_origin, compile_origins

_SIGNS = [
    "://",
    ":",
    "/",
    "//",
    "\\",
    "@",
    "?",
    "#",
    ".",
    "..",
    "*",
    "*.",
    "%2e",
    "%00",
    "\x00",
    " ",
    "\t",
    "\r\n",
    "_",
    "-",
]
_NAMES = [
    "example.com",
    "app.example.com",
    ".example.com",
    "evil.example",
    "xn--",
    "a",
    "A",
    "é",
    "。",
    "[::1]",
    "null",
]
_OTHERS = ["https", "http", ":443", ":8443", ":0", ",", ";", "'", '"', "\u212a"]
_PIECES = st.sampled_from([*_SIGNS, *_NAMES, *_OTHERS])
_TEXTS = st.one_of(st.lists(_PIECES, max_size=8).map("".join), st.text(max_size=30))


@settings(max_examples=500)
@given(_TEXTS, st.sampled_from(["", ":8443"]))
def test_pattern_matches_names_below_its_host_only(text: str, port: str) -> None:
    matches = compile_origins([f"https://*.example.com{port}"])
    for origin in (text, f"https://{text}", f"https://{text}.example.com{port}", f"https://a.example.com{port}{text}"):
        if matches(origin):
            parts = urlsplit(origin)
            assert origin == f"https://{parts.netloc}"
            assert (parts.scheme, parts.username, parts.port) == ("https", None, int(port[1:]) if port else None)
            assert (parts.hostname or "").endswith(".example.com")
            assert origin.isascii()


@settings(max_examples=300)
@given(_TEXTS)
def test_list_matches_whole_texts_only(text: str) -> None:
    origins = ["https://app.example.com", "http://localhost:8000"]
    assert compile_origins(origins)(text) is (text in origins)


@settings(max_examples=300)
@given(_TEXTS)
def test_settings_accept_only_origins_that_browsers_send(text: str) -> None:
    try:
        check_origin(text)
    except ValueError:
        return
    parts = urlsplit(text)
    assert (parts.path, parts.query, parts.fragment, parts.username) == ("", "", "", None)
    assert text == text.lower()


@pytest.mark.parametrize("origin", ["https://app.example.com", "http://localhost:8000", "https://*.example.com:8443"])
def test_pattern_matches_itself_only_without_a_star(origin: str) -> None:
    check_origin(origin)
    assert compile_origins([origin])(origin) is ("*" not in origin)


@pytest.mark.parametrize(
    "origin",
    ["chrome-extension://abcdefgh", "capacitor://localhost", "http://[::1]:8000", "https://xn--bcher-kva.example"],
)
def test_other_origins_of_browsers_are_accepted(origin: str) -> None:
    check_origin(origin)
    assert compile_origins([origin])(origin)
