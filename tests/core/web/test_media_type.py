"""Tests of ``turnbuckle.web.media_type``."""

import pytest
from hypothesis import given, strategies as st

from turnbuckle.web.media_type import MediaType, _cached_media_type, parse_media_type


@pytest.mark.parametrize(
    ("text", "essence", "parameters"),
    [
        pytest.param("", "", (), id="none"),
        pytest.param(" Text/HTML ", "text/html", (), id="case"),
        pytest.param("text/html;charset=utf-8", "text/html", (("charset", "utf-8"),), id="parameter"),
        pytest.param('a/b ; X="y z" ;\tq=1', "a/b", (("x", "y z"), ("q", "1")), id="quoted"),
        pytest.param('a/b; x="a\\"b;c=d"', "a/b", (("x", 'a"b;c=d'),), id="escaped"),
        pytest.param("a/b;;; ; x=1", "a/b", (("x", "1"),), id="empty parameters"),
        pytest.param("a/b; x; y=1", "a/b", (("y", "1"),), id="no value"),
        pytest.param('a/b; x="open; y=1', "a/b", (("x", ""), ("y", "1")), id="not closed"),
        pytest.param("text/plain, application/x+json", "", (), id="list"),
        pytest.param("text/plain application/json", "", (), id="two types"),
        pytest.param("+json", "", (), id="no type"),
        pytest.param("a/b/c+json", "", (), id="two slashes"),
        pytest.param("application/", "", (), id="no subtype"),
        pytest.param("a/b; x =1; y=2", "a/b", (("y", "2"),), id="space before the equals sign"),
    ],
)
def test_parse_media_type(text: str, essence: str, parameters: tuple[tuple[str, str], ...]) -> None:
    assert parse_media_type(text) == MediaType(essence, parameters)


def test_media_type_get() -> None:
    media_type = parse_media_type("text/plain; charset=latin-1; charset=utf-8")
    assert media_type.charset == "latin-1"
    assert media_type.get("boundary") == ""


@pytest.mark.parametrize("piece", [';a="', ";a=", ';a="\\', ";" * 3, '"', "; ", '\\"'])
def test_parse_media_type_is_linear(piece: str) -> None:
    # With backtracking this would take minutes.
    assert parse_media_type("a/b" + piece * 20_000).essence in {"a/b", ""}


@given(st.text(st.characters(max_codepoint=255)))
def test_parse_media_type_never_fails(text: str) -> None:
    media_type = parse_media_type(text)
    assert media_type.essence == media_type.essence.lower()


def test_long_values_do_not_stay_in_memory() -> None:
    before = _cached_media_type.cache_info().misses
    assert len(parse_media_type("a/b" + ";x=y" * 2_000).parameters) == 2_000
    assert _cached_media_type.cache_info().misses == before
