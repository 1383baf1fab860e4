"""The echo and the welcome examples, through the client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from turnbuckle.testing import Client

from .conftest import EXAMPLES

Import = Callable[[Path, str], ModuleType]

HOSTILE = "<script>alert(1)</script>"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"


@pytest.fixture
def echo(import_from: Import) -> ModuleType:
    return import_from(EXAMPLES, "echo")


@pytest.fixture
def welcome(import_from: Import) -> ModuleType:
    return import_from(EXAMPLES, "welcome")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_echo_answers_with_the_content(echo: ModuleType, method: str) -> None:
    content = bytes(range(256)) * 300
    async with Client(echo.app) as client:
        response = await client.request(method, "/", content=content)
    assert response.status == 200
    assert response.content == content
    assert response.headers["Content-Type"] == "application/octet-stream"


async def test_echo_answers_a_request_without_content(echo: ModuleType) -> None:
    async with Client(echo.app) as client:
        response = await client.get("/")
    assert (response.status, response.content) == (200, b"")


async def test_welcome_has_a_page_of_its_own(welcome: ModuleType) -> None:
    async with Client(welcome.app) as client:
        response = await client.get("/")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<h1>Hello!</h1>" in response.text


@pytest.mark.parametrize(
    ("path", "greeting"),
    [
        pytest.param("/welcome/Ada", "Welcome, Ada!", id="plain"),
        pytest.param("/welcome/Zo%C3%AB%20%26%20Co", "Welcome, Zoë &amp; Co!", id="encoded"),
        pytest.param("/welcome/%3Cscript%3Ealert(1)%3C%2Fscript%3E", f"Welcome, {ESCAPED}!", id="hostile"),
    ],
)
async def test_welcome_greets_by_name(welcome: ModuleType, path: str, greeting: str) -> None:
    async with Client(welcome.app) as client:
        response = await client.get(path)
    assert response.status == 200
    assert f"<h1>{greeting}</h1>" in response.text
    assert HOSTILE not in response.text


async def test_login_shows_the_form_and_reads_it(welcome: ModuleType) -> None:
    async with Client(welcome.app) as client:
        form = await client.get("/login")
        response = await client.post("/login", data={"name": HOSTILE, "password": "secret"})
    assert '<form method="post" action="/login">' in form.text
    assert response.status == 200
    assert f"<h1>Hello, {ESCAPED}!</h1>" in response.text
    assert HOSTILE not in response.text


async def test_login_asks_again_without_a_name(welcome: ModuleType) -> None:
    async with Client(welcome.app) as client:
        response = await client.post("/login", data={"name": " "})
    assert response.status == 422
    assert "A name is needed." in response.text
    assert '<form method="post" action="/login">' in response.text


async def test_login_takes_nothing_but_a_form(welcome: ModuleType) -> None:
    async with Client(welcome.app) as client:
        response = await client.post("/login", json={"name": "Ada"})
    assert response.status == 415
