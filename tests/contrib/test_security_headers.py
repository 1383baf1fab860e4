"""Careful header fields on every response, unless the handler, its route or the settings know better."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import ClassVar

import pytest

from turnbuckle import App, Forbidden, Handler, Middleware, Plugin, Request, Response, Setup, StartupError, WebSocket
from turnbuckle.testing import Client, ClientResponse
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.security_headers import STRICT_POLICY, SecurityHeadersConfig, SecurityHeadersPlugin

_DEFAULTS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "strict-origin-when-cross-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_NOTHING: Mapping[str, object] = {
    "content_type_options": "",
    "frame_options": "",
    "referrer_policy": "",
    "opener_policy": "",
    "resource_policy": "",
    "content_security_policy": "",
    "permissions_policy": {},
}
_NEVER_IN = ("content-length", "content-type", "date", "server", "connection", "allow", "transfer-encoding")


class TestSecurityHeadersPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return SecurityHeadersPlugin()


class TestSecurityHeadersMiddleware(MiddlewareConformance):
    plugin = SecurityHeadersPlugin

    def has_run(self, response: ClientResponse) -> bool:
        return response.headers.get("x-content-type-options") == "nosniff"

    def use(self, request: Request) -> None:
        assert request.state["csp_nonce"]


class TestSecurityHeadersMiddlewareWithoutNonce(MiddlewareConformance):
    plugin = SecurityHeadersPlugin
    config: ClassVar[Mapping[str, object]] = {"content_security_policy": "default-src 'self'"}

    def has_run(self, response: ClientResponse) -> bool:
        return response.headers.get("content-security-policy") == "default-src 'self'"


def _app(**settings: object) -> App:
    app = App(plugins=[("security_headers", settings)])

    @app.get("/")
    async def framed() -> Response:
        return Response("x", headers={"X-Frame-Options": "DENY", "content-security-policy": "default-src *"})

    @app.get("/nonce")
    async def nonce(request: Request) -> str:
        return str(request.state.get("csp_nonce", ""))

    return app


async def _fields(app: App, path: str = "/nowhere", base: str = "http://example.com") -> dict[str, str]:
    async with Client(app, base_url=base, raise_exceptions=False) as client:
        response = await client.get(path)
    return {name: value for name, value in response.headers.items() if name not in _NEVER_IN}


async def test_defaults_are_on_every_response() -> None:
    # A response that has not used the nonce has none.
    policy = STRICT_POLICY.replace(" 'nonce-{nonce}'", "")
    assert await _fields(_app()) == {**_DEFAULTS, "content-security-policy": policy}


async def test_nonce_is_in_the_policy_of_a_response_that_has_used_it() -> None:
    async with Client(_app()) as client:
        response = await client.get("/nonce")
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", response.text)
    assert response.headers["content-security-policy"] == STRICT_POLICY.replace("{nonce}", response.text)


async def test_stream_and_page_of_an_error_use_the_nonce_later() -> None:
    def refuse(next_handler: Handler, setup: Setup) -> Handler:
        async def raise_error(request: Request) -> Response:
            if request.path == "/refused":
                raise Forbidden
            return await next_handler(request)

        return raise_error

    app = App(plugins=["security_headers"], middleware=[Middleware("refuse", refuse, zone="session")])

    @app.get("/stream")
    async def stream(request: Request) -> AsyncIterator[str]:
        yield "nonce "
        yield str(request.state.csp_nonce)

    @app.error_handler(Forbidden)
    async def page(request: Request, error: Forbidden) -> Response:
        return Response(f"nonce {request.state['csp_nonce']}", 403)

    async with Client(app) as client:
        for path in ("/stream", "/refused"):
            response = await client.get(path)
            assert response.text.startswith("nonce ")
            assert f"'nonce-{response.text.removeprefix('nonce ')}'" in response.headers["content-security-policy"]


@pytest.mark.parametrize("keyword", ["'unsafe-inline'", "'strict-dynamic'"])
async def test_policy_that_is_weaker_without_a_nonce_always_has_one(keyword: str) -> None:
    app = _app(content_security_policy=f"default-src 'self'; script-src 'nonce-{{nonce}}' {keyword}")
    policy = (await _fields(app))["content-security-policy"]
    assert re.fullmatch(rf"default-src 'self'; script-src 'nonce-[\w-]{{22}}' {keyword}", policy)


async def test_policy_with_only_a_nonce_allows_nothing_without_it() -> None:
    app = _app(content_security_policy="script-src 'nonce-{nonce}'; img-src *")
    assert (await _fields(app))["content-security-policy"] == "script-src; img-src *"


async def test_fields_of_the_handler_stay() -> None:
    expected = {**_DEFAULTS, "x-frame-options": "DENY", "content-security-policy": "default-src *"}
    assert await _fields(_app(), "/") == expected


async def test_settings_add_and_leave_out() -> None:
    fields = await _fields(_app(**{**_NOTHING, "content_security_policy": "default-src 'self'"}))
    assert fields == {"content-security-policy": "default-src 'self'"}


async def test_every_field_can_be_set() -> None:
    app = _app(
        frame_options="DENY",
        referrer_policy="no-referrer, strict-origin-when-cross-origin",
        opener_policy="same-origin-allow-popups",
        embedder_policy="require-corp",
        resource_policy="same-site",
        content_security_policy="default-src 'self'; report-to csp",
        content_security_policy_report_only="script-src 'nonce-{nonce}'; report-to csp",
        reporting_endpoints={"csp": "/reports", "default": "https://reports.example.com/a?b=c"},
        permissions_policy={"camera": ["self", "https://*.example.com"], "fullscreen": ["*"], "usb": []},
        hsts_max_age=63072000,
        hsts_subdomains=True,
        hsts_preload=True,
    )
    fields = await _fields(app, "/nonce", "https://example.com")
    report_only = fields.pop("content-security-policy-report-only")
    assert re.fullmatch(r"script-src 'nonce-[\w-]{22}'; report-to csp", report_only)
    assert fields == {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer, strict-origin-when-cross-origin",
        "cross-origin-opener-policy": "same-origin-allow-popups",
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-resource-policy": "same-site",
        "content-security-policy": "default-src 'self'; report-to csp",
        "permissions-policy": 'camera=(self "https://*.example.com"), fullscreen=*, usb=()',
        "reporting-endpoints": 'csp="/reports", default="https://reports.example.com/a?b=c"',
        "strict-transport-security": "max-age=63072000; includeSubDomains; preload",
    }


async def test_nonce_is_new_for_each_response() -> None:
    app = _app(content_security_policy="script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'")
    async with Client(app) as client:
        answers = [await client.get("/nonce") for _ in range(2)]
        missing = await client.get("/nowhere")
    for answer in answers:
        assert re.fullmatch(r"[A-Za-z0-9_-]{22}", answer.text)
        policy = answer.headers["content-security-policy"]
        assert policy == f"script-src 'nonce-{answer.text}'; style-src 'nonce-{answer.text}'"
    assert answers[0].text != answers[1].text
    assert missing.headers["content-security-policy"] == "script-src; style-src"
    assert app.plan.root.middleware[0].record.provides == ("csp_nonce",)


@pytest.mark.parametrize("is_early", [True, False])
async def test_304_keeps_the_nonce_of_the_stored_page(is_early: bool) -> None:
    app = _app(content_security_policy_report_only="default-src 'none'")

    @app.get("/stored")
    async def stored(request: Request) -> Response:
        if is_early:
            request.check_preconditions(etag="v1")
        return Response(str(request.state.csp_nonce)).etag("v1")

    async with Client(app) as client:
        first = await client.get("/stored")
        again = await client.get("/stored", headers={"If-None-Match": '"v1"'})
    assert first.text in first.headers["content-security-policy"]
    assert (again.status, again.headers["x-frame-options"]) == (304, "SAMEORIGIN")
    assert "content-security-policy" not in again.headers
    assert again.headers["content-security-policy-report-only"] == "default-src 'none'"


async def test_policy_without_a_nonce_makes_none() -> None:
    app = _app(content_security_policy="default-src 'self'")
    async with Client(app) as client:
        assert (await client.get("/nonce")).text == ""
    assert app.plan.root.middleware[0].record.provides == ()


async def test_nothing_to_add_costs_nothing() -> None:
    assert await _fields(_app(**_NOTHING)) == {}


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        ({"hsts_max_age": 31536000}, "max-age=31536000"),
        ({"hsts_max_age": 0}, "max-age=0"),
        ({"hsts_max_age": 60, "hsts_subdomains": True}, "max-age=60; includeSubDomains"),
    ],
)
async def test_strict_transport_security_is_for_https_only(settings: dict[str, object], value: str) -> None:
    app = _app(**settings)
    assert "strict-transport-security" not in await _fields(app)
    assert (await _fields(app, base="https://example.com"))["strict-transport-security"] == value


@pytest.mark.parametrize("error", [Forbidden(), RuntimeError("on purpose")], ids=["403", "500"])
async def test_errors_of_inner_middleware_have_the_fields(error: Exception) -> None:
    def refuse(next_handler: Handler, setup: Setup) -> Handler:
        async def raise_error(request: Request) -> Response:
            raise error

        return raise_error

    app = App(plugins=["security_headers"], middleware=[Middleware("refuse", refuse, zone="session")])
    fields = await _fields(app)
    assert fields.keys() == {*_DEFAULTS, "content-security-policy"}


async def test_handshake_of_a_websocket_is_not_disturbed() -> None:
    app = App(plugins=["websocket", "security_headers"])

    @app.websocket("/ws")
    async def greet(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send("hello")

    async with Client(app) as client, client.websocket("/ws") as socket:
        assert await socket.receive() == "hello"


# -- changes of routes


async def test_route_changes_its_fields() -> None:
    app = App(plugins=["security_headers"])
    widgets = app.scope(
        "/widgets", options={"security_headers": {"frame_options": "", "resource_policy": "cross-origin"}}
    )
    frames = "default-src 'self'; script-src 'nonce-{nonce}'; frame-ancestors https://partner.example"

    @widgets.get("/plain")
    async def plain() -> str:
        return "plain"

    changes = {"content_security_policy": frames, "frame_options": "", "permissions_policy": {"camera": ["self"]}}

    @app.get("/framed", options={"security_headers": changes})
    async def framed(request: Request) -> str:
        return str(request.state.csp_nonce)

    fields = await _fields(app, "/widgets/plain")
    assert "x-frame-options" not in fields
    assert fields["cross-origin-resource-policy"] == "cross-origin"
    assert "frame-ancestors 'self'" in fields["content-security-policy"]
    async with Client(app) as client:
        response = await client.get("/framed")
    assert response.headers["content-security-policy"] == frames.replace("{nonce}", response.text)
    assert response.headers["permissions-policy"] == "camera=(self), geolocation=(), microphone=()"
    assert "x-frame-options" not in response.headers
    assert (await _fields(app, "/widgets/nowhere"))["x-frame-options"] == "SAMEORIGIN"


async def test_route_has_a_nonce_although_the_settings_have_none() -> None:
    app = _app(content_security_policy="default-src 'none'")
    policy = {"content_security_policy": "script-src 'nonce-{nonce}'"}

    @app.get("/script", options={"security_headers": policy})
    async def script(request: Request) -> str:
        return str(request.state.csp_nonce)

    async with Client(app) as client:
        response = await client.get("/script")
        assert response.headers["content-security-policy"] == f"script-src 'nonce-{response.text}'"
        assert (await client.get("/nonce")).headers["content-security-policy"] == "default-src 'none'"


@pytest.mark.parametrize(
    ("option", "text"),
    [
        (False, "write a mapping of settings"),
        ({"hsts_max_age": 1}, "a route cannot change 'hsts_max_age'"),
        ({"frame_option": ""}, "a route cannot change 'frame_option'"),
        ({"frame_options": "ALLOWALL"}, "'frame_options' must be in ('SAMEORIGIN', 'DENY', '')"),
        ({"content_security_policy": "default-src self"}, "write 'self'"),
    ],
)
def test_wrong_option_of_a_route_is_reported_at_startup(option: object, text: str) -> None:
    app = App(plugins=["security_headers"])
    app.get("/x", options={"security_headers": option})(_item)
    with pytest.raises(StartupError) as caught:
        app.resolve()
    assert [problem.diagnostic.code for problem in caught.value.problems] == ["TB439"]
    assert text in str(caught.value.problems[0])


async def _item() -> str:
    return "item"


# -- settings

_LONG_AGO = {"hsts_max_age": 31535999, "hsts_subdomains": True, "hsts_preload": True}


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"frame_options": "DENY\r\nX: y"}, "frame_options"),
        ({"frame_options": "ALLOW-FROM https://example.com"}, "frame_options"),
        ({"referrer_policy": "never"}, "'never' is none of the referrer policies"),
        ({"hsts_max_age": -1}, "hsts_max_age"),
        ({"hsts_preload": True}, "at least 31536000 and hsts_subdomains"),
        ({"hsts_max_age": 31536000, "hsts_preload": True}, "at least 31536000 and hsts_subdomains"),
        (_LONG_AGO, "at least 31536000 and hsts_subdomains"),
        ({"permissions_policy": {"Camera": []}}, "is no feature"),
        ({"permissions_policy": {"camera": ["'self'"]}}, "to 'self', '*' or origins"),
        ({"permissions_policy": {"camera": ["none"]}}, "[] allows it to no page"),
        ({"permissions_policy": {"camera": ["*", "self"]}}, "no other origin is needed"),
        ({"reporting_endpoints": {"A b": "/r"}}, "lower-case letters"),
        ({"reporting_endpoints": {"a": "http://example.com"}}, "https URLs and to paths only"),
        ({"reporting_endpoints": {"a": "//evil.example"}}, "https URLs and to paths only"),
        ({"reporting_endpoints": {"a": '/"'}}, "https URLs and to paths only"),
        ({"content_security_policy": "default-src 'self'; report-to csp"}, "reports to 'csp'"),
        ({"content_security_policy": "default-src 'self'\r\nX: y"}, "visible ASCII"),
        ({"content_security_policy": "default-src 'self', script-src 'self'"}, "separate its directives by ';'"),
        ({"content_security_policy": "script-scr 'self'"}, "did you mean 'script-src'?"),
        ({"content_security_policy": "default-src: 'self'"}, "no directive 'default-src:'"),
        ({"content_security_policy": "default-src self"}, "write 'self'"),
        ({"content_security_policy": "default-src 'Self"}, "write 'Self'"),
        ({"content_security_policy": "script-src unsafe-inline"}, "write 'unsafe-inline'"),
        ({"content_security_policy": "script-src sha256-abc="}, "write 'sha256-abc='"),
        ({"content_security_policy": "script-src 'nonce-abc'"}, "write 'nonce-{nonce}'"),
        ({"content_security_policy": "script-src {nonce}"}, "write 'nonce-{nonce}'"),
        ({"content_security_policy": "sandbox {nonce}"}, "cannot have a nonce"),
        ({"content_security_policy": "img-src data"}, "write data:"),
        ({"content_security_policy": "img-src 'none' data:"}, "has 'none' and other sources"),
        ({"content_security_policy": "img-src 'self'; IMG-SRC data:"}, "has img-src twice"),
        ({"content_security_policy": "img-src 'unsafe-everything'"}, "which is no source"),
        ({"content_security_policy": "img-src https://a b@c"}, "which is no source"),
        ({"content_security_policy_report_only": "default-src self"}, "write 'self'"),
    ],
)
def test_wrong_settings_are_reported_at_startup(settings: dict[str, object], text: str) -> None:
    with pytest.raises(StartupError) as caught:
        _app(**settings).resolve()
    assert [problem.diagnostic.code for problem in caught.value.problems] == ["TB202"]
    assert text in str(caught.value.problems[0])


@pytest.mark.parametrize(
    "policy",
    [
        "",
        ";",
        "default-src 'none'; ; script-src 'strict-dynamic' 'nonce-{nonce}' https: 'unsafe-inline';",
        "script-src 'self' https://cdn.example.com/js/ *.example.com:* wss://a.example:443 [::1]:8000 blob: *",
        "style-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; frame-ancestors",
        "upgrade-insecure-requests; sandbox allow-forms; require-trusted-types-for 'script'; trusted-types a b",
        "report-uri https://reports.example.com/r; a-future-directive whatever",
    ],
)
def test_policies_that_browsers_understand_are_accepted(policy: str) -> None:
    assert SecurityHeadersConfig(content_security_policy=policy).content_security_policy == policy


@pytest.mark.parametrize("redirects", [True, False])
def test_preload_without_redirect_is_a_hint(redirects: bool) -> None:
    settings = {"hsts_max_age": 31536000, "hsts_subdomains": True, "hsts_preload": True}
    others = [Middleware("https_redirect", lambda next_handler, setup: next_handler, zone="edge")] if redirects else []
    app = App(plugins=[("security_headers", settings)], middleware=others)
    found = [(found.level, found.code) for found in app.plan.diagnostics if found.code == "TB450"]
    assert found == [("hint", "TB450")] * (not redirects)
