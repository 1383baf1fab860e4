"""Run a conformance suite as pytest would, and say which of its tests fail."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import pytest
from _pytest.mark.structures import Mark, ParameterSet
from hypothesis import Phase, settings

_SETTINGS: Final = "_hypothesis_internal_use_settings"


def failures(suite: type, *only: str) -> dict[str, list[str]]:
    """Return the names of the tests that fail, each with the messages of its failures."""
    failed: dict[str, list[str]] = {}
    for name in sorted(dir(suite)):
        if name.startswith("test_") and (not only or name in only):
            for arguments in _arguments(getattr(getattr(suite, name), "pytestmark", [])):
                try:
                    with _quick(getattr(suite, name)):
                        getattr(suite(), name)(**arguments)
                except (Exception, pytest.fail.Exception) as error:
                    failed.setdefault(name, []).append(_messages(error))
    return failed


@contextmanager
def _quick(test: Callable[..., None]) -> Iterator[None]:
    """Report only the first failing example of a property, always the same."""
    given = getattr(test, _SETTINGS, None)
    if given is not None:
        setattr(test, _SETTINGS, settings(given, phases=[Phase.generate], derandomize=True, database=None))
    try:
        yield
    finally:
        if given is not None:
            setattr(test, _SETTINGS, given)


def _messages(error: BaseException) -> str:
    parts = [_messages(inner) for inner in error.exceptions] if isinstance(error, BaseExceptionGroup) else []
    return "; ".join([f"{type(error).__name__}: {error}", *parts])


def _arguments(marks: list[Mark]) -> Iterator[Mapping[str, object]]:
    """Yield the arguments of every case that parametrize makes."""
    choices = []
    for mark in marks:
        if mark.name == "parametrize":
            names = mark.args[0].split(",") if isinstance(mark.args[0], str) else mark.args[0]
            sets = [ParameterSet.extract_from(values, force_tuple=len(names) == 1) for values in mark.args[1]]
            choices.append([dict(zip(names, parameters.values, strict=True)) for parameters in sets])
    for choice in itertools.product(*choices):
        yield {name: value for part in choice for name, value in part.items()}
