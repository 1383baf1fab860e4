"""Response types and error handlers that cannot work are refused, with the right spelling."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Any, Optional, Protocol, TypedDict, runtime_checkable

import pytest

from turnbuckle import App, Request, Response
from turnbuckle.testing import expect_problems


class Named(Protocol):
    name: str


@runtime_checkable
class Closeable(Protocol):
    def close(self) -> None: ...


class Fields(TypedDict):
    name: str


class Incomparable(type):
    def __subclasscheck__(cls, subclass: type) -> bool:
        raise ValueError("no")


class Odd(metaclass=Incomparable):
    """A class that cannot be compared."""


class Handling:
    def __init__(self, request: object, error: object) -> None: ...


async def swapped(error: ValueError, request: Request) -> str: ...
async def swapped_by_name(error, request): ...  # noqa: ANN001, ANN201
async def error_only(error: ValueError) -> str: ...
async def other_types(request: str, error: ValueError) -> str: ...


def plain_generator(request: Request, error: ValueError):  # noqa: ANN201
    yield ""


async def legal(request: Request, error: ValueError) -> str: ...
async def legal_supertype(request: Request, error: Exception) -> str: ...
async def legal_unannotated(request, error):  # noqa: ANN001, ANN201
    return ""


async def legal_all(*args: object) -> str: ...


def render(value: object) -> Response:
    return Response("")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        pytest.param(Named, "Named is a protocol, which has no instances", id="protocol"),
        pytest.param(Closeable, "Closeable is a protocol, which has no instances", id="runtime-checkable"),
        pytest.param(Fields, "Fields has no instances; write a class such as dict", id="typed-dict"),
        pytest.param(Any, "Any has no instances", id="any"),
        pytest.param(list[int], "is not a class", id="generic"),
        pytest.param(Optional[int], "is not a class", id="optional"),  # noqa: UP045
        pytest.param(int | str, "is not a class", id="union"),
        pytest.param(None, "is not a class; write type(None)", id="none"),
        pytest.param("int", "is not a class", id="text"),
        pytest.param(Odd, "no class can be compared with it: no", id="incomparable"),
    ],
)
def test_response_type_without_a_usable_class_is_refused(kind: Any, message: str) -> None:
    app = App()
    app.response_type(kind)(render)
    assert message in problem_of(app)


@pytest.mark.parametrize("kind", [int, object, AsyncIterable, type(None), Exception])
def test_response_type_for_a_class_is_accepted(kind: type) -> None:
    app = App()
    app.response_type(kind)(render)
    planned = app.resolve().root.response_types
    assert [found.record.render for found in planned if found.record.type is kind] == [render]


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        pytest.param(swapped, "must take the request first", id="swapped"),
        pytest.param(swapped_by_name, "takes (error, request), but must take the request first", id="swapped-by-name"),
        pytest.param(error_only, "must take the request and the exception", id="error-only"),
        pytest.param(other_types, "takes 'request: str', but must take the request and then", id="other-types"),
        pytest.param(plain_generator, "is a plain 'def' that yields", id="generator"),
        pytest.param(Handling, "is the class Handling; pass a function", id="class"),
    ],
)
def test_error_handler_that_cannot_be_called_is_refused(handler: Any, message: str) -> None:
    app = App()
    app.error_handler(ValueError)(handler)
    assert message in problem_of(app)


@pytest.mark.parametrize("handler", [legal, legal_supertype, legal_unannotated, legal_all])
def test_legal_error_handler_is_accepted(handler: Any) -> None:
    app = App()
    app.error_handler(ValueError)(handler)
    planned = app.resolve().root.error_handlers
    assert [found.record.handler for found in planned if found.record.exception is ValueError] == [handler]


@pytest.mark.parametrize(("status", "name"), [(404, "NotFound"), (400, "BadRequest"), (500, "InternalServerError")])
def test_error_handler_for_a_status_names_the_class(status: Any, name: str) -> None:
    app = App()
    app.error_handler(status)(legal)
    problem = problem_of(app)
    assert f"write it with {name} and a function" in problem
    assert f"{name} is the class of errors with status {status}" in problem


def problem_of(app: App) -> str:
    with expect_problems("TB504") as problems:
        app.resolve()
    return str(problems[0].diagnostic)


def test_error_handler_that_returns_a_type_without_a_response_is_refused() -> None:
    app = App()

    @app.error_handler(ValueError)
    async def handler(request: Request, error: ValueError) -> tuple[str, int]: ...

    with expect_problems("TB429") as problems:
        app.resolve()
    assert "Response(body, status=..." in problems[0].diagnostic.fix
