"""Run the lifespan protocol of an ASGI app while the server runs.

Source: the ASGI specification, part "Lifespan Protocol" 2.0.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, Protocol, final

from turnbuckle import Setup
from turnbuckle_plugins.asgi.mounted.messages import AppProtocolError, ASGIApp, Message

__all__ = ["AppLifespan", "RunningCalls"]

_log: Final = logging.getLogger("turnbuckle.server")


class RunningCalls(Protocol):
    """The calls of an app for requests."""

    async def drained(self) -> None:
        """Wait until all calls have ended."""


@final
class AppLifespan:
    """The lifespan of one app.

    Args:
        app: the app.
        name: description of the app for messages.
        mode: see ``ASGIConfig.lifespan``.

    Attributes:
        state: the values that the app stores for its requests.
        tasks: the calls of the app for requests, which end before its shutdown.
    """

    tasks: RunningCalls

    def __init__(self, app: ASGIApp, name: str, mode: Literal["auto", "on", "off"]) -> None:
        self._app: Final = app
        self._name: Final = name
        self._mode: Final = mode
        self.state: Final[dict[str, Any]] = {}

    @asynccontextmanager
    async def enter(self, setup: Setup[Any]) -> AsyncIterator[None]:
        """Start the app, and shut it down at the end.

        Raises:
            AppProtocolError: the app failed to start.
        """
        if self._mode == "off":
            yield
            await self.tasks.drained()
            return
        call = _LifespanCall(self._app, self._name, self.state)
        await call.start(is_required=self._mode == "on")
        try:
            yield
        finally:
            try:
                await self.tasks.drained()
            finally:
                await call.stop()


@final
class _LifespanCall:
    """The call of an app for its lifespan, in its own task, because it lasts while the server runs."""

    def __init__(self, app: ASGIApp, name: str, state: dict[str, Any]) -> None:
        self._app: Final = app
        self._name: Final = name
        self._state: Final = state
        self._messages: Final[asyncio.Queue[dict[str, Any]]] = asyncio.Queue()
        self._phase: Literal["starting", "running", "stopping", "stopped"] = "starting"
        self._changed: Final = asyncio.Event()
        self._failure = ""
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, is_required: bool) -> None:
        """Start the app.

        Args:
            is_required: whether an app without the protocol fails.

        Raises:
            AppProtocolError: the app failed to start, or does not know the protocol.
        """
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self._state}
        self._messages.put_nowait({"type": "lifespan.startup"})
        self._task = task = asyncio.create_task(self._run(scope), name="turnbuckle lifespan of a mounted app")
        changed = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait([task, changed], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            changed.cancel()
        if self._failure:
            raise AppProtocolError(f"{self._name} failed to start: {self._failure}")
        if self._phase == "starting":
            # The specification: an app that raises is served without its lifespan.
            error = task.exception() if not task.cancelled() else None
            reason = f"it raised {type(error).__name__}: {error}" if error is not None else "it returned"
            if is_required:
                raise AppProtocolError(f"{self._name} has no lifespan: {reason}") from error
            _log.info("%s has no lifespan: %s", self._name, reason)

    async def stop(self) -> None:
        """Shut the app down.

        Raises:
            AppProtocolError: the app reports that it failed.
            Exception: the exception of the app.
        """
        task = self._task
        if task is None or (task.done() and self._phase == "starting"):
            return
        self._phase = "stopping"
        self._messages.put_nowait({"type": "lifespan.shutdown"})
        # Cancelled with this task, if the app takes too long.
        await task
        if self._failure:
            raise AppProtocolError(f"{self._name} failed to shut down: {self._failure}")

    async def _run(self, scope: dict[str, Any]) -> None:
        await self._app(scope, self._messages.get, self._send)

    async def _send(self, message: Message) -> None:
        kind = message.get("type")
        if kind == "lifespan.startup.complete" and self._phase == "starting":
            self._phase = "running"
        elif kind == "lifespan.startup.failed" and self._phase == "starting":
            self._failure = str(message.get("message", "")) or "it gave no reason"
        elif kind == "lifespan.shutdown.complete" and self._phase == "stopping":
            self._phase = "stopped"
        elif kind == "lifespan.shutdown.failed" and self._phase == "stopping":
            self._failure = str(message.get("message", "")) or "it gave no reason"
        else:
            raise AppProtocolError(f"{self._name} sent {kind!r:.80} while its lifespan is {self._phase}")
        self._changed.set()
