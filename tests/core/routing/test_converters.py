"""The built-in converters, and those that users define."""

import datetime as dt
import uuid
from decimal import Decimal, InvalidOperation
from types import SimpleNamespace
from typing import Never

import pytest
from hypothesis import given, strategies as st

from turnbuckle.errors import RouteError
from turnbuckle.routing.converters import BUILTIN_CONVERTERS, PATH, Converter, resolve_converter

UUID = uuid.UUID("0a1b2c3d-4e5f-6789-abcd-ef0123456789")


def builtin(name: str, arguments: str | None = None) -> Converter:
    return resolve_converter(BUILTIN_CONVERTERS, name, arguments)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        pytest.param("str", "a b/\u00e9", "a b/\u00e9", id="str"),
        pytest.param("int", "0", 0, id="int-zero"),
        pytest.param("int", "007", 7, id="int-leading-zeros"),
        pytest.param("int", "9" * 100, int("9" * 100), id="int-longest"),
        pytest.param("float", "1", 1.0, id="float-whole"),
        pytest.param("float", "0.5", 0.5, id="float"),
        pytest.param("float", "9" * 308, float("9" * 308), id="float-largest"),
        pytest.param("float", "0." + "0" * 323 + "5", 5e-324, id="float-smallest"),
        pytest.param("uuid", str(UUID), UUID, id="uuid"),
        pytest.param("uuid", str(UUID).upper(), UUID, id="uuid-upper"),
        pytest.param("date", "2024-02-29", dt.date(2024, 2, 29), id="date-leap"),
        pytest.param("date", "2000-02-29", dt.date(2000, 2, 29), id="date-century-leap"),
        pytest.param("date", "0001-01-01", dt.date(1, 1, 1), id="date-first"),
        pytest.param("date", "9999-12-31", dt.date(9999, 12, 31), id="date-last"),
        pytest.param("path", "", "", id="path-empty"),
        pytest.param("path", "a//b/", "a//b/", id="path"),
    ],
)
def test_builtin_reads(name: str, text: str, value: object) -> None:
    read = builtin(name).read(text)
    assert read == (value,)
    assert type(read[0]) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("str", "", id="str-empty"),
        *(
            pytest.param("int", text, id=f"int-{number}")
            for number, text in enumerate(
                ["", "+5", "-5", " 5", "5 ", "1_0", "\u0665", "\u00b2", "5.0", "0x5", "5\n", "9" * 101, "9" * 5000]
            )
        ),
        *(
            pytest.param("float", text, id=f"float-{number}")
            for number, text in enumerate(
                ["", ".5", "5.", "-1.0", "+1.0", "1e5", "inf", "nan", "1_0.0", "\u0661.0", "1.5\n", "9" * 309]
            )
        ),
        *(
            pytest.param("uuid", text, id=f"uuid-{number}")
            for number, text in enumerate(
                [UUID.hex, "{" + str(UUID) + "}", f"urn:uuid:{UUID}", str(UUID)[:-1], str(UUID) + "0", "x" * 36]
            )
        ),
        *(
            pytest.param("date", text, id=f"date-{number}")
            for number, text in enumerate(
                [
                    "2023-02-29",
                    "1900-02-29",
                    "2024-02-30",
                    "2024-04-31",
                    "2024-13-01",
                    "2024-00-01",
                    "2024-01-00",
                    "0000-01-01",
                    "0000-02-29",
                    "20240101",
                    "2024-W01-1",
                    "2024-1-1",
                    "24-01-01",
                    "2024-01-01T00",
                ]
            )
        ),
    ],
)
def test_builtin_refuses(name: str, text: str) -> None:
    assert builtin(name).read(text) is None


def test_date_expression_admits_the_days_of_the_calendar() -> None:
    accepts = builtin("date").language.accepts
    for year in (1, 4, 99, 100, 400, 1900, 1999, 2000, 2023, 2024, 2100, 9996, 9999):
        for month in range(14):
            for day in range(33):
                text = f"{year:04}-{month:02}-{day:02}"
                try:
                    dt.date(year, month, day)
                except ValueError:
                    assert not accepts(text), text
                else:
                    assert accepts(text), text


@given(st.integers(0, 10**100 - 1))
def test_int_round_trip(value: int) -> None:
    assert builtin("int").read(builtin("int").write(value)) == (value,)


@given(st.floats(0, 9e307))
def test_float_round_trip(value: float) -> None:
    assert builtin("float").read(builtin("float").write(value)) == (value,)


@given(st.dates())
def test_date_round_trip(value: dt.date) -> None:
    assert builtin("date").read(builtin("date").write(value)) == (value,)


@given(st.uuids())
def test_uuid_round_trip(value: uuid.UUID) -> None:
    assert builtin("uuid").read(builtin("uuid").write(value)) == (value,)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        pytest.param("str", "", ValueError, id="str-empty"),
        pytest.param("str", 5, TypeError, id="str-int"),
        pytest.param("str", b"x", TypeError, id="str-bytes"),
        pytest.param("int", -1, ValueError, id="int-negative"),
        pytest.param("int", 10**100, ValueError, id="int-101-digits"),
        pytest.param("int", 10**5000, ValueError, id="int-past-str-limit"),
        pytest.param("int", True, TypeError, id="int-bool"),
        pytest.param("int", "5", TypeError, id="int-str"),
        pytest.param("int", 5.0, TypeError, id="int-float"),
        pytest.param("float", -0.5, ValueError, id="float-negative"),
        pytest.param("float", float("inf"), ValueError, id="float-inf"),
        pytest.param("float", float("nan"), ValueError, id="float-nan"),
        pytest.param("float", 1e308, ValueError, id="float-309-digits"),
        pytest.param("float", 10**400, ValueError, id="float-int-too-large"),
        pytest.param("float", True, TypeError, id="float-bool"),
        pytest.param("float", "1.5", TypeError, id="float-str"),
        pytest.param("uuid", str(UUID), TypeError, id="uuid-str"),
        pytest.param("date", "2024-01-01", TypeError, id="date-str"),
        pytest.param("date", dt.datetime(2024, 1, 1), TypeError, id="date-datetime"),
        pytest.param("path", None, TypeError, id="path-none"),
    ],
)
def test_builtin_refuses_to_write(name: str, value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        builtin(name).write(value)


def test_float_is_written_without_exponent() -> None:
    write = builtin("float").write
    assert write(1e16) == "10000000000000000"
    assert write(1e-7) == "0.0000001"
    assert write(3) == "3.0"


def test_re_reads_the_expression() -> None:
    converter = builtin("re", "[A-Z]{2}-[0-9]+")
    assert converter.read("AB-12") == ("AB-12",)
    assert converter.read("ab-12") is None
    assert converter.write("AB-12") == "AB-12"
    with pytest.raises(ValueError, match=r"'x' is not of the form \[A-Z\]"):
        converter.write("x")


@pytest.mark.parametrize("refusal", [ValueError, KeyError, IndexError, InvalidOperation, ZeroDivisionError])
def test_converter_refuses_by_raising(refusal: type[Exception]) -> None:
    def refuse(text: str) -> Never:
        raise refusal(text)

    assert Converter(convert=refuse).read("x") is None


def test_converter_faults_are_not_hidden() -> None:
    converter = Converter(convert=lambda text: SimpleNamespace().missing)
    with pytest.raises(AttributeError):
        converter.read("x")


def test_user_converter_reads_and_writes() -> None:
    money = Converter(regex=r"[0-9]+\.[0-9]{2}", convert=Decimal, format=lambda value: f"{value:.2f}")
    assert money.read("5.20") == (Decimal("5.20"),)
    assert money.read("5.2") is None
    assert money.write(Decimal(5)) == "5.00"


def test_converter_regex_is_checked_when_made() -> None:
    with pytest.raises(RouteError, match=r"expression '\(', position 0"):
        Converter(regex="(")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        pytest.param("int", "5", "converter 'int' takes no arguments", id="needless"),
        pytest.param("re", None, r"converter 're' needs arguments: re\(...\)", id="missing"),
    ],
)
def test_resolve_refuses(name: str, arguments: str | None, message: str) -> None:
    with pytest.raises(RouteError, match=message):
        builtin(name, arguments)


def test_resolve_unknown() -> None:
    with pytest.raises(KeyError):
        builtin("itn")


def test_only_path_spans() -> None:
    assert PATH.covering_language is not PATH.language
    assert builtin("int").covering_language is builtin("int").language
    assert [
        name
        for name, converter in BUILTIN_CONVERTERS.items()
        if isinstance(converter, Converter) and converter.spans_segments
    ] == ["path"]
