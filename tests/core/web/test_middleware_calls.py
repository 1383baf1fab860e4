"""Wrong calls of the next handler are refused at startup, or named in the failure of a request."""

# ruff: noqa: ANN001, ANN201, ANN202, ANN204  # middleware as users write it

from __future__ import annotations

import asyncio
import functools
import re
from pathlib import Path
from typing import Any

import pytest

from turnbuckle import App, Middleware, Response, middleware
from turnbuckle.testing import Client, expect_problems

_LINES = Path(__file__).read_text(encoding="utf-8").splitlines()


async def no_argument(request, call_next):
    return await call_next()  # here: calls call_next() without the request


async def two_arguments(request, call_next):
    return await call_next(request, Response(""))  # here: calls call_next with 2 arguments


async def other_names(incoming, proceed):
    return await proceed()  # here: calls proceed() without the request


async def in_a_branch(request, call_next):
    if request.path == "/never":
        return await call_next()  # here: calls call_next() without the request
    return await call_next(request)


async def not_awaited(request, call_next):
    return call_next(request)  # here: uses call_next(request) without 'await'


async def attribute(request, call_next):
    call_next(request).headers.set("X", "1")  # here: uses call_next(request) without 'await'
    return await call_next(request)


async def variable(request, call_next):
    response = call_next(request)  # here: uses call_next(request) without 'await'
    response.headers.set("X", "1")
    return response


class Method:
    async def method(self, request, call_next):
        return await call_next()  # here: calls call_next() without the request


class Called:
    async def __call__(self, request, call_next):
        return await call_next()  # here: calls call_next() without the request


def factory(next_handler, setup):
    async def handler(request):
        return await next_handler()  # here: calls next_handler() without the request

    return handler


class Owner:
    def __init__(self, next_handler, setup):
        self.following = next_handler

    async def __call__(self, request):
        return await self.following()  # here: calls self.following() without the request


WRONG: dict[str, tuple[Any, str]] = {
    "no_argument": (no_argument, "call_next(request)"),
    "two_arguments": (two_arguments, "call_next(request)"),
    "other_names": (other_names, "proceed(incoming)"),
    "in_a_branch": (in_a_branch, "call_next(request)"),
    "not_awaited": (not_awaited, "call_next(request)"),
    "attribute": (attribute, "call_next(request)"),
    "variable": (variable, "call_next(request)"),
    "Method": (Method().method, "call_next(request)"),
    "Called": (Called(), "call_next(request)"),
    "factory": (Middleware("m", factory), "next_handler(request)"),
    "Owner": (Middleware("m", Owner), "self.following(request)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_call_is_refused_with_its_line_and_the_fix(name: str) -> None:
    record, fix = WRONG[name]
    start = next(at for at, line in enumerate(_LINES) if re.match(rf"(async def|def|class) {name}\b", line))
    at = next(at for at in range(start, len(_LINES)) if "# here: " in _LINES[at])
    with expect_problems("TB501") as problems:
        App(middleware=[record]).compile()
    diagnostic = problems[0].diagnostic
    fault = _LINES[at].partition("# here: ")[2]
    assert f"{fault} (tests/core/web/test_middleware_calls.py:{at + 1}); write " in diagnostic.text
    assert diagnostic.fix == f"write 'await {fix}'"


async def rebound(request, call_next):
    call_next = functools.partial(call_next, request)
    return await call_next()


async def awaited_later(request, call_next):
    response = call_next(request)
    request.state.seen = True
    return await response


async def as_a_task(request, call_next):
    task = asyncio.ensure_future(call_next(request))
    return await task


async def twice(request, call_next):
    response = call_next(request)
    response = await response
    response.headers.set("X", "1")
    return response


async def starred(request, call_next):
    arguments = [request]
    return await call_next(*arguments)


async def by_name(request, call_next):
    return await call_next(request=request)


def plain_factory(next_handler, setup):
    def handler(request):
        return next_handler(request)

    return handler


def other_variable(next_handler, setup):
    def call_next():
        return Response("closed")

    async def handler(request):
        return call_next()

    return handler


class Passing:
    def __init__(self, next_handler, setup):
        self.next_handler = next_handler

    async def __call__(self, request):
        return await self.next_handler(request)


LEGAL: dict[str, Any] = {
    "rebound": rebound,
    "awaited_later": awaited_later,
    "as_a_task": as_a_task,
    "twice": twice,
    "starred": starred,
    "by_name": by_name,
    "plain_factory": Middleware("m", plain_factory),
    "other_variable": Middleware("m", other_variable),
    "Passing": Middleware("m", Passing),
}


@pytest.mark.parametrize("name", LEGAL)
async def test_legal_call_is_accepted_and_works(name: str) -> None:
    app = App(middleware=[LEGAL[name]])
    app.get("/")(lambda request: "hello")
    async with Client(app) as client:
        assert (await client.get("/")).status == 200


async def hidden_call(request, call_next):
    following = call_next
    return await following()  # here


async def hidden_call_with_two(request, call_next):
    following = call_next
    return await following(request, None)  # here


async def hidden_use(request, call_next):
    following = call_next
    response = following(request)
    response.headers.set("X", "1")  # here
    return response


async def passing(request, call_next):
    return await call_next(request)


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize(
    ("wrong", "fix"),
    [
        (hidden_call, "calls the next handler without the request, or with more; write 'await call_next(request)'"),
        (hidden_call_with_two, "without the request, or with more; write 'await call_next(request)'"),
        (hidden_use, "'await' is missing"),
    ],
)
@pytest.mark.parametrize("inner", [(), (passing,), (Middleware("Passing", Passing),)])
async def test_call_that_fails_in_a_request_names_the_middleware_and_its_line(
    wrong: Any, fix: str, inner: tuple[Any, ...]
) -> None:
    app = App("shop", middleware=[middleware(name="outer")(passing), wrong, *inner])
    app.get("/")(lambda request: "hello")
    at = next(at for at in range(wrong.__code__.co_firstlineno, len(_LINES)) if _LINES[at].endswith("# here"))
    async with Client(app) as client:
        with pytest.raises((TypeError, AttributeError)) as caught:
            await client.get("/")
    (note,) = [note for note in caught.value.__notes__ if "middleware" in note]
    assert note.startswith(f"middleware {wrong.__name__!r} (")
    assert f"test_middleware_calls.py:{at + 1}) of app 'shop' " in note
    assert fix in note


async def test_other_type_error_has_no_note() -> None:
    async def other(request, call_next):
        def helper(request): ...

        helper()  # type: ignore[call-arg]
        return await call_next(request)

    app = App("shop", middleware=[other])
    app.get("/")(lambda request: "hello")
    async with Client(app) as client:
        with pytest.raises(TypeError) as caught:
            await client.get("/")
    assert not [note for note in getattr(caught.value, "__notes__", ()) if "next handler" in note]
