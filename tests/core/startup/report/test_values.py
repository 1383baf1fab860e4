"""Values as plain data, and names of types and callables."""

import datetime as dt
import functools
from pathlib import Path

import pytest

from turnbuckle.startup.report.values import name_of, value_as_json


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
        pytest.param(name_of, "turnbuckle.startup.report.values.name_of", id="function"),
        pytest.param(functools.partial(name_of, 1), "turnbuckle.startup.report.values.name_of", id="partial"),
        pytest.param(Callable().method, f"{__name__}.Callable.method", id="method"),
        pytest.param(Callable(), f"{__name__}.Callable", id="object"),
    ],
)
def test_name_is_where_it_was_defined(value: object, name: str) -> None:
    assert name_of(value) == name
