"""Streams with one line for each item: NDJSON and CSV."""

from __future__ import annotations

import csv
import dataclasses
import enum
import io
import json
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from turnbuckle import CSV, NDJSON, App, Response
from turnbuckle.testing import Client
from turnbuckle.testing.client.response import ClientResponse
from turnbuckle.web.content.json import ENCODE
from turnbuckle.web.streams.csv_lines import CSVEncoder


async def _get(make: Callable[[], Response], *, raise_exceptions: bool = True) -> ClientResponse:
    app = App()
    app.get("/")(make)
    async with Client(app, raise_exceptions=raise_exceptions) as client:
        return await client.get("/")


async def _async(*items: object) -> AsyncIterator[object]:
    for item in items:
        yield item


# -- NDJSON


@attrs.frozen
class _Point:
    x: int
    y: int


@pytest.mark.parametrize("kind", ["list", "generator", "async"])
async def test_each_item_is_a_line_of_json(kind: str) -> None:
    items = [{"a": "x\ny"}, _Point(1, 2), None, "é", [1.5]]
    made = {"list": lambda: items, "generator": lambda: (item for item in items), "async": lambda: _async(*items)}
    response = await _get(lambda: NDJSON(made[kind](), headers={"X-A": "b"}))
    assert response.content == '{"a":"x\\ny"}\n{"x":1,"y":2}\nnull\n"é"\n[1.5]\n'.encode()
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.headers["x-a"] == "b"


async def test_no_items_are_no_lines() -> None:
    assert (await _get(lambda: NDJSON([]))).content == b""


async def test_json_with_line_breaks_becomes_one_line() -> None:
    def make() -> Response:
        # As the component of an app does.
        ENCODE.set(lambda value: json.dumps(value, indent=1).encode())
        return NDJSON([{"a": "\n"}, [1]])

    lines = (await _get(make)).content.splitlines()
    assert [json.loads(line) for line in lines] == [{"a": "\n"}, [1]]


async def test_plain_iterator_is_read_in_threads_in_few_calls() -> None:
    threads = []
    closed = []

    def items() -> Iterator[int]:
        try:
            for number in range(20_000):
                threads.append(threading.current_thread() is threading.main_thread())
                yield number
        finally:
            closed.append(True)

    response = await _get(lambda: NDJSON(items()))
    assert [int(line) for line in response.content.splitlines()] == list(range(20_000))
    assert not any(threads)
    assert closed == [True]


async def test_item_of_an_async_iterator_is_sent_when_it_is_there() -> None:
    app = App()
    closed = []

    async def items() -> AsyncIterator[int]:
        try:
            for number in range(10):
                yield number
        finally:
            closed.append(True)

    app.get("/")(lambda: NDJSON(items()))
    async with Client(app) as client, client.stream("GET", "/") as response:
        assert await anext(response.stream()) == b"0\n"
    assert closed == [True]


@pytest.mark.parametrize("items", ["abc", b"abc", {"a": 1}, 3, None])
def test_values_that_are_no_items_are_refused(items: object) -> None:
    with pytest.raises(TypeError, match="NDJSON takes an iterable of items, such as a list or a generator, not "):
        NDJSON(items)  # type: ignore[arg-type]


# -- CSV


class _Color(enum.Enum):
    RED = "red"


class _Named(NamedTuple):
    x: int
    y: str


@dataclasses.dataclass
class _Row:
    x: object
    y: object = None


@pytest.mark.parametrize(
    ("rows", "header", "sent"),
    [
        pytest.param([(1, "a"), [None, 'b"c']], ["n", "text"], 'n,text\r\n1,a\r\n,"b""c"\r\n', id="sequences"),
        pytest.param([("a,b", "c\nd", "e\rf", " g ")], None, '"a,b","c\nd","e\rf", g \r\n', id="quoting"),
        pytest.param([], ["a", "b"], "a,b\r\n", id="no-rows"),
        pytest.param([], None, "", id="nothing"),
        pytest.param([("",)], None, '""\r\n', id="one-empty-value"),
        pytest.param([{"a": 1, "b": 2}, {"b": 4, "c": 5}], None, "a,b\r\n1,2\r\n,4\r\n", id="mappings"),
        pytest.param([{"a": 1, "b": 2}], ["b", "a"], "b,a\r\n2,1\r\n", id="selected"),
        pytest.param([_Point(1, 2)], None, "x,y\r\n1,2\r\n", id="attrs"),
        pytest.param([_Row(1), _Row(2, 3)], None, "x,y\r\n1,\r\n2,3\r\n", id="dataclass"),
        pytest.param([_Named(1, "a")], None, "x,y\r\n1,a\r\n", id="named-tuple"),
        pytest.param(
            [(_Color.RED, date(2026, 1, 2), datetime(2026, 1, 2, 3, tzinfo=UTC), Decimal("1.50"), 0.1, True)],
            None,
            "red,2026-01-02,2026-01-02T03:00:00+00:00,1.50,0.1,True\r\n",
            id="types",
        ),
        pytest.param([("a\ud800",)], None, "a?\r\n", id="lone-surrogate"),
    ],
)
async def test_rows_are_lines(rows: list[object], header: Sequence[str] | None, sent: str) -> None:
    response = await _get(lambda: CSV(iter(rows), header))
    assert response.content.decode() == sent
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert (await _get(lambda: CSV(_async(*rows), header))).content.decode() == sent


async def test_csv_has_options_for_spreadsheets() -> None:
    rows = [("=1+1", "+49 30", "-5", "-5.2", -5, "@x", "\tx", "a=b", "\uff1d1", "\n=1")]
    options = {"delimiter": ";", "escape_formulas": True, "byte_order_mark": True, "download_as": "März.csv"}
    response = await _get(lambda: CSV(rows, **options))  # type: ignore[arg-type]
    assert response.content.decode() == "\ufeff'=1+1;'+49 30;-5;-5.2;-5;'@x;'\tx;a=b;'\uff1d1;\"'\n=1\"\r\n"
    assert (
        response.headers["content-disposition"] == "attachment; filename=\"M?rz.csv\"; filename*=UTF-8''M%C3%A4rz.csv"
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param([(1,), (1, 2)], "row 2 has 2 values, and the header has 1", id="number"),
        pytest.param(
            [(1,), "ab"], "row 2 of a CSV response is a sequence or has names for its values, not str", id="text"
        ),
        pytest.param([(b"x",)], "row 1 has a value of type bytes; write value.decode()", id="bytes"),
    ],
)
async def test_row_that_cannot_be_sent_breaks_the_stream_off(rows: list[object], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        await _get(lambda: CSV(rows, ["a"]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: CSV([], "name"), "write ['name']", id="header-is-a-text"),
        pytest.param(lambda: CSV([], delimiter=";;"), "delimiter", id="delimiter"),
        pytest.param(lambda: CSV({}), "CSV takes an iterable of items", id="rows"),
    ],
)
def test_arguments_of_csv_are_checked(make: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        make()


@settings(max_examples=30)
@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2), max_size=4))
def test_rows_come_back_the_same(rows: list[list[str]]) -> None:
    encoder = CSVEncoder(None)
    text = b"".join(map(encoder.row, rows)).decode()
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == rows
