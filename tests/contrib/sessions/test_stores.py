"""Sessions in stores: settings, workers, failures, readiness, and stores of other plugins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contrib.conftest import RedisServer
from tests.contrib.sessions.conftest import MakeApp, add_routes
from turnbuckle import App, Component, Plugin, PluginInfo, SettingsSources, Setup
from turnbuckle.testing import Client
from turnbuckle_contrib.sessions import SessionsPlugin
from turnbuckle_contrib.stores import MemoryStore, StoreUnavailable


class FailingStore(MemoryStore):  # type: ignore[misc]  # final is for apps
    """A store that can be broken."""

    is_broken = False

    def _check(self) -> None:
        if self.is_broken:
            raise StoreUnavailable("broken")

    async def get(self, key: str) -> bytes | None:
        self._check()
        return await super().get(key)

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        self._check()
        await super().set(key, value, ttl)

    async def delete(self, key: str) -> bool:
        self._check()
        return await super().delete(key)

    async def check(self) -> None:
        self._check()


class StorePlugin(Plugin):
    """Provide the store of a test."""

    info = PluginInfo(name="failing_store")

    def __init__(self, store: object) -> None:
        self.store = store

    def provide_components(self, setup: Setup) -> list[Component]:
        return [Component("session_store", "failing", lambda setup: self.store)]


@pytest.fixture
def store() -> FailingStore:
    return FailingStore(100_000)


@pytest.fixture
async def client(store: FailingStore) -> AsyncIterator[Client]:
    app = App(plugins=[StorePlugin(store), ("sessions", {"store": "failing"}), "health"])
    add_routes(app)
    async with Client(app, raise_exceptions=False) as client:
        yield client


async def test_store_of_another_plugin_is_used(client: Client, store: FailingStore) -> None:
    await client.post("/login")
    assert len(store) == 1
    assert (await client.get("/show")).json()["values"] == {"_user": "ada"}


async def test_broken_store_is_503_for_requests_that_use_the_session(client: Client, store: FailingStore) -> None:
    await client.post("/login")
    store.is_broken = True
    assert (await client.get("/show")).status == 503
    assert (await client.post("/logout")).status == 503
    assert (await client.get("/unused")).status == 200
    client.cookies.clear()
    assert (await client.get("/show")).status == 200
    response = await client.post("/login")
    assert (response.status, "set-cookie" in response.headers) == (503, False)


async def test_value_that_is_no_session_is_ignored(client: Client, store: FailingStore) -> None:
    await client.post("/login")
    [key] = store._entries
    for value in (b"", b"no session", b"1 2", b"\xff\xff", b"a b {}"):
        await store.set(key, value, 60)
        assert (await client.get("/show")).json() == {"values": {}, "is_new": True}


async def test_readiness_checks_the_store(client: Client, store: FailingStore) -> None:
    assert (await client.get("/-/health/ready")).json() == {"status": "ok", "checks": {"sessions": "ok"}}
    store.is_broken = True
    assert (await client.get("/-/health/ready")).status == 503


def test_component_that_is_no_store_is_a_problem() -> None:
    app = App(plugins=[StorePlugin(object()), ("sessions", {"store": "failing"})])
    with pytest.raises(Exception, match="1 problem") as caught:
        app.compile()
    assert "has not all methods of turnbuckle_contrib.stores.Store" in repr(caught.value.exceptions)  # type: ignore[attr-defined]


async def test_component_is_chosen_by_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = App(plugins=["sessions"])
    add_routes(app)
    async with Client(app, settings={"components": {"session_store": "sqlite"}}) as client:
        await client.post("/login")
        assert (await client.get("/show")).json()["values"] == {"_user": "ada"}
    assert (tmp_path / "sessions.sqlite3").exists()


async def test_sessions_in_stores_need_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_VERSION")
    App(plugins=[("sessions", {"store": "memory"})]).compile()
    with pytest.raises(Exception, match="1 problem") as caught:
        App(plugins=["sessions"]).compile()
    [problem] = caught.value.exceptions  # type: ignore[attr-defined]
    assert "plugin.sessions.secrets is not set" in str(problem)
    assert "TURNBUCKLE_PLUGIN_SESSIONS_SECRETS=" in str(problem)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
async def test_session_is_shared_by_workers_and_survives_a_restart(
    make_app: MakeApp, kind: str, tmp_path: Path, redis_server: RedisServer
) -> None:
    settings = {"store": kind, "url": redis_server.url, "file": str(tmp_path / "sessions.sqlite3")}
    async with Client(make_app(**settings)) as one, Client(make_app(**settings)) as other:
        await one.post("/login")
        other.cookies.set("session", one.cookies["session"])
        assert (await other.get("/show")).json()["values"] == {"_user": "ada"}
        await other.post("/logout")
        assert (await one.get("/show")).json()["values"] == {}
        await one.post("/login")
        cookie = one.cookies["session"]
    async with Client(make_app(**settings)) as again:
        again.cookies.set("session", cookie)
        assert (await again.get("/show")).json()["values"] == {"_user": "ada"}


async def test_redis_that_cannot_be_reached_prevents_the_start(make_app: MakeApp) -> None:
    with pytest.raises(Exception, match="Redis did not answer"):
        async with Client(make_app(store="redis", url="redis://127.0.0.1:1/0")):
            pass


async def test_plugin_in_a_scope_has_its_own_store(backend: dict[str, object]) -> None:
    app = App()
    for path in ("/shop", "/blog"):
        scope = app.scope(path, plugins=[("sessions", {**backend, "cookie": path[1:]}), "health"])
        add_routes(scope)
    compiled = app.compile()
    # A second server of the same application opens the stores again.
    for _ in range(2):
        async with Client(compiled) as client:
            await client.post("/shop/set?a=1")
            assert (await client.get("/shop/show")).json()["values"] == {"a": "1"}
            assert (await client.get("/blog/show")).json()["values"] == {}
            assert (await client.get("/shop/ready")).status == 200


@pytest.mark.parametrize(
    ("plugin", "count", "says"),
    [
        pytest.param(("sessions", {"store": "memory"}), 2, 'plugin.sessions.store is "memory"', id="memory"),
        pytest.param("sessions", 2, "each has its own random secret", id="random-secret"),
        pytest.param("idempotency", 2, "2 workers do not share stored responses", id="idempotency"),
        pytest.param(("sessions", {"secrets": "s" * 40}), 2, "", id="secret"),
        pytest.param(("sessions", {"store": "sqlite"}), 2, "", id="sqlite"),
        pytest.param(("sessions", {"store": "memory"}), 1, "", id="one-worker"),
    ],
)
def test_workers_that_do_not_share_sessions_are_a_warning(plugin: object, count: int, says: str) -> None:
    app = App(plugins=[plugin])  # type: ignore[list-item]
    app.resolve(SettingsSources(overrides={"workers": {"count": count}}))
    found = [diagnostic for diagnostic in app.plan.diagnostics if diagnostic.code == "TB452"]
    assert [says in diagnostic.text for diagnostic in found] == ([True] if says else [])


def test_plugin_keeps_no_state_of_an_app() -> None:
    plugin = SessionsPlugin()
    before = dict(vars(plugin))
    App(plugins=[(plugin, {"store": "memory"})]).compile()
    assert vars(plugin) == before
