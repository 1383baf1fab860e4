"""Tests of ``turnbuckle.web.middleware``."""

import pytest

from turnbuckle.records import Middleware
from turnbuckle.web.middleware import compose, middleware
from turnbuckle.web.response.response import Response

from .making import make_request


async def endpoint(request):
    request.state.seen.append("endpoint")
    return Response("end")


def marking(name):
    async def mark(request, call_next):
        request.state.seen.append(name)
        response = await call_next(request)
        request.state.seen.append(f"/{name}")
        return response

    return middleware(name=name)(mark)


async def test_compose_puts_the_first_outermost():
    handler = compose([(marking("a"), None), (marking("b"), None)], endpoint)
    request = make_request()
    request.state.seen = []
    assert (await handler(request)).body == b"end"
    assert request.state.seen == ["a", "b", "endpoint", "/b", "/a"]


def test_compose_of_nothing_is_the_endpoint():
    assert compose([], endpoint) is endpoint


def test_compose_gives_each_factory_its_setup():
    seen = []

    def factory(next_handler, setup):
        seen.append(setup)
        return next_handler

    handler = compose([(Middleware("a", factory), 1), (Middleware("b", factory), 2)], endpoint)
    assert handler is endpoint
    assert seen == [2, 1]


def test_compose_refuses_what_is_no_handler():
    with pytest.raises(TypeError, match="factory of middleware 'a' returned None, which is no handler"):
        compose([(Middleware("a", lambda next_handler, setup: None), None)], endpoint)


async def test_middleware_may_answer_itself():
    @middleware
    async def gate(request, call_next):
        return Response("closed", 403)

    assert (await compose([(gate, None)], endpoint)(make_request())).status == 403


def test_middleware_without_arguments():
    @middleware
    async def stamp(request, call_next):
        return await call_next(request)

    assert isinstance(stamp, Middleware)
    assert (stamp.name, stamp.zone) == ("stamp", "app")


def test_middleware_with_arguments():
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
    async def stamp(request, call_next):
        return await call_next(request)

    assert (stamp.name, stamp.zone, stamp.before, stamp.after) == ("b", "edge", ("c",), ("d", "e"))
    assert (stamp.reads_body, stamp.buffers_response, stamp.needs, stamp.provides) == (True, True, ("f",), ("g",))


async def test_middleware_from_an_object():
    class Stamp:
        async def __call__(self, request, call_next):
            return Response("object")

    record = middleware(Stamp())
    assert record.name == "Stamp"
    assert (await compose([(record, None)], endpoint)(make_request())).body == b"object"


def test_middleware_refuses_a_plain_function():
    def stamp(request, call_next):
        return call_next(request)

    with pytest.raises(TypeError, match="is not an async function"):
        middleware(stamp)


def test_middleware_refuses_other_parameters():
    async def stamp(request):
        return Response()

    with pytest.raises(TypeError, match=r"middleware 'stamp' must take \(request, call_next\)"):
        middleware(stamp)
