"""Mistakes that only the source of a handler shows are warnings at startup; legal handlers have none."""

# ruff: noqa: ANN001, ANN201, ANN202, ANN002, ANN003, ANN205, RET503  # handlers as users write them

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.core.startup.finding import error_of, warning_of
from turnbuckle import JSON, App, Request, Response, Stream
from turnbuckle.testing import Client

if TYPE_CHECKING:
    from decimal import Decimal


class Pair(NamedTuple):
    a: int


async def fetch():
    return "x"


def _app(handler: Callable[..., object], path: str = "/") -> App:
    app = App()
    app.get(path)(handler)
    return app


async def returns_pair(request):
    return Pair(1)


async def returns_tuple(request):
    return "x", 201


async def returns_set(request):
    return {1, 2}


async def returns_generator(request):
    return (str(number) for number in range(3))


async def returns_map(request):
    return map(str, [1])


async def returns_number(request):
    if request.query:
        return 1
    return 2


async def returns_class(request):
    return Response


async def returns_function(request):
    return fetch


async def returns_inner(request):
    async def inner(request):
        return "x"

    return inner


async def returns_coroutine(request):
    return fetch()


async def returns_comparison(request):
    return request.query == "x"


async def yields_dict(request):
    yield {"a": 1}


WRONG = {
    returns_pair: "JSON(value, status=...)",
    returns_tuple: "return Response('x', status=201)",
    returns_set: "return a list",
    returns_generator: "write Stream(...) with it",
    returns_map: "return a value of another type",
    returns_number: "return str(value), or JSON(value)",
    returns_class: "return an instance: Response(...)",
    returns_function: "call it: fetch(...)",
    returns_inner: "call it: inner(...)",
    returns_coroutine: "write 'await fetch()'",
    returns_comparison: "return str(value), or JSON(value)",
    yields_dict: "yield str or bytes, such as json.dumps(value)",
}


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize("handler", WRONG)
async def test_value_that_cannot_be_sent_is_a_warning(handler: Callable[..., object]) -> None:
    found = warning_of(_app(handler), "TB429")
    assert WRONG[handler] in found.fix
    assert "test_source_check.py:" in found.text
    async with Client(_app(handler)) as client:
        with pytest.raises(TypeError):
            await client.get("/")


def _logged(function):
    @functools.wraps(function)
    async def inner(*args, **kwargs):
        return await function(*args, **kwargs)

    return inner


def _reading(function):
    @functools.wraps(function)
    async def inner(request):
        return await function(request, id=request.path_params["id"])

    return inner


async def takes_id(request, id):
    return str(id)


class Methods:
    async def page(self, request):
        return "x"

    @staticmethod
    async def static(request):
        return "x"


async def returns_one_of_two(request):
    if request.query:
        return 5
    return "x"


async def returns_unknown(request):
    value = (1, 2)
    return JSON(value)


async def shadows(request):
    set = str
    return set("x")


async def falls_off(request):
    if request.query:
        return 5


async def raises(request):
    raise LookupError


async def streams(request):
    yield "x"


def returns_awaitable(request):
    return fetch()


RIGHT = [
    (_logged(takes_id), "/{id:int}"),
    (_reading(takes_id), "/{id:int}"),
    (Methods().page, "/"),
    (Methods.static, "/"),
    (returns_one_of_two, "/"),
    (returns_unknown, "/"),
    (shadows, "/"),
    (falls_off, "/"),
    (raises, "/"),
    (streams, "/"),
    (returns_awaitable, "/"),
    (lambda: "x", "/"),
    (functools.lru_cache(lambda request: "x"), "/"),
    (functools.partial(takes_id, id=5), "/"),
    (lambda request: Stream(["x"]), "/"),
]


@pytest.mark.parametrize(("handler", "path"), RIGHT)
def test_legal_handler_has_no_warning(handler: Callable[..., object], path: str) -> None:
    assert _app(handler, path).plan.diagnostics == ()


async def test_request_as_keyword_is_passed() -> None:
    async def handler(*, request, id):
        return f"{request.method} {id}"

    async with Client(_app(handler, "/{id:int}")) as client:
        assert (await client.get("/5")).text == "GET 5"


def test_wrapper_that_keeps_a_parameter_is_a_warning() -> None:
    def plain(function):
        async def inner(request):
            return await function(request)

        return inner

    for decorator in (plain, lambda function: functools.wraps(function)(plain(function))):
        found = warning_of(_app(decorator(takes_id), "/{id:int}"), "TB415")
        assert "does not pass 'id' on" in found.text
        assert "(request, **path_params)" in found.fix


def _with_request(function):
    @functools.wraps(function)
    async def inner(request, **kwargs):
        return await function(request, **kwargs)

    return inner


def _with_all(function):
    async def inner(request, *args, **kwargs):
        return await function(request, *args, **kwargs)

    return inner


def _without_request(function):
    @functools.wraps(function)
    async def inner(request, **kwargs):
        return await function(**kwargs)

    return inner


def _by_name(function):
    @functools.wraps(function)
    async def inner(request, id):
        return await function(request, id=id)

    return inner


def _names_removed(function):
    @functools.wraps(function)
    async def inner(request, **kwargs):
        kwargs.pop("id", None)
        return await function(request, **kwargs)

    return inner


async def takes_only_id(id):
    return str(id)


async def takes_request_alone(request):
    return "x"


async def takes_nothing():
    return "x"


@pytest.mark.parametrize(
    "decorate", [_with_request, _with_all, _by_name, lambda function: _with_request(_with_request(function))]
)
async def test_decorator_that_passes_the_request_to_a_function_without_it_is_a_warning(decorate: Any) -> None:
    app = _app(decorate(takes_only_id), "/{id:int}")
    found = warning_of(app, "TB415")
    assert "is called by a decorator with 'function(request, " in found.text
    assert found.text.endswith("but takes (id)")
    assert "write 'def takes_only_id(request, id)'" in found.fix
    async with Client(app, raise_exceptions=False) as client:
        assert (await client.get("/5")).status == 500


def test_decorator_of_a_function_without_parameters_is_a_warning() -> None:
    assert "but takes ()" in warning_of(_app(_with_request(takes_nothing)), "TB415").text


@pytest.mark.parametrize(
    ("decorate", "handler", "path"),
    [
        (_with_request, takes_id, "/{id:int}"),
        (_with_all, takes_id, "/{id:int}"),
        (_by_name, takes_id, "/{id:int}"),
        (_without_request, takes_only_id, "/{id:int}"),
        (_names_removed, takes_only_id, "/{id:int}"),
        (_with_request, takes_request_alone, "/{id:int}"),
        (lambda function: _with_request(_with_all(function)), takes_id, "/{id:int}"),
    ],
)
async def test_decorator_that_passes_fitting_arguments_has_no_warning(decorate: Any, handler: Any, path: str) -> None:
    app = _app(decorate(handler), path)
    assert not app.plan.diagnostics
    async with Client(app) as client:
        assert (await client.get("/5")).status == 200


def test_decorator_that_was_not_called_is_a_warning() -> None:
    def cached(seconds: Any = 5):
        def decorate(function):
            return function

        return decorate

    found = warning_of(_app(cached(takes_id)), "TB415")
    assert found.fix == "write @cached() with parentheses"


def test_cache_around_an_async_handler_is_a_warning() -> None:
    assert "behind a cache" in warning_of(_app(functools.lru_cache(fetch)), "TB415").text


def test_annotations_of_names_for_type_checkers_are_known() -> None:
    async def takes(request: Request, id: Decimal) -> str:
        return str(id)

    async def returns(request: Request) -> Decimal:
        raise LookupError

    assert "takes 'id: Decimal'" in error_of(_app(takes, "/{id:int}"), "TB415").text
    assert "'-> Decimal', which has no response type" in error_of(_app(returns), "TB429").text


@pytest.mark.parametrize("wraps", ["@functools.wraps(function)", ""])
def test_decorator_above_the_route_is_a_warning(wraps: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "board_of_decorators.py").write_text(
        "import functools\nfrom turnbuckle import App\napp = App()\n"
        "def login(function):\n"
        f"    {wraps}\n"
        "    async def inner(request):\n        return await function(request)\n    return inner\n"
        "@login\n@app.get('/')\nasync def secret(request):\n    return 'secret'\n"
        "@app.get('/right')\n@login\nasync def right(request):\n    return 'right'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    app: App = importlib.import_module("board_of_decorators").app
    del sys.modules["board_of_decorators"]
    sys.modules["board_of_decorators"] = module = importlib.import_module("board_of_decorators")
    try:
        app = module.app
        found = warning_of(app, "TB415")
    finally:
        del sys.modules["board_of_decorators"]
    assert found.text.startswith("route '/': handler board_of_decorators.secret is called without the decorators above")
    assert "to the top" in found.fix


def test_stream_of_numbers_is_an_error() -> None:
    from collections.abc import AsyncIterator

    async def handler(request: Request) -> AsyncIterator[int]:
        yield 5

    handler.__annotations__["return"] = AsyncIterator[int]
    assert "whose items cannot be sent" in error_of(_app(handler), "TB429").text


async def forgets_return(request: Request) -> str:
    str(request.path)


def forgets_return_in_branches(request: Request) -> dict[str, int]:
    if request.query:
        return  # type: ignore[return-value]  # the mistake under test


@pytest.mark.parametrize("handler", [forgets_return, forgets_return_in_branches])
async def test_annotated_handler_that_never_returns_a_value_is_a_warning(handler: Any) -> None:
    app = _app(handler)
    found = warning_of(app, "TB429")
    assert found.text.endswith("but never returns a value")
    assert "add the missing 'return'" in found.fix
    async with Client(app, raise_exceptions=False) as client:
        assert (await client.get("/")).status == 500


async def returns_none_as_annotated(request: Request) -> None:
    str(request.path)


async def returns_none_or_text(request: Request) -> str | None:
    str(request.path)


async def always_raises(request: Request) -> str:
    raise LookupError


async def returns_in_a_branch(request: Request) -> str:
    if request.path:
        return "x"


@pytest.mark.parametrize(
    "handler", [returns_none_as_annotated, returns_none_or_text, always_raises, returns_in_a_branch]
)
def test_handler_that_may_end_without_a_value_has_no_warning(handler: Any) -> None:
    assert not _app(handler).plan.diagnostics


def test_limits_that_are_no_mapping_are_an_error() -> None:
    app = App()
    app.get("/", limits=5)(lambda: "x")  # type: ignore[arg-type]  # the mistake under test
    assert error_of(app, "TB428").text == "limits of route / is 5, which is no mapping"


# -- names of other frameworks


async def reads_args(request):
    return request.args.get("q", "")


async def reads_referrer(request):
    return str(request.referrer)


async def reads_named_request(req: Request):
    return req.get_json()


async def takes_the_request_later(q: str = "", *, request: Request):
    return request.remote_addr


async def reads_json_as_attribute(request):
    return request.json["name"]


async def reads_form_of_method(request):
    return request.form.get("name")


async def names_status(request):
    return Response("x", status_code=201)


async def names_content(request):
    return JSON(content={"a": 1}, status=201)


FOREIGN = {
    reads_args: "request.query_params has the parameters, request.query the text",
    reads_referrer: "write request.headers.get('referer')",
    reads_named_request: "await request.json() returns the decoded content",
    takes_the_request_later: "request.client has address and port",
    reads_json_as_attribute: "write (await request.json())",
    reads_form_of_method: "write (await request.form())",
    names_status: "write status=... instead of status_code=...",
    names_content: "write body, the first argument, instead of content=...",
}


@pytest.mark.parametrize("handler", FOREIGN)
async def test_name_of_another_framework_is_a_warning(handler: Callable[..., object]) -> None:
    found = warning_of(_app(handler), "TB432")
    assert found.fix == FOREIGN[handler]
    assert "test_source_check.py:" in found.text
    async with Client(_app(handler), raise_exceptions=False) as client:
        assert (await client.get("/")).status == 500


async def tries_another_framework(request):
    try:
        return request.args["q"]
    except AttributeError:
        return request.query_params.get("q", "")


async def binds_the_request_again(request):
    request = Other()
    return request.args


async def shadows_response(request):
    Response = dict
    return Response(status_code=201)


async def calls_another_class(request):
    return Other(status_code=201).args


async def asks_for_attributes(request):
    return [request.json.__name__, request.form.__doc__, (await request.read()).decode()]


class Other:
    def __init__(self, status_code: int = 200) -> None:
        self.args = str(status_code)


@pytest.mark.parametrize(
    "handler",
    [tries_another_framework, binds_the_request_again, shadows_response, calls_another_class, asks_for_attributes],
)
async def test_name_that_exists_or_may_be_missing_has_no_warning(handler: Callable[..., object]) -> None:
    assert not _app(handler).plan.diagnostics
    async with Client(_app(handler)) as client:
        assert (await client.get("/")).status == 200
