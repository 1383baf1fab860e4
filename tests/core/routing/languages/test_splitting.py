"""Cutting segments with several parameters."""

from itertools import combinations

import pytest
from hypothesis import given, strategies as st

from turnbuckle.routing.languages.automata import Language
from turnbuckle.routing.languages.expressions import parse_expression
from turnbuckle.routing.languages.splitting import Splitter

DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"


def splitter(expressions: list[str], separators: list[str]) -> Splitter:
    return Splitter([Language(parse_expression(expression)) for expression in expressions], separators)


def brute_force(expressions: list[str], separators: list[str], text: str) -> list[str] | None:
    """Try every cut, the longest first parameter first."""
    machines = [Language(parse_expression(expression)) for expression in expressions]
    fitting = []
    for ends in combinations(range(len(text) + sum(map(len, separators)) + 1), len(separators)):
        pieces, begin = [], 0
        for end, separator in zip(ends, separators, strict=True):
            if end < begin or not text.startswith(separator, end):
                break
            pieces.append(text[begin:end])
            begin = end + len(separator)
        else:
            pieces.append(text[begin:])
            if all(machine.accepts(piece) for machine, piece in zip(machines, pieces, strict=True)):
                fitting.append(pieces)
    return max(fitting, key=lambda pieces: [len(piece) for piece in pieces], default=None)


@pytest.mark.parametrize(
    ("expressions", "separators", "text", "expected"),
    [
        pytest.param([".+", ".+"], ["."], "archive.tar.gz", ["archive.tar", "gz"], id="first-is-longest"),
        pytest.param([".+", ".+"], ["."], "a.b.", ["a", "b."], id="last-not-empty"),
        pytest.param([".+", ".+"], ["."], "..", None, id="nothing-but-separators"),
        pytest.param([".+", ".+"], ["."], ".x", None, id="first-not-empty"),
        pytest.param([".+", ".+"], ["."], "abc", None, id="no-separator"),
        pytest.param([".+", ".+"], ["."], "", None, id="empty"),
        pytest.param([".+", ".+", ".+"], ["-", "-"], "1-2-3-4", ["1-2", "3", "4"], id="three"),
        pytest.param([".+", ".+", ".+"], ["-", "--"], "a----b", ["a", "-", "b"], id="overlapping-separators"),
        pytest.param([".+", DATE], ["-"], "log-2024-01-02", ["log", "2024-01-02"], id="separator-inside"),
        pytest.param([".+", DATE], ["-"], "log-2024-01-xx", None, id="separator-inside-no-fit"),
        pytest.param([DATE, ".+"], ["-"], "2024-01-02-a-b", ["2024-01-02", "a-b"], id="bounded-first"),
        pytest.param(["[0-9]+", "[0-9]*"], ["."], "5.", ["5", ""], id="last-may-be-empty"),
        pytest.param(["[a-z.]+", "[a-z]+", "[0-9.]+"], [".", "."], "a.b.c.1.2", ["a.b", "c", "1.2"], id="mixed"),
    ],
)
def test_split_table(expressions: list[str], separators: list[str], text: str, expected: list[str] | None) -> None:
    assert splitter(expressions, separators).split(text) == expected


@given(
    st.lists(st.sampled_from([".+", ".*", "[ab]+", "a-b|a", "(?:a-)*b", "[a-]{1,2}", "b?"]), min_size=2, max_size=3),
    st.data(),
)
def test_split_takes_the_longest_first(expressions: list[str], data: st.DataObject) -> None:
    separators = data.draw(
        st.lists(st.sampled_from(["-", "a", "--", "-a"]), min_size=len(expressions) - 1, max_size=len(expressions) - 1)
    )
    text = data.draw(st.text("ab-", max_size=8))
    assert splitter(expressions, separators).split(text) == brute_force(expressions, separators, text)


def test_split_of_hostile_text_ends() -> None:
    # A backtracking matcher would try some 10**14 cuts of this.
    cut = splitter([".+", ".+", ".+", "[0-9]+"], ["-", "-", "-"])
    assert cut.split("-" * 4000 + "x") is None
    assert cut.split("-" * 4000 + "5") == ["-" * 3995, "-", "-", "5"]
