"""The page with the plan: its content, its readers, and its look in a browser."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import attrs
import pytest

from tests.browser import needs_axe, open_browser
from turnbuckle import App, Forbidden, HTTPServer, Plugin, PluginInfo, Request, StartupError
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import PluginConformance
from turnbuckle_contrib.plan_page import PlanPagePlugin


class TestPlanPagePlugin(PluginConformance):
    config: ClassVar[Mapping[str, object]] = {"without_debug": True}

    def make_plugin(self) -> Plugin:
        return PlanPagePlugin()


@attrs.frozen(kw_only=True)
class SecretConfig:
    """Settings.

    Attributes:
        token: a secret.
    """

    token: str = attrs.field(default="", metadata={"secret": True})


class Secretive(Plugin[SecretConfig]):
    """Have a secret."""

    info = PluginInfo(name="secretive")


def make_app(**settings: object) -> App:
    app = App(
        "<b>shop</b>",
        debug=True,
        plugins=["request_id", "security_headers", (Secretive, {"token": "hunter2-hunter2"})],
    )
    app.install("plan_page", at="/-/plan", settings=settings)
    api = app.scope("/api", limits={"content": 1000})

    @api.get("/notes/{id:int}", name="note")
    async def note(request: Request, id: int, q: str = "<script>alert(1)</script>") -> str:
        return ""

    return app


async def test_content_of_the_page() -> None:
    async with Client(make_app(), base_url="http://localhost:8000") as client:
        page = await client.get("/-/plan", headers={"Accept": "text/html,*/*;q=0.8"})
    text = page.text.replace("<wbr>", "")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    for part in ("/api/notes/{id:int}", "request_id", "security_headers", "limits.content", "name note", "zone edge"):
        assert part in text
    assert "&lt;b&gt;shop" in text
    assert "<b>shop" not in text
    assert "<script" not in text
    assert "hunter2" not in text
    assert "********" in text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")


async def test_plan_as_json() -> None:
    async with Client(make_app(), base_url="http://[::1]") as client:
        response = await client.get("/-/plan", headers={"Accept": "application/json"})
    assert response.json()["schema"] == "turnbuckle.plan/1"
    assert "hunter2" not in response.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "shop.localhost:8000"}, 200),
        ({"Host": "192.0.2.1"}, 404),
        ({"Host": "127.0.0.1:8000"}, 200),
        ({"Host": "[::1]:8000"}, 200),
        ({"Host": "evil.example"}, 404),
        ({"Host": "localhost.evil.example"}, 404),
        ({"Host": "127.0.0.1.evil.example"}, 404),
        ({"X-Forwarded-For": "127.0.0.1"}, 404),
        ({"Forwarded": "for=127.0.0.1"}, 404),
        ({"X-Real-IP": "127.0.0.1"}, 404),
        ({"Via": "1.1 x"}, 404),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 404),
    ],
)
async def test_readers_of_this_machine(headers: dict[str, str], status: int) -> None:
    async with Client(make_app(), base_url="http://localhost") as client:
        assert (await client.get("/-/plan", headers=headers)).status == status


async def test_readers_of_other_machines() -> None:
    async with Client(make_app(clients=["10.0.0.0/8"]), base_url="http://shop.example") as client:
        assert (await client.get("/-/plan")).status == 404
    async with Client(make_app(clients=["*"]), base_url="http://shop.example") as client:
        assert (await client.get("/-/plan")).status == 200
        assert (await client.post("/-/plan")).status == 405


def refuse() -> None:
    raise Forbidden


async def test_page_outside_of_debug_mode() -> None:
    for settings in ({}, {"path": "/plan"}):
        with pytest.raises(StartupError) as caught:
            App(plugins=[("plan_page", settings)]).resolve()
        (problem,) = caught.value.problems
        assert (problem.diagnostic.code, "may be public" in problem.diagnostic.text) == ("TB453", True)
    App(plugins=[("plan_page", {"without_debug": True})]).resolve()
    app = App()
    inner = app.scope("/admin", guards=[refuse])
    inner.install("plan_page", at="/plan")
    async with Client(app, base_url="http://localhost") as client:
        assert (await client.get("/admin/plan")).status == 403


def test_every_page_is_checked() -> None:
    app = App()
    app.scope("/a", plugins=["plan_page"], guards=[refuse])
    app.scope("/b", plugins=["plan_page"])
    with pytest.raises(StartupError) as caught:
        app.resolve()
    (problem,) = caught.value.problems
    assert "'/b'" in problem.diagnostic.text


@pytest.mark.parametrize("settings", [{"path": "plan"}, {"path": "/"}, {"clients": ["nowhere"]}])
def test_mistakes_are_reported_at_startup(settings: dict[str, object]) -> None:
    with pytest.raises(StartupError) as caught:
        App(debug=True, plugins=[("plan_page", settings)]).resolve()
    assert caught.value.problems[0].diagnostic.code == "TB202"


@needs_axe
async def test_look(tmp_path: Path) -> None:
    async with HTTPServer(make_app().compile(), port=0) as server, open_browser(tmp_path) as browser:
        page = await browser.new_page()
        await page.goto(f"{server.addresses[0].url}/-/plan")
        for width in (390, 1280):
            for dark in (False, True):
                await page.look(width=width, dark=dark)
                assert await page.violations() == []
                assert await page.overflow() <= 0
