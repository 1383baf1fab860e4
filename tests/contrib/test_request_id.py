"""Request ids: kept where they are safe, made where they are not, seen by the handler and by the client."""

from __future__ import annotations

import logging
import re

import pytest

from turnbuckle import App, Plugin, Request, RequestIdFilter, StartupError, current_request_id
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import PluginConformance
from turnbuckle_contrib.proxy_headers import ProxyHeadersPlugin
from turnbuckle_contrib.request_id import RequestIdPlugin

_MADE = re.compile(r"[0-9a-f]{32}")


class TestRequestIdPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return RequestIdPlugin()


def _app(**settings: object) -> App:
    app = App(plugins=[("request_id", settings)])

    @app.get("/")
    async def show(request: Request) -> str:
        return str(request.state.request_id)

    return app


async def _ids(app: App, *brought: str, header: str = "X-Request-ID", path: str = "/") -> tuple[str, str]:
    async with Client(app) as client:
        response = await client.get(path, headers=[(header, value) for value in brought])
    return response.text, response.headers[header]


@pytest.mark.parametrize("brought", ["a", "7f3c-01.x_Y~", "x" * 128])
async def test_safe_id_is_kept(brought: str) -> None:
    assert await _ids(_app(trusted=("*",)), brought) == (brought, brought)


@pytest.mark.parametrize(
    "brought",
    [
        pytest.param((), id="none"),
        pytest.param(("",), id="empty"),
        pytest.param(("a b",), id="space"),
        pytest.param(("<script>",), id="markup"),
        pytest.param(("../x",), id="path"),
        pytest.param(("-rf",), id="option"),
        pytest.param(("x" * 129,), id="long"),
        pytest.param(("a", "b"), id="two"),
        pytest.param(("é",), id="latin"),
    ],
)
async def test_any_other_id_is_replaced(brought: tuple[str, ...]) -> None:
    seen, sent = await _ids(_app(trusted=("*",)), *brought)
    assert seen == sent
    assert _MADE.fullmatch(sent)


async def test_ids_differ_from_request_to_request() -> None:
    app = _app()
    assert await _ids(app) != await _ids(app)


async def test_id_of_the_client_is_refused_by_default() -> None:
    assert (await _ids(_app(), "a"))[1] != "a"


@pytest.mark.parametrize(
    ("trusted", "client", "is_kept"),
    [
        pytest.param("10.0.0.0/8", ("10.1.2.3", 1), True, id="network"),
        pytest.param("10.1.2.3", ("10.1.2.3", 1), True, id="address"),
        pytest.param("10.0.0.0/8", ("192.0.2.1", 1), False, id="other"),
        pytest.param("10.0.0.0/8", ("::ffff:10.1.2.3", 1), True, id="mapped"),
        pytest.param("fe80::/10", ("fe80::1%eth0", 1), True, id="zone"),
        pytest.param("10.0.0.0/8", ("fe80::1", 1), False, id="family"),
        pytest.param("10.0.0.0/8", None, False, id="unix"),
        pytest.param("*", None, True, id="anybody"),
    ],
)
async def test_id_is_kept_from_trusted_peers(trusted: str, client: tuple[str, int] | None, is_kept: bool) -> None:
    async with Client(_app(trusted=(trusted,)), client=client) as client_of_app:
        response = await client_of_app.get("/", headers={"X-Request-ID": "a"})
    assert (response.text == "a") is is_kept


async def test_id_of_a_proxy_is_kept_whomever_it_speaks_for() -> None:
    settings = {"trusted": ("10.0.0.0/8",)}
    app = App(plugins=[("request_id", settings), (ProxyHeadersPlugin, settings)])

    @app.get("/")
    async def show(request: Request) -> str:
        return f"{request.id} {request.client}"

    async with Client(app, client=("10.1.2.3", 1)) as client:
        fields = {"X-Request-ID": "abc", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        response = await client.get("/", headers=fields)
    assert response.text.startswith("abc ('192.0.2.7', ")


def test_network_that_is_none_is_reported_at_startup() -> None:
    with pytest.raises(StartupError) as caught:
        _app(trusted=("10.0.0",)).resolve()
    (problem,) = caught.value.problems
    assert problem.diagnostic.code == "TB202"
    assert "'10.0.0' does not appear to be an IPv4 or IPv6 network" in str(problem)


async def test_request_and_what_is_logged_meanwhile_have_the_id(caplog: pytest.LogCaptureFixture) -> None:
    app = _app(trusted=("*",))
    caplog.handler.addFilter(RequestIdFilter())

    @app.get("/log")
    async def log(request: Request) -> str:
        logging.getLogger("storeroom").warning("sold")
        return f"{request.id} {current_request_id()}"

    async with Client(app) as client:
        assert (await client.get("/log", headers={"X-Request-ID": "abc"})).text == "abc abc"
    assert [record.__dict__["request_id"] for record in caplog.records if record.name == "storeroom"] == ["abc"]


async def test_field_may_have_another_name() -> None:
    assert await _ids(_app(header="Trace", trusted=("*",)), "abc", header="Trace") == ("abc", "abc")


async def test_errors_have_an_id_too() -> None:
    assert (await _ids(_app(trusted=("*",)), "abc", path="/nowhere"))[1] == "abc"


def test_field_name_that_is_none_is_reported_at_startup() -> None:
    with pytest.raises(StartupError) as caught:
        _app(header="X Y").resolve()
    assert [problem.diagnostic.code for problem in caught.value.problems] == ["TB202"]


async def test_peers_on_unix_sockets_may_be_trusted() -> None:
    for trusted, is_kept in ((["unix"], True), (["10.0.0.1"], False)):
        app = App(plugins=[("request_id", {"trusted": trusted})])
        app.get("/")(lambda: "")
        async with Client(app, client=None) as client:
            response = await client.get("/", headers={"X-Request-ID": "abc"})
        assert (response.headers["x-request-id"] == "abc") is is_kept
