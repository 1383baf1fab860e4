"""Tests of ``turnbuckle.http.limits``; that each is kept is tested with the parser."""

import attrs
import pytest

from turnbuckle.http.limits import Limits

NAMES = [field.name for field in attrs.fields(Limits)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [-1, True, 1.5, "5", None])
def test_limits_refuse(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a whole number"):
        Limits(**{name: value})  # type: ignore[arg-type]  # a setting may have this value


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, 1, 2**40])
def test_limits_take_whole_numbers(name: str, value: int) -> None:
    assert getattr(Limits(**{name: value}), name) == value


def test_limits_are_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Limits().content = 5  # type: ignore[misc]  # the point of the test
