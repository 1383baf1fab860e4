"""Representations that a client accepts, over HTTP: ``Vary`` and 406."""

from __future__ import annotations

import pytest

from tests.core.web.requests import make_request
from turnbuckle import HTML, App, NotAcceptable, Request, Response
from turnbuckle.testing import Client, ClientResponse


def _app() -> App:
    app = App()

    @app.get("/note")
    async def note(request: Request) -> object:
        return request.negotiate({"application/json": lambda: {"text": "hi"}, "text/html": lambda: HTML("<p>hi")})

    @app.get("/page")
    async def page(request: Request) -> object:
        async def html() -> Response:
            return HTML("<p>hi")

        async def plain() -> str:
            return "hi"

        return await request.negotiate({"text/html": html, "text/plain": plain})

    @app.get("/greeting")
    async def greeting(request: Request) -> Response:
        language = request.accepts_language("en", "de") or "en"
        charset = request.accepts_charset("utf-8", "latin-1") or "utf-8"
        coding = request.accepts_encoding("gzip")
        text = {"en": "Hello", "de": "Grüß Gott"}[language]
        return Response(text.encode(charset), headers={"Vary": "Origin", "X-Coding": coding or "none"})

    @app.get("/wrong")
    async def wrong(request: Request) -> object:
        return request.negotiate({"text/html": lambda: "<p>hi"})

    @app.get("/stream")
    async def stream(request: Request) -> object:
        request.accepts("text/plain")

        async def pieces() -> object:
            yield "piece"

        return pieces()

    return app


async def _get(path: str, **headers: str) -> ClientResponse:
    async with Client(_app(), raise_exceptions=False) as client:
        return await client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [("text/html", "text/html; charset=utf-8"), ("application/json", "application/json"), ("*/*", "application/json")],
)
async def test_negotiate_calls_the_function_of_the_best_type(accept: str, content_type: str) -> None:
    response = await _get("/note", accept=accept)
    assert response.headers["content-type"] == content_type
    assert response.headers["vary"] == "Accept"


async def test_negotiate_awaits_async_functions() -> None:
    assert (await _get("/page", accept="text/html")).text == "<p>hi"
    assert (await _get("/page", accept="text/plain")).text == "hi"


async def test_negotiate_answers_406_with_the_available_types() -> None:
    response = await _get("/note", accept="image/png")
    assert response.status == 406
    assert response.text == "available: application/json, text/html"
    # The error depends on the field as well (RFC 9110, section 12.5.5).
    assert response.headers["vary"] == "Accept"


async def test_negotiate_refuses_a_text_of_another_type() -> None:
    assert (await _get("/wrong")).status == 500
    request = make_request("/")
    with pytest.raises(TypeError, match=r"'text/html' returned a str, .* return HTML\(text\), or Response"):
        request.negotiate({"text/html": lambda: "<p>"})
    assert request.negotiate({"text/plain;charset=utf-8": lambda: "text"}) == "text"


async def test_each_field_is_added_to_vary_once() -> None:
    response = await _get("/greeting", accept_language="de-AT", accept_charset="latin-1", accept_encoding="gzip")
    assert response.content == "Grüß Gott".encode("latin-1")
    assert response.headers["x-coding"] == "gzip"
    assert response.headers.get_list("vary") == ["Origin, Accept-Language, Accept-Charset, Accept-Encoding"]


async def test_vary_of_streams_and_of_other_responses() -> None:
    assert (await _get("/stream")).headers["vary"] == "Accept"
    assert "vary" not in (await _get("/nothing")).headers


def test_request_without_preferences_accepts_the_first() -> None:
    request = make_request("/")
    assert request.accepts("text/html", "application/json") == "text/html"
    assert request.accepts("application/json") == "application/json"
    assert request.accepts_language("en", "de") == "en"
    assert request.vary == ("Accept", "Accept-Language")


def test_nothing_to_choose_from_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing is available to choose from by Accept"):
        make_request("/").negotiate({})


def test_not_acceptable_lists_the_available_types() -> None:
    error = NotAcceptable(["a/b", "c/d"])
    assert (error.status, error.available, error.detail) == (406, ("a/b", "c/d"), "available: a/b, c/d")
    assert NotAcceptable([], "only in English").detail == "only in English"
