"""Tests of ``turnbuckle.web.response.debug_page``."""

from collections.abc import Callable
from typing import Any, Never

import pytest

from tests.core.web.requests import make_request
from turnbuckle.routing.records import Route
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.debug_page import debug_response

HTML = ("accept", "text/html,*/*;q=0.8")


def fail(text: str) -> Never:
    raise ValueError(text)


def caught(function: Callable[..., Any], *args: object) -> Exception:
    try:
        function(*args)
    except Exception as error:
        return error


def fail_while_handling(*, cause: bool) -> None:
    try:
        fail("first")
    except ValueError as error:
        if cause:
            raise KeyError("second") from error
        raise KeyError("second")  # noqa: B904 - an exception without an explicit cause is the case under test


def page(request: Request, exception: Exception) -> str:
    response = debug_response(request, exception)
    assert response.status == 500
    return response.body.decode()


def test_debug_page_shows_traceback_and_source() -> None:
    text = page(make_request(headers=[HTML]), caught(fail, "the reason"))
    assert "<h1>ValueError: the reason</h1>" in text
    assert "test_debug_page.py:" in text
    assert "in <code>fail</code>" in text
    assert "raise ValueError(text)</mark>" in text


def test_debug_page_shows_the_request() -> None:
    request = make_request("/users/7?a=b", headers=[HTML, ("x-a", "visible")])
    request.route = Route(path="/users/{id}", handler=fail)
    request.path_params = {"id": 7}
    text = page(request, ValueError())
    for fact in ("GET /users/7?a=b", "visible", "GET /users/{id}", "{&#x27;id&#x27;: 7}", "192.0.2.1"):
        assert fact in text


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "cookie",
        "Proxy-Authorization",
        "X-API-Key",
        "X-CSRF-Token",
        "X_Api_Key",
        "X-Access-Key",
        "X-Private-Key",
        "X-Passwd",
        "X-XSRF",
        "X-JWT-Assertion",
        "Sec-Session-Id",
    ],
)
def test_debug_page_redacts_credentials(name: str) -> None:
    text = page(make_request(headers=[HTML, (name, "hunter2")]), ValueError())
    assert "hunter2" not in text
    assert "[redacted]" in text


def test_debug_page_escapes_everything() -> None:
    request = make_request("/<script>1", headers=[HTML, ("x-<script>2", "<script>3")], method="<script>4")
    request.path_params = {"a": "<script>5"}
    text = page(request, caught(fail, "<script>6"))
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 7


def test_debug_page_may_run_no_script() -> None:
    response = debug_response(make_request(headers=[HTML]), ValueError())
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert response.headers["cache-control"] == "no-store"
    assert response.content_type == "text/html; charset=utf-8"


@pytest.mark.parametrize(("cause", "words"), [(True, "was the direct cause of"), (False, "and while that was handled")])
def test_debug_page_shows_the_chain_of_exceptions(cause: bool, words: str) -> None:
    text = page(make_request(headers=[HTML]), caught(lambda: fail_while_handling(cause=cause)))
    assert text.index("<h2>ValueError: first</h2>") < text.index(words) < text.index("<h2>KeyError: &#x27;second")


def test_debug_page_hides_a_suppressed_context() -> None:
    def suppress() -> None:
        try:
            fail("first")
        except ValueError:
            raise KeyError("second") from None

    text = page(make_request(headers=[HTML]), caught(suppress))
    assert "<h2>KeyError" in text
    assert "<h2>ValueError" not in text


def test_debug_page_without_source() -> None:
    text = page(make_request(headers=[HTML]), caught(exec, compile("1 / 0", "<made up>", "exec")))
    assert "<code>&lt;made up&gt;:1</code> in <code>&lt;module&gt;</code><pre></pre>" in text


def test_debug_page_of_endless_recursion_is_bounded() -> None:
    def recurse() -> None:
        recurse()

    text = page(make_request(headers=[HTML]), caught(recurse))
    assert text.count("in <code>recurse</code>") <= 50


def test_debug_text_for_other_clients() -> None:
    response = debug_response(make_request(headers=[("accept", "*/*")]), caught(fail, "the <reason>"))
    assert response.content_type == "text/plain; charset=utf-8"
    assert response.body.startswith(b"Traceback (most recent call last):")
    assert response.body.endswith(b"ValueError: the <reason>\n")
