"""Columns of text."""

import pytest

from turnbuckle import Origin
from turnbuckle.startup.report.columns import columns, indented, source_of


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert list(columns([("a", "bb", "c"), ("aaa", "b", "")])) == ["a    bb  c", "aaa  b"]


def test_columns_of_nothing_are_nothing() -> None:
    assert list(columns([])) == []


def test_column_that_is_empty_takes_no_room() -> None:
    assert list(columns([("a", "", "c"), ("b", "", "")], indent=2)) == ["  a  c", "  b"]


def test_lines_are_moved_to_the_right() -> None:
    assert list(indented(iter(["a", " b"]), 2)) == ["  a", "   b"]


@pytest.mark.parametrize(
    ("origin", "cells"),
    [
        pytest.param(None, ("", ""), id="unknown"),
        pytest.param(Origin(plugin="cors", location="x.py:1"), ("cors", "x.py:1"), id="plain"),
        pytest.param(Origin(plugin="cors", distribution="acme 1.2"), ("cors (acme 1.2)", ""), id="distribution"),
    ],
)
def test_origin_is_two_cells(origin: Origin | None, cells: tuple[str, str]) -> None:
    assert source_of(origin) == cells
