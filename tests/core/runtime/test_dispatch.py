"""The fields that middleware adds to the responses to exceptions that pass it."""

from __future__ import annotations

from turnbuckle import App, Conflict, Forbidden, Handler, Middleware, Request, Response, Setup
from turnbuckle.testing import Client


def _noting(name: str, *values: str) -> Middleware:
    def factory(next_handler: Handler, setup: Setup) -> Handler:
        async def note(request: Request) -> Response:
            try:
                return await next_handler(request)
            except Exception:
                for value in values:
                    request.error_headers.add(name, value)
                raise

        return note

    return Middleware(f"note_{name}", factory)


def _raising(name: str, error: Exception, *, is_late: bool = False) -> Middleware:
    def factory(next_handler: Handler, setup: Setup) -> Handler:
        async def fail(request: Request) -> Response:
            if is_late:
                await next_handler(request)
            raise error

        return fail

    return Middleware(name, factory)


async def _get(app: App, path: str = "/") -> tuple[int, list[tuple[str, str]]]:
    async with Client(app, raise_exceptions=False) as client:
        response = await client.get(path)
    return response.status, [pair for pair in response.headers.items() if pair[0].lower().startswith(("x-", "link"))]


async def test_error_headers_are_in_the_response_to_an_exception() -> None:
    error = Forbidden(headers={"x-one": "of the exception"})
    app = App(middleware=[_noting("x-one", "1"), _noting("link", "<a>", "<b>"), _raising("fail", error)])
    assert await _get(app) == (403, [("x-one", "of the exception"), ("link", "<a>"), ("link", "<b>")])


async def test_error_headers_are_in_the_response_of_an_error_handler() -> None:
    app = App(middleware=[_noting("x-one", "1"), _raising("fail", RuntimeError("on purpose"))])

    @app.error_handler(RuntimeError)
    async def answer(request: Request, error: RuntimeError) -> Response:
        return Response("handled", 418)

    assert await _get(app) == (418, [("x-one", "1")])


async def test_error_headers_do_not_stay_in_a_response_that_an_error_handler_returns_again() -> None:
    app = App(middleware=[_noting("x-one", "1"), _raising("fail", RuntimeError("on purpose"))])
    page = Response("the same for all", 418)

    @app.error_handler(RuntimeError)
    async def answer(request: Request, error: RuntimeError) -> Response:
        return page

    assert await _get(app) == (418, [("x-one", "1")])
    assert "x-one" not in page.headers


async def test_error_headers_of_a_scope_are_not_in_the_response_to_an_error_outside() -> None:
    app = App(middleware=[_noting("x-outer", "1"), _raising("late", Conflict(), is_late=True)])
    app.scope("/inner", middleware=[_noting("x-inner", "1"), _raising("early", Forbidden())])
    assert await _get(app, "/inner/x") == (409, [("x-outer", "1")])


async def test_error_headers_of_a_scope_are_in_its_own_response() -> None:
    app = App()
    app.scope("/inner", middleware=[_noting("x-inner", "1"), _raising("early", Forbidden())])
    assert await _get(app, "/inner/x") == (403, [("x-inner", "1")])
