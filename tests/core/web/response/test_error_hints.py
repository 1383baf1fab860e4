"""Mistakes that Python's own message does not name have a note that does, in the log and on the debug page."""

from __future__ import annotations

import gc
import logging
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from turnbuckle import JSON, App, Response
from turnbuckle.testing import Client


async def other(request: object) -> str:
    return ""


async def subscripted(request: Any) -> object:
    return request.json["a"]


async def method_awaited(request: Any) -> object:
    return (await request.json)["a"]


async def form_subscripted(request: Any) -> object:
    return request.form["a"]


async def attribute_of_method(request: Any) -> object:
    return request.json.get("a")


async def not_awaited(request: Any) -> object:
    return request.json()["a"]


async def form_not_awaited(request: Any) -> object:
    return request.form().get("a")


async def status_code(request: Any) -> object:
    return Response("", status_code=404)  # type: ignore[call-arg]


async def httponly(request: Any) -> object:
    response = Response()
    response.set_cookie("a", "b", httponly=True)  # type: ignore[call-arg]
    return response


async def query_subscripted(request: Any) -> object:
    return request.query["a"]


async def query_get(request: Any) -> object:
    return request.query.get("a")


async def part_of_url(request: Any) -> object:
    return request.url.path


async def host_of_client(request: Any) -> object:
    return request.client.host


async def headers_called(request: Any) -> object:
    return request.headers("host")


async def coroutine_in_json(request: Any) -> object:
    return {"a": other(request)}


async def coroutine_as_body(request: Any) -> object:
    return Response(other(request))  # type: ignore[arg-type]


async def coroutine_in_json_response(request: Any) -> object:
    return JSON([other(request)])


@pytest.mark.parametrize(
    ("handler", "hint"),
    [
        pytest.param(subscripted, "request.json is a method: write (await request.json())", id="subscripted"),
        pytest.param(method_awaited, "request.json is a method: write (await request.json())", id="awaited"),
        pytest.param(form_subscripted, "request.form is a method: write (await request.form())", id="form"),
        pytest.param(not_awaited, "'await' is missing: write (await request.json())", id="not-awaited"),
        pytest.param(form_not_awaited, "'await' is missing: write (await request.form())", id="form-not-awaited"),
        pytest.param(status_code, "'status_code' is called status here", id="status-code"),
        pytest.param(httponly, "'httponly' is called http_only here", id="httponly"),
        pytest.param(query_subscripted, "request.query_params has the parameters", id="query-subscripted"),
        pytest.param(query_get, "request.query_params has the parameters", id="query-get"),
        pytest.param(part_of_url, "request.url is text: request.scheme", id="url"),
        pytest.param(host_of_client, "write request.client[0]", id="client"),
        pytest.param(headers_called, "it is a mapping: write square brackets", id="headers-called"),
        pytest.param(coroutine_in_json, "the coroutine other(...) has no JSON form; 'await' is missing", id="in-json"),
        pytest.param(coroutine_as_body, "a body cannot be the coroutine other(...)", id="as-body"),
        pytest.param(coroutine_in_json_response, "the coroutine other(...) has no JSON form", id="in-json-response"),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine '.*Request:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_mistake_is_named_in_the_log(
    handler: Callable[..., object], hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = App(debug=True)
    app.add_route("/", handler)
    with caplog.at_level(logging.ERROR):
        async with Client(app, raise_exceptions=False) as client:
            response = await client.get("/")
    assert response.status == 500
    assert hint in caplog.text
    # The coroutine that was not awaited is in the frames of the logged exception; its warning belongs to this test.
    caplog.clear()
    gc.collect()


async def test_other_errors_get_no_note() -> None:
    from turnbuckle.web.response.error_hints import add_hint

    for error in (TypeError("'NoneType' object is not iterable"), AttributeError("x"), TypeError()):
        add_hint(error)
        assert not hasattr(error, "__notes__")


async def test_returned_coroutine_is_closed() -> None:
    async def handler(request: object) -> object:
        return other(request)

    app = App()
    app.add_route("/", handler)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with Client(app, raise_exceptions=False) as client:
            assert (await client.get("/")).status == 500
        gc.collect()
