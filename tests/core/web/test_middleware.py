"""Tests of ``turnbuckle.web.middleware``."""

import pytest

from tests.core.web.requests import make_request
from turnbuckle.records import Middleware, middleware
from turnbuckle.web.middleware import compose
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.types import Handler


async def endpoint(request: Request) -> Response:
    request.state.seen.append("endpoint")
    return Response("end")


def marking(name: str) -> Middleware:
    async def mark(request: Request, call_next: Handler) -> Response:
        request.state.seen.append(name)
        response = await call_next(request)
        request.state.seen.append(f"/{name}")
        return response

    return middleware(name=name)(mark)


async def test_compose_puts_the_first_outermost() -> None:
    handler = compose([(marking("a"), None), (marking("b"), None)], endpoint)
    request = make_request()
    request.state.seen = []
    assert (await handler(request)).body == b"end"
    assert request.state.seen == ["a", "b", "endpoint", "/b", "/a"]


def test_compose_of_nothing_is_the_endpoint() -> None:
    assert compose([], endpoint) is endpoint


def test_compose_gives_each_factory_its_setup() -> None:
    seen = []

    def factory(next_handler: Handler, setup: int) -> Handler:
        seen.append(setup)
        return next_handler

    handler = compose([(Middleware("a", factory), 1), (Middleware("b", factory), 2)], endpoint)
    assert handler is endpoint
    assert seen == [2, 1]


def test_compose_refuses_a_result_that_is_not_callable() -> None:
    with pytest.raises(TypeError, match="factory of middleware 'a' returned None, which is not a handler"):
        compose([(Middleware("a", lambda next_handler, setup: None), None)], endpoint)
