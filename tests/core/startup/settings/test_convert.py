"""Values fit the types of their settings, or are refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import attrs
import pytest

from turnbuckle.startup.settings.convert import describe_type, fit, fit_text


@attrs.frozen
class Peer:
    host: str
    port: int = 1


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        pytest.param(3, int, 3, id="int"),
        pytest.param(3, float, 3.0, id="int-for-float"),
        pytest.param("x", str, "x", id="str"),
        pytest.param(True, bool, True, id="bool"),
        pytest.param(["a"], tuple[str, ...], ("a",), id="tuple"),
        pytest.param({"a": "b"}, Mapping[str, str], {"a": "b"}, id="mapping"),
        pytest.param("a", Literal["a", "b"], "a", id="literal"),
        pytest.param(None, int | None, None, id="none"),
        pytest.param("x", Path, Path("x"), id="path"),
        pytest.param(Path("x"), Path, Path("x"), id="path-as-it-is"),
        pytest.param([{"host": "h"}], list[Peer], [Peer("h")], id="list-of-classes"),
    ],
)
def test_fit(value: object, kind: object, expected: object) -> None:
    assert fit(value, kind) == expected


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param("80", int, id="text-for-int"),
        pytest.param(True, int, id="bool-for-int"),
        pytest.param(1.5, int, id="float-for-int"),
        pytest.param("1", float, id="text-for-float"),
        pytest.param(True, float, id="bool-for-float"),
        pytest.param("no", bool, id="text-for-bool"),
        pytest.param(1, str, id="int-for-str"),
        pytest.param("abc", tuple[str, ...], id="lone-text-for-list"),
        pytest.param([1], tuple[str, ...], id="wrong-item"),
        pytest.param("c", Literal["a", "b"], id="not-in-literal"),
        pytest.param(3, Path, id="int-for-path"),
        pytest.param([{"hots": "h"}], list[Peer], id="wrong-key-in-class"),
    ],
)
def test_fit_refuses(value: object, kind: object) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011  # of any class: the caller names the expected type
        fit(value, kind)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        pytest.param("8000", int, 8000, id="int"),
        pytest.param("1.5", float, 1.5, id="float"),
        pytest.param("8000", str, "8000", id="digits-as-text"),
        pytest.param("Yes", bool, True, id="yes"),
        pytest.param(" off ", bool, False, id="off"),
        pytest.param("a, b,", tuple[str, ...], ("a", "b"), id="commas"),
        pytest.param("3,4", tuple[int, ...], (3, 4), id="commas-of-numbers"),
        pytest.param("[3, 4]", tuple[int, ...], (3, 4), id="toml-list-of-numbers"),
        pytest.param("3", tuple[int, ...], (3,), id="one-number"),
        pytest.param("", tuple[int, ...], (), id="no-number"),
        pytest.param("0.5,1", tuple[float, ...], (0.5, 1.0), id="commas-of-floats"),
        pytest.param("true, no", tuple[bool, ...], (True, False), id="commas-of-truth-values"),
        pytest.param("1.2,a", tuple[Literal["1.2", "a"], ...], ("1.2", "a"), id="commas-of-words"),
        pytest.param("a,b", tuple[Path, ...], (Path("a"), Path("b")), id="commas-of-paths"),
        pytest.param("3,4", tuple[int, ...] | None, (3, 4), id="optional-list"),
        pytest.param("[::1],a", tuple[str, ...], ("[::1]", "a"), id="bracket-of-an-address"),
        pytest.param("", tuple[str, ...], (), id="empty-list"),
        pytest.param('["a,b"]', tuple[str, ...], ("a,b",), id="toml-list"),
        pytest.param("strict", Literal["strict"], "strict", id="literal"),
        pytest.param("/x", Path, Path("/x"), id="path"),
        pytest.param('{ a = "b" }', Mapping[str, str], {"a": "b"}, id="toml-table"),
    ],
)
def test_fit_text(text: str, kind: object, expected: object) -> None:
    assert fit_text(text, kind) == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param("maybe", bool, id="bool"),
        pytest.param("many", int, id="int"),
        pytest.param("+5x", int, id="half-an-int"),
    ],
)
def test_fit_text_refuses(text: str, kind: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        fit_text(text, kind)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        pytest.param(int, "a whole number", id="int"),
        pytest.param(bool, "true or false", id="bool"),
        pytest.param(tuple[str, ...], "a list of texts", id="tuple"),
        pytest.param(list[Peer], "a list of Peer", id="list-of-classes"),
        pytest.param(list, "a list", id="bare-list"),
        pytest.param(Mapping[str, str], "a table", id="mapping"),
        pytest.param(dict, "a table", id="dict"),
        pytest.param(Literal["a", "b"], "one of 'a', 'b'", id="literal"),
        pytest.param(str | None, "text or nothing", id="optional"),
        pytest.param(Peer, "Peer", id="class"),
        pytest.param(..., "Ellipsis", id="anything-else"),
    ],
)
def test_describe_type(kind: object, words: str) -> None:
    assert describe_type(kind) == words
