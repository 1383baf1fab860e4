"""Tests of ``turnbuckle.web.content.json``."""

import dataclasses
import enum
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import attrs
import pytest
from hypothesis import given, strategies as st

from turnbuckle.web.content.json import encode_json


@attrs.frozen
class Point:
    x: int
    y: object = None


@dataclasses.dataclass
class Pair:
    a: object
    b: object


class Color(enum.Enum):
    RED = "red"


class Day(date):
    pass


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param({"a": [1, 2.5, None, True]}, '{"a":[1,2.5,null,true]}', id="compact"),
        pytest.param("é</script>", '"é</script>"', id="not escaped"),
        pytest.param(Point(1, Point(2)), '{"x":1,"y":{"x":2,"y":null}}', id="attrs"),
        pytest.param(Pair(Point(1), {"a"}), '{"a":{"x":1,"y":null},"b":["a"]}', id="dataclass"),
        pytest.param(datetime(2026, 1, 2, tzinfo=UTC), '"2026-01-02T00:00:00+00:00"', id="datetime"),
        pytest.param(date(2026, 1, 2), '"2026-01-02"', id="date"),
        pytest.param(Day(2026, 1, 2), '"2026-01-02"', id="kind of date"),
        pytest.param(time(1, 2), '"01:02:00"', id="time"),
        pytest.param(UUID(int=1), '"00000000-0000-0000-0000-000000000001"', id="uuid"),
        pytest.param(Decimal("1.10"), '"1.10"', id="decimal"),
        pytest.param(Color.RED, '"red"', id="enum"),
        pytest.param(frozenset([1]), "[1]", id="frozenset"),
        pytest.param((1, 2), "[1,2]", id="tuple"),
        pytest.param("\ud800", '"\\ud800"', id="lone surrogate"),
    ],
)
def test_encode_json(value, text) -> None:
    assert encode_json(value) == text.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": -float("inf")}])
def test_encode_json_has_no_nan(value) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_json(value)


@pytest.mark.parametrize("value", [object(), b"bytes", Point, 1j])
def test_encode_json_refuses(value) -> None:
    with pytest.raises(TypeError, match="has no JSON form"):
        encode_json([value])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda children: st.lists(children) | st.dictionaries(st.text(), children),
        max_leaves=10,
    )
)
def test_encode_json_round_trips(value) -> None:
    assert json.loads(encode_json(value)) == value
