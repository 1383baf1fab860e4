"""Read the validators of attrs fields: known ones become constraints, others are called.

The validators of attrs raise messages that repeat the value, so their own messages are not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, final

import attrs

from turnbuckle.schema.nodes.constraints import Constraint, compare, limit_length, match_pattern

__all__ = ["FieldValidation", "read_validator"]

_OPERATORS: Final = {">=": "ge", ">": "gt", "<=": "le", "<": "lt"}


@final
@attrs.frozen
class FieldValidation:
    """The validators of one field.

    Attributes:
        constraints: the validators that are known.
        validate: calls the other ones with an instance and a value; None if there are none.
    """

    constraints: tuple[Constraint, ...]
    validate: Callable[[object, object], None] | None


def read_validator(attribute: attrs.Attribute[Any]) -> FieldValidation:
    """Return the validators of a field of an attrs class."""
    constraints: list[Constraint] = []
    others: list[Callable[..., Any]] = []
    for validator in _flatten(attribute.validator):
        known = _constraint_of(validator)
        if known is None:
            others.append(validator)
        else:
            constraints.append(known)
    return FieldValidation(tuple(constraints), _call_all(attribute, others) if others else None)


def _flatten(validator: Any) -> Iterator[Any]:
    kind = type(validator).__name__
    if validator is None:
        return
    if kind == "_AndValidator":
        for part in validator._validators:
            yield from _flatten(part)
    elif kind == "_OptionalValidator":
        # Constraints do not apply to None; a validator that is not known is called with the value as it is.
        parts = list(_flatten(validator.validator))
        yield from parts if all(_constraint_of(part) for part in parts) else [validator]
    else:
        yield validator


def _constraint_of(validator: Any) -> Constraint | None:
    match type(validator).__name__:
        case "_NumberValidator" if validator.compare_op in _OPERATORS:
            return compare(_OPERATORS[validator.compare_op], validator.bound)
        case "_MinLengthValidator":
            return limit_length("min_length", validator.min_length)
        case "_MaxLengthValidator":
            return limit_length("max_length", validator.max_length)
        case "_MatchesReValidator":
            is_full = validator.match_func.__name__ == "fullmatch"
            if validator.match_func.__name__ in {"fullmatch", "search"}:
                return match_pattern(validator.pattern.pattern, is_full=is_full)
        case "_InValidator":
            return _one_of(tuple(validator.options))
    return None


def _one_of(options: tuple[object, ...]) -> Constraint | None:
    if not all(isinstance(option, str | int | float) for option in options):
        return None
    shown = ", ".join(map(repr, options))
    keywords = {form: {"enum": list(options)} for form in ("string", "number")}
    # Fields that may be None have it among their values.
    keywords["null"] = {"enum": [*options, None]}
    return Constraint(f"must be one of {shown}", lambda value: value is None or value in options, keywords)


def _call_all(
    attribute: attrs.Attribute[Any], validators: list[Callable[..., Any]]
) -> Callable[[object, object], None]:
    def validate(instance: object, value: object) -> None:
        for validator in validators:
            validator(instance, attribute, value)

    return validate
