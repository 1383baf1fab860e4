"""Tests of ``turnbuckle.web.response.errors``."""

import json
import logging
from typing import Never

import pytest

from tests.core.web.requests import make_request
from turnbuckle.errors import (
    BadRequest,
    ConnectionLost,
    ContentTooLarge,
    HTTPError,
    MethodNotAllowed,
    NotFound,
    ProtocolError,
)
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.errors import ErrorTable
from turnbuckle.web.response.response import Response, Text


class AppError(Exception):
    pass


class SpecialError(AppError):
    pass


async def answer_app_error(request: Request, exception: Exception) -> dict[str, str]:
    return {"error": str(exception)}


def answer_special_error(request: Request, exception: Exception) -> Response:
    return Response("special", 422)


HANDLERS = {
    SpecialError: answer_special_error,
    AppError: answer_app_error,
    NotFound: lambda request, exception: Text(f"no {request.path}", 404),
}


@pytest.mark.parametrize(
    ("exception", "status", "body"),
    [
        pytest.param(NotFound(), 404, b"Not Found", id="reason phrase"),
        pytest.param(BadRequest("no <such> id"), 400, b"no <such> id", id="detail"),
        pytest.param(ContentTooLarge(), 413, b"Content Too Large", id="413"),
        pytest.param(HTTPError(418), 418, None, id="418"),
        pytest.param(HTTPError(599), 599, b"", id="no reason phrase"),
        pytest.param(ProtocolError("secret", status=431), 431, b"Request Header Fields Too Large", id="protocol"),
        pytest.param(ConnectionLost("secret"), 400, b"Bad Request", id="lost"),
    ],
)
async def test_default_answer(
    exception: Exception, status: int, body: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    response = await ErrorTable().respond(make_request(), exception)
    assert response.status == status
    assert response.content_type == "text/plain; charset=utf-8"
    assert body is None or response.body == body
    assert not caplog.records


async def test_http_error_headers_are_sent() -> None:
    response = await ErrorTable().respond(make_request(), MethodNotAllowed(["PUT", "GET"]))
    assert response.headers["allow"] == "GET, PUT"
    response = await ErrorTable().respond(make_request(), HTTPError(503, headers={"Retry-After": "5"}))
    assert response.headers["retry-after"] == "5"


async def test_http_error_with_a_problem_is_answered_with_problem_details() -> None:
    problem = {"type": "https://example.com/sold-out", "title": "Sold out", "left": 0}
    error = HTTPError(409, "no pears left", headers={"Retry-After": "5"}, problem=problem)
    response = await ErrorTable().respond(make_request(), error)
    assert response.content_type == "application/problem+json"
    assert response.headers["retry-after"] == "5"
    assert json.loads(response.body) == {  # type: ignore[arg-type]  # it is bytes
        "type": "https://example.com/sold-out",
        "title": "Sold out",
        "status": 409,
        "detail": "no pears left",
        "left": 0,
    }
    plain = await ErrorTable().respond(make_request(), NotFound(problem={}))
    assert json.loads(plain.body) == {  # type: ignore[arg-type]  # it is bytes
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "Not Found",
    }


async def test_http_error_headers_that_cannot_be_sent(caplog: pytest.LogCaptureFixture) -> None:
    response = await ErrorTable().respond(make_request(), HTTPError(400, headers={"X-A": "a\r\nb"}))
    assert (response.status, response.body) == (500, b"Internal Server Error")
    assert "headers that cannot be sent" in caplog.text


async def test_unexpected_exception_is_logged_and_kept_from_the_client(caplog: pytest.LogCaptureFixture) -> None:
    error = ValueError("the password is x")
    request = make_request("/a%1b?b")
    response = await ErrorTable().respond(request, error)
    assert (response.status, response.body) == (500, b"Internal Server Error")
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("turnbuckle.error", logging.ERROR)
    assert record.getMessage() == "GET '/a%1b' failed"
    assert record.exc_info[1] is error
    assert request.exception is error


async def test_unexpected_exception_with_debug() -> None:
    table = ErrorTable(debug=True)
    response = await table.respond(make_request(), ValueError("the reason"))
    assert response.status == 500
    assert b"ValueError: the reason" in response.body
    response = await table.respond(make_request(), NotFound())
    assert response.body == b"Not Found"


@pytest.mark.parametrize(
    ("exception", "status", "body"),
    [
        pytest.param(AppError("a"), 200, b'{"error":"a"}', id="exact, rendered"),
        pytest.param(SpecialError("a"), 422, b"special", id="exact before base, plain function"),
        pytest.param(type("Other", (AppError,), {})("b"), 200, b'{"error":"b"}', id="base"),
        pytest.param(NotFound(), 404, b"no /", id="an HTTPError"),
        pytest.param(BadRequest(), 400, b"Bad Request", id="no handler"),
    ],
)
async def test_error_handlers(exception: Exception, status: int, body: bytes) -> None:
    request = make_request()
    response = await ErrorTable(HANDLERS).respond(request, exception)
    assert (response.status, response.body) == (status, body)
    assert request.exception is exception


async def test_later_error_handler_wins() -> None:
    handlers = {**HANDLERS, AppError: lambda request, exception: "later"}
    assert (await ErrorTable(handlers).respond(make_request(), AppError())).body == b"later"


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        pytest.param(KeyError("oops"), 500, id="unexpected"),
        pytest.param(BadRequest(), 400, id="another status"),
    ],
)
async def test_error_handler_that_fails(failure: Exception, status: int) -> None:
    def fail(request: Request, exception: Exception) -> Never:
        raise failure

    error = AppError("first")
    response = await ErrorTable({AppError: fail}).respond(make_request(), error)
    assert response.status == status
    assert failure.__context__ is error


async def test_error_handler_that_raises_the_same(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(request: Request, exception: Exception) -> Never:
        raise exception

    error = AppError("first")
    response = await ErrorTable({AppError: fail}).respond(make_request(), error)
    assert response.status == 500
    assert error.__context__ is None
    assert caplog.records[0].exc_info[1] is error


async def test_error_handler_that_returns_nonsense(caplog: pytest.LogCaptureFixture) -> None:
    response = await ErrorTable({AppError: lambda request, exception: 5}).respond(make_request(), AppError())
    assert response.status == 500
    assert "returned 5 of type int" in caplog.text
