"""Tests of ``turnbuckle.web.content.json``."""

import dataclasses
import enum
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from turnbuckle.errors import BadRequest
from turnbuckle.schema import json_decoding, json_encoding as json_module
from turnbuckle.schema.json_decoding import decode_strictly, find_fast_decoder
from turnbuckle.schema.json_encoding import encode_json
from turnbuckle.web.content.content import decode_json
from turnbuckle.web.content.json import JSONCodec, StandardJSON
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


def test_encode_json_reports_values_that_contain_themselves() -> None:
    circle: list[object] = []
    circle.append({"a": circle})
    point = Point(1, {})
    point.y["point"] = point
    for value in (circle, point):
        with pytest.raises(ValueError, match="Circular reference"):
            encode_json(value)
    assert encode_json([point.x] * 2) == b"[1,1]"


def test_encode_json_takes_the_same_object_several_times() -> None:
    shared = {"a": UUID(int=1)}
    with ThreadPoolExecutor(4) as pool:
        results = set(pool.map(encode_json, [[shared, shared]] * 200))
    assert results == {f'[{{"a":"{UUID(int=1)}"}},{{"a":"{UUID(int=1)}"}}]'.encode()}


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.uuids() | st.binary()
_KEYS = st.text() | st.integers() | st.booleans() | st.none() | st.floats()
_VALUES = st.recursive(
    _LEAVES,
    lambda children: st.lists(children) | st.dictionaries(_KEYS, children) | st.tuples(children, children),
    max_leaves=20,
)


@settings(max_examples=300)
@given(_VALUES)
def test_encode_json_writes_what_the_json_module_writes(value: object) -> None:
    def by_json_module() -> bytes:
        options = {"allow_nan": False, "separators": (",", ":"), "default": json_module._to_json_type}
        try:
            return json.dumps(value, ensure_ascii=False, **options).encode()
        except UnicodeEncodeError:
            return json.dumps(value, **options).encode()

    assert _outcome(encode_json, value) == _outcome(lambda _: by_json_module(), value)


def _outcome(function: Callable[[Any], object], argument: object) -> tuple[type[object] | None, str]:
    try:
        result = function(argument)
    except (ValueError, TypeError, RecursionError) as error:
        return type(error), ""
    return None, repr(result)


def _fast() -> StandardJSON:
    codec = StandardJSON()
    codec.use_fast_decoder()
    assert codec.fast_decoder is not None
    return codec


_ATOMS = [
    *("0", "-0", "1", "-1", "1.5", "-0.0", "1e5", "1E-5", "1e400", "1e-400", "01", "1.", ".5", "+1", "-", "1_0", "0x1"),
    *("18446744073709551616", "-9223372036854775809", "9" * 400, "1" * 5000, "0." + "0" * 400 + "1", "9" * 309 + ".0"),
    *("true", "false", "null", "True", "NaN", "Infinity", "-Infinity", "nul"),
    *('""', '"a"', '"é"', '"\\u00e9"', '"\\ud83d\\ude00"', '"\\ud800"', '"\\udc00"', '"\\\\ud800"', '"\\x"', '"\\/"'),
    *('"\x00"', '"\x1f"', '"\x7f"', '"\u2028"', "'a'", '"a', "//", "\ufeff"),
]  # fmt: skip
_TEXTS = st.one_of(
    st.lists(
        st.sampled_from(_ATOMS)
        | st.sampled_from(list("[]{},: \t\n\r\x0b"))
        | st.sampled_from(['"a":', '"b":', "\xa0"]),
        max_size=12,
    ).map("".join),
    st.recursive(
        st.sampled_from(_ATOMS) | st.floats().map(repr) | st.integers().map(repr),
        lambda inner: (
            st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
            | st.lists(st.tuples(st.sampled_from(['"a"', '"b"', '""', "a"]), inner), max_size=4).map(
                lambda pairs: "{" + ",".join(f"{key}:{value}" for key, value in pairs) + "}"
            )
        ),
        max_leaves=8,
    ),
    st.text(max_size=10),
).map(lambda text: text.encode("utf-8", "surrogatepass"))


@settings(max_examples=500, deadline=None)
@given(_TEXTS | st.binary(max_size=8) | st.tuples(_TEXTS, st.binary(max_size=2)).map(b"".join))
def test_fast_decoder_decodes_what_the_json_module_decodes(content: bytes) -> None:
    def by_json_module() -> object:
        def finite(text: str) -> float:
            assert abs(float(text)) != float("inf")
            return float(text)

        def refuse(name: str) -> None:
            raise ValueError(name)

        try:
            value = json.loads(content.decode("utf-8-sig"), parse_float=finite, parse_constant=refuse)
            json.dumps(value, ensure_ascii=False).encode()
        except AssertionError as error:
            raise ValueError from error
        return value

    def failed(outcome: tuple[type[object] | None, str]) -> tuple[bool, str]:
        return outcome[0] is not None, outcome[1]

    expected = failed(_outcome(lambda _: by_json_module(), content))
    assert failed(_outcome(_fast().decode, content)) == expected
    assert failed(_outcome(decode_strictly, content)) == expected


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_depth_is_limited_by_each_decoder(opening: bytes) -> None:
    for codec in (StandardJSON(), _fast()):
        with pytest.raises(RecursionError):
            codec.decode(opening * 200_000)


def test_fast_decoder_is_not_used_if_it_is_missing_or_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(json_decoding, "_SAMPLES", (b"\xef\xbb\xbf1",))
        assert find_fast_decoder() is None
    assert find_fast_decoder() is not None
    monkeypatch.setitem(sys.modules, "msgspec", None)
    assert find_fast_decoder() is None
    codec = StandardJSON()
    codec.use_fast_decoder()
    assert codec.decode(b" [1, 2.5] ") == [1, 2.5]


CODECS = [
    pytest.param(StandardJSON(), id="standard"),
    pytest.param(_fast(), id="standard with msgspec"),
    pytest.param(MsgspecJSON(), id="msgspec"),
]


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
