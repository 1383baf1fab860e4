"""A request without a plugin for sessions."""

from __future__ import annotations

import pytest

from turnbuckle import App, Request, Session, StartupError
from turnbuckle.testing import Client


async def test_missing_session_names_the_plugin() -> None:
    app = App()

    @app.get("/")
    async def show(request: Request) -> str:
        assert getattr(request, "session", None) is None
        return str(request.session)

    async with Client(app) as client:
        with pytest.raises(AttributeError, match=r'enable the plugin .sessions. with App\(plugins=\["sessions"\]\)'):
            await client.get("/")


def test_parameter_without_the_plugin_names_it() -> None:
    app = App()

    @app.get("/")
    async def show(session: Session) -> str:
        return str(session)

    with pytest.raises(StartupError) as caught:
        app.compile()
    [problem] = caught.value.exceptions
    assert "TB611" in str(problem)
    assert 'fix: enable the plugin: App(plugins=["sessions"])' in str(problem)
