"""A middleware that returns no response is named with its line, in a chain of several middleware."""

# ruff: noqa: ANN001, ANN201, ANN202, ANN204, RET503  # middleware as users write it

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import pytest

from turnbuckle import App, Middleware, Response, middleware
from turnbuckle.testing import Client

CACHE: dict[str, Any] = {}
_LINES = Path(__file__).read_text(encoding="utf-8").splitlines()


async def passing(request, call_next):
    return await call_next(request)


async def adding(request, call_next):
    response = await call_next(request)
    response.headers.set("X-Seen", "1")
    return response


async def looking(request, call_next):
    if (response := await call_next(request)) is CACHE:
        raise LookupError
    return response


async def caching(request, call_next):
    try:
        return Response(CACHE["/"])
    except KeyError:
        pass
    finally:
        CACHE.clear()
    answer = await call_next(request)
    if request.method == "HEAD":
        return Response("")
    return answer


class Passing:
    def __init__(self, next_handler, setup):
        self.next_handler = next_handler

    async def __call__(self, request):
        return await self.next_handler(request)


def factory(next_handler, setup):
    async def handler(request):
        return await next_handler(request)

    return handler


def logged(function):
    @functools.wraps(function)
    async def wrapper(request, call_next):
        response = await function(request, call_next)
        return response if response is not None else Response("nothing")

    return wrapper


PASSING = [passing, adding, looking, caching, Middleware("class", Passing), Middleware("factory", factory)]


async def forgets(request, call_next):  # here: None
    response = await call_next(request)
    if request.method == "POST":
        return response


async def returns_nothing(request, call_next):
    if request.method == "GET":
        return None  # here: None
    return await call_next(request)


async def returns_text(request, call_next):
    if request.method == "POST":
        return await call_next(request)
    return "closed"  # here: 'closed'


async def returns_formatted(request, call_next):
    await call_next(request)
    return f"{request.method}"  # here: 'GET'


async def returns_dict(request, call_next):
    await call_next(request)
    return {"error": "closed"}  # here: {'error': 'closed'}


async def returns_tuple(request, call_next):
    return "closed", 503  # here: ('closed', 503)


async def returns_class(request, call_next):
    return Response  # here: <class


async def returns_call(request, call_next):
    return str(await call_next(request))  # here: '<


async def awaits_nothing(request, call_next):
    following = call_next
    return following(request)  # here: the coroutine


class Forgets:
    def __init__(self, next_handler, setup):
        self.next_handler = next_handler

    async def __call__(self, request):  # here: None
        if request.method == "POST":
            return await self.next_handler(request)


def forgetting(next_handler, setup):
    async def handler(request):  # here: None
        response = await next_handler(request)
        if request.method == "POST":
            return response

    return handler


@middleware(name="marked", zone="edge")
async def marked(request, call_next):
    match request.method:
        case "POST":
            return await call_next(request)
        case _:
            return None  # here: None


WRONG = {
    "forgets": forgets,
    "returns_nothing": returns_nothing,
    "returns_text": returns_text,
    "returns_formatted": returns_formatted,
    "returns_dict": returns_dict,
    "returns_tuple": returns_tuple,
    "returns_class": returns_class,
    "returns_call": returns_call,
    "awaits_nothing": awaits_nothing,
    "Forgets": Middleware("Forgets", Forgets),
    "forgetting": Middleware("forgetting", forgetting),
    "marked": marked,
}


def _place(name: str) -> tuple[int, str]:
    """Return the line that must be named for a middleware, and the text for its value."""
    start = next(
        number for number, line in enumerate(_LINES) if re.match(rf"(async def|def|class) {name}\b", line) is not None
    )
    line = next(number for number in range(start, len(_LINES)) if "# here: " in _LINES[number])
    return line + 1, _LINES[line].partition("# here: ")[2]


async def _failure(*chain: Any) -> TypeError:
    app = App("shop", middleware=chain)
    app.get("/")(lambda request: "hello")
    async with Client(app) as client:
        with pytest.raises(TypeError) as caught:
            await client.get("/")
    return caught.value


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("position", ["outermost", "between", "innermost"])
async def test_culprit_is_named_with_its_line(name: str, position: str) -> None:
    others = [link for link in PASSING if link is not adding]
    at = {"outermost": 0, "between": 3, "innermost": len(others)}[position]
    line, value = _place(name)
    message = str(await _failure(*others[:at], WRONG[name], *others[at:]))
    assert message.startswith(f"middleware {name!r} ("), message
    assert f"test_middleware_blame.py:{line}) of app 'shop' returned {value}" in message


async def test_two_middleware_that_may_have_made_the_value_are_both_named() -> None:
    async def first(request, call_next):
        await call_next(request)
        return CACHE.get("x")

    async def second(request, call_next):
        await call_next(request)
        return CACHE.get("y")

    message = str(await _failure(passing, first, second))
    assert re.match(r"a middleware of app 'shop', one of 'first' \(\S+\), 'second' \(\S+\), returned None", message)


async def test_unknown_source_is_no_failure() -> None:
    namespace: dict[str, Any] = {}
    exec("async def made(request, call_next):\n    return await call_next(request)\n", namespace)
    message = str(await _failure(functools.partial(namespace_call, namespace), logged(passing), namespace["made"]))
    assert "returned None, which is not a Response" in message


async def namespace_call(namespace, request, call_next):
    await call_next(request)
    return namespace.get("nothing")


@pytest.mark.parametrize("name", ["forgets", "returns_text", "returns_dict", "Forgets"])
async def test_middleware_that_fails_on_the_value_has_a_note_with_the_culprit(name: str) -> None:
    app = App("shop", middleware=[passing, adding, passing_too, WRONG[name], looking])
    app.get("/")(lambda request: "hello")
    line, value = _place(name)
    async with Client(app) as client:
        with pytest.raises(AttributeError) as caught:
            await client.get("/")
    (note,) = [note for note in caught.value.__notes__ if "middleware" in note]
    assert note.startswith(f"middleware {name!r} (")
    assert f"test_middleware_blame.py:{line}) of app 'shop' returned {value}" in note


async def passing_too(request, call_next):
    return await call_next(request)
