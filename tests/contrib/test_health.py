"""Liveness and readiness, wherever the plugin is installed, and with checks from everywhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

import pytest

from turnbuckle import App, Plugin, PluginInfo, SettingsSources, Setup, StartupError, hookimpl
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import PluginConformance
from turnbuckle_contrib.health import HealthCheck, HealthPlugin


class TestHealthPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return HealthPlugin()


def passing() -> None:
    """Find nothing wrong."""


async def failing() -> bool:
    return False


def raising() -> None:
    raise OSError("db.internal:5432 is gone")


async def _get(app: App, path: str, accept: str = "*/*") -> tuple[int, str]:
    async with Client(app) as client:
        response = await client.get(path, headers={"Accept": accept})
    assert response.headers["cache-control"] == "no-store"
    return response.status, response.text


@pytest.mark.parametrize("path", ["/-/health/live", "/-/health/ready"])
async def test_health_installed_by_name_at_a_prefix(path: str) -> None:
    app = App()
    app.install("health", at="/-/health")
    assert await _get(app, path) == (200, '{"status":"ok"}')


async def test_health_enabled_by_settings(tmp_path: Path) -> None:
    (tmp_path / "turnbuckle.toml").write_text(
        '[plugins]\nenabled = ["health"]\n[plugin.health]\nprefix = "/of"\nready = ""\n'
    )
    app = App()
    app.resolve(SettingsSources(folder=tmp_path))
    assert [planned.route.path for planned, _ in app.plan.routes()] == ["/of/live"]
    assert await _get(app, "/of/live") == (200, '{"status":"ok"}')


async def test_health_inside_a_scope() -> None:
    app = App()
    admin = app.scope("/admin", plugins=[("health", {"live": "/alive"})])
    admin.install(HealthPlugin({"db": raising}), at="/deep")
    assert await _get(app, "/admin/alive") == (200, '{"status":"ok"}')
    assert (await _get(app, "/admin/deep/ready"))[0] == 503
    assert (await _get(app, "/admin/ready"))[0] == 200


async def test_readiness_asks_all_checks_and_liveness_none(caplog: pytest.LogCaptureFixture) -> None:
    app = App(plugins=[HealthPlugin({"disk": passing, "queue": failing, "db": raising})])
    with caplog.at_level(logging.WARNING, "turnbuckle.health"):
        status, text = await _get(app, "/-/health/ready")
    assert (status, text) == (503, '{"status":"failed","checks":{"disk":"ok","queue":"failed","db":"failed"}}')
    assert "db.internal" in caplog.text
    assert (await _get(app, "/-/health/live"))[0] == 200


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        pytest.param("text/plain", "failed\ndisk: ok\nqueue: failed\n", id="text"),
        pytest.param("application/json, text/plain", '{"status"', id="both"),
        pytest.param("*/*", '{"status"', id="anything"),
    ],
)
async def test_readiness_in_the_form_that_is_asked_for(accept: str, expected: str) -> None:
    app = App(plugins=[HealthPlugin({"disk": passing, "queue": failing})])
    status, text = await _get(app, "/-/health/ready", accept)
    assert (status, text[: len(expected)]) == (503, expected)


async def test_readiness_does_not_wait_for_a_check_for_ever() -> None:
    async def hanging() -> None:
        await asyncio.Event().wait()

    app = App(plugins=[(HealthPlugin({"slow": hanging}), {"timeout": 0.001})])
    assert await _get(app, "/-/health/ready", "text/plain") == (503, "failed\nslow: failed\n")


async def test_checks_of_the_settings_and_of_other_plugins() -> None:
    class Database(Plugin):
        info = PluginInfo(name="database")

        @hookimpl(optionalhook=True)
        def provide_health_checks(self, setup: Setup) -> Iterable[HealthCheck]:
            return [HealthCheck("database", passing)]

    App(plugins=[Database]).resolve()
    app = App(plugins=[Database, ("health", {"checks": {"disk": f"{__name__}:passing"}})])
    status, text = await _get(app, "/-/health/ready", "text/plain")
    assert (status, text) == (200, "ok\ndisk: ok\ndatabase: ok\n")


@pytest.mark.parametrize(
    ("plugin", "code", "says"),
    [
        pytest.param(("health", {"checks": {"x": "nowhere:x"}}), "TB306", "nowhere", id="no-such-check"),
        pytest.param(("health", {"checks": {"x": f"{__name__}:pytestmark"}}), "TB306", "called", id="no-function"),
        pytest.param(
            (HealthPlugin({"x": passing}), {"checks": {"x": f"{__name__}:passing"}}), "TB306", "two", id="twice"
        ),
        pytest.param(("health", {"live": "live"}), "TB202", "slash", id="path"),
        pytest.param(("health", {"timeout": 0}), "TB202", "timeout", id="timeout"),
    ],
)
def test_mistakes_are_reported_at_startup(plugin: object, code: str, says: str) -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=[plugin]).resolve()
    (problem,) = caught.value.problems
    assert problem.diagnostic.code == code
    assert says in problem.diagnostic.text


pytestmark: list[pytest.MarkDecorator] = []
