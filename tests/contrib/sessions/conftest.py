"""Apps with sessions, in the cookie and in each store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from turnbuckle import App, Request, Response, Scope, Session
from turnbuckle.testing import FakeClock
from turnbuckle_contrib.sessions import SessionsPlugin

MakeApp: TypeAlias = Callable[..., App]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make_app(clock: FakeClock) -> MakeApp:
    """Return a function that makes an app with settings of the plugin."""

    def make(**settings: object) -> App:
        app = App(plugins=[(SessionsPlugin(clock.wall), settings), "websocket"])
        add_routes(app)
        return app

    return make


@pytest.fixture(params=["cookie", "memory", "sqlite", "redis"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, object]:
    """Return the settings of each backend."""
    if request.param == "redis":
        return {"store": "redis", "url": request.getfixturevalue("redis_server").url}
    if request.param == "sqlite":
        return {"store": "sqlite", "file": str(tmp_path / "sessions.sqlite3")}
    return {"store": request.param}


@pytest.fixture
def any_app(make_app: MakeApp, backend: dict[str, object]) -> App:
    """Return an app, once for each backend."""
    return make_app(**backend)


def add_routes(app: App | Scope) -> None:
    @app.get("/show")
    async def show(session: Session) -> dict[str, object]:
        return {"values": dict(session), "is_new": session.is_new}

    @app.get("/unused")
    async def unused() -> str:
        return "unused"

    @app.post("/set")
    async def set_values(request: Request, session: Session) -> str:
        session.update(request.query_params.items())
        return "set"

    @app.post("/append")
    async def append(session: Session) -> str:
        session.setdefault("list", [])
        session["list"].append(1)
        return "appended"

    @app.post("/login")
    async def log_in(request: Request, session: Session) -> str:
        session.rotate()
        session["_user"] = request.query_params.get("user", "ada")
        return "logged in"

    @app.post("/logout")
    async def log_out(session: Session) -> str:
        session.end()
        return "logged out"

    @app.post("/logout-with-message")
    async def log_out_with_message(session: Session) -> str:
        session.end()
        session.flash("goodbye")
        return "logged out"

    @app.get("/flashes")
    async def flashes(session: Session) -> list[list[str]]:
        return [[flash.category, flash.text] for flash in session.flashes()]

    @app.post("/fails/{status:int}")
    async def fail(status: int, session: Session) -> Response:
        session["failed"] = True
        return Response("failed", status)
