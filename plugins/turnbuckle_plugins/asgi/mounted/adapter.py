"""Adapt an ASGI app to a mount: a handler for its requests, a handler for its WebSockets, and its lifespan."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final, Literal, cast, final

import attrs

from turnbuckle import (
    Handler,
    Lifespan,
    Mount,
    MountedApp,
    Request,
    Response,
    ServiceUnavailable,
    Setup,
    WebSocket,
    interface_of,
)
from turnbuckle_plugins.asgi.mounted.app_lifespan import AppLifespan
from turnbuckle_plugins.asgi.mounted.http_run import HTTPRun
from turnbuckle_plugins.asgi.mounted.messages import ASGIApp, Scope
from turnbuckle_plugins.asgi.mounted.scopes import scope_maker, websocket_scope
from turnbuckle_plugins.asgi.mounted.socket_run import SocketRun

__all__ = ["ASGIConfig", "adapt_app", "describe_app", "is_asgi_app"]

_log: Final = logging.getLogger("turnbuckle.error")

_TASK_NAME: Final = "turnbuckle mounted app"
_STARTS_AT_ONCE: Final = sys.version_info >= (3, 12)


def _seconds(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if isinstance(value, bool) or not 0 <= value < float("inf"):
        raise ValueError(f"{attribute.name} must be a number of at least 0, not {value!r}")


@attrs.frozen(kw_only=True)
class ASGIConfig:
    """The settings of mounted ASGI apps.

    Attributes:
        lifespan: ``"auto"`` serves an app without the lifespan protocol as well; ``"on"`` requires the protocol;
            ``"off"`` does not call the app for it.
        disconnect_timeout: seconds that an app may go on after the client of a streamed response has gone; then its
            task is cancelled. 0 for no limit.
    """

    lifespan: Literal["auto", "on", "off"] = "auto"
    disconnect_timeout: float = attrs.field(default=30.0, validator=_seconds)


def is_asgi_app(app: object) -> bool:
    """Return whether an object is an app of ASGI 3."""
    return interface_of(app) == "asgi"


def adapt_app(mount: Mount, setup: Setup[ASGIConfig]) -> MountedApp:
    """Return the functions that serve an ASGI app."""
    app = cast("ASGIApp", mount.app)
    name = describe_app(mount)
    config = setup.config
    lifespan = AppLifespan(app, name, config.lifespan)
    tasks = AppTasks(config.disconnect_timeout)
    lifespan.tasks = tasks
    make_scope = scope_maker(mount, lifespan.state)
    return MountedApp(
        handler=_handler(app, name, make_scope, tasks),
        websocket=_websocket_handler(app, name, make_scope),
        lifespans=(Lifespan(f"asgi app {name}", lifespan.enter),),
    )


def describe_app(mount: Mount) -> str:
    """Return the name and place of a mounted app for messages."""
    kind = mount.app if hasattr(mount.app, "__qualname__") else type(mount.app)
    module, name = getattr(kind, "__module__", ""), getattr(kind, "__qualname__", "")
    return f"{module}.{name} at {mount.host}{mount.path or '/'}"


@final
class AppTasks:
    """The running calls of one app.

    Args:
        disconnect_timeout: seconds that a call may go on after its client has gone; 0 for no limit.
    """

    def __init__(self, disconnect_timeout: float) -> None:
        self._disconnect_timeout: Final = disconnect_timeout
        self._running: Final[set[asyncio.Task[None]]] = set()

    def start(self, run: HTTPRun, call: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a call in its own task."""
        loop = asyncio.get_running_loop()
        if _STARTS_AT_ONCE:
            task: asyncio.Task[None] = asyncio.Task(call, loop=loop, name=_TASK_NAME, eager_start=True)  # type: ignore[call-arg]
            if task.done():
                return task
        else:
            task = loop.create_task(call, name=_TASK_NAME)
        # The call removes itself. A callback of the task would cost each request a further step of the loop.
        run.task, run.running = task, self._running
        self._running.add(task)
        return task

    def limit(self, task: asyncio.Task[None]) -> None:
        """Cancel a call if it has not ended some time after its client has gone."""
        if self._disconnect_timeout and not task.done():
            timer = asyncio.get_running_loop().call_later(self._disconnect_timeout, task.cancel)
            task.add_done_callback(lambda _: timer.cancel())

    async def drained(self) -> None:
        """Wait until all calls have ended; cancel them if this wait is cancelled."""
        try:
            while self._running:
                await asyncio.wait(tuple(self._running))
        except asyncio.CancelledError:
            for task in self._running:
                task.cancel()
            raise


def _handler(app: ASGIApp, name: str, make_scope: Callable[[Request], Scope], tasks: AppTasks) -> Handler:
    async def handle(request: Request) -> Response:
        run = HTTPRun(request, name, lambda when, error: _report(name, request, when, error))
        task = tasks.start(run, run.run(app, make_scope(request)))
        try:
            response = await run.response()
        except asyncio.CancelledError:
            # A deadline has passed, or the server is ending; what ends a handler ends the app as well.
            run.abandon()
            task.cancel()
            raise
        if run.is_streaming:
            run.on_close = lambda: tasks.limit(task)
            run.on_complete = lambda: _finish_later(request, name, task)
        else:
            _finish_later(request, name, task)
        return response

    return handle


def _websocket_handler(
    app: ASGIApp, name: str, make_scope: Callable[[Request], Scope]
) -> Callable[[WebSocket], Coroutine[Any, Any, object]]:
    async def serve(socket: WebSocket) -> Response | None:
        scope = websocket_scope(make_scope(socket.request), socket.subprotocols)
        return await SocketRun(socket, name).run(app, scope)

    return serve


def _finish_later(request: Request, name: str, task: asyncio.Task[None]) -> None:
    """Count the rest of a call, such as a background task of the app, as a function after the response."""
    if task.done():
        return

    async def finish() -> None:
        await task

    finish.__qualname__ = finish.__name__ = f"{name} in the background"
    try:
        request.after_response(finish)
    except (ServiceUnavailable, RuntimeError):
        # It runs already. The lifespan waits for it.
        return


def _report(name: str, request: Request, when: str, error: BaseException | None) -> None:
    _log.error("%s failed %s to %s", name, when, request, exc_info=error)
