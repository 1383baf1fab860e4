from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable

import pytest

from turnbuckle.server.model.application import Application
from turnbuckle.testing import Client
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import JSON, Redirect, Response

MakeApplication = Callable[..., Application]


async def _describe(request: Request) -> Response:
    content = await request.read()
    return JSON({"method": request.method, "headers": list(request.headers.items()), "content": content.decode()})


def _described(content: bytes) -> dict[str, object]:
    value = json.loads(content)
    assert isinstance(value, dict)
    return value


async def _redirects(request: Request) -> Response:
    match request.path:
        case "/to":
            response = await _describe(request)
            response.set_cookie("at", "to")
            return response
        case "/loop":
            return Redirect("/loop")
        case "/nowhere":
            return Response(status=302)
        case "/away":
            return Redirect("http://elsewhere/to")
        case _:
            return Redirect("to?x=1", status=int(request.path[1:]))


async def test_redirects_are_followed_when_asked_for(make_application: MakeApplication) -> None:
    async with Client(make_application(_redirects)) as client:
        here = await client.get("/302")
        there = await client.get("/302", follow_redirects=True, params={"gone": "1"})
    async with Client(make_application(_redirects), follow_redirects=True) as client:
        by_default = await client.get("/302")

    assert (here.status, here.history) == (302, ())
    assert (there.status, there.url, [response.status for response in there.history]) == (
        200,
        "http://testserver/to?x=1",
        [302],
    )
    assert by_default.status == 200
    assert client.cookies["at"] == "to"


@pytest.mark.parametrize(
    ("status", "method", "becomes", "content"),
    [
        pytest.param(301, "POST", "GET", "", id="301-post"),
        pytest.param(302, "POST", "GET", "", id="302-post"),
        pytest.param(302, "PUT", "PUT", "a=1", id="302-put"),
        pytest.param(303, "PUT", "GET", "", id="303-put"),
        pytest.param(307, "POST", "POST", "a=1", id="307-post"),
        pytest.param(308, "PUT", "PUT", "a=1", id="308-put"),
    ],
)
async def test_redirects_keep_or_change_the_method(
    make_application: MakeApplication, status: int, method: str, becomes: str, content: str
) -> None:
    async with Client(make_application(_redirects), follow_redirects=True) as client:
        response = await client.request(method, f"/{status}", data={"a": "1"}, headers={"Content-Type": "text/x"})

    description = _described(response.content)
    assert (description["method"], description["content"]) == (becomes, content)
    fields = dict(pair for pair in description["headers"] if isinstance(pair, list))  # type: ignore[attr-defined]
    assert ("content-type" in fields) == (becomes != "GET")


async def test_redirects_to_another_host_leave_credentials_behind(make_application: MakeApplication) -> None:
    async with Client(make_application(_redirects), follow_redirects=True) as client:
        response = await client.get("/away", headers={"Authorization": "Basic eDp5", "X-A": "1"})

    fields = _described(response.content)["headers"]
    assert isinstance(fields, list)
    assert ["host", "elsewhere"] in fields
    assert ["x-a", "1"] in fields
    assert "authorization" not in dict(fields)


async def test_redirects_without_end_are_given_up(make_application: MakeApplication) -> None:
    async with Client(make_application(_redirects), follow_redirects=True) as client:
        with pytest.raises(RuntimeError, match="more than 20 redirects"):
            await client.get("/loop")


async def test_redirect_without_location_is_a_response(make_application: MakeApplication) -> None:
    async with Client(make_application(_redirects), follow_redirects=True) as client:
        assert (await client.get("/nowhere")).status == 302


async def test_redirect_cannot_repeat_content_that_was_streamed(make_application: MakeApplication) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"

    async with Client(make_application(_redirects), follow_redirects=True) as client:
        with pytest.raises(ValueError, match="307"):
            await client.post("/307", content=pieces())
