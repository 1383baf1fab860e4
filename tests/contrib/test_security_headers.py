"""Careful header fields on every response, unless the handler or the settings know better."""

from __future__ import annotations

import re

import pytest

from turnbuckle import App, Plugin, Request, Response, StartupError
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import PluginConformance
from turnbuckle_contrib.security_headers import SecurityHeadersPlugin

_DEFAULTS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "strict-origin-when-cross-origin",
    "cross-origin-opener-policy": "same-origin",
}
_ALL = (*_DEFAULTS, "content-security-policy", "permissions-policy", "strict-transport-security")
_NOTHING = {"content_type_options": "", "frame_options": "", "referrer_policy": "", "opener_policy": ""}


class TestSecurityHeadersPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return SecurityHeadersPlugin()


def _app(**settings: object) -> App:
    app = App(plugins=[("security_headers", settings)])

    @app.get("/")
    async def framed() -> Response:
        return Response("x", headers={"X-Frame-Options": "DENY"})

    return app


async def _fields(app: App, path: str = "/nowhere") -> dict[str, str]:
    async with Client(app) as client:
        headers = (await client.get(path)).headers
    return {name: headers[name] for name in _ALL if name in headers}


async def test_defaults_are_on_every_response() -> None:
    assert await _fields(_app()) == _DEFAULTS


async def test_field_of_the_handler_stays() -> None:
    assert await _fields(_app(), "/") == {**_DEFAULTS, "x-frame-options": "DENY"}


async def test_settings_add_and_leave_out() -> None:
    fields = await _fields(_app(**_NOTHING, content_security_policy="default-src 'self'"))
    assert fields == {"content-security-policy": "default-src 'self'"}


async def test_nonce_of_the_policy_is_new_for_each_response() -> None:
    app = App(
        plugins=[("security_headers", {"content_security_policy": "script-src 'nonce-{nonce}'; style-src '{nonce}'"})]
    )

    @app.get("/")
    async def nonce(request: Request) -> str:
        return str(request.state.csp_nonce)

    async with Client(app) as client:
        answers = [await client.get("/") for _ in range(2)]
        missing = await client.get("/nowhere")
    for answer in answers:
        assert re.fullmatch(r"[A-Za-z0-9_-]{22}", answer.text)
        policy = answer.headers["content-security-policy"]
        assert policy == f"script-src 'nonce-{answer.text}'; style-src '{answer.text}'"
    assert answers[0].text != answers[1].text
    assert "{nonce}" not in missing.headers["content-security-policy"]
    assert app.plan.root.middleware[0].record.provides == ("csp_nonce",)


async def test_nothing_to_add_costs_nothing() -> None:
    assert await _fields(_app(**_NOTHING)) == {}


async def test_strict_transport_security_is_for_https_alone() -> None:
    app = _app(strict_transport_security="max-age=31536000")
    assert "strict-transport-security" not in await _fields(app)

    async with Client(app, base_url="https://example.com") as client:
        response = await client.get("/")
    assert response.headers["strict-transport-security"] == "max-age=31536000"


def test_value_that_cannot_be_sent_is_reported_at_startup() -> None:
    with pytest.raises(StartupError) as caught:
        _app(frame_options="DENY\r\nX: y").resolve()
    assert [problem.diagnostic.code for problem in caught.value.problems] == ["TB202"]
