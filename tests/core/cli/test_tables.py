"""Columns and names."""

import functools

import pytest

from turnbuckle.cli.tables import columns, name_of


class Callable:
    async def method(self) -> None: ...

    async def __call__(self) -> None: ...


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert list(columns([("a", "bb", "c"), ("aaa", "b", "")])) == ["a    bb  c", "aaa  b"]


def test_columns_of_nothing_are_nothing() -> None:
    assert list(columns([])) == []


@pytest.mark.parametrize(
    ("value", "name"),
    [
        pytest.param(name_of, "turnbuckle.cli.tables.name_of", id="function"),
        pytest.param(functools.partial(name_of, 1), "turnbuckle.cli.tables.name_of", id="partial"),
        pytest.param(Callable().method, f"{__name__}.Callable.method", id="method"),
        pytest.param(Callable(), f"{__name__}.Callable", id="object"),
    ],
)
def test_name_is_where_it_was_defined(value: object, name: str) -> None:
    assert name_of(value) == name
