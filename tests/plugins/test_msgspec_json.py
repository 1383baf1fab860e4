from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import uuid
from decimal import Decimal

import attrs
import pytest
from hypothesis import given, strategies as st

from turnbuckle import JSON, App, Handler, Request, Response
from turnbuckle.testing import Client
from turnbuckle.web.content.json import STANDARD_JSON
from turnbuckle_plugins.msgspec_json import MsgspecJSON

CODEC = MsgspecJSON()


@attrs.frozen
class Point:
    x: int
    y: object = None


@dataclasses.dataclass
class Note:
    text: str


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"a": [1, 2.5, None, True, "é\n\u2028"]}, id="plain"),
        pytest.param(Point(1, [Point(2)]), id="attrs"),
        pytest.param([Note("a")], id="dataclass"),
        pytest.param({"when": dt.datetime(2024, 2, 29, 1, 2, 3), "day": dt.date(2024, 2, 29)}, id="dates"),
        pytest.param([dt.time(1, 2), uuid.UUID(int=7), Decimal("1.50"), Colour.RED], id="texts"),
        pytest.param({3}, id="set"),
        pytest.param((1, 2), id="tuple"),
        pytest.param({None: 1, 2: 3}, id="odd-keys"),
        pytest.param({"a": "\ud800"}, id="lone-surrogate"),
        pytest.param(1 << 70, id="large"),
    ],
)
def test_encodes_as_the_core_does(value: object) -> None:
    assert CODEC.encode(value) == STANDARD_JSON.encode(value)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param(float("nan"), b"null", id="nan"),
        pytest.param(b"a", b'"YQ=="', id="bytes"),
        pytest.param(dt.datetime(2024, 1, 1, tzinfo=dt.UTC), b'"2024-01-01T00:00:00Z"', id="utc"),
    ],
)
def test_encodes_in_its_own_way(value: object, written: bytes) -> None:
    assert CODEC.encode(value) == written


def circle() -> list[object]:
    value: list[object] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "error"),
    [pytest.param(object(), TypeError, id="unknown"), pytest.param(circle(), ValueError, id="circle")],
)
def test_refuses_to_encode(value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        CODEC.encode(value)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="half"),
        pytest.param(b"[1]x", id="more"),
        pytest.param(b"NaN", id="nan"),
        pytest.param(b'"\xff"', id="not-utf-8"),
        pytest.param("[]".encode("utf-16"), id="utf-16"),
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)
def test_refuses_to_decode(content: bytes) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the message is msgspec's
        CODEC.decode(content)
    assert str(caught.value)


def test_decodes_with_a_byte_order_mark() -> None:
    assert CODEC.decode(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=JSON_VALUES)
def test_reads_what_it_writes_and_what_others_write(value: object) -> None:
    assert CODEC.decode(CODEC.encode(value)) == value
    assert CODEC.decode(json.dumps(value).encode()) == value
    assert json.loads(CODEC.encode(value)) == value


async def test_app_reads_and_writes_with_it() -> None:
    app = App(plugins=["msgspec_json"])

    @app.post("/point")
    async def point(request: Request) -> Point:
        return Point(7, await request.json())

    @app.get("/nan")
    async def nan() -> dict[str, float]:
        return {"nan": float("nan")}

    async with Client(app) as client:
        response = await client.post("/point", content=b'{"a": [1]}')
        assert response.content == b'{"x":7,"y":{"a":[1]}}'
        assert response.headers["content-type"] == "application/json"
        # What the core refuses to write shows who wrote it.
        assert (await client.get("/nan")).content == b'{"nan":null}'
        assert (await client.post("/point", content=b"{")).status == 400


async def test_explicit_json_is_written_with_it_wherever_it_is_made() -> None:
    app = App(plugins=["msgspec_json"])
    nan = {"nan": float("nan")}

    @app.get("/handler")
    async def handler() -> JSON:
        return JSON(nan, status=201)

    @app.get("/error")
    async def error() -> None:
        raise KeyError

    @app.error_handler(KeyError)
    async def on_error(request: Request, exception: KeyError) -> JSON:
        return JSON(nan)

    @app.middleware
    async def middle(request: Request, call_next: Handler) -> Response:
        return JSON(nan) if request.path == "/middleware" else await call_next(request)

    async with Client(app) as client:
        for path in ("/handler", "/error", "/middleware"):
            assert (await client.get(path)).content == b'{"nan":null}'
        assert (await client.get("/handler")).status == 201
    with pytest.raises(ValueError, match="JSON"):
        JSON(nan)
