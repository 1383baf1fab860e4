"""The middleware ``proxy_headers``: trusted proxies, the affected requests, and the values that handlers see."""

from __future__ import annotations

import pytest

from turnbuckle import App, Plugin, Request, StartupError
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import PluginConformance
from turnbuckle_contrib.proxy_headers import ProxyHeadersPlugin

PROXY = ("10.0.0.1", 5000)


class TestProxyHeadersPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return ProxyHeadersPlugin()


def _app(**settings: object) -> App:
    app = App(plugins=[("proxy_headers", {"trusted": ["10.0.0.0/8"], **settings})])

    @app.get("/seen", name="seen")
    async def seen(request: Request) -> dict[str, object]:
        return {
            "client": request.client and request.client[0],
            "scheme": request.scheme,
            "host": request.host,
            "url": request.url,
            "path": request.url_for("seen"),
        }

    return app


async def _seen(app: App, headers: dict[str, str], client: tuple[str, int] | None = PROXY) -> dict[str, object]:
    async with Client(app, client=client, raise_exceptions=False) as one:
        return (await one.get("/seen", headers=headers)).json()


FIELDS = {
    "X-Forwarded-For": "198.51.100.9, 192.0.2.1",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.example",
    "X-Forwarded-Prefix": "/shop",
}


async def test_handler_sees_the_connection_that_a_trusted_proxy_reports() -> None:
    assert await _seen(_app(), FIELDS) == {
        "client": "192.0.2.1",
        "scheme": "https",
        "host": "shop.example",
        "url": "https://shop.example/shop/seen",
        "path": "/shop/seen",
    }


async def test_redirect_of_a_trailing_slash_stays_behind_the_prefix() -> None:
    app = App(
        plugins=[("proxy_headers", {"trusted": ["10.0.0.0/8"]})], settings={"routing": {"trailing_slash": "redirect"}}
    )

    @app.get("/hello/{rest:path}/end")
    async def hello(request: Request, rest: str) -> str:
        return rest

    async with Client(app, client=PROXY, follow_redirects=False) as one:
        response = await one.get("/hello/a//b/end/?q=//x", headers={"X-Forwarded-Prefix": "/wms"})
    assert (response.status, response.headers["location"]) == (308, "/wms/hello/a//b/end?q=//x")


@pytest.mark.parametrize("client", [("11.0.0.1", 1), None], ids=["address", "unix"])
async def test_handler_sees_the_connection_where_no_proxy_is_trusted(client: tuple[str, int] | None) -> None:
    assert await _seen(_app(), FIELDS, client) == {
        "client": client and client[0],
        "scheme": "http",
        "host": "testserver",
        "url": "http://testserver/seen",
        "path": "/seen",
    }


async def test_unix_socket_may_be_trusted() -> None:
    seen = await _seen(_app(trusted=["unix"]), FIELDS, None)
    assert (seen["client"], seen["host"]) == ("192.0.2.1", "shop.example")


async def test_forwarded_values_hold_for_one_request() -> None:
    async with Client(_app(), client=PROXY) as client:
        first = (await client.get("/seen", headers=FIELDS)).json()
        second = (await client.get("/seen")).json()
    assert first["client"] == "192.0.2.1"
    assert second == {
        "client": "10.0.0.1",
        "scheme": "http",
        "host": "testserver",
        "url": "http://testserver/seen",
        "path": "/seen",
    }


async def test_only_the_family_that_is_chosen_counts() -> None:
    both = {"Forwarded": "for=192.0.2.7;proto=https", **FIELDS}
    assert (await _seen(_app(), both))["client"] == "192.0.2.1"
    seen = await _seen(_app(headers="forwarded"), both)
    assert (seen["client"], seen["scheme"], seen["host"]) == ("192.0.2.7", "https", "testserver")


async def test_names_with_underscores_count_for_nothing() -> None:
    aliases = {name.replace("-", "_"): value for name, value in FIELDS.items()}
    assert (await _seen(_app(), aliases))["client"] == "10.0.0.1"


@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        ({}, {"X-Forwarded-For": "garbage"}),
        ({}, {"X-Forwarded-Host": "a/b"}),
        ({"headers": "forwarded"}, {"Forwarded": 'for="'}),
    ],
)
async def test_malformed_field_of_a_trusted_proxy_is_answered_400(
    settings: dict[str, object], headers: dict[str, str]
) -> None:
    async with Client(_app(**settings), client=PROXY) as client:
        assert (await client.get("/seen", headers=headers)).status == 400
        assert (await client.get("/nowhere", headers=headers)).status == 400


async def test_malformed_field_of_anybody_else_is_ignored() -> None:
    assert (await _seen(_app(), {"X-Forwarded-For": "garbage"}, ("192.0.2.5", 1)))["client"] == "192.0.2.5"


async def test_no_trusted_proxy_costs_nothing() -> None:
    assert (await _seen(_app(trusted=[]), FIELDS))["client"] == "10.0.0.1"


@pytest.mark.parametrize("settings", [{"trusted": ["proxy.example"]}, {"headers": "both"}])
def test_settings_are_checked_at_the_start(settings: dict[str, object]) -> None:
    with pytest.raises(StartupError) as caught:
        _app(**settings).compile()
    assert [problem.diagnostic.code for problem in caught.value.problems] == ["TB202"]


@pytest.mark.parametrize(
    ("idle", "trusted", "is_hint"),
    [(30, ["127.0.0.1"], True), (60, ["unix"], True), (61, ["unix"], False), (0, ["unix"], False), (30, [], False)],
)
def test_idle_timeout_below_the_keep_alive_of_proxies_is_a_hint(idle: int, trusted: list[str], is_hint: bool) -> None:
    app = App(plugins=[("proxy_headers", {"trusted": trusted})], settings={"timeouts": {"idle": idle}})
    assert [(found.level, found.code) for found in app.plan.diagnostics] == [("hint", "TB213")] * is_hint


def test_idle_timeout_is_one_hint_for_all_proxies() -> None:
    app = App(plugins=["proxy_headers"], settings={"server": {"unix": "/run/x"}})
    assert [found.code for found in app.plan.diagnostics] == ["TB213"]
