"""Middleware that would fail in each request is refused; a failure names the middleware and its place."""

import functools
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from turnbuckle import App, Forbidden, Middleware, Response, middleware
from turnbuckle.testing import Client, expect_problems

RESPONSE = Response("closed")


async def passing(request, call_next):
    return await call_next(request)


class Passing:
    async def __call__(self, request, call_next):
        return await call_next(request)

    async def method(self, request, call_next):
        return await call_next(request)


class Handler:
    async def __call__(self, request):
        return RESPONSE


async def factory_as_function(next_handler, setup): ...
async def factory_by_name(next_handler, options=None): ...
async def swapped(call_next, request): ...
async def request_only(request): ...
async def three(request, call_next, more): ...


async def generator(request, call_next):
    yield await call_next(request)


def plain(request, call_next):
    return call_next(request)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        pytest.param(Passing, "'Passing' is a class; pass an instance", id="class"),
        pytest.param(factory_as_function, "as a factory does; write Middleware(", id="factory"),
        pytest.param(factory_by_name, "takes (next_handler, options), as a factory does", id="factory-by-name"),
        pytest.param(swapped, "takes (call_next, request), but must take (request, call_next)", id="swapped"),
        pytest.param(request_only, "takes (request), but must take (request, call_next)", id="request-only"),
        pytest.param(three, ", but must take (request, call_next)", id="three"),
        pytest.param(generator, "because it yields; write 'return' instead", id="generator"),
        pytest.param(plain, "is not an async function; write 'async def'", id="plain"),
    ],
)
def test_function_that_cannot_be_middleware_is_refused_at_once(function: Callable[..., Any], message: str) -> None:
    for add in (middleware, App().middleware, App().add_middleware, lambda function: App(middleware=[function])):
        with pytest.raises(TypeError, match=re.escape(message)):
            add(function)


def handler_with_two(next_handler, setup):
    return passing


def plain_handler(next_handler, setup):
    def handler(request) -> Response:
        return RESPONSE

    return handler


def plain_unannotated(next_handler, setup):
    def handler(request):
        return Response("closed")

    return handler


def generator_handler(next_handler, setup):
    async def handler(request):
        yield b""

    return handler


def class_handler(next_handler, setup):
    return Handler


def text_handler(next_handler, setup):
    async def handler(request) -> str:
        return "closed"

    return handler


def silent_handler(next_handler, setup):
    async def handler(request):
        await next_handler(request)

    return handler


@middleware
async def silent(request, call_next):
    await call_next(request)


@middleware
async def silent_twice(request, call_next):
    if request.method == "GET":
        return
    await call_next(request)


@middleware
async def annotated(request, call_next) -> None:
    return await call_next(request)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        pytest.param(Middleware("m", passing), "decorate a function that takes (request, call_next)", id="function"),
        pytest.param(Middleware("m", plain), "takes (request, call_next), but a factory takes", id="plain-function"),
        pytest.param(Middleware("m", handler_with_two), "takes (request, call_next), but its handler takes", id="two"),
        pytest.param(Middleware("m", plain_handler), "a plain 'def'; its handler must be an 'async def'", id="plain"),
        pytest.param(Middleware("m", plain_unannotated), "a plain 'def'; its handler must be", id="unannotated"),
        pytest.param(Middleware("m", generator_handler), "returned a function that yields", id="generator"),
        pytest.param(Middleware("m", class_handler), "returned the class Handler", id="class"),
        pytest.param(Middleware("m", text_handler), "is annotated '-> str', but must return a Response", id="text"),
        pytest.param(Middleware("m", silent_handler), "never returns a response; a 'return' is missing", id="silent"),
        pytest.param(silent, "never returns a response; a 'return' is missing", id="silent-function"),
        pytest.param(silent_twice, "never returns a response; a 'return' is missing", id="silent-twice"),
        pytest.param(annotated, "is annotated '-> None', but must return a Response", id="annotated"),
    ],
)
def test_middleware_that_fails_in_each_request_is_refused(record: Middleware, message: str) -> None:
    with expect_problems("TB501") as problems:
        App(middleware=[record]).compile()
    assert message in problems[0].diagnostic.text


def returns_next(next_handler, setup):
    return next_handler


def lambda_handler(next_handler, setup):
    return lambda request: next_handler(request)  # noqa: PLW0108  # a legal form


def object_handler(next_handler, setup):
    return Handler()


def partial_handler(next_handler, setup):
    return functools.partial(passing, call_next=next_handler)


def plain_that_passes_on(next_handler, setup):
    def handler(request):
        request.state.seen = True
        return next_handler(request)

    return handler


@middleware
async def refusing(request, call_next):
    raise Forbidden


@middleware
async def in_a_block(request, call_next):
    with functools.partial(open, __file__)():
        return await call_next(request)


@pytest.mark.parametrize(
    "record",
    [
        passing,
        Passing(),
        Passing().method,
        middleware(passing),
        Middleware("m", returns_next),
        Middleware("m", lambda_handler),
        Middleware("m", object_handler),
        Middleware("m", partial_handler),
        Middleware("m", plain_that_passes_on),
        refusing,
        in_a_block,
    ],
)
def test_legal_middleware_is_accepted(record: Middleware) -> None:
    app = App(middleware=[record])
    app.compile()
    assert len(app.plan.root.middleware) == 1


@middleware
async def sometimes(request, call_next):
    if request.path != "/":
        return await call_next(request)
    return None


@middleware
async def text(request, call_next):
    return "text"


@middleware
async def adds_a_field(request, call_next):
    response = await call_next(request)
    response.headers.set("X", "1")
    return response


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        pytest.param([sometimes], r"middleware 'sometimes' \(\S+:\d+\) of app 'shop' returned None", id="only"),
        pytest.param(
            [middleware(name="outer")(passing), sometimes],
            r"middleware 'sometimes' \(\S+:\d+\) of app 'shop' returned None",
            id="inner",
        ),
        pytest.param([text], r"middleware 'text' \(\S+:\d+\) of app 'shop' returned 'text'", id="text"),
        pytest.param(
            [middleware(name="outer")(passing), text],
            r"middleware 'text' \(\S+:\d+\) of app 'shop' returned 'text'",
            id="second-of-two",
        ),
        pytest.param(
            [adds_a_field, sometimes],
            r"middleware 'sometimes' \(\S+:\d+\) of app 'shop' returned None",
            id="outer-fails",
        ),
    ],
)
async def test_failure_names_the_middleware_and_its_place(
    chain: list[Middleware], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        async with Client(App("shop", middleware=chain), raise_exceptions=False) as client:
            assert (await client.get("/")).status == 500
    assert re.search(message, caplog.text)
