"""Write a limit or a deadline down with all that is told of it, in one place: tables and explanations are made of this.

Pure data about settings; what keeps a bound is elsewhere.
"""

from __future__ import annotations

import math
from typing import Final, TypeVar

import attrs

__all__ = ["BOUND", "LimitInfo", "bound_of", "deadline", "limit"]

BOUND: Final = "bound"
"""The key of a ``LimitInfo`` in the metadata of a field."""

NumberT = TypeVar("NumberT", int, float)


@attrs.frozen(kw_only=True)
class LimitInfo:
    """What is told of a setting that bounds something.

    Attributes:
        unit: of its value.
        beyond: what happens beyond it: a status, or a few words.
        test: ``path::name`` of the test that shows it, below ``tests/core``.
        fixed: why it is the same for every route; "" if scopes and routes may have their own.
    """

    unit: str
    beyond: str
    test: str
    fixed: str = ""


def limit(default: int, *, beyond: str, test: str, unit: str = "octets", fixed: str = "") -> int:
    """Return the field of a setting that is a whole number of at least 0; the arguments are those of ``LimitInfo``."""
    about = LimitInfo(unit=unit, beyond=beyond, test=test, fixed=fixed)
    field: int = attrs.field(default=default, validator=_is_whole, metadata={BOUND: about})
    return field


def deadline(
    default: NumberT, *, beyond: str, test: str, unit: str = "seconds, 0 for none", fixed: str = ""
) -> NumberT:
    """Return the field of a setting that is a number of at least 0; the arguments are those of ``LimitInfo``."""
    about = LimitInfo(unit=unit, beyond=beyond, test=test, fixed=fixed)
    field: NumberT = attrs.field(default=default, validator=_is_duration, metadata={BOUND: about})
    return field


def bound_of(field: attrs.Attribute[object]) -> LimitInfo | None:
    """Return what is told of a field; None if it bounds nothing."""
    about = field.metadata.get(BOUND)
    return about if isinstance(about, LimitInfo) else None


def _is_whole(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{attribute.name} must be a whole number of at least 0, not {value!r}")


def _is_duration(instance: object, attribute: attrs.Attribute[NumberT], value: NumberT) -> None:
    if isinstance(value, bool) or not 0 <= value < math.inf:
        raise ValueError(f"{attribute.name} must be a number of at least 0, not {value!r}")
