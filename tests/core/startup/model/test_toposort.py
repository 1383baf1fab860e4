"""Orders are solved, by rank where nothing else decides."""

from __future__ import annotations

import pytest

from turnbuckle.startup.model.toposort import OrderCycle, solve


@pytest.mark.parametrize(
    ("names", "before", "expected"),
    [
        pytest.param("", {}, "", id="nothing"),
        pytest.param("cab", {}, "abc", id="rank-alone"),
        pytest.param("abc", {"a": "c"}, "bca", id="what-waits-comes-later"),
        pytest.param("abc", {"a": "b", "b": "c"}, "cba", id="chain"),
        pytest.param("abcd", {"b": "d"}, "acdb", id="others-keep-their-rank"),
        pytest.param("ab", {"a": "x"}, "ab", id="absent-names-do-not-matter"),
    ],
)
def test_solve(names: str, before: dict[str, str], expected: str) -> None:
    assert "".join(solve(names, before, lambda name: name)) == expected


def test_solve_does_not_depend_on_the_order_given() -> None:
    before = {"b": "d", "c": "a"}
    assert solve("abcd", before, len) == solve("dcba", before, len)


@pytest.mark.parametrize(
    ("before", "path"),
    [
        pytest.param({"a": "a"}, ["a", "a"], id="one"),
        pytest.param({"c": "b", "b": "c"}, ["b", "c", "b"], id="two"),
        pytest.param({"a": "c", "b": "a", "c": "b"}, ["a", "b", "c", "a"], id="three"),
    ],
)
def test_cycle_is_reported_as_a_path(before: dict[str, str], path: list[str]) -> None:
    with pytest.raises(OrderCycle) as caught:
        solve("abc", before, len)
    assert caught.value.path == path
    assert str(caught.value) == " -> ".join(path)
