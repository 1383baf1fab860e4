"""Sessions end after an idle time, and after their whole lifetime, by a clock that the tests move."""

from __future__ import annotations

import pytest

from tests.contrib.sessions.conftest import MakeApp
from turnbuckle.testing import Client, FakeClock


async def _is_logged_in(client: Client) -> bool:
    return "_user" in (await client.get("/show")).json()["values"]


@pytest.fixture(params=["cookie", "memory", "sqlite"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> str:
    monkeypatch.chdir(str(tmp_path))
    return str(request.param)


async def test_session_ends_after_the_idle_time(make_app: MakeApp, clock: FakeClock, store: str) -> None:
    async with Client(make_app(store=store, idle=600.0, lifetime=3600.0), clock=clock) as client:
        await client.post("/login")
        await clock.advance(599)
        assert await _is_logged_in(client)
        await clock.advance(600)
        assert not await _is_logged_in(client)
        await client.post("/login")
        assert await _is_logged_in(client)


async def test_use_of_the_session_extends_the_idle_time(make_app: MakeApp, clock: FakeClock, store: str) -> None:
    async with Client(make_app(store=store, idle=600.0, lifetime=36000.0), clock=clock) as client:
        await client.post("/login")
        for _ in range(10):
            await clock.advance(500)
            assert await _is_logged_in(client)


async def test_requests_that_do_not_use_the_session_do_not_extend_it(
    make_app: MakeApp, clock: FakeClock, store: str
) -> None:
    async with Client(make_app(store=store, idle=600.0), clock=clock) as client:
        await client.post("/login")
        for _ in range(2):
            await clock.advance(400)
            await client.get("/unused")
        assert not await _is_logged_in(client)


async def test_session_ends_after_its_lifetime_in_any_case(make_app: MakeApp, clock: FakeClock, store: str) -> None:
    async with Client(make_app(store=store, idle=600.0, lifetime=3600.0), clock=clock) as client:
        await client.post("/login")
        for _ in range(7):
            await clock.advance(500)
            await client.post("/append")
            assert await _is_logged_in(client)
        await clock.advance(100)
        assert not await _is_logged_in(client)


async def test_rotation_begins_a_new_lifetime(make_app: MakeApp, clock: FakeClock, store: str) -> None:
    async with Client(make_app(store=store, idle=600.0, lifetime=1000.0), clock=clock) as client:
        await client.post("/login")
        await clock.advance(590)
        await client.post("/login")
        await clock.advance(590)
        assert await _is_logged_in(client)


async def test_cookie_is_written_again_after_a_tenth_of_the_idle_time(
    make_app: MakeApp, clock: FakeClock, store: str
) -> None:
    async with Client(make_app(store=store, idle=600.0), clock=clock) as client:
        await client.post("/login")
        await clock.advance(59)
        assert "set-cookie" not in (await client.get("/show")).headers
        await clock.advance(2)
        assert "set-cookie" in (await client.get("/show")).headers


async def test_persistent_cookie_has_the_rest_of_the_life(make_app: MakeApp, clock: FakeClock, store: str) -> None:
    app = make_app(store=store, persistent=True, idle=600.0, lifetime=1000.0)
    async with Client(app, clock=clock) as client:
        assert "Max-Age=600;" in (await client.post("/login")).headers["set-cookie"]
        await clock.advance(500)
        assert "Max-Age=500;" in (await client.get("/show")).headers["set-cookie"]


async def test_cookie_ends_with_the_browser_by_default(make_app: MakeApp, store: str) -> None:
    async with Client(make_app(store=store)) as client:
        cookie = (await client.post("/login")).headers["set-cookie"]
    assert "Max-Age" not in cookie
    assert "Expires" not in cookie


async def test_stolen_cookie_cannot_outlive_the_session(make_app: MakeApp, clock: FakeClock, store: str) -> None:
    # A client that ignores Max-Age, and a clock of the client, change nothing.
    async with Client(make_app(store=store, persistent=True, idle=600.0), clock=clock) as client:
        await client.post("/login")
        stolen = client.cookies["session"]
        await clock.advance(601)
        client.cookies.set("session", stolen)
        assert not await _is_logged_in(client)
