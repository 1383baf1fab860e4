"""Text in columns, names of types and callables, values as plain data."""

import datetime as dt
import functools
from pathlib import Path

import pytest

from turnbuckle import Origin
from turnbuckle.startup.report.formats import columns, indented, name_of, source_of, value_as_json


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


class Callable:
    async def method(self) -> None: ...

    async def __call__(self) -> None: ...


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param({"a": 1}, {"a": 1}, id="table"),
        pytest.param(frozenset({"b", "a"}), ["a", "b"], id="set"),
        pytest.param(Path("x"), "x", id="path"),
        pytest.param(dt.date(2026, 1, 2), "2026-01-02", id="date"),
        pytest.param(None, None, id="none"),
    ],
)
def test_value_without_a_json_form_is_text(value: object, shown: object) -> None:
    assert value_as_json(value) == shown


@pytest.mark.parametrize(
    ("value", "name"),
    [
        pytest.param(name_of, "turnbuckle.startup.report.formats.name_of", id="function"),
        pytest.param(functools.partial(name_of, 1), "turnbuckle.startup.report.formats.name_of", id="partial"),
        pytest.param(Callable().method, f"{__name__}.Callable.method", id="method"),
        pytest.param(Callable(), f"{__name__}.Callable", id="object"),
    ],
)
def test_name_is_where_it_was_defined(value: object, name: str) -> None:
    assert name_of(value) == name
