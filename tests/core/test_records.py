"""Tests of ``turnbuckle.records``."""

from collections.abc import Awaitable

import pytest

from tests.core.web.requests import make_request
from turnbuckle.records import Middleware, middleware
from turnbuckle.web.middleware import compose
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.types import Handler


async def endpoint(request: Request) -> Response:
    return Response("end")


async def test_middleware_may_answer_itself() -> None:
    @middleware
    async def gate(request: Request, call_next: Handler) -> Response:
        return Response("closed", 403)

    assert (await compose([(gate, None)], endpoint)(make_request())).status == 403


def test_middleware_without_arguments() -> None:
    @middleware
    async def stamp(request: Request, call_next: Handler) -> Response:
        return await call_next(request)

    assert isinstance(stamp, Middleware)
    assert (stamp.name, stamp.zone) == ("stamp", "app")


def test_middleware_with_arguments() -> None:
    @middleware(
        name="b",
        zone="edge",
        before=["c"],
        after=("d", "e"),
        reads_body=True,
        buffers_response=True,
        needs=["f"],
        provides=["g"],
    )
    async def stamp(request: Request, call_next: Handler) -> Response:
        return await call_next(request)

    assert (stamp.name, stamp.zone, stamp.before, stamp.after) == ("b", "edge", ("c",), ("d", "e"))
    assert (stamp.reads_body, stamp.buffers_response, stamp.needs, stamp.provides) == (True, True, ("f",), ("g",))


async def test_middleware_from_an_object() -> None:
    class Stamp:
        async def __call__(self, request: Request, call_next: Handler) -> Response:
            return Response("object")

    record = middleware(Stamp())
    assert record.name == "Stamp"
    assert (await compose([(record, None)], endpoint)(make_request())).body == b"object"


def test_middleware_refuses_a_plain_function() -> None:
    def stamp(request: Request, call_next: Handler) -> Awaitable[Response]:
        return call_next(request)

    with pytest.raises(TypeError, match="is not an async function"):
        middleware(stamp)


def test_middleware_refuses_other_parameters() -> None:
    async def stamp(request: Request) -> Response:
        return Response()

    with pytest.raises(TypeError, match=r"middleware 'stamp' takes \(request\), but must take \(request, call_next\)"):
        middleware(stamp)
