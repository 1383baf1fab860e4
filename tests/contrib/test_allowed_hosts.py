"""Which hosts are answered for, however they are written, and whatever path is asked for."""

from __future__ import annotations

import pytest

from turnbuckle import App, Plugin, StartupError
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import PluginConformance
from turnbuckle_contrib.allowed_hosts import AllowedHostsPlugin

HOSTS = ("shop.example", "*.Shop.example", "192.0.2.1", "[2001:db8::1]", "final.example.")


class TestAllowedHostsPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return AllowedHostsPlugin()


def _app(**settings: object) -> App:
    app = App(plugins=[("allowed_hosts", {"hosts": HOSTS, **settings})])

    @app.get("/")
    async def home() -> str:
        return "home"

    return app


async def _status(app: App, host: str, path: str = "/") -> int:
    async with Client(app) as client:
        return (await client.get(path, headers={"Host": host})).status


@pytest.mark.parametrize(
    "host",
    [
        "shop.example",
        "SHOP.Example",
        "shop.example:8000",
        "shop.example.",
        "shop.example.:80",
        "a.shop.example",
        "a.b.shop.example:1",
        "192.0.2.1:8000",
        "[2001:db8::1]",
        "[2001:DB8:0::1]:443",
        "final.example",
    ],
)
async def test_own_host_is_answered(host: str) -> None:
    assert await _status(_app(), host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "shop.example.evil.example",
        "evilshop.example",
        ".shop.example",
        "shop.example..",
        "192.0.2.2",
        "[2001:db8::2]",
        "localhost",
    ],
)
@pytest.mark.parametrize("path", ["/", "/nowhere"])
async def test_other_host_is_refused_with_or_without_a_route(host: str, path: str) -> None:
    assert await _status(_app(), host, path) == 400


async def test_other_host_may_be_answered_421() -> None:
    assert await _status(_app(status=421), "evil.example") == 421


async def test_any_host_may_be_allowed() -> None:
    assert await _status(_app(hosts=["*"]), "evil.example") == 200


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        pytest.param(b"GET http://shop.example/ HTTP/1.1\r\nHost: evil.example\r\n", b" 200 ", id="target-is-ours"),
        pytest.param(b"GET http://evil.example/ HTTP/1.1\r\nHost: shop.example\r\n", b" 400 ", id="target-is-not"),
        pytest.param(b"GET / HTTP/1.0\r\n", b" 400 ", id="no-host"),
    ],
)
async def test_authority_of_the_target_goes_before_the_field(request_line: bytes, status: bytes) -> None:
    async with Client(_app()) as client:
        connection = client.server.connect()
        await connection.send(request_line + b"\r\n")
        await connection.settle()
        assert connection.received.startswith(b"HTTP/1.1" + status)


async def test_host_that_a_trusted_proxy_reports_is_the_one_that_counts() -> None:
    app = App(plugins=["proxy_headers", ("allowed_hosts", {"hosts": ["shop.example"]})])
    async with Client(app) as client:
        ours = await client.get("/", headers={"Host": "inner", "X-Forwarded-Host": "shop.example"})
        other = await client.get("/", headers={"Host": "shop.example", "X-Forwarded-Host": "evil.example"})
    assert (ours.status, other.status) == (404, 400)


@pytest.mark.parametrize("host", ["", "shop.example:80", "http://shop.example", "*.", "a.*.example", "[::g]", "**"])
def test_what_is_no_host_is_refused_at_the_start(host: str) -> None:
    with pytest.raises(StartupError) as caught:
        _app(hosts=[host]).compile()
    assert [problem.diagnostic.code for problem in caught.value.problems] == ["TB202"]
