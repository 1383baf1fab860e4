"""Segments of patterns against segments of paths."""

import pytest

from turnbuckle.routing.converters import BUILTIN_CONVERTERS, Converter
from turnbuckle.routing.patterns import parse_pattern
from turnbuckle.routing.segments import Segment, compile_reader, interleave, trim


def segment(text: str, **converters: Converter) -> Segment:
    return parse_pattern("/" + text, {**BUILTIN_CONVERTERS, **converters}).segments[0]


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        pytest.param("a", "a", (), id="static"),
        pytest.param("a", "b", None, id="static-other"),
        pytest.param("{x}", "a/b", ("a/b",), id="whole"),
        pytest.param("{x}", "", None, id="whole-empty"),
        pytest.param("{x:int}", "5", (5,), id="typed"),
        pytest.param("{x:int}", "five", None, id="typed-refuses"),
        pytest.param("v{x:int}", "v5", (5,), id="prefix"),
        pytest.param("v{x:int}", "5", None, id="no-prefix"),
        pytest.param("{x}.json", "a.json", ("a",), id="suffix"),
        pytest.param("{x}.json", ".json", None, id="suffix-alone"),
        pytest.param("aa{x}aa", "aaa", None, id="affixes-overlap"),
        pytest.param("{x}.{y}", "a.b.c", ("a.b", "c"), id="two"),
        pytest.param("{x}.{y:int}", "a.b", None, id="two-refuses"),
        pytest.param("<{x:int}-{y:int}>", "<1-2>", (1, 2), id="affixes-and-two"),
        pytest.param("<{x:int}-{y:int}>", "1-2", None, id="two-without-affixes"),
        pytest.param("{x}-{y:even}", "a-4", ("a", 4), id="user-converter"),
        pytest.param("{x}-{y:even}", "a-3", None, id="user-converter-refuses"),
        pytest.param("e{y:even}", "e3", None, id="user-converter-refuses-alone"),
        pytest.param("{x:re(a?)}", "", ("",), id="expression-may-be-empty"),
    ],
)
def test_read_table(pattern: str, text: str, expected: tuple[int | str, ...] | None) -> None:
    def even(digits: str) -> int:
        if int(digits) % 2:
            raise ValueError(digits)
        return int(digits)

    read = compile_reader(segment(pattern, even=Converter(regex="[0-9]+", convert=even)))
    assert read(text) == expected


def test_order_of_specificity() -> None:
    written = ["{x}", "{x:path}", "{a}.{b}", "{n:int}", "v{n:int}", "{x:re(a)}", "{u:uuid}", "{f:float}", "{x}.json"]
    ordered = sorted(written, key=lambda text: segment(text).order)
    assert ordered == [
        "{x:re(a)}",
        "{u:uuid}",
        "v{n:int}",
        "{n:int}",
        "{f:float}",
        "{x}.json",
        "{a}.{b}",
        "{x}",
        "{x:path}",
    ]


def test_key_leaves_names_out() -> None:
    assert segment("a{x:int}").key == segment("a{y:int}").key
    assert segment("a{x:int}").key != segment("a{x}").key
    assert segment("{x:re(a)}").key != segment("{x:re(b)}").key
    assert segment("{x}").key == segment("{x:str}").key


@pytest.mark.parametrize(("text", "expected"), [("aXb", "X"), ("ab", ""), ("a", None), ("bXa", None), ("aX", None)])
def test_trim_table(text: str, expected: str | None) -> None:
    assert trim(text, "a", "b") == expected


def test_interleave_puts_texts_between_literals() -> None:
    assert interleave(("a",), []) == "a"
    assert interleave(("<", "-", ">"), ["1", "2"]) == "<1-2>"
