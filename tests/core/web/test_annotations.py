"""Tests of ``turnbuckle.web.annotations``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal, NewType, NoReturn, Optional, Protocol, TypedDict, TypeVar

import pytest

from turnbuckle import Query
from turnbuckle.web.annotations import annotated_classes, return_annotation, show_annotation

T = TypeVar("T")
UserId = NewType("UserId", int)


class Fields(TypedDict):
    name: str


class Named(Protocol):
    name: str


def function() -> str: ...


class View:
    def __call__(self) -> bytes: ...

    def method(self) -> int: ...


@pytest.mark.parametrize(
    ("annotation", "classes"),
    [
        pytest.param(int, (int,), id="class"),
        pytest.param(None, (type(None),), id="none"),
        pytest.param("int", (int,), id="text"),
        pytest.param("int | None", (int, type(None)), id="text-union"),
        pytest.param(Optional["UserId"], (int, type(None)), id="forward-reference"),
        pytest.param(Annotated[int, "seconds"], (int,), id="annotated"),
        pytest.param(list[int], (list,), id="generic"),
        pytest.param(UserId, (int,), id="new-type"),
        pytest.param(Literal["a", 1, "b"], (str, int), id="literal"),
        pytest.param(Fields, (dict,), id="typed-dict"),
        pytest.param(Named, (object,), id="protocol"),
        pytest.param(Any, (object,), id="any"),
        pytest.param(T, (object,), id="type-variable"),
        pytest.param("Unknown", (object,), id="unknown-name"),
        pytest.param("1 +", (object,), id="no-expression"),
        pytest.param(NoReturn, (), id="never"),
        pytest.param(Callable[[int], int], (Callable,), id="callable"),
    ],
)
def test_annotated_classes(annotation: object, classes: tuple[type, ...]) -> None:
    assert annotated_classes(annotation, function) == classes


@pytest.mark.parametrize(
    ("handler", "annotation"),
    [
        pytest.param(function, "str", id="function"),
        pytest.param(functools.partial(function), "str", id="partial"),
        pytest.param(View(), "bytes", id="object"),
        pytest.param(View().method, "int", id="method"),
        pytest.param(lambda: 1, inspect.Parameter.empty, id="none"),
        pytest.param(3, inspect.Parameter.empty, id="not-callable"),
    ],
)
def test_return_annotation(handler: object, annotation: object) -> None:
    assert return_annotation(handler) == annotation


def test_annotations_are_shown_as_written() -> None:
    assert show_annotation(int) == "int"
    assert show_annotation(None) == "None"
    assert show_annotation("list[int]") == "list[int]"
    assert show_annotation(Query[int]) == "Query[int]"
    assert show_annotation(Annotated[int, Query(ge=1)]) == "Annotated[int, Query(ge=1)]"
    assert show_annotation(Annotated[int, "text"]) == "Annotated[int, 'text']"
    assert show_annotation(Optional[int]) == "Optional[int]"  # noqa: UP045
