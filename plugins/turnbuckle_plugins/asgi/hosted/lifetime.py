"""Start and stop an app on the event loop of its host.

A host that supports lifespans starts the app before its first request and stops it after its last one. Other hosts,
such as adapters of serverless platforms, or a framework that mounts the app, send no lifespan: the app starts at its
first request, and stops when its loop is closed. Either way, one task enters and leaves the lifespans of the app.

Source: the ASGI specification, Lifespan Protocol.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import Context
from typing import Final, final

import attrs

from turnbuckle import (
    App,
    BackgroundTaskError,
    HostedApplication,
    Plan,
    SettingsSources,
    StartupError,
    configured_logging,
)
from turnbuckle_plugins.asgi.hosted.head import Receive, Send

__all__ = ["Lifetimes"]

_NOTICE: Final = (
    "serving app %r on an ASGI host: the host reads and writes HTTP, ends TLS, limits connections and their idle time, "
    "runs processes, and writes the access log%s"
)
_FIRST_REQUEST: Final = "the host sent no lifespan: the app starts at its first request, and stops with the event loop"

# Settings of what a host does itself.
_OF_HOST: Final = ("server.", "tls.", "proxy.", "workers.", "parser.", "capacity.connections", "log.access")
_OF_APP: Final = frozenset({"server.cancel_on_disconnect"})
_IDLE_TIMES: Final = frozenset(
    {"timeouts.head", "timeouts.keep_alive", "timeouts.last_request", "timeouts.lifetime", "tls.handshake_timeout"}
)

_log: Final = logging.getLogger("turnbuckle.asgi")


@final
class Lifetimes:
    """The running instances of an app, one for each event loop.

    Args:
        app: the app.
        sources: the sources of its settings; None for the current folder and the environment of the process.
        sends_date: whether responses have a Date field, which most hosts send.
    """

    def __init__(self, app: App, sources: SettingsSources | None, *, sends_date: bool) -> None:
        self._sends_date: Final = sends_date
        # Some adapters of serverless platforms start the app for each request.
        self._is_announced = False
        self._app: Final = app
        self._sources: Final = sources
        self._running: Final[dict[asyncio.AbstractEventLoop, HostedApplication]] = {}
        self._starting: Final[dict[asyncio.AbstractEventLoop, asyncio.Future[HostedApplication]]] = {}
        self._tasks: Final[set[asyncio.Task[None]]] = set()

    def get(self) -> HostedApplication | None:
        """Return the instance that runs on this loop, or None."""
        return self._running.get(asyncio.get_running_loop())

    async def serve_lifespan(self, receive: Receive, send: Send) -> None:
        """Start the app when the host starts, and stop it when the host stops."""
        await receive()
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._run())
            except Exception as error:  # noqa: BLE001  # the host reports it, and does not start
                await send({"type": "lifespan.startup.failed", "message": _describe(error)})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def start(self) -> HostedApplication:
        """Start the app at a request, and return its instance on this loop.

        Raises:
            StartupError, LifespanError: the app cannot start; the next request tries again.
        """
        loop = asyncio.get_running_loop()
        for other in [other for other in self._running if other.is_closed()]:
            del self._running[other]
        ready = self._starting.get(loop)
        if ready is None:
            ready = self._starting[loop] = loop.create_future()
            # Its lifespans must not see the context of this request.
            task = loop.create_task(self._run_with_loop(ready), name="turnbuckle lifespans", context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(ready)

    async def _run_with_loop(self, ready: asyncio.Future[HostedApplication]) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with self._run(_FIRST_REQUEST) as hosted:
                del self._starting[loop]
                ready.set_result(hosted)
                await loop.create_future()
        except Exception as error:  # raised by the requests that wait for the start
            self._starting.pop(loop, None)
            if ready.done():
                raise
            ready.set_exception(error)

    @asynccontextmanager
    async def _run(self, notice: str = "") -> AsyncIterator[HostedApplication]:
        loop = asyncio.get_running_loop()
        sources = self._sources or SettingsSources.of_project()
        application = self._app.compile(attrs.evolve(sources, carries_messages=True))
        plan = self._app.plan
        with configured_logging(attrs.evolve(plan.settings.log, access=False), secrets=application.secrets):
            if not self._is_announced:
                self._is_announced = True
                _log.info(_NOTICE, self._app.name, _without_effect(plan))
                if notice:
                    _log.info(notice)
            hosted = HostedApplication(
                attrs.evolve(application, access_log=False), sends_date=self._sends_date, on_failure=_report_failure
            )
            await hosted.start()
            self._running[loop] = hosted
            try:
                yield hosted
            finally:
                self._running.pop(loop, None)
                await hosted.stop()


def _report_failure(error: BackgroundTaskError) -> None:
    _log.critical("%s; the app goes on without it, because it cannot stop its host", error)


def _without_effect(plan: Plan) -> str:
    """Return the settings with a value that the host takes no notice of."""
    names = [
        f"{name} ({value.source})"
        for name, value in plan.setting_values.items()
        if value.source != "default" and name not in _OF_APP and (name.startswith(_OF_HOST) or name in _IDLE_TIMES)
    ]
    return f"; without effect here: {', '.join(names)}" if names else ""


def _describe(error: Exception) -> str:
    if not isinstance(error, StartupError):
        return str(error)
    return "\n".join([error.message, *map(str, error.problems)])
