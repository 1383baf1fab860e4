"""Tests of ``turnbuckle_plugins.asgi.mounted.app_lifespan``."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from turnbuckle import App, LifespanError
from turnbuckle.testing import Client
from turnbuckle_plugins.asgi.plugin import ASGIPlugin

STARTED: Final = {"type": "lifespan.startup.complete"}
STOPPED: Final = {"type": "lifespan.shutdown.complete"}


class Recorder:
    """An app that records the messages of its lifespan, and answers requests with its state."""

    def __init__(self, *answers: dict[str, Any], error: Exception | None = None) -> None:
        self.answers = list(answers)
        self.error = error
        self.seen: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            scope["state"]["value"] = [1]
            for answer in self.answers:
                self.seen.append((await receive())["type"])
                await send(answer)
            if self.error is not None:
                raise self.error
            return
        scope["state"]["request"] = 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": repr(scope["state"]).encode()})


def hosting(app: Any, mode: str = "auto") -> App:
    outer = App(plugins=[(ASGIPlugin, {"lifespan": mode})])
    outer.mount("/", app)
    return outer


async def test_lifespan_runs_around_the_requests_and_its_state_is_copied() -> None:
    app = Recorder(STARTED, STOPPED)
    async with Client(hosting(app, "on")) as client:
        assert app.seen == ["lifespan.startup"]
        assert (await client.get("/")).text == "{'value': [1], 'request': 1}"
        assert (await client.get("/")).text == "{'value': [1], 'request': 1}"
    assert app.seen == ["lifespan.startup", "lifespan.shutdown"]


@pytest.mark.parametrize("error", [None, KeyError("scope")], ids=["returns", "raises"])
async def test_app_without_a_lifespan_is_served(error: Exception | None) -> None:
    async with Client(hosting(Recorder(error=error))) as client:
        assert (await client.get("/")).status == 200
    with pytest.raises(LifespanError, match="has no lifespan: it "):
        async with Client(hosting(Recorder(error=error), "on")):
            pass


async def test_lifespan_can_be_turned_off() -> None:
    app = Recorder(STARTED, STOPPED)
    async with Client(hosting(app, "off")) as client:
        assert (await client.get("/")).text == "{'request': 1}"
    assert app.seen == []


async def test_app_that_fails_to_start_stops_the_start() -> None:
    app = Recorder({"type": "lifespan.startup.failed", "message": "no database"})
    with pytest.raises(LifespanError, match="failed to start: no database"):
        async with Client(hosting(app)):
            pass


@pytest.mark.parametrize(
    ("answers", "error", "logged"),
    [
        pytest.param([STARTED, {"type": "lifespan.shutdown.failed"}], None, "failed to shut down", id="failed"),
        pytest.param([STARTED], ValueError("late"), "ValueError: late", id="raised"),
        pytest.param([STARTED, STARTED], None, "'lifespan.startup.complete' while", id="wrong-message"),
    ],
)
async def test_app_that_fails_to_stop_is_logged(
    answers: list[dict[str, Any]], error: Exception | None, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with Client(hosting(Recorder(*answers, error=error))) as client:
        assert (await client.get("/")).status == 200
    assert logged in caplog.text


async def test_shutdown_follows_the_calls_that_still_run() -> None:
    events: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send(STARTED)
            await receive()
            events.append("shutdown")
            await send(STOPPED)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        try:
            # The client goes away, which the app does not notice.
            await asyncio.sleep(0.05)
        finally:
            events.append("call ended")

    async with Client(hosting(app)) as client:
        connection = client.connect()
        await connection.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await connection.reset()
    assert events == ["call ended", "shutdown"]
