"""Request ids: kept where they are safe, made where they are not, seen by the handler and by the client."""

from __future__ import annotations

import re

import pytest

from turnbuckle import App, Plugin, Request, StartupError
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import PluginConformance
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
    assert await _ids(_app(), brought) == (brought, brought)


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
    seen, sent = await _ids(_app(), *brought)
    assert seen == sent
    assert _MADE.fullmatch(sent)


async def test_ids_differ_from_request_to_request() -> None:
    app = _app()
    assert await _ids(app) != await _ids(app)


async def test_id_of_the_client_may_be_refused() -> None:
    assert (await _ids(_app(accept=False), "a"))[1] != "a"


async def test_field_may_have_another_name() -> None:
    assert await _ids(_app(header="Trace"), "abc", header="Trace") == ("abc", "abc")


async def test_errors_have_an_id_too() -> None:
    assert (await _ids(_app(), "abc", path="/nowhere"))[1] == "abc"


def test_field_name_that_is_none_is_told_at_startup() -> None:
    with pytest.raises(StartupError) as caught:
        _app(header="X Y").resolve()
    assert [problem.diagnostic.code for problem in caught.value.problems] == ["TB202"]
