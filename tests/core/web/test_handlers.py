"""Tests of ``turnbuckle.web.handlers``."""

import asyncio
import contextvars
import functools
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.core.web.requests import make_request
from turnbuckle.web.handlers import bind_handler, describe_handler

CURRENT = contextvars.ContextVar("CURRENT")


async def call(handler: Callable[..., Any], path_params: dict[str, object], known: bool = True) -> object:
    request = make_request("/here")
    request.path_params = path_params
    return await bind_handler(handler, set(path_params) if known else None)(request)


async def nothing():
    return ()


async def request_alone(request):
    return (request.raw_path,)


async def first_is_request(req):
    return (req.raw_path,)


async def request_and_id(request, id):
    return (request.raw_path, id)


async def id_alone(id):
    return (id,)


async def id_then_request(id, request):
    return (id, request.raw_path)


async def keyword_only(*, id, request):
    return (id, request.raw_path)


async def everything(request, **params):
    return (request.raw_path, params)


async def params_alone(**params):
    return (params,)


async def passed_on(*args, **kwargs):
    return (args[0].raw_path, kwargs)


async def with_default(request, id, page=1):
    return (request.raw_path, id, page)


async def default_alone(page=1, *, request):
    return (page, request.raw_path)


def plain(request, id):
    return (request.raw_path, id)


class View:
    async def __call__(self, request, id):
        return (request.raw_path, id)

    async def method(self, request, id):
        return (request.raw_path, id)

    def plain(self, id):
        return (id,)


@pytest.mark.parametrize(
    ("handler", "path_params", "result"),
    [
        pytest.param(nothing, {}, (), id="nothing"),
        pytest.param(nothing, {"id": 1}, (), id="nothing of what there is"),
        pytest.param(request_alone, {}, ("/here",), id="request"),
        pytest.param(request_alone, {"id": 1}, ("/here",), id="request without what there is"),
        pytest.param(first_is_request, {}, ("/here",), id="first is the request"),
        pytest.param(request_and_id, {"id": 1}, ("/here", 1), id="request and parameter"),
        pytest.param(request_and_id, {"id": 1, "x": 2}, ("/here", 1), id="one of two parameters"),
        pytest.param(id_alone, {"id": 1}, (1,), id="parameter"),
        pytest.param(id_alone, {"id": 1, "x": 2}, (1,), id="one of two without request"),
        pytest.param(id_then_request, {"id": 1}, (1, "/here"), id="request second"),
        pytest.param(keyword_only, {"id": 1}, (1, "/here"), id="keyword only"),
        pytest.param(everything, {"id": 1, "x": 2}, ("/here", {"id": 1, "x": 2}), id="request and all parameters"),
        pytest.param(everything, {}, ("/here", {}), id="all of no parameters"),
        pytest.param(params_alone, {"id": 1}, ({"id": 1},), id="all parameters without request"),
        pytest.param(passed_on, {"id": 1}, ("/here", {"id": 1}), id="args and kwargs"),
        pytest.param(with_default, {"id": 1}, ("/here", 1, 1), id="default"),
        pytest.param(with_default, {"id": 1, "page": 2}, ("/here", 1, 2), id="default not needed"),
        pytest.param(default_alone, {"page": 2}, (2, "/here"), id="default by name"),
        pytest.param(plain, {"id": 1}, ("/here", 1), id="plain def"),
        pytest.param(View(), {"id": 1}, ("/here", 1), id="object"),
        pytest.param(View().method, {"id": 1}, ("/here", 1), id="bound method"),
        pytest.param(View().plain, {"id": 1}, (1,), id="plain bound method"),
        pytest.param(functools.partial(with_default, page=5), {"id": 1}, ("/here", 1, 5), id="partial"),
    ],
)
async def test_bind_handler(
    handler: Callable[..., Any], path_params: dict[str, object], result: tuple[object, ...]
) -> None:
    assert await call(handler, path_params) == result


@pytest.mark.parametrize(
    ("handler", "path_params", "result"),
    [
        pytest.param(nothing, {"id": 1}, (), id="nothing"),
        pytest.param(request_alone, {"id": 1}, ("/here",), id="request"),
        pytest.param(request_and_id, {"id": 1, "x": 2}, ("/here", 1), id="parameters"),
        pytest.param(with_default, {"id": 1}, ("/here", 1, 1), id="default"),
        pytest.param(everything, {"id": 1}, ("/here", {"id": 1}), id="all"),
        pytest.param(keyword_only, {"id": 1, "x": 2}, (1, "/here"), id="keyword only"),
    ],
)
async def test_bind_handler_without_known_path_parameters(
    handler: Callable[..., Any], path_params: dict[str, object], result: tuple[object, ...]
) -> None:
    assert await call(handler, path_params, known=False) == result


@pytest.mark.parametrize("handler", [request_alone, first_is_request])
def test_bind_handler_adds_nothing_to_a_handler_that_takes_the_request(handler: Callable[..., Any]) -> None:
    assert bind_handler(handler, ()) is handler
    assert bind_handler(handler, {"id"}) is handler


@pytest.mark.parametrize(
    ("handler", "path_params", "message"),
    [
        pytest.param(
            request_and_id, {"x"}, r"handler \S+request_and_id requires 'id', which its path does not", id="one"
        ),
        pytest.param(lambda request, b, a: None, set(), "requires 'a', 'b', which", id="two"),
        pytest.param(request_alone, {"request"}, "'request' cannot be the name of a path parameter", id="request"),
        pytest.param(lambda request, id, /: None, {"id"}, "'id' cannot be passed by name", id="positional only"),
        pytest.param(type, set(), "signature of handler builtins.type cannot be read", id="no signature"),
        pytest.param(3, set(), "signature of handler builtins.int cannot be read", id="not callable"),
    ],
)
def test_bind_handler_refuses(handler: Any, path_params: set[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bind_handler(handler, path_params)


async def test_stop_iteration_of_a_plain_handler_becomes_an_error() -> None:
    def first(request):
        return next(iter(()))

    with pytest.raises(RuntimeError, match="first raised StopIteration"):
        await asyncio.wait_for(bind_handler(first, ())(make_request()), 5)


async def test_plain_handler_runs_in_a_thread_with_context() -> None:
    CURRENT.set("mine")

    def handler(request):
        return threading.current_thread(), CURRENT.get()

    thread, value = await bind_handler(handler, ())(make_request())
    assert thread is not threading.main_thread()
    assert value == "mine"


async def test_plain_wrapper_of_an_async_handler_is_awaited() -> None:
    @functools.wraps(request_and_id)
    def wrapper(*args, **kwargs):
        return request_and_id(*args, **kwargs)

    assert await call(wrapper, {"id": 1}) == ("/here", 1)


async def test_async_generator_is_returned_to_be_streamed() -> None:
    async def numbers(request, id):
        yield id

    class Numbers:
        async def __call__(self, request):
            yield 2

    assert [piece async for piece in await call(numbers, {"id": 1})] == [1]
    assert [piece async for piece in await call(Numbers(), {})] == [2]


def test_describe_handler() -> None:
    assert describe_handler(nothing).endswith("test_handlers.nothing")
    assert describe_handler(View()).endswith("test_handlers.View")
