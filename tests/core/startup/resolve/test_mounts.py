"""Tests of ``turnbuckle.startup.resolve.mounts``, and of the mounts of a compiled app."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from turnbuckle import (
    App,
    Forbidden,
    Lifespan,
    Mount,
    MountedApp,
    MountProvider,
    Plugin,
    PluginInfo,
    Request,
    Response,
    Setup,
    StartupError,
)
from turnbuckle.startup.resolve.mounts import UNLIMITED_CONTENT
from turnbuckle.testing import Client, expect_problems


class Legacy:
    """An app that only the plugin below understands."""

    def __init__(self, name: str = "legacy") -> None:
        self.name = name
        self.events: list[str] = []

    def __call__(self, environ: Any, start_response: Any) -> Any: ...


def adapt(mount: Mount, setup: Setup) -> MountedApp:
    app = mount.app
    assert isinstance(app, Legacy)

    async def handle(request: Request) -> Response:
        rest = request.raw_path.removeprefix(mount.root_of(request.raw_path))
        content = await request.read()
        return Response(f"{app.name} {request.method} {rest} {dict(request.path_params)} {len(content)}")

    @asynccontextmanager
    async def enter(setup: Setup) -> AsyncIterator[None]:
        app.events.append(f"start {setup.scope}")
        yield
        app.events.append("stop")

    return MountedApp(handler=handle, lifespans=(Lifespan("legacy", enter),))


class LegacyPlugin(Plugin):
    info = PluginInfo(name="legacy")

    def provide_mounts(self, setup: Setup) -> list[MountProvider]:
        return [MountProvider("legacy", lambda app: isinstance(app, Legacy), adapt)]


class OtherPlugin(Plugin):
    info = PluginInfo(name="other")

    def provide_mounts(self, setup: Setup) -> list[MountProvider]:
        return [MountProvider("other", lambda app: True, adapt)]


class BrokenPlugin(Plugin):
    info = PluginInfo(name="broken")

    def provide_mounts(self, setup: Setup) -> list[MountProvider]:
        return [MountProvider("broken", lambda app: app.nothing, lambda mount, setup: 1 / 0)]  # type: ignore[attr-defined, arg-type, return-value]


def app_with(*plugins: type[Plugin]) -> App:
    return App(plugins=plugins or (LegacyPlugin,))


async def test_routes_take_precedence_for_their_own_methods() -> None:
    app = app_with()

    @app.get("/api/users")
    async def users() -> str:
        return "route"

    app.mount("/api", Legacy())
    async with Client(app) as client:
        texts = {
            (method, path): (await client.request(method, path)).text
            for method, path in [
                ("GET", "/api/users"),
                ("POST", "/api/users"),
                ("OPTIONS", "/api/users"),
                ("GET", "/api/users/"),
                ("PURGE", "/api/x%2Fy"),
                ("GET", "/api"),
                ("GET", "/api/"),
                ("GET", "/%61pi/x"),
                ("GET", "/apis"),
            ]
        }
    assert texts == {
        ("GET", "/api/users"): "route",
        ("POST", "/api/users"): "legacy POST /users {} 0",
        ("OPTIONS", "/api/users"): "legacy OPTIONS /users {} 0",
        ("GET", "/api/users/"): "legacy GET /users/ {} 0",
        ("PURGE", "/api/x%2Fy"): "legacy PURGE /x%2Fy {} 0",
        ("GET", "/api"): "legacy GET  {} 0",
        ("GET", "/api/"): "legacy GET / {} 0",
        ("GET", "/%61pi/x"): "legacy GET /x {} 0",
        ("GET", "/apis"): "Not Found",
    }


async def test_narrower_mount_takes_precedence_and_root_mount_takes_the_rest() -> None:
    app = app_with()
    app.mount("/", Legacy("all"))
    app.mount("/{tenant}/shop", Legacy("shop"))
    app.mount("/acme/shop", Legacy("acme"))
    app.mount("/", Legacy("host"), host="{sub}.example.com")
    async with Client(app) as client:
        assert (await client.get("/acme/shop/1")).text == "acme GET /1 {} 0"
        assert (await client.get("/ant/shop/1")).text == "shop GET /1 {'tenant': 'ant'} 0"
        assert (await client.get("/ant")).text == "all GET /ant {} 0"
        assert (await client.get("/x", headers={"Host": "a.example.com"})).text == "host GET /x {'sub': 'a'} 0"
        assert (await client.request("OPTIONS", "*")).status == 404


async def test_middleware_guards_and_error_handlers_of_the_scope_apply() -> None:
    app = app_with()
    seen = []

    def check(request: Request) -> None:
        if "key" not in request.query_params:
            raise Forbidden

    async def note(request: Request, call_next: Any) -> Response:
        response = await call_next(request)
        seen.append((request.route and request.route.path, response.status))
        return response

    inner = app.scope("/in", middleware=[note], guards=[check])
    legacy = Legacy()
    inner.mount("/old", legacy, name="old")

    @inner.error_handler(Forbidden)
    async def refuse(request: Request, error: Forbidden) -> Response:
        return Response("refused", 403)

    async with Client(app) as client:
        assert (await client.get("/in/old/x")).text == "refused"
        assert (await client.get("/in/old/x?key")).text == "legacy GET /x {} 0"
    assert seen == [("/in/old", 403), ("/in/old", 200)]
    assert legacy.events == ["start /in", "stop"]
    assert app.url_for("old") == "/in/old"


async def test_content_has_no_limit_unless_one_is_set() -> None:
    app = app_with()
    app.mount("/a", Legacy())
    app.mount("/b", Legacy(), limits={"content": 10})

    @app.post("/own")
    async def own(request: Request) -> str:
        return str(len(await request.read()))

    large = b"x" * (17 * 1024 * 1024)
    async with Client(app) as client:
        assert (await client.post("/a", content=large)).text.endswith(str(len(large)))
        assert (await client.post("/b", content=b"x" * 11)).status == 413
        assert (await client.post("/own", content=large)).status == 413
    set_app = App(plugins=[LegacyPlugin], settings={"limits": {"content": 100}})
    set_app.mount("/a", Legacy())
    async with Client(set_app) as client:
        assert (await client.post("/a", content=b"x" * 101)).status == 413
    limits = [mount.overrides.get("limits.content") for mount, _ in app.plan.mounts()]
    assert [limit and limit.value for limit in limits] == [UNLIMITED_CONTENT, 10]


async def legacy_asgi(scope: Any, receive: Any, send: Any) -> None: ...


def legacy_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    return []


def make_app() -> Any: ...


def asgi_2(scope: Any) -> Any: ...


_PROBLEMS: Final = [
    pytest.param((LegacyPlugin,), "/x", legacy_asgi, "", "TB433", "enable plugin 'asgi'", id="asgi"),
    pytest.param((LegacyPlugin,), "/x", legacy_wsgi, "", "TB433", "enable plugin 'wsgi'", id="wsgi"),
    pytest.param((LegacyPlugin,), "/x", lambda *args: None, "", "TB433", "kind='asgi'", id="unknown-interface"),
    pytest.param((LegacyPlugin,), "/x", Legacy(), "legcy", "TB433", "name one of legacy", id="unknown-kind"),
    pytest.param((LegacyPlugin,), "/x", Legacy(), "wsgi", "TB433", "enable plugin 'wsgi'", id="kind-not-enabled"),
    pytest.param((LegacyPlugin, OtherPlugin), "/x", Legacy(), "", "TB433", "kind='legacy'", id="two-accept"),
    pytest.param((BrokenPlugin,), "/x", Legacy(), "", "TB433", "correct its function 'accepts'", id="accepts-fails"),
    pytest.param((BrokenPlugin,), "/x", Legacy(), "broken", "TB509", "correct 'adapt'", id="adapt-fails"),
    pytest.param((OtherPlugin,), "/x", legacy_wsgi, "asgi", "TB435", "write kind='wsgi'", id="wrong-kind"),
    pytest.param((OtherPlugin,), "/x", App(), "other", "TB435", "app.scope(prefix)", id="turnbuckle-app-by-kind"),
    pytest.param((OtherPlugin,), "/x", App(), "", "TB435", "app.scope(prefix)", id="turnbuckle-app"),
    pytest.param((LegacyPlugin,), "/x", make_app, "", "TB435", "call it", id="factory"),
    pytest.param((LegacyPlugin,), "/x", asgi_2, "", "TB435", "guarantee_single_callable", id="asgi-2"),
    pytest.param((LegacyPlugin,), "/x", asgi_2, "asgi", "TB435", "guarantee_single_callable", id="asgi-2-by-kind"),
    pytest.param((LegacyPlugin,), "/x", None, "asgi", "TB435", "mount an ASGI or WSGI app", id="none-by-kind"),
    pytest.param((LegacyPlugin,), "/x", "main:app", "", "TB435", "mount an ASGI or WSGI app", id="text"),
    pytest.param((OtherPlugin,), "/{rest:path}/x", Legacy(), "", "TB435", "plain segments", id="path-of-segments"),
]


@pytest.mark.parametrize(("plugins", "path", "mounted", "kind", "code", "fix"), _PROBLEMS)
def test_mount_that_cannot_be_served_is_a_problem_with_a_fix(  # noqa: PLR0917
    plugins: tuple[type[Plugin], ...], path: str, mounted: object, kind: str, code: str, fix: str
) -> None:
    app = App(plugins=plugins)
    app.mount(path, mounted, kind=kind)
    with pytest.raises(StartupError) as raised:
        app.compile()
    problems = [problem.diagnostic for problem in raised.value.problems]
    assert [problem.code for problem in problems] == [code]
    assert fix in problems[0].fix
    assert "test_mounts.py" in problems[0].origins[0].location


def test_two_mounts_at_one_path_are_a_problem() -> None:
    app = app_with()
    app.mount("/shop", Legacy())
    app.scope("/shop").mount("/", Legacy())
    with pytest.raises(StartupError) as raised:
        app.resolve()
    assert [problem.diagnostic.code for problem in raised.value.problems] == ["TB434"]


def test_mount_of_a_kind_is_served_by_its_provider() -> None:
    app = app_with(LegacyPlugin, OtherPlugin)
    app.mount("/x", Legacy(), kind="other")
    ((planned, _),) = app.plan.mounts()
    assert (planned.provider.record.name, planned.rule) == ("other", "kind='other' names it")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda app: app.mount("x", Legacy()), "must start with a slash", id="slash"),
        pytest.param(lambda app: app.mount(Legacy(), "/x"), "path of a mount", id="order"),
        pytest.param(lambda app: app.mount("/x", Legacy(), limit=1), "has no option 'limit'", id="option"),
    ],
)
def test_mistake_in_a_call_of_mount_is_refused(call: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        call(App())


async def _asgi_app(scope: Any, receive: Any, send: Any) -> None: ...


@pytest.mark.parametrize("kind", ["", "asgi"])
def test_plugin_that_cannot_be_imported_is_reported_once(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "turnbuckle_plugins.asgi.plugin", None)
    app = App(plugins=["asgi"])
    app.mount("/api", _asgi_app, kind=kind)
    with expect_problems("TB103") as problems:
        app.resolve()
    assert "plugin 'asgi' cannot be imported" in str(problems[0])
