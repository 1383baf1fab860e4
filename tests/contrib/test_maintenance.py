"""503 during maintenance: the switch, the answers, and the requests that are served as always."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnbuckle import App, Plugin, Request, StartupError
from turnbuckle.testing import Client, ClientResponse
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.maintenance import MaintenancePlugin

_BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


class TestMaintenancePlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return MaintenancePlugin()


class TestMaintenanceMiddleware(MiddlewareConformance):
    plugin = MaintenancePlugin
    config = {"file": "/nonexistent/closed"}  # noqa: RUF012


def _app(plugin: object = "maintenance", **config: object) -> App:
    app = App(plugins=["request_id", "health", (plugin, config)])  # type: ignore[list-item]  # App checks its arguments

    async def handle(request: Request) -> str:
        return "open"

    app.get("/")(handle)
    app.get("/-/healthy")(handle)
    app.get("/status", options={"maintenance": False})(handle)
    return app


async def _get(app: App, path: str = "/", client: str = "192.0.2.1", **fields: str) -> ClientResponse:
    async with Client(app, client=(client, 1)) as opened:
        return await opened.get(path, headers=fields)


async def test_without_settings_the_app_is_open() -> None:
    app = _app()
    assert (await _get(app)).text == "open"


async def test_programs_get_problem_details() -> None:
    response = await _get(_app(active=True, message="back at <noon>", retry_after=60), Accept="*/*")
    assert (response.status, response.headers["content-type"]) == (503, "application/problem+json")
    assert response.json() == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "back at <noon>",
    }
    fields = {name: response.headers[name] for name in ("retry-after", "cache-control", "vary")}
    assert fields == {"retry-after": "60", "cache-control": "no-store", "vary": "Accept"}
    assert "x-request-id" in response.headers


async def test_browsers_get_a_page() -> None:
    response = await _get(_app(active=True, message="back at <noon>"), Accept=_BROWSER)
    assert (response.status, response.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "<p>back at &lt;noon&gt;</p>" in response.text
    assert response.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")


async def test_page_of_the_settings(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<h1>geschlossen \u00fcber Mittag</h1>", encoding="utf-8")
    response = await _get(_app(active=True, page=str(page), retry_after=0), Accept=_BROWSER)
    assert response.text == "<h1>geschlossen \u00fcber Mittag</h1>"
    assert not {"retry-after", "content-security-policy"} & set(response.headers)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 503),
        ("/nowhere", 503),
        ("/-/health/live", 200),
        ("/-/health/ready", 200),
        ("/-/healthy", 503),
        ("/status", 200),
    ],
)
async def test_health_and_chosen_routes_are_served(path: str, status: int) -> None:
    assert (await _get(_app(active=True), path)).status == status


async def test_chosen_paths_and_clients_are_served() -> None:
    app = _app(active=True, allow=["198.51.100.0/24"], paths=["/-/healthy/"])
    assert (await _get(app, client="198.51.100.9")).status == 200
    assert (await _get(app, "/-/healthy")).status == 200
    assert (await _get(app, "/-/health/live")).status == 503


async def test_file_switches_maintenance_on_and_off(tmp_path: Path) -> None:
    now = 0.0
    closed = tmp_path / "closed"
    app = _app(MaintenancePlugin(lambda: now), file=str(closed))
    async with Client(app) as client:
        assert (await client.get("/")).status == 200
        closed.touch()
        assert (await client.get("/")).status == 200
        now = 1.0
        assert (await client.get("/")).status == 503
        closed.unlink()
        now = 2.0
        assert (await client.get("/")).status == 200


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"paths": ["health"]}, "path 'health' must start with a slash"),
        ({"allow": ["everyone"]}, "everyone"),
        ({"page": "/nonexistent.html"}, "page '/nonexistent.html' is no file"),
        ({"retry_after": -1}, "retry_after"),
    ],
)
def test_settings_are_checked(config: dict[str, object], message: str) -> None:
    with pytest.raises(StartupError) as caught:
        _app(**config).resolve()
    assert message in str(caught.value.problems[0])


def test_option_is_checked() -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=["maintenance"], options={"maintenance": True}).resolve()
    assert "write False for a route that is served during maintenance, not True" in str(caught.value.problems[0])
