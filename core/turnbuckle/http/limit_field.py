"""Declare a limit or a deadline as the field of a settings class, together with the facts that documentation shows.

Tables and explanations of limits are generated from these facts. Enforcing a limit is the task of other modules.
"""

from __future__ import annotations

import math
from typing import Final, TypeVar

import attrs

__all__ = ["LIMIT_INFO", "LimitInfo", "deadline", "limit", "limit_info"]

LIMIT_INFO: Final = "limit_info"
"""The key of a ``LimitInfo`` in the metadata of a field."""

NumberT = TypeVar("NumberT", int, float)


@attrs.frozen(kw_only=True)
class LimitInfo:
    """The facts about a setting that limits something.

    Attributes:
        unit: unit of the value.
        beyond: what happens beyond the limit: a status, or a few words.
        test: ``path::name`` of the test that demonstrates it, relative to ``tests/core``.
        fixed: why routes and scopes cannot override the setting; "" if they can.
    """

    unit: str
    beyond: str
    test: str
    fixed: str = ""


def limit(default: int, *, beyond: str, test: str, unit: str = "bytes", fixed: str = "") -> int:
    """Return a field for a whole number of at least 0; the other arguments are the attributes of ``LimitInfo``."""
    info = LimitInfo(unit=unit, beyond=beyond, test=test, fixed=fixed)
    field: int = attrs.field(default=default, validator=_check_whole_number, metadata={LIMIT_INFO: info})
    return field


def deadline(
    default: NumberT, *, beyond: str, test: str, unit: str = "seconds, 0 for none", fixed: str = ""
) -> NumberT:
    """Return a field for a number of at least 0; the other arguments are the attributes of ``LimitInfo``."""
    info = LimitInfo(unit=unit, beyond=beyond, test=test, fixed=fixed)
    field: NumberT = attrs.field(default=default, validator=_check_duration, metadata={LIMIT_INFO: info})
    return field


def limit_info(field: attrs.Attribute[object]) -> LimitInfo | None:
    """Return the facts about a field, or None if the field is not a limit."""
    info = field.metadata.get(LIMIT_INFO)
    return info if isinstance(info, LimitInfo) else None


def _check_whole_number(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{attribute.name} must be a whole number of at least 0, not {value!r}")


def _check_duration(instance: object, attribute: attrs.Attribute[NumberT], value: NumberT) -> None:
    if isinstance(value, bool) or not 0 <= value < math.inf:
        raise ValueError(f"{attribute.name} must be a number of at least 0, not {value!r}")
