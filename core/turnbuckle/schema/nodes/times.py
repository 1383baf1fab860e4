"""Read and write dates, times and durations in the forms of RFC 3339 and ISO 8601.

The forms are those that msgspec reads and writes, except that the offset of UTC is
written as ``+00:00``, as ``isoformat`` does.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from fractions import Fraction
from typing import Final

from turnbuckle.schema.faults import Unfit

__all__ = ["format_duration", "read_date", "read_datetime", "read_duration", "read_time"]

# full-date = date-fullyear "-" date-month "-" date-mday (RFC 3339, section 5.6)
_DATE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
# partial-time [time-offset]; the offset may be missing, and may be written without its colon.
_TIME_PATTERN: Final = r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2}))?"
_TIME: Final = re.compile(_TIME_PATTERN)
_DATETIME: Final = re.compile(_DATE.pattern + "[Tt ]" + _TIME_PATTERN)
_NUMBER: Final = r"[0-9]+(?:\.[0-9]+)?"
_DURATION: Final = re.compile(
    rf"([+-])?[Pp](?:({_NUMBER})[Dd])?(?:[Tt](?=[0-9])(?:({_NUMBER})[Hh])?(?:({_NUMBER})[Mm])?(?:({_NUMBER})[Ss])?)?"
)
_UNITS: Final = (86400, 3600, 60, 1)
# int() and Fraction() of thousands of digits take long.
_MAX_DURATION: Final = 100


def read_date(text: str) -> date:
    """Return the date of a text such as ``2024-01-31``.

    Raises:
        Unfit: the text is not a date.
    """
    found = _DATE.fullmatch(text)
    try:
        if found:
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    raise Unfit("expected a date, such as 2024-01-31")


def read_datetime(text: str) -> datetime:
    """Return the date and time of a text such as ``2024-01-31T12:00:00Z``; the offset may be missing.

    Raises:
        Unfit: the text is not a date with a time.
    """
    found = _DATETIME.fullmatch(text)
    try:
        if found:
            year, month, day = int(found[1]), int(found[2]), int(found[3])
            whole, microseconds = _clock_time(found.groups()[3:])
            moment = datetime(year, month, day, whole.hour, whole.minute, whole.second)
            return (moment + timedelta(microseconds=microseconds)).replace(tzinfo=whole.tzinfo)
    except (ValueError, OverflowError):
        pass
    raise Unfit("expected a date with a time, such as 2024-01-31T12:00:00Z")


def read_time(text: str) -> time:
    """Return the time of a text such as ``12:00:00``; it may have an offset.

    Raises:
        Unfit: the text is not a time.
    """
    found = _TIME.fullmatch(text)
    try:
        if found:
            whole, microseconds = _clock_time(found.groups())
            moment = datetime(2000, 1, 1, whole.hour, whole.minute, whole.second) + timedelta(microseconds=microseconds)
            return moment.time().replace(tzinfo=whole.tzinfo)
    except ValueError:
        pass
    raise Unfit("expected a time, such as 12:00:00")


def _clock_time(groups: tuple[str | None, ...]) -> tuple[time, int]:
    """Return a time in whole seconds, and the microseconds beside it: rounded, so there may be a million of them."""
    hour, minute, second, fraction, utc, sign, offset_hours, offset_minutes = groups
    zone = UTC if utc else None
    if sign:
        if int(offset_hours or "") > 23 or int(offset_minutes or "") > 59:
            raise ValueError("the offset is too large")
        offset = timedelta(hours=int(offset_hours or ""), minutes=int(offset_minutes or ""))
        zone = timezone(-offset if sign == "-" else offset) if offset else UTC
    microseconds = 0
    if fraction:
        microseconds = int(fraction[:6].ljust(6, "0")) + (fraction[6:7] >= "5")
    return time(int(hour or ""), int(minute or ""), int(second or ""), tzinfo=zone), microseconds


def read_duration(text: str) -> timedelta:
    """Return the duration of a text such as ``P1DT2H30M`` (ISO 8601, without years, months and weeks).

    Raises:
        Unfit: the text is not a duration, or beyond the range of ``timedelta``.
    """
    found = _DURATION.fullmatch(text) if len(text) <= _MAX_DURATION else None
    if found and any(found.groups()[1:]):
        amounts = zip(found.groups()[1:], _UNITS, strict=True)
        microseconds = sum(Fraction(amount) * unit for amount, unit in amounts if amount) * 1_000_000
        try:
            length = timedelta(microseconds=int(microseconds + Fraction(1, 2)))
            return -length if found[1] == "-" else length
        except OverflowError:
            pass
    raise Unfit("expected a duration, such as P1DT2H30M")


def format_duration(value: timedelta) -> str:
    """Return a duration in the form of ISO 8601, such as ``P1DT9000S``."""
    sign = "-" if value.days < 0 else ""
    length = abs(value)
    text = f"{sign}P{length.days}D" if length.days else f"{sign}P"
    if length.seconds or length.microseconds:
        fraction = f".{length.microseconds:06d}".rstrip("0") if length.microseconds else ""
        return f"{text}T{length.seconds}{fraction}S"
    return text if length.days else "P0D"
