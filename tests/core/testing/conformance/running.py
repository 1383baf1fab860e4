"""Run a conformance suite as pytest would, and say which of its tests fail."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import pytest
from _pytest.mark.structures import Mark, ParameterSet


def failures(suite: type, *only: str) -> dict[str, list[str]]:
    """Return the names of the tests that fail, each with the messages of its failures."""
    failed: dict[str, list[str]] = {}
    for name in sorted(dir(suite)):
        if name.startswith("test_") and (not only or name in only):
            for arguments in _arguments(getattr(getattr(suite, name), "pytestmark", [])):
                try:
                    getattr(suite(), name)(**arguments)
                except (Exception, pytest.fail.Exception) as error:
                    failed.setdefault(name, []).append(f"{type(error).__name__}: {error}")
    return failed


def _arguments(marks: list[Mark]) -> Iterator[Mapping[str, object]]:
    """Yield the arguments of every case that parametrize makes."""
    choices = []
    for mark in marks:
        if mark.name == "parametrize":
            names = mark.args[0].split(",")
            sets = [ParameterSet.extract_from(each, force_tuple=len(names) == 1) for each in mark.args[1]]
            choices.append([dict(zip(names, each.values, strict=True)) for each in sets])
    for choice in itertools.product(*choices):
        yield {name: value for part in choice for name, value in part.items()}
