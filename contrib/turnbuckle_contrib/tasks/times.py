"""Compute when a schedule is due, from nothing but the time, so that all processes agree without a shared state."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

__all__ = ["WEEKDAYS", "Daily", "Every", "Times", "parse_seconds"]

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION: Final = re.compile(r"(?:[0-9]+[smhdw])+")
_PART: Final = re.compile(r"([0-9]+)([smhdw])")
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class Times(Protocol):
    """The times of a schedule."""

    def after(self, now: float) -> float:
        """Return the first time after ``now``; both in seconds since the epoch."""


def parse_seconds(value: str | float | timedelta) -> float:
    """Return the seconds of a duration such as ``"90s"``, ``"5m"`` or ``"1h30m"``, of a number or a ``timedelta``.

    Raises:
        ValueError: it is no duration.
    """
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, int | float) and math.isfinite(value) and value >= 0:
        return float(value)
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise ValueError(f"{value!r} is no duration; write it like '30s', '5m', '1h30m' or '1d'")
    return float(sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(value)))


@attrs.frozen
class Every:
    """Times with equal distances: the multiples of a number of seconds since the epoch.

    Attributes:
        seconds: the distance, at least a second.
    """

    seconds: float = attrs.field(converter=parse_seconds, validator=attrs.validators.ge(1))

    def __str__(self) -> str:
        return f"every {self.seconds:g} s"

    def after(self, now: float) -> float:
        """Return the first time after ``now``."""
        return (math.floor(now / self.seconds) + 1) * self.seconds


def _as_times(value: str | Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted((value,) if isinstance(value, str) else value))


def _are_times(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for text in value:
        if not _TIME.fullmatch(text):
            raise ValueError(f"{text!r} is no time of day; write it like '03:00' or '15:30'")
    if not value:
        raise ValueError("a daily schedule needs a time, such as '03:00'")


def _as_zone(value: str | tzinfo) -> tzinfo:
    try:
        return ZoneInfo(value) if isinstance(value, str) else value
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{value!r} is no time zone; write it like 'UTC' or 'Europe/Berlin'") from error


def _as_days(value: str | Iterable[str]) -> tuple[str, ...]:
    return tuple(value.split()) if isinstance(value, str) else tuple(value)


def _are_days(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for day in value:
        if day not in WEEKDAYS:
            raise ValueError(f"{day!r} is no day; the days are {', '.join(WEEKDAYS)}")
    if not value:
        raise ValueError("a daily schedule needs a day, such as 'mon'")


@attrs.frozen
class Daily:
    """Times of day in a time zone, on some days of the week.

    A time that a change of the clock leaves out is taken as much later as the clock is put forward, and a time that it
    repeats happens once, the first time.

    Attributes:
        times: such as "03:00".
        zone: name of the time zone.
        days: days of the week, such as ("mon", "fri") or "mon fri".
    """

    times: tuple[str, ...] = attrs.field(converter=_as_times, validator=_are_times)
    zone: tzinfo = attrs.field(default=UTC, converter=_as_zone)
    days: tuple[str, ...] = attrs.field(default=WEEKDAYS, converter=_as_days, validator=_are_days)

    def __str__(self) -> str:
        days = "" if self.days == WEEKDAYS else f" on {', '.join(self.days)}"
        return f"at {', '.join(self.times)} {self.zone}{days}"

    def after(self, now: float) -> float:
        """Return the first time after ``now``."""
        day = datetime.fromtimestamp(now, self.zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        while True:
            if WEEKDAYS[day.weekday()] in self.days:
                moments = [day.replace(hour=int(text[:2]), minute=int(text[3:])).timestamp() for text in self.times]
                later = [moment for moment in moments if moment > now]
                if later:
                    return min(later)
            day += timedelta(days=1)
