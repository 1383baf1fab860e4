"""When schedules are due: distances, times of day, days of the week, and changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from turnbuckle_contrib.tasks import Daily, Every, Times, parse_seconds

BERLIN = ZoneInfo("Europe/Berlin")


def _next(times: Times, start: datetime, number: int) -> list[str]:
    def moments():  # noqa: ANN202
        now = start.timestamp()
        while True:
            now = times.after(now)
            yield datetime.fromtimestamp(now, start.tzinfo).isoformat(timespec="minutes")

    return list(islice(moments(), number))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("1d", 86400.0),
        ("2w", 1209600.0),
        (2.5, 2.5),
        (timedelta(minutes=2), 120.0),
    ],
)
def test_durations(text: str | float | timedelta, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m5", "5 m", "-5m", -1, float("nan"), float("inf"), "٣s"])
def test_texts_that_are_no_durations(text: str | float) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_seconds(text)


def test_equal_distances_are_multiples_since_the_epoch() -> None:
    start = datetime(2026, 1, 1, 12, 3, tzinfo=UTC)
    assert _next(Every("5m"), start, 3) == [
        "2026-01-01T12:05+00:00",
        "2026-01-01T12:10+00:00",
        "2026-01-01T12:15+00:00",
    ]
    assert str(Every("5m")) == "every 300 s"


def test_times_of_day_in_a_zone_and_on_some_days() -> None:
    friday = datetime(2026, 1, 2, 12, 0, tzinfo=BERLIN)
    times = Daily(["15:30", "03:00"], "Europe/Berlin", "mon fri")
    assert _next(times, friday, 4) == [
        "2026-01-02T15:30+01:00",
        "2026-01-05T03:00+01:00",
        "2026-01-05T15:30+01:00",
        "2026-01-09T03:00+01:00",
    ]
    assert str(times) == "at 03:00, 15:30 Europe/Berlin on mon, fri"
    assert str(Daily("03:00")) == "at 03:00 UTC"


def test_time_that_is_left_out_or_repeated_happens_once() -> None:
    times = Daily("02:30", "Europe/Berlin")
    assert _next(times, datetime(2026, 3, 28, 12, tzinfo=BERLIN), 2) == [
        "2026-03-29T03:30+02:00",
        "2026-03-30T02:30+02:00",
    ]
    assert _next(times, datetime(2026, 10, 24, 12, tzinfo=BERLIN), 2) == [
        "2026-10-25T02:30+02:00",
        "2026-10-26T02:30+01:00",
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(("3:00",), "time of day", id="time"),
        pytest.param(("25:00",), "time of day", id="hour"),
        pytest.param(((),), "needs a time", id="no-time"),
        pytest.param(("03:00", "Mars/Olympus"), "time zone", id="zone"),
        pytest.param(("03:00", "../etc/passwd"), "time zone", id="path"),
        pytest.param(("03:00", "UTC", "monday"), "mon, tue", id="day"),
        pytest.param(("03:00", "UTC", ()), "needs a day", id="no-day"),
    ],
)
def test_mistakes_in_daily_schedules(arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Daily(*arguments)


def test_distance_below_a_second_is_refused() -> None:
    with pytest.raises(ValueError, match="seconds"):
        Every(0.5)
