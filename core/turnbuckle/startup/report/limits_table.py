"""Build the table of limits and deadlines: for a plan, as JSON, and for the documentation.

The rows come from the metadata of the settings' fields, so the tables cannot differ from the server's behaviour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from turnbuckle.http.limits import LimitInfo, Limits, limit_info
from turnbuckle.plan import Plan, SettingValue
from turnbuckle.server.model.capacity import Capacity
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.startup.report.formats import Json, value_as_json
from turnbuckle.startup.report.settings_reference import sections_of
from turnbuckle.web.content.forms import FormLimits

__all__ = ["LIMIT_SECTIONS", "limit_of", "limit_rows", "limits_as_json", "limits_as_markdown"]

LIMIT_SECTIONS: Final[Mapping[str, type]] = {
    "limits": Limits,
    "forms": FormLimits,
    "timeouts": Timeouts,
    "capacity": Capacity,
}
"""The sections of settings with limits, with their classes."""


def limit_of(key: str) -> LimitInfo | None:
    """Return the metadata of a limit or deadline, or None if the setting is neither."""
    return _limits().get(key)


def limit_rows(plan: Plan) -> list[tuple[str, ...]]:
    """Return a row for each limit of an app: setting, value, unit, effect beyond the limit, source of the value."""
    values = _values(plan)
    return [(key, values[key].shown(), info.unit, info.beyond, values[key].source) for key, info in _limits().items()]


def limits_as_json(plan: Plan) -> Json:
    """Return the limits of an app as plain data, by key."""
    values = _values(plan)
    return {
        key: {
            "value": value_as_json(values[key].value),
            "source": values[key].source,
            "unit": info.unit,
            "beyond": info.beyond,
            "by_route": not info.fixed,
        }
        for key, info in _limits().items()
    }


def limits_as_markdown() -> str:
    """Return the table of the documentation: defaults, units, effects beyond the limits, and their tests."""
    lines = [
        "| setting | default | unit | beyond it | by route | meaning | test |",
        "|---|---|---|---|---|---|---|",
    ]
    for section, cls in LIMIT_SECTIONS.items():
        for setting in next(sections_of(cls, section)).settings:
            info = limit_of(setting.key)
            if info is not None:
                path, _, name = info.test.partition("::")
                test = f"[`{name}`](../../tests/core/{path})"
                by_route = "no" if info.fixed else "yes"
                row = (f"`{setting.key}`", f"`{setting.default}`", info.unit, info.beyond, by_route)
                lines.append("| " + " | ".join((*row, setting.text.replace("``", "`"), test)) + " |")
    return "\n".join(lines) + "\n"


def _limits() -> dict[str, LimitInfo]:
    return dict(_iter_limits())


def _iter_limits() -> Iterator[tuple[str, LimitInfo]]:
    for section, cls in LIMIT_SECTIONS.items():
        for field in attrs.fields(cls):
            info = limit_info(field)
            if info is not None:
                yield f"{section}.{field.name}", info


def _values(plan: Plan) -> Mapping[str, SettingValue]:
    return {value.key: value for value in plan.setting_values.values()}
