"""Guards hold in each form in which they can be written, and for each way to a route."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterator

import pytest

from turnbuckle import App, Forbidden, Header, Request, Response
from turnbuckle.testing import Client


async def _refuse(request: Request) -> None:
    raise Forbidden()


class _AsyncCall:
    async def __call__(self, request: Request) -> None:
        raise Forbidden()


class _User:
    """A user that the request names."""


def _wraps_async(request: Request) -> Awaitable[None]:
    return _refuse(request)


@functools.wraps(_refuse)
async def _decorated(*args: object, **kwargs: object) -> None:
    await _refuse(*args, **kwargs)  # type: ignore[arg-type]  # a decorator passes everything on


def _yields(request: Request) -> Iterator[None]:
    raise Forbidden()
    yield


_GUARDS: dict[str, Callable[..., object]] = {
    "async": _refuse,
    "partial": functools.partial(_refuse),
    "object": _AsyncCall(),
    "method": _AsyncCall().__call__,
    "lambda": lambda request: _refuse(request),  # noqa: PLW0108  # the form that is tested
    "plain around async": _wraps_async,
    "decorated": _decorated,
    "generator": _yields,
}


@pytest.mark.parametrize("guard", _GUARDS.values(), ids=list(_GUARDS))
async def test_guard_of_any_form_refuses(guard: Callable[..., object]) -> None:
    app = App()

    @app.route("/", methods=["GET", "POST", "PURGE"], guards=[guard])
    async def secret() -> str:
        raise AssertionError("the handler was called")

    async with Client(app) as client:
        assert [(await client.request(method, "/")).status for method in ("GET", "HEAD", "POST", "PURGE")] == [403] * 4


@pytest.mark.parametrize("result", [False, True, Response(b"", 403)], ids=["False", "True", "response"])
async def test_guard_that_returns_its_decision_lets_nothing_pass(
    result: object, caplog: pytest.LogCaptureFixture
) -> None:
    app = App()

    def check(request: Request):  # type: ignore[no-untyped-def]  # noqa: ANN202  # the annotation is checked at startup
        return result

    @app.get("/", guards=[check])
    async def secret() -> str:
        raise AssertionError("the handler was called")

    async with Client(app, raise_exceptions=False) as client:
        assert (await client.get("/")).status == 500
    assert "a guard raises an exception such as Forbidden" in caplog.text


async def test_supplier_around_an_async_function_is_awaited() -> None:
    async def find(request: Request) -> _User:
        raise Forbidden()

    app = App()

    @app.supply
    def user(request: Request) -> _User:
        return find(request)  # type: ignore[return-value]  # the mistake that is tested

    @app.get("/")
    async def secret(user: _User) -> str:
        return "secret"

    async with Client(app) as client:
        assert (await client.get("/")).status == 403


async def test_repeated_field_has_one_value_for_guards_and_for_middleware() -> None:
    app = App()

    @app.get("/")
    async def show(request: Request, authorization: Header[str], x: Header[list[str]]) -> list[str]:
        return [request.headers["authorization"], authorization, *x]

    fields = [("Authorization", "bob"), ("Authorization", "root"), ("X", "1"), ("X", "2")]
    async with Client(app) as client:
        assert (await client.get("/", headers=fields)).json() == ["bob", "bob", "1", "2"]
