"""Functions, methods, classes and objects are found in their files."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import attrs
import pytest

from turnbuckle.diagnostics import file_location
from turnbuckle.startup.model.locations import caller_location, location_of


def plain() -> None: ...


def _decorate(function: object) -> object:
    @functools.wraps(function)
    def inner() -> None: ...

    return inner


@_decorate
def decorated() -> None: ...


class Holder:
    def method(self) -> None: ...


@attrs.frozen
class Record:
    x: int = 1


@attrs.frozen
class Decorated:
    x: int = 1

    def method(self) -> None: ...


class Outer:
    class Twice:
        """Not the class Twice of the module."""


class Twice:
    def method(self) -> None: ...


def _made_class() -> type:
    @attrs.define
    class Local:
        def method(self) -> None: ...

    return Local


def _hello(self: object) -> None: ...


_hello.__code__ = _hello.__code__.replace(co_qualname="Made.hello")
_made_by_type = type("Made", (), {"__module__": __name__, "hello": _hello})


class _Loop:
    @property
    def __wrapped__(self) -> _Loop:
        return self


def _line(text: str) -> int:
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith(text))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(plain, "def plain", id="function"),
        pytest.param(functools.partial(plain), "def plain", id="partial"),
        pytest.param(decorated, "@_decorate", id="decorated"),
        pytest.param(Holder().method, "    def method", id="bound-method"),
        pytest.param(Holder, "class Holder", id="class"),
        pytest.param(Holder(), "class Holder", id="instance"),
        pytest.param(Decorated, "class Decorated", id="class-with-methods-and-decorator"),
        pytest.param(Outer.Twice, "    class Twice", id="class-in-a-class"),
        pytest.param(Twice, "class Twice", id="class-of-a-name-that-occurs-twice"),
        pytest.param(_made_class(), "    class Local", id="class-made-by-a-function"),
        pytest.param(_made_by_type, "def _hello", id="class-made-by-type"),
        pytest.param(Record, "class Record", id="class-without-methods"),
    ],
)
def test_place_of(value: object, text: str) -> None:
    assert location_of(value).endswith(f"tests/core/startup/model/test_locations.py:{_line(text)}")


def test_place_of_a_class_that_no_line_begins_is_its_file() -> None:
    made = type("Made", (), {"__module__": __name__})
    assert location_of(made).endswith("tests/core/startup/model/test_locations.py")


@pytest.mark.parametrize("value", [len, 3, int, type("X", (), {"__module__": "nowhere"})])
def test_place_that_is_unknown(value: object) -> None:
    assert location_of(value) == ""


def test_place_of_what_wraps_itself() -> None:
    assert "test_locations.py" in location_of(_Loop())


class _Touchy:
    def __getattr__(self, name: str) -> object:
        raise ValueError(name)


def test_place_of_what_cannot_be_asked_is_that_of_its_class() -> None:
    assert location_of(_Touchy()).endswith(f"test_locations.py:{_line('class _Touchy')}")


def test_places_are_relative_where_that_is_shorter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert file_location(str(tmp_path / "main.py"), 3) == "main.py:3"
    assert file_location("/elsewhere/main.py", 3) == "/elsewhere/main.py:3"
    assert file_location("a" + os.sep + "b.toml", None) == "a/b.toml"


def test_caller_place_is_outside_of_the_package() -> None:
    assert caller_location().endswith(f"test_locations.py:{_line('    assert caller_location()')}")
