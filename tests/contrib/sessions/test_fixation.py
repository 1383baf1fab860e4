"""Attacks on sessions: fixation, forged, foreign and copied cookies, guessing, and races around a login."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from itsdangerous import URLSafeSerializer, URLSafeTimedSerializer

from tests.contrib.sessions.conftest import MakeApp
from turnbuckle import App, Session
from turnbuckle.testing import Client
from turnbuckle_contrib.sessions.cookies import SignedCookie

_SECRET = "s" * 40


async def _user(client: Client) -> object:
    return (await client.get("/show")).json()["values"].get("_user")


# -- fixation


async def test_login_gives_a_new_id_that_the_attacker_does_not_know(any_app: App) -> None:
    async with Client(any_app) as client:
        await client.post("/set?language=en")
        planted = client.cookies["session"]
        # The attacker has planted the cookie in the browser of the victim, who logs in.
        response = await client.post("/login?user=victim")
        assert client.cookies["session"] != planted
        assert (await client.get("/show")).json()["values"] == {"language": "en", "_user": "victim"}
        assert planted not in response.headers["set-cookie"]
        client.cookies.clear()
        client.cookies.set("session", planted)
        assert await _user(client) is None


@pytest.mark.parametrize("chosen", ["a", "a" * 43, "admin", "0", "../x", "%00", '"quoted"', "a.b.c", "=", "é"])
async def test_id_that_a_client_has_chosen_is_never_used(any_app: App, chosen: str) -> None:
    async with Client(any_app) as client:
        client.cookies.set("session", chosen)
        assert (await client.get("/show")).json() == {"values": {}, "is_new": True}
        await client.post("/login")
        assert client.cookies["session"] != chosen
        client.cookies.set("session", chosen)
        assert await _user(client) is None


async def test_cookie_without_prefix_is_ignored_over_https(any_app: App) -> None:
    # Another subdomain, or a page without https, can set "session", but not "__Host-session".
    async with Client(any_app, base_url="https://example.com") as client:
        await client.post("/login?user=attacker")
        mine = client.cookies["__Host-session"]
        client.cookies.clear()
        client.cookies.set("session", mine)
        assert await _user(client) is None
        client.cookies.set("__Host-session", mine)
        assert await _user(client) == "attacker"


async def test_rotation_removes_the_secret_against_csrf(any_app: App) -> None:
    async with Client(any_app) as client:
        await client.post("/set?_csrf=known-to-the-attacker&cart=1")
        await client.post("/login")
        assert (await client.get("/show")).json()["values"] == {"cart": "1", "_user": "ada"}


# -- forged and foreign cookies


def _forge(
    secret: str, salt: str = "turnbuckle.sessions.session", text: str = 'id 9999999999 9999999999 {"_user":"admin"}'
) -> str:
    return str(URLSafeSerializer(secret, salt=salt).dumps(text))


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param(_forge("x" * 40), id="other-secret"),
        pytest.param(_forge(_SECRET), id="sha1-of-the-default-signer"),
        pytest.param(_forge(_SECRET, salt="itsdangerous"), id="other-salt"),
        pytest.param(str(URLSafeTimedSerializer(_SECRET).dumps({"_user": "admin"})), id="flask"),
        pytest.param(base64.b64encode(json.dumps({"_user": "admin"}).encode()).decode(), id="unsigned"),
        pytest.param("." + base64.urlsafe_b64encode(zlib.compress(bytes(10_000_000))).decode()[:3000], id="bomb"),
        pytest.param(".", id="dot"),
        pytest.param("a.", id="empty-signature"),
        pytest.param(".a", id="empty-content"),
        pytest.param("\\377\\377", id="escapes"),
    ],
)
async def test_forged_cookie_is_ignored(make_app: MakeApp, cookie: str) -> None:
    async with Client(make_app(secrets=_SECRET)) as client:
        client.cookies.set("session", cookie)
        response = await client.get("/show")
        assert (response.status, response.json()) == (200, {"values": {}, "is_new": True})
        assert "set-cookie" not in response.headers


async def test_every_changed_character_of_a_cookie_is_noticed(make_app: MakeApp) -> None:
    async with Client(make_app(secrets=_SECRET)) as client:
        await client.post("/login")
        cookie = client.cookies["session"]
        for place in range(0, len(cookie), 3):
            client.cookies.clear()
            other = "A" if cookie[place] != "A" else "B"
            client.cookies.set("session", cookie[:place] + other + cookie[place + 1 :])
            # The last character of base64 has bits that nothing reads.
            assert place == len(cookie) - 1 or await _user(client) is None, place


async def test_secrets_are_rotated(make_app: MakeApp) -> None:
    old, new = "o" * 40, "n" * 40
    async with Client(make_app(secrets=old)) as client:
        await client.post("/login")
        cookie = client.cookies["session"]
    async with Client(make_app(secrets=[new, old])) as client:
        client.cookies.set("session", cookie)
        assert await _user(client) == "ada"
        await client.post("/set?a=1")
        renewed = client.cookies["session"]
    async with Client(make_app(secrets=[new])) as client:
        client.cookies.set("session", renewed)
        assert await _user(client) == "ada"
        client.cookies.set("session", cookie)
        assert await _user(client) is None


async def test_cookie_of_another_app_with_the_same_secret_and_store_is_unknown(make_app: MakeApp) -> None:
    async with Client(make_app(store="memory")) as client, Client(make_app(store="memory")) as other:
        await client.post("/login")
        other.cookies.set("session", client.cookies["session"])
        assert await _user(other) is None


@given(st.text(max_size=200) | st.text("abAB01-_.=", max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_is_no_signed_cookie(text: str) -> None:
    assert SignedCookie((_SECRET,), "session").decode(text) is None


async def test_cookie_with_another_name_and_the_same_secret_is_ignored(make_app: MakeApp) -> None:
    async with Client(make_app(secrets=_SECRET, cookie="shop")) as shop, Client(make_app(secrets=_SECRET)) as client:
        await shop.post("/login?user=admin")
        client.cookies.set("session", shop.cookies["shop"])
        assert await _user(client) is None


async def test_many_cookies_are_refused_or_ignored(any_app: App) -> None:
    async with Client(any_app) as client:
        response = await client.get("/show", headers={"Cookie": "; ".join(["a=1"] * 1200 + ["session=a"])})
        assert response.status == 400
        response = await client.get("/show", headers={"Cookie": "; ".join(["session=a"] * 900)})
        assert response.status == 200


# -- a copy of the store


async def test_store_has_no_id_that_a_client_could_send(make_app: MakeApp, tmp_path: Path) -> None:
    path = tmp_path / "sessions.sqlite3"
    async with Client(make_app(store="sqlite", file=str(path))) as client:
        await client.post("/login")
        cookie = client.cookies["session"]
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("SELECT key, value FROM entries").fetchall()
        [(key, value)] = rows
        assert cookie.encode() not in path.read_bytes() + value
        for found in (key, key[:43]):
            client.cookies.set("session", found)
            assert await _user(client) is None


async def test_ids_are_long_and_different(make_app: MakeApp) -> None:
    async with Client(make_app(store="memory")) as client:
        found = set()
        for _ in range(200):
            client.cookies.clear()
            await client.post("/login")
            found.add(client.cookies["session"])
    assert len(found) == 200
    assert {len(cookie) for cookie in found} == {43}


# -- requests that run at the same time


class _Gate:
    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.open = asyncio.Event()

    def add_to(self, app: App) -> None:
        @app.post("/slow/{action}")
        async def slow(action: str, session: Session) -> str:
            session.get("a")
            self.entered.set()
            await self.open.wait()
            if action == "change":
                session["slow"] = True
            elif action == "login":
                session.rotate()
                session["_user"] = "slow"
            elif action == "logout":
                session.end()
            return "slow"


async def _during(client: Client, app_gate: _Gate, action: str, path: str) -> str:
    """Run a slow request, send another one meanwhile, and return the cookie that a browser has at the end."""
    slow = asyncio.create_task(client.post(f"/slow/{action}"))
    await app_gate.entered.wait()
    await client.post(path)
    app_gate.open.set()
    await slow
    return client.cookies.get("session") or ""


@pytest.mark.parametrize("action", ["read", "change", "login", "logout"])
async def test_slow_request_does_not_undo_a_login(any_app: App, action: str) -> None:
    gate = _Gate()
    gate.add_to(any_app)
    async with Client(any_app) as client:
        await client.post("/set?a=1")
        await _during(client, gate, action, "/login")
        assert await _user(client) == "ada"


@pytest.mark.parametrize("action", ["read", "change", "login"])
async def test_slow_request_does_not_undo_a_logout(any_app: App, action: str) -> None:
    gate = _Gate()
    gate.add_to(any_app)
    async with Client(any_app) as client:
        await client.post("/login")
        before = client.cookies["session"]
        assert await _during(client, gate, action, "/logout") == ""
        client.cookies.set("session", before)
        assert await _user(client) is None


@pytest.mark.parametrize("path", ["/show", "/set?b=2", "/flashes"])
async def test_request_with_the_old_cookie_does_not_replace_the_new_one(any_app: App, path: str) -> None:
    # The browser has sent it before it received the response of the login.
    async with Client(any_app) as client:
        await client.post("/set?a=1")
        old = client.cookies["session"]
        await client.post("/login")
        late = await (client.post if "set" in path else client.get)(path, headers={"Cookie": f"session={old}"})
        assert "set-cookie" not in late.headers
        assert await _user(client) == "ada"


async def test_login_with_the_cookie_of_a_lost_logout_works(any_app: App) -> None:
    # The response of the logout was lost, so the client still has the old cookie.
    async with Client(any_app) as client:
        await client.post("/login")
        old = client.cookies["session"]
        await client.post("/logout")
        client.cookies.set("session", old)
        await client.post("/login?user=again")
        assert await _user(client) == "again"


async def test_changes_of_concurrent_requests_the_last_wins(any_app: App) -> None:
    gate = _Gate()
    gate.add_to(any_app)
    async with Client(any_app) as client:
        await client.post("/set?a=1")
        await _during(client, gate, "change", "/set?fast=1")
        assert (await client.get("/show")).json()["values"] == {"a": "1", "slow": True}
