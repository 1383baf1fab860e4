"""Lay out all limits and deadlines as one table: for a plan, for programs, and for the documentation.

The rows come from what is written beside each setting, so that no table can say anything else than the server does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from turnbuckle.http.limit_field import LimitInfo, limit_info
from turnbuckle.http.limits import Limits
from turnbuckle.plan import Plan, SettingValue
from turnbuckle.server.model.capacity import Capacity
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.startup.report.formats import Json, value_as_json
from turnbuckle.startup.report.settings_reference import sections_of

__all__ = ["BOUNDED", "bound_at", "bounds_as_json", "bounds_as_markdown", "bounds_rows"]

BOUNDED: Final[Mapping[str, type]] = {"limits": Limits, "timeouts": Timeouts, "capacity": Capacity}
"""The sections of settings that bound something, with their classes."""


def bound_at(key: str) -> LimitInfo | None:
    """Return what is told of a setting; None if it bounds nothing."""
    return _bounds().get(key)


def bounds_rows(plan: Plan) -> list[tuple[str, ...]]:
    """Return a row for each bound of an app: setting, value, unit, what happens beyond it, source of the value."""
    values = _values(plan)
    return [
        (key, values[key].shown(), bound.unit, bound.beyond, values[key].source) for key, bound in _bounds().items()
    ]


def bounds_as_json(plan: Plan) -> Json:
    """Return the same as plain data, by key."""
    values = _values(plan)
    return {
        key: {
            "value": value_as_json(values[key].value),
            "source": values[key].source,
            "unit": bound.unit,
            "beyond": bound.beyond,
            "by_route": not bound.fixed,
        }
        for key, bound in _bounds().items()
    }


def bounds_as_markdown() -> str:
    """Return the table of the documentation: defaults, units, what happens beyond, and the test that shows it."""
    lines = [
        "| setting | default | unit | beyond it | by route | what it bounds | test |",
        "|---|---|---|---|---|---|---|",
    ]
    for section, cls in BOUNDED.items():
        for format_error in next(sections_of(cls, section)).settings:
            bound = bound_at(format_error.key)
            if bound is not None:
                path, _, name = bound.test.partition("::")
                test = f"[`{name}`](../../tests/core/{path})"
                by_route = "no" if bound.fixed else "yes"
                row = (f"`{format_error.key}`", f"`{format_error.default}`", bound.unit, bound.beyond, by_route)
                lines.append("| " + " | ".join((*row, format_error.text.replace("``", "`"), test)) + " |")
    return "\n".join(lines) + "\n"


def _bounds() -> dict[str, LimitInfo]:
    return dict(_each_bound())


def _each_bound() -> Iterator[tuple[str, LimitInfo]]:
    for section, cls in BOUNDED.items():
        for field in attrs.fields(cls):
            bound = limit_info(field)
            if bound is not None:
                yield f"{section}.{field.name}", bound


def _values(plan: Plan) -> Mapping[str, SettingValue]:
    return {value.key: value for value in plan.setting_values.values()}
