"""Tests of ``turnbuckle.http.encoded_fields``."""

import re

import pytest
from hypothesis import given, strategies as st

from turnbuckle.http.encoded_fields import EncodedFields, SpecialField, encode_field

# Written independently from the RFC, so that the module is not tested against itself.
FIELD_LINE = re.compile(
    rb"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+): (?P<value>(?:[!-~\x80-\xff]([\t !-~\x80-\xff]*[!-~\x80-\xff])?)?)\r\n"
)
# Mostly allowed and almost allowed characters, so that both outcomes occur.
NEAR_TEXT = st.text(st.sampled_from('aZ09-_~ \t\r\n\0\x0b\x7f\x80\xa0\xff:;,"\u0130\u212a\u2028'), max_size=8)


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        pytest.param("X-A", "1", b"X-A: 1\r\n", id="plain"),
        pytest.param("x-lower", "v", b"x-lower: v\r\n", id="case-is-kept"),
        pytest.param("X-A", "", b"X-A: \r\n", id="empty-value"),
        pytest.param("X-A", "a b\tc", b"X-A: a b\tc\r\n", id="whitespace-inside"),
        pytest.param("X-A", "caf\xe9", b"X-A: caf\xe9\r\n", id="obs-text"),
        pytest.param("X-A", "\xa0\x85", b"X-A: \xa0\x85\r\n", id="obs-text-at-both-ends"),
        pytest.param("!#$%&'*+-.^_`|~", "v", b"!#$%&'*+-.^_`|~: v\r\n", id="every-symbol-of-a-token"),
    ],
)
def test_encode_field(name: str, value: str, line: bytes) -> None:
    assert encode_field(name, value) == line


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("X A", id="space"),
        pytest.param("X-A ", id="space-before-the-colon"),
        pytest.param(" X-A", id="space-before"),
        pytest.param("X:A", id="colon"),
        pytest.param("X-A\n", id="line-feed-at-the-end"),
        pytest.param("X\r\nY", id="crlf"),
        pytest.param("X\0", id="nul"),
        pytest.param("\xe9", id="obs-text"),
        pytest.param("\N{KELVIN SIGN}ey", id="kelvin-sign"),
        pytest.param('"X"', id="quotes"),
    ],
)
def test_encode_field_refuses_name(name: str) -> None:
    with pytest.raises(ValueError, match="is not a token"):
        encode_field(name, "v")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("a\r\nSet-Cookie: x", id="48-response-splitting"),
        pytest.param("a\r", id="cr-at-the-end"),
        pytest.param("a\n", id="lf-at-the-end"),
        pytest.param("a\r\n b", id="obs-fold"),
        pytest.param("a\0b", id="nul"),
        pytest.param("a\x0bb", id="vertical-tab"),
        pytest.param("a\x1b[2J", id="escape"),
        pytest.param("a\x7f", id="delete"),
        pytest.param("\u4e2d", id="beyond-latin-1"),
        pytest.param("\ud800", id="lone-surrogate"),
        pytest.param("\u560a\u560d", id="low-bytes-that-look-like-crlf"),
    ],
)
def test_encode_field_refuses_value(value: str) -> None:
    with pytest.raises(ValueError, match="value of field 'X-A' holds"):
        encode_field("X-A", value)


@pytest.mark.parametrize("value", [" a", "a ", "\ta", "a\t", " ", "\t"])
def test_encode_field_refuses_surrounding_whitespace(value: str) -> None:
    with pytest.raises(ValueError, match="whitespace at its beginning or end"):
        encode_field("X-A", value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(b"X-A", "v", id="bytes-as-name"),
        pytest.param("X-A", b"v", id="bytes-as-value"),
        pytest.param("X-A", 5, id="number"),
        pytest.param("X-A", None, id="none"),
    ],
)
def test_encode_field_refuses_type(name: str, value: str) -> None:
    with pytest.raises(TypeError, match="must be str and str"):
        encode_field(name, value)


def test_encode_field_keeps_the_value_out_of_its_message() -> None:
    with pytest.raises(ValueError, match="position 6") as caught:
        encode_field("Set-Cookie", "secret\n")
    assert "secret" not in str(caught.value)


@given(st.text(max_size=12) | NEAR_TEXT, st.text(max_size=12) | NEAR_TEXT)
def test_encode_field_yields_one_line_or_raises(name: str, value: str) -> None:
    try:
        line = encode_field(name, value)
    except ValueError:
        return
    found = FIELD_LINE.fullmatch(line)
    assert found is not None
    assert (found["name"], found["value"]) == (name.encode("latin-1"), value.encode("latin-1"))


def test_encoded_fields_remember() -> None:
    lines = EncodedFields()
    assert lines["X-A", "1"] == b"X-A: 1\r\n"
    assert dict(lines) == {("X-A", "1"): b"X-A: 1\r\n"}
    assert lines["X-A", "1"] is lines["X-A", "1"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("X-A", "v" * 300, id="long"),
        pytest.param("Set-Cookie", "a=b", id="set-cookie"),
        pytest.param("AUTHORIZATION", "Basic eA==", id="authorization-in-any-case"),
        pytest.param("Location", "/reset?token=x", id="location"),
    ],
)
def test_encoded_fields_do_not_keep(name: str, value: str) -> None:
    lines = EncodedFields()
    assert lines[name, value] == f"{name}: {value}\r\n".encode()
    assert not lines


def test_encoded_fields_do_not_keep_what_is_refused() -> None:
    lines = EncodedFields()
    with pytest.raises(ValueError, match="holds"):
        lines["X-A", "\n"]
    assert not lines


@pytest.mark.parametrize("name", ["Connection", "connection", "CONNECTION"])
def test_encoded_fields_hand_special_names_back(name: str) -> None:
    lines = EncodedFields(frozenset({"connection"}))
    with pytest.raises(SpecialField):
        lines[name, "close"]
    assert not lines


def test_encoded_fields_stay_bounded() -> None:
    lines = EncodedFields()
    for number in range(5000):
        assert lines["X-A", str(number)] == b"X-A: %d\r\n" % number
    assert len(lines) <= 1024


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Set-Cookie",
            "Location",
            "Content-Location",
            "WWW-Authenticate",
            "Proxy-Authenticate",
            "Authentication-Info",
        ),
        *("X-Api-Key", "X-Auth-Token", "X-CSRF-Token", "X-Session-Id", "X-Amz-Signature", "Link", "X-Redirect-URL"),
    ],
)
def test_line_that_may_contain_a_secret_is_not_kept(name: str) -> None:
    table = EncodedFields()
    assert table[name, "v"] == f"{name}: v\r\n".encode()
    assert not table


@pytest.mark.parametrize("name", ["Content-Type", "Cache-Control", "Vary", "X-Request-ID", "Server", "ETag", "Allow"])
def test_line_of_another_field_is_kept(name: str) -> None:
    table = EncodedFields()
    assert table[name, "v"] == f"{name}: v\r\n".encode()
    assert list(table) == [(name, "v")]
    assert table[name, "v" * 300]
    assert len(table) == 1
