"""Format and parse the dates of HTTP fields (RFC 9110, section 5.6.7).

Dates are seconds since the epoch on one side and bytes on the other. The module uses no locale and reads no clock: the
century of a two-digit year follows from the ``now`` that the caller passes.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Final

__all__ = ["format_date", "parse_date"]

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS: Final = {name: number for number, name in enumerate(_MONTHS, 1)}

_TIME: Final = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_SHORT_DAY: Final = f"(?:{'|'.join(_DAYS)})"
_LONG_DAY: Final = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
_MONTH: Final = f"(?P<month>{'|'.join(_MONTHS)})"

_FORMATS: Final = (
    # IMF-fixdate = day-name "," SP day SP month SP year SP time-of-day SP GMT
    re.compile(f"{_SHORT_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT"),
    # rfc850-date = day-name-l "," SP day "-" month "-" 2DIGIT SP time-of-day SP GMT
    re.compile(f"{_LONG_DAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT"),
    # asctime-date = day-name SP month SP ( 2DIGIT / ( SP 1DIGIT ) ) SP time-of-day SP year
    re.compile(f"{_SHORT_DAY} {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_TIME} (?P<year>[0-9]{{4}})"),
)

_START_OF_2020: Final = 1_577_836_800.0


def format_date(epoch_seconds: float) -> bytes:
    """Return the date as an IMF-fixdate, ``Sun, 06 Nov 1994 08:49:37 GMT``; fractions of a second are dropped.

    Raises:
        ValueError, OverflowError: the year is not in 1 to 9999, or the number is not finite.
    """
    when = datetime.fromtimestamp(math.floor(epoch_seconds), UTC)
    day, month = _DAYS[when.weekday()], _MONTHS[when.month - 1]
    text = f"{day}, {when.day:02} {month} {when.year:04} {when.hour:02}:{when.minute:02}:{when.second:02} GMT"
    return text.encode("ascii")


def parse_date(value: str | bytes, *, now: float = _START_OF_2020) -> float | None:
    """Return the seconds since the epoch of an HTTP date, or None if the value has none of the three formats.

    The day of the week is not compared with the date, because it adds no information.

    Args:
        value: a field value without surrounding whitespace.
        now: the present time, which decides the century of a two-digit year in an obsolete RFC 850 date.
    """
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    for pattern in _FORMATS:
        if found := pattern.fullmatch(text):
            return _epoch_seconds(found, now)
    return None


def _epoch_seconds(found: re.Match[str], now: float) -> float | None:
    year, day, hour, minute, second = (int(found[name]) for name in ("year", "day", "hour", "minute", "second"))
    if len(found["year"]) == 2:
        year = _full_year(year, now)
    if second > 60:
        return None
    try:
        when = datetime(year, _MONTH_NUMBERS[found["month"]], day, hour, minute, tzinfo=UTC)
    except ValueError:
        return None
    # A leap second, 60, is valid but datetime rejects it. Adding the seconds here turns it into the next second.
    return when.timestamp() + second


def _full_year(two_digits: int, now: float) -> int:
    # A year that "appears to be more than 50 years in the future" is the most recent year in the past with the same
    # last two digits.
    this_year = datetime.fromtimestamp(now, UTC).year
    year = this_year - this_year % 100 + two_digits
    return year - 100 if year > this_year + 50 else year
