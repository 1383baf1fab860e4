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

from turnbuckle.errors import BadRequest
from turnbuckle.web.content.content import decode_json
from turnbuckle.web.content.json import STANDARD_JSON, JSONCodec, encode_json
from turnbuckle_plugins.msgspec_json import MsgspecJSON


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
def test_encode_json(value: object, text: str) -> None:
    assert encode_json(value) == text.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": -float("inf")}])
def test_encode_json_has_no_nan(value: dict[str, float] | float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_json(value)


@pytest.mark.parametrize("value", [object(), b"bytes", Point, 1j])
def test_encode_json_refuses(value: object) -> None:
    with pytest.raises(TypeError, match="has no JSON form"):
        encode_json([value])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda children: st.lists(children) | st.dictionaries(st.text(), children),
        max_leaves=10,
    )
)
def test_encode_json_round_trips(value: object) -> None:
    assert json.loads(encode_json(value)) == value


CODECS = [pytest.param(STANDARD_JSON, id="standard"), pytest.param(MsgspecJSON(), id="msgspec")]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "content",
    [
        *(b"1e400", b"-1e999", b"1E+400", b"1" + b"0" * 400 + b".0", b"9" * 5000, b'{"a": [1e400]}'),
        *(b"NaN", b"Infinity", b"-Infinity", b"[nan]", b"01", b"1.", b".5", b"0x10", b"[1,]", b"'a'", b"1 2", b""),
        *(b'"\\ud800"', b'"\\udc00\\ud800"', b'{"\\uDBFF": 1}', b'"\\ud83d\\ude00\\ud800"', b'"\xed\xa0\x80"'),
        *('{"a": "é"}'.encode(encoding) for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1")),
        b"[" * 100_000,
    ],
    ids=lambda content: ascii(content[:20]),
)
def test_decode_json_refuses(codec: JSONCodec, content: bytes) -> None:
    with pytest.raises(BadRequest):
        decode_json(content, codec)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"1e308", 1e308),
        (b"1e-400", 0.0),
        (b"-18446744073709551617", -18446744073709551617),
        (b"9" * 400, int("9" * 400)),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\\\ud800"', "\\ud800"),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"\xef\xbb\xbf[]", []),
    ],
    ids=lambda content: ascii(content)[:20],
)
def test_decoded_json_can_be_encoded_again(codec: JSONCodec, content: bytes, value: object) -> None:
    decoded = decode_json(content, codec)
    assert decoded == value
    assert decode_json(codec.encode(decoded), codec) == value
