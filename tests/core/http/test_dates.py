"""Tests of ``turnbuckle.http.dates``."""

import email.utils

import pytest
from hypothesis import given, strategies as st

from turnbuckle.http.dates import format_date, parse_date

EXAMPLE = 784111777.0  # of RFC 9110, section 5.6.7
END_OF_9999 = 253402300799


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(0, b"Thu, 01 Jan 1970 00:00:00 GMT", id="epoch"),
        pytest.param(EXAMPLE, b"Sun, 06 Nov 1994 08:49:37 GMT", id="rfc-example"),
        pytest.param(EXAMPLE + 0.9999999, b"Sun, 06 Nov 1994 08:49:37 GMT", id="fraction-is-cut-off"),
        pytest.param(-0.5, b"Wed, 31 Dec 1969 23:59:59 GMT", id="before-the-epoch"),
        pytest.param(951782400, b"Tue, 29 Feb 2000 00:00:00 GMT", id="leap-day"),
        pytest.param(-62135596800, b"Mon, 01 Jan 0001 00:00:00 GMT", id="year-of-four-digits"),
        pytest.param(END_OF_9999, b"Fri, 31 Dec 9999 23:59:59 GMT", id="last"),
    ],
)
def test_format_date(seconds: float, text: bytes) -> None:
    assert format_date(seconds) == text


@pytest.mark.parametrize("seconds", [END_OF_9999 + 1, float("inf"), float("nan")])
def test_format_date_without_a_date(seconds: float) -> None:
    with pytest.raises((ValueError, OverflowError)):
        format_date(seconds)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Sun, 06 Nov 1994 08:49:37 GMT", id="imf-fixdate"),
        pytest.param(b"Sun, 06 Nov 1994 08:49:37 GMT", id="bytes"),
        pytest.param("Sunday, 06-Nov-94 08:49:37 GMT", id="rfc850"),
        pytest.param("Sun Nov  6 08:49:37 1994", id="asctime"),
        pytest.param("Sun Nov 06 08:49:37 1994", id="asctime-two-digits"),
        pytest.param("Mon, 06 Nov 1994 08:49:37 GMT", id="wrong-day-of-the-week"),
    ],
)
def test_parse_date_in_any_format(text: str | bytes) -> None:
    assert parse_date(text) == EXAMPLE


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("784111777", id="number"),
        pytest.param("Sun, 06 Nov 1994 08:49:37", id="no-zone"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 UTC", id="other-zone"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 +0100", id="offset"),
        pytest.param("sun, 06 nov 1994 08:49:37 gmt", id="lower-case"),
        pytest.param("Sun, 6 Nov 1994 08:49:37 GMT", id="one-digit-day"),
        pytest.param("Sun, 06 Nov 94 08:49:37 GMT", id="two-digit-year"),
        pytest.param("Sun, 31 Feb 1994 08:49:37 GMT", id="no-such-day"),
        pytest.param("Sun, 06 Nov 0000 08:49:37 GMT", id="year-zero"),
        pytest.param("Sun, 06 Nov 1994 24:00:00 GMT", id="hour-24"),
        pytest.param("Sun, 06 Nov 1994 08:60:37 GMT", id="minute-60"),
        pytest.param("Sun, 06 Nov 1994 08:49:61 GMT", id="second-61"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 GMT\n", id="line-feed-after"),
        pytest.param("Sun, 0\N{SUPERSCRIPT SIX} Nov 1994 08:49:37 GMT", id="superscript"),
        pytest.param("Sun, \N{ARABIC-INDIC DIGIT ZERO}6 Nov 1994 08:49:37 GMT", id="other-digits"),
        pytest.param(b"Sun, 06 Nov 1994 08:49:37 GMT\xff", id="eighth-bit"),
    ],
)
def test_parse_date_refuses(text: str | bytes) -> None:
    assert parse_date(text) is None


def test_parse_date_takes_a_leap_second_as_the_second_after() -> None:
    assert parse_date("Sat, 31 Dec 2016 23:59:60 GMT") == parse_date("Sun, 01 Jan 2017 00:00:00 GMT")


@pytest.mark.parametrize(
    ("now", "year", "full"),
    [
        pytest.param("2026", "94", "1994", id="past"),
        pytest.param("2026", "26", "2026", id="this-year"),
        pytest.param("2026", "76", "2076", id="fifty-years-ahead"),
        pytest.param("2026", "77", "1977", id="more-than-fifty-years-ahead"),
        pytest.param("1999", "00", "1900", id="end-of-a-century"),
    ],
)
def test_parse_date_places_a_two_digit_year(now: str, year: str, full: str) -> None:
    present = parse_date(f"Thu, 01 Jan {now} 00:00:00 GMT")
    assert present is not None
    expected = parse_date(f"Mon, 05 Jan {full} 00:00:00 GMT")
    assert parse_date(f"Monday, 05-Jan-{year} 00:00:00 GMT", now=present) == expected


@given(st.integers(-62135596800, END_OF_9999))
def test_dates_round_trip(seconds: int) -> None:
    assert parse_date(format_date(seconds)) == seconds


@given(st.integers(0, 2**33))
def test_format_date_agrees_with_the_standard_library(seconds: int) -> None:
    assert format_date(seconds).decode() == email.utils.formatdate(seconds, usegmt=True)


@given(st.text(max_size=40))
def test_parse_date_never_raises(text: str) -> None:
    assert parse_date(text) is None or format_date(parse_date(text) or 0)
