"""Sessions in a signed cookie, from request to request."""

from __future__ import annotations

from typing import ClassVar

from turnbuckle import App, Plugin, Request, Session
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.sessions import SessionsPlugin


class TestSessionsPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return SessionsPlugin()


class TestSessionsMiddleware(MiddlewareConformance):
    plugin: ClassVar[type[Plugin] | None] = SessionsPlugin


async def test_values_last_from_request_to_request() -> None:
    app = App(plugins=["sessions"])

    @app.get("/")
    async def count(session: Session, request: Request) -> str:
        assert session is request.session
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])

    async with Client(app) as client:
        assert [(await client.get("/")).text for _ in range(3)] == ["1", "2", "3"]
