"""The plugin ``wsgi``: serve WSGI apps, such as Flask or Django, that ``app.mount`` adds, in a bounded pool of threads.

The library a2wsgi turns a WSGI app into an ASGI app, which the package ``asgi`` serves. This module makes the calls of
an app end when its client has gone, and passes on paths and fields as PEP 3333 asks for.

Needs the extra ``wsgi``: ``pip install 'turnbuckle[wsgi]'``.

Sources: PEP 3333; RFC 3875, sections 4.1.5 and 4.1.13.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Final, final
from urllib.parse import unquote_to_bytes

import attrs
from a2wsgi.wsgi import WSGIResponder

from turnbuckle import Lifespan, Mount, MountedApp, MountProvider, Plugin, PluginInfo, Setup, interface_of
from turnbuckle_plugins.asgi.mounted.adapter import ASGIConfig, adapt_app
from turnbuckle_plugins.asgi.mounted.messages import ClientGone, Message, Receive, Scope, Send

__all__ = ["WSGIConfig", "WSGIPlugin"]

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_THREAD_NAME: Final = "turnbuckle-wsgi"


def _at_least_one(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{attribute.name} must be a whole number of at least 1, not {value!r}")


@attrs.frozen(kw_only=True)
class WSGIConfig:
    """The settings of mounted WSGI apps.

    Attributes:
        threads: number of threads of each app, and so of requests that it handles at a time; others wait.
        queue: number of pieces of a response that wait for the client before the thread waits.
    """

    threads: int = attrs.field(default=10, validator=_at_least_one)
    queue: int = attrs.field(default=10, validator=_at_least_one)


@final
class WSGIPlugin(Plugin[WSGIConfig]):
    """Serves WSGI apps."""

    info = PluginInfo(name="wsgi")

    def provide_mounts(self, setup: Setup[WSGIConfig]) -> Iterable[MountProvider]:
        """Return the provider of WSGI apps."""
        return [MountProvider("wsgi", lambda app: interface_of(app) == "wsgi", _adapt)]


def _adapt(mount: Mount, setup: Setup[WSGIConfig]) -> MountedApp:
    app: Any = mount.app
    pool = _Pool(setup.config.threads)
    threaded = _Threaded(app, pool, setup.config.queue)
    as_asgi: Setup[Any] = setup
    adapted = adapt_app(attrs.evolve(mount, app=threaded), attrs.evolve(as_asgi, config=ASGIConfig(lifespan="off")))
    return attrs.evolve(
        adapted, websocket=None, lifespans=(Lifespan("threads of a WSGI app", pool.enter), *adapted.lifespans)
    )


@final
class _Pool:
    """The threads of one app, which exist while the server runs."""

    def __init__(self, threads: int) -> None:
        self._threads: Final = threads
        self.executor: ThreadPoolExecutor | None = None

    @asynccontextmanager
    async def enter(self, setup: Setup[Any]) -> AsyncIterator[None]:
        """Make the threads, and let them end."""
        self.executor = executor = ThreadPoolExecutor(self._threads, _THREAD_NAME)
        try:
            yield
        finally:
            executor.shutdown(wait=False, cancel_futures=True)


@final
class _Threaded:
    """A WSGI app as an ASGI app.

    Args:
        app: the WSGI app.
        pool: its threads.
        queue: see ``WSGIConfig``.
    """

    def __init__(self, app: WSGIApp, pool: _Pool, queue: int) -> None:
        self._app: Final = app
        self._pool: Final = pool
        self._queue: Final = queue
        # Messages name the app, and not this class.
        self.__qualname__ = getattr(app, "__qualname__", type(app).__qualname__)
        self.__module__ = getattr(app, "__module__", type(app).__module__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        executor = self._pool.executor
        if executor is None:
            raise RuntimeError("the threads of WSGI apps run only between the start and the stop of the server")
        fields = _combined(scope["headers"])
        responder = _Responder(self._app, executor, self._queue)
        try:
            scope_without: Any = {**scope, "headers": fields}
            await responder(scope_without, _reader(receive), send)  # type: ignore[arg-type]  # a2wsgi has its own types
        except ClientGone:
            # The thread gets the same exception if a message cannot be sent for another reason.
            if responder.failure is None:
                raise
        finally:
            responder.end()
        if responder.failure is not None:
            raise responder.failure


def _combined(fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return fields with one value for each name (RFC 9110, section 5.2), without names that an environ cannot have."""
    combined: dict[bytes, bytes] = {}
    for name, value in fields:
        # "x_a" would become the same variable as "x-a", and "proxy" a variable that programs take for their own.
        if b"_" not in name and name != b"proxy":
            separator = b"; " if name == b"cookie" else b", "
            combined[name] = combined[name] + separator + value if name in combined else value
    return list(combined.items())


def _reader(receive: Receive) -> Receive:
    async def receive_content() -> Any:
        message = await receive()
        if message["type"] == "http.disconnect":
            # A content that just ended would be taken for a complete one.
            raise ClientGone("the client has gone")
        return message

    return receive_content


class _Responder(WSGIResponder):
    """One call of an app. Its thread ends when the client has gone: the next piece that it sends raises.

    Attributes:
        failure: the exception of the first message that could not be sent; None if all were sent.
    """

    def __init__(self, app: WSGIApp, executor: ThreadPoolExecutor, queue: int) -> None:
        super().__init__(lambda environ, start: app(_corrected(environ), start), executor, queue)
        self.failure: Exception | None = None
        self._is_ended = False
        self._pending: concurrent.futures.Future[None] | None = None

    def send(self, message: Message | None) -> None:
        """Pass a message to the loop; called in the thread of the app."""
        if not self._is_ended:
            self._pending = asyncio.run_coroutine_threadsafe(self.send_queue.put(message), self.loop)
        if self._is_ended or self._pending is None:
            raise ClientGone("the client has gone")
        try:
            self._pending.result()
        except concurrent.futures.CancelledError:
            raise ClientGone("the client has gone") from None

    async def sender(self, send: Any) -> None:
        """Send the messages; called on the loop. Its exception is stored, as nothing may await it."""
        try:
            await super().sender(send)
        except Exception as error:  # noqa: BLE001  # the caller of the app raises it
            self.failure = error
        finally:
            self.end()

    def end(self) -> None:
        """Take no more messages."""
        self._is_ended = True
        if self._pending is not None:
            self._pending.cancel()
        # A full queue would keep the last message waiting.
        while not self.send_queue.empty():
            self.send_queue.get_nowait()


def _corrected(environ: Any) -> Any:
    """Return the environ with its paths as bytes of Latin-1, and without the defaults of a2wsgi that do not fit."""
    scope = environ["asgi.scope"]
    root = scope["root_path"].encode("utf-8")
    path = unquote_to_bytes(scope["raw_path"])
    environ["SCRIPT_NAME"] = root.decode("latin-1")
    environ["PATH_INFO"] = path[len(root) :].decode("latin-1") if path.startswith(root) else path.decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    environ["REQUEST_URI"] = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
    environ["wsgi.errors"] = sys.stderr
    # The content ends by itself, even without a Content-Length.
    environ["wsgi.input_terminated"] = True
    host, port = scope.get("server") or ("localhost", None)
    environ["SERVER_NAME"] = host if port is not None else "localhost"
    environ["SERVER_PORT"] = str(port if port is not None else {"https": 443}.get(scope["scheme"], 80))
    return environ
