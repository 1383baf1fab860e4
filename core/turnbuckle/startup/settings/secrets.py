"""Find what settings call secret, for whoever has to keep it out of what is printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

import attrs

from turnbuckle.plan import SettingValue

__all__ = ["secret_texts"]


def secret_texts(values: Iterable[SettingValue]) -> tuple[str, ...]:
    """Return every text in the values of secret settings, those included that another source has overruled."""
    found = dict.fromkeys(
        text
        for setting in values
        if setting.secret
        for value in (setting.value, *(each.value for each in setting.overruled))
        for text in _texts(value)
    )
    return tuple(text for text in found if text)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif attrs.has(type(value)):
        yield from _texts(attrs.asdict(cast("attrs.AttrsInstance", value)))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, Iterable):
        for each in value:
            yield from _texts(each)
