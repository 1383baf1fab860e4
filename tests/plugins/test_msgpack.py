"""MessagePack in requests and responses, beside JSON."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from decimal import Decimal

import attrs
import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from turnbuckle import App, Request, Response
from turnbuckle.testing import Client
from turnbuckle_plugins.msgpack import MsgpackCodec

CODEC = MsgpackCodec()
TYPE = "application/msgpack"
NOON = dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)

_scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text()
_values = st.recursive(
    _scalars | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@attrs.frozen
class Note:
    text: str
    when: dt.datetime


class Colour(enum.Enum):
    RED = "red"


def _app() -> App:
    app = App(plugins=["msgpack"])

    @app.post("/echo")
    async def echo(request: Request) -> dict[str, object]:
        return {"got": await request.decode()}

    @app.get("/note")
    async def note() -> Note:
        return Note("hi", NOON)

    @app.post("/typed")
    async def typed(note: Note) -> Note:
        return note

    @app.get("/created")
    async def created(request: Request) -> Response:
        return request.encode([1, 2], status=201, headers={"Location": "/1"})

    return app


@settings(max_examples=30)
@given(_values)
def test_values_come_back(value: object) -> None:
    assert CODEC.decode(CODEC.encode(value)) == value


@pytest.mark.parametrize(
    ("value", "decoded"),
    [
        pytest.param(Note("a", NOON), {"text": "a", "when": NOON}, id="attrs"),
        pytest.param({3}, [3], id="set"),
        pytest.param(uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007", id="uuid"),
        pytest.param([Decimal("1.50"), Colour.RED], ["1.50", "red"], id="texts"),
        pytest.param(dt.date(2024, 2, 29), "2024-02-29", id="date"),
    ],
)
def test_other_types_are_written_as_in_json(value: object, decoded: object) -> None:
    assert CODEC.decode(CODEC.encode(value)) == decoded


@pytest.mark.parametrize("value", [2**64, "\ud800"])
def test_values_without_a_form_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        CODEC.encode(value)


def test_value_that_contains_itself_is_refused() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(ValueError, match="cannot be written as MessagePack"):
        CODEC.encode(value)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xc1", b"\x01\x02", b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xa1\xff", b"\x91" * 100_000],
    ids=["empty", "opcode", "trailing", "array-without-end", "bytes-without-end", "not-utf-8", "nested"],
)
async def test_malformed_content_is_answered_400(content: bytes) -> None:
    async with Client(_app()) as client:
        response = await client.post("/echo", content=content, headers={"Content-Type": TYPE})
    assert (response.status, response.text) == (400, "the content is not application/msgpack")


async def test_request_and_response_have_their_own_formats() -> None:
    content = msgspec.msgpack.encode({"a": b"\x00"})
    async with Client(_app()) as client:
        both = await client.post("/echo", content=content, headers={"Content-Type": TYPE, "Accept": TYPE})
        only_in = await client.post("/echo", content=b"\x01", headers={"Content-Type": TYPE})
        only_out = await client.post("/echo", json=[1], headers={"Accept": f"{TYPE}, */*;q=0.1"})
    assert (both.headers["content-type"], both.headers["vary"]) == (TYPE, "Accept")
    assert msgspec.msgpack.decode(both.content) == {"got": {"a": b"\x00"}}
    assert only_in.json() == {"got": 1}
    assert msgspec.msgpack.decode(only_out.content) == {"got": [1]}


async def test_typed_parameters_and_results() -> None:
    content = msgspec.msgpack.encode({"text": "hi", "when": NOON})
    async with Client(_app()) as client:
        packed = await client.post("/typed", content=content, headers={"Content-Type": TYPE, "Accept": TYPE})
        json = await client.post("/typed", content=content, headers={"Content-Type": TYPE})
        wrong = await client.post("/typed", content=b"\x80", headers={"Content-Type": TYPE})
        malformed = await client.post("/typed", content=b"\xc1", headers={"Content-Type": TYPE})
    assert msgspec.msgpack.decode(packed.content, type=dict[str, str]) == json.json()
    assert json.json()["text"] == "hi"
    assert (wrong.status, malformed.status) == (422, 400)


async def test_response_of_a_status_is_encoded_too() -> None:
    async with Client(_app()) as client:
        packed = await client.get("/created", headers={"Accept": TYPE})
        refused = await client.get("/created", headers={"Accept": "image/png"})
        # A plugin must not turn answers to careless clients into errors.
        plain = await client.get("/note", headers={"Accept": "image/png"})
    assert (packed.status, packed.headers["location"], packed.content) == (201, "/1", b"\x92\x01\x02")
    assert (refused.status, refused.text) == (406, "available: application/json, application/msgpack")
    assert plain.json() == {"text": "hi", "when": NOON.isoformat()}


async def test_unknown_type_is_answered_415_with_the_types() -> None:
    async with Client(_app()) as client:
        response = await client.post("/echo", content=b"<a/>", headers={"Content-Type": "text/xml"})
    assert response.status == 415
    assert response.headers["accept"] == "application/json, application/msgpack"
