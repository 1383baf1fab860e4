"""Requests without TLS are redirected to the same place with TLS, and nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import ClassVar

import pytest

from turnbuckle import App, Plugin, StartupError
from turnbuckle.testing import Client, ClientResponse
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.https_redirect import HTTPSRedirectPlugin


class TestHTTPSRedirectPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return HTTPSRedirectPlugin()


class TestHTTPSRedirectMiddleware(MiddlewareConformance):
    plugin = HTTPSRedirectPlugin
    headers: ClassVar[Mapping[str, str]] = {"X-Forwarded-Proto": "https"}

    def app_options(self) -> Mapping[str, object]:
        return {"plugins": [("proxy_headers", {"trusted": ["0.0.0.0/0", "::/0"]}), HTTPSRedirectPlugin]}


def _app(*plugins: object, debug: bool = False, **settings: object) -> App:
    app = App(
        plugins=[("https_redirect", settings), "health", *plugins],
        settings={"debug": debug},
    )

    @app.route("/{path:path}", methods=["GET", "POST"])
    async def echo(path: str) -> str:
        return f"served {path}"

    return app


async def _get(app: App, target: str = "/", *, host: str = "example.com", **options: str) -> ClientResponse:
    method = options.pop("method", "GET")
    async with Client(app, base_url=f"{options.pop('scheme', 'http')}://{host}") as client:
        fields = {name.replace("_", "-"): value for name, value in options.items()}
        return await client.request(method, target, headers=fields)


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/", "https://example.com/"),
        ("/a/b?c=d&e=%2F%0d%0a", "https://example.com/a/b?c=d&e=%2F%0d%0a"),
        ("/caf%C3%A9", "https://example.com/caf%C3%A9"),
        ("//evil.example/x", "https://example.com//evil.example/x"),
        ("/\\evil.example", "https://example.com/%5Cevil.example"),
        ("/@evil.example", "https://example.com/@evil.example"),
        ("/nowhere/../x", "https://example.com/nowhere/../x"),
        ("/?", "https://example.com/"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
async def test_path_and_query_stay(method: str, target: str, location: str) -> None:
    response = await _get(_app(), target, method=method)
    assert (response.status, response.headers["location"]) == (308, location)


async def test_https_is_served() -> None:
    assert (await _get(_app(), "/a", scheme="https")).text == "served a"


@pytest.mark.parametrize(
    ("host", "location"),
    [
        ("example.com:8000", "https://example.com/"),
        ("127.0.0.1:8000", "https://127.0.0.1/"),
        ("[::1]:8000", "https://[::1]/"),
        ("EXAMPLE.com.", "https://EXAMPLE.com./"),
    ],
)
async def test_port_of_the_request_is_removed(host: str, location: str) -> None:
    assert (await _get(_app(), host=host)).headers["location"] == location


async def test_port_and_host_of_the_settings() -> None:
    response = await _get(_app(port=8443, host="www.example.com", status=301), "/a?b", host="evil.example")
    assert (response.status, response.headers["location"]) == (301, "https://www.example.com:8443/a?b")


async def _raw(app: App, request: str) -> str:
    async with Client(app) as client:
        connection = client.connect()
        await connection.send(request.encode("latin-1"))
        response = connection.responses[0]
        return response.headers.get("location", str(response.status))


@pytest.mark.parametrize(
    ("request_head", "location"),
    [
        ("GET / HTTP/1.0\r\n\r\n", "400"),
        ("GET http://a.example/x?y HTTP/1.1\r\nHost: b.example\r\n\r\n", "https://a.example/x?y"),
        ("GET / HTTP/1.1\r\nHost: a.example@evil.example\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a.example/x\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a%0d%0ab\r\n\r\n", "400"),
        ("OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", "204"),
    ],
)
async def test_odd_requests(request_head: str, location: str) -> None:
    assert await _raw(_app(), request_head) == location


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/-/health/live", 200),
        ("/-/health/ready?x", 200),
        ("/.well-known/acme-challenge/token", 200),
        ("/-/healthy", 308),
        ("/-/Health/live", 308),
        ("/x/-/health/live", 308),
        ("/.well-known/security.txt", 308),
    ],
)
async def test_exempt_paths(path: str, status: int) -> None:
    assert (await _get(_app(), path)).status == status


async def test_hosts_are_checked_before() -> None:
    app = _app(("allowed_hosts", {"hosts": ["example.com"]}), "security_headers", "cors", "csrf")
    names = [entry.record.name for entry in app.plan.root.middleware]
    assert names == ["allowed_hosts", "https_redirect", "security_headers", "cors", "csrf"]
    assert (await _get(app, host="evil.example")).status == 400
    assert (await _get(app)).headers["location"] == "https://example.com/"


async def test_trusted_proxy_ends_tls() -> None:
    app = _app(("proxy_headers", {"trusted": ["127.0.0.1"]}))
    fields = {"X_Forwarded_Proto": "https", "X_Forwarded_Host": "example.com"}
    assert (await _get(app, "/a", host="10.0.0.1", **fields)).text == "served a"
    fields["X_Forwarded_Proto"] = "http"
    fields["X_Forwarded_Prefix"] = "/shop"
    assert (await _get(app, "/a?b", host="10.0.0.1", **fields)).headers["location"] == "https://example.com/shop/a?b"


async def test_proxy_that_is_not_trusted_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    app = _app()
    with caplog.at_level(logging.WARNING, "turnbuckle.https_redirect"):
        async with Client(app) as client:
            for _ in range(3):
                response = await client.get("/", headers={"X-Forwarded-Proto": "https"})
                assert response.status == 308
    assert [record.getMessage().partition(",")[0] for record in caplog.records] == ["a request came without TLS"]


async def test_debug_mode_redirects_nothing() -> None:
    assert (await _get(_app(debug=True), "/a")).text == "served a"


@pytest.mark.parametrize(("settings", "others", "is_given"), [({}, [], True), ({"host": "a.example"}, [], False)])
def test_any_host_is_a_hint(settings: dict[str, object], others: list[object], is_given: bool) -> None:
    for more, expected in ((others, is_given), ([*others, "allowed_hosts"], False)):
        found = [(found.level, found.code) for found in _app(*more, **settings).plan.diagnostics]
        assert (("hint", "TB451") in found) is expected


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"host": "https://example.com"}, "without scheme and port"),
        ({"host": "example.com:443"}, "without scheme and port"),
        ({"exempt": ["health"]}, "starts with a slash"),
        ({"exempt": ["/"]}, "does not end with one"),
        ({"status": 303}, "308"),
        ({"port": 0}, "port"),
    ],
)
def test_wrong_settings_are_reported_at_startup(settings: dict[str, object], text: str) -> None:
    with pytest.raises(StartupError) as caught:
        _app(**settings).resolve()
    assert [problem.diagnostic.code for problem in caught.value.problems] == ["TB202"]
    assert text in str(caught.value.problems[0])
