"""Serving in this process until a signal, on the chosen event loop."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.core.server.run.test_server import application
from turnbuckle.errors import TurnbuckleError
from turnbuckle.server.listen.addresses import BindAddress
from turnbuckle.server.model.application import ReadyLifespan, StartBackground
from turnbuckle.server.run.runner import LoopChoice, run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_returns_on_a_signal_and_restores_its_handler(number: signal.Signals) -> None:
    events: list[str] = []

    @asynccontextmanager
    async def kill_when_served(start: StartBackground) -> AsyncIterator[None]:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
        yield
        events.append("left")

    before = signal.getsignal(number)
    run(application(lifespans=(ReadyLifespan(name="kill", context=kill_when_served),)), BindAddress(port=0))
    assert events == ["left"]
    assert signal.getsignal(number) is before


@pytest.mark.parametrize(
    ("choice", "module"),
    [
        pytest.param("asyncio", "asyncio.unix_events", id="asyncio"),
        pytest.param("uvloop", "uvloop", id="uvloop"),
        pytest.param("auto", "uvloop", id="auto"),
    ],
)
def test_run_uses_the_loop_that_was_chosen(choice: LoopChoice, module: str) -> None:
    assert _loop_seen(choice) == module


def test_run_does_without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert _loop_seen("auto") == "asyncio.unix_events"


def test_run_refuses_a_loop_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with pytest.raises(TurnbuckleError, match="loop 'uvloop' is not installed"):
        run(application(), BindAddress(port=0), loop="uvloop")


def test_run_uses_the_loop_of_the_application_unless_another_is_chosen() -> None:
    assert _loop_seen("auto", loop_factory=asyncio.SelectorEventLoop) == "asyncio.unix_events"
    assert _loop_seen("uvloop", loop_factory=asyncio.SelectorEventLoop) == "uvloop"


def _loop_seen(choice: LoopChoice, **more: object) -> str:
    seen = []

    @asynccontextmanager
    async def look(start: StartBackground) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        seen.append(type(loop).__module__)
        loop.call_soon(os.kill, os.getpid(), signal.SIGTERM)
        yield

    run(application(lifespans=(ReadyLifespan(name="look", context=look),), **more), BindAddress(port=0), loop=choice)
    return seen[0]
