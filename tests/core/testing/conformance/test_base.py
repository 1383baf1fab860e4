"""The suites pass the settings of the plugin under test to its factories."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import ClassVar, cast

import attrs

from turnbuckle import Lifespan, Middleware, Plugin, PluginInfo, Setup
from turnbuckle.testing.conformance import (
    LifespanConformance,
    MiddlewareConformance,
    ParserConformance,
    PluginConformance,
    ResponseTypeConformance,
    RouterConformance,
)
from turnbuckle.web.types import Handler


@attrs.frozen
class QueueConfig:
    """Settings of the queue."""

    size: int = 1


class QueuePlugin(Plugin):
    """A queue with settings, and middleware after middleware that may be absent."""

    info = PluginInfo(name="queue", config=QueueConfig, after=("absent",))

    def provide_lifespans(self, setup: Setup) -> Iterable[Lifespan]:
        return [Lifespan("queue", _open_queue)]

    def provide_middleware(self, setup: Setup) -> Iterable[Middleware]:
        return [Middleware("queue", _around, after=("absent", "queues"))]


@asynccontextmanager
async def _open_queue(setup: Setup) -> AsyncIterator[None]:
    assert cast("QueueConfig", setup.config).size == 3
    yield


def _around(next_handler: Handler, setup: Setup) -> Handler:
    assert cast("QueueConfig", setup.config).size == 3
    return next_handler


class TestQueueLifespan(LifespanConformance):
    plugin = QueuePlugin
    config: ClassVar[Mapping[str, object]] = {"size": 3}

    def make_lifespan(self) -> Lifespan:
        return Lifespan("queue", _open_queue)


class TestQueueLifespanWithInstance(LifespanConformance):
    config = QueueConfig(size=3)

    def make_lifespan(self) -> Lifespan:
        return Lifespan("queue", _open_queue)


class TestQueuePlugin(PluginConformance):
    config: ClassVar[Mapping[str, object]] = {"size": 3}
    import_seconds = 5.0
    is_installed = False

    def make_plugin(self) -> Plugin:
        return QueuePlugin()


class TestQueueMiddleware(MiddlewareConformance):
    plugin = QueuePlugin
    config: ClassVar[Mapping[str, object]] = {"size": 3}


def test_every_suite_has_settings() -> None:
    for suite in (
        LifespanConformance,
        MiddlewareConformance,
        ParserConformance,
        PluginConformance,
        ResponseTypeConformance,
        RouterConformance,
    ):
        assert suite.plugin is None
        assert suite.config == {}
        assert callable(suite.make_setup)
