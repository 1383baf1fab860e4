"""Serve an app on a host that speaks ASGI 3.0, such as uvicorn, Hypercorn, Granian or Daphne.

Each request becomes a run of the core's ``HostedApplication``, so limits, deadlines, middleware, handlers, streams and
errors are the same as on the app's own server. The task of the host passes messages in both directions.

Source: the ASGI specification, version 3.0, HTTP version 2.5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final, final

from turnbuckle import App, HostedApplication, ProtocolError, RequestHead, SettingsSources, reason_phrase
from turnbuckle_plugins.asgi.hosted.content import HostContent
from turnbuckle_plugins.asgi.hosted.head import Message, Receive, ScopeDict, Send, is_usually_empty, peer_of, read_head
from turnbuckle_plugins.asgi.hosted.lifetime import Lifetimes
from turnbuckle_plugins.asgi.hosted.response import HostResponse
from turnbuckle_plugins.asgi.hosted.sockets import HostMessages

__all__ = ["ASGIApp", "asgi", "host_scope"]

_SCOPE: Final[ContextVar[ScopeDict | None]] = ContextVar("turnbuckle ASGI scope", default=None)


def asgi(app: App, *, sources: SettingsSources | None = None, sends_date: bool = False) -> ASGIApp:
    """Return an app as an ASGI 3.0 application; the app itself may be passed to a host as well.

    Args:
        app: the app; it is resolved when the host starts it, so routes may still be added.
        sources: sources of settings and plugins beside the code; the current folder and the environment of the process
            if None.
        sends_date: whether responses have a Date field; only for a host that adds none, such as Daphne.
    """
    return ASGIApp(app, sources, sends_date=sends_date)


def host_scope() -> Mapping[str, Any]:
    """Return the scope that the host passed with the current request, such as for ``host_scope()["aws.event"]``.

    Raises:
        LookupError: no request of a host is being served.
    """
    scope = _SCOPE.get()
    if scope is None:
        raise LookupError("no request of an ASGI host is being served here")
    return scope


@final
class ASGIApp:
    """An app as an ASGI 3.0 application.

    Args:
        app: the app.
        sources: the sources of its settings; None for the current folder and the environment of the process.
        sends_date: whether responses have a Date field.

    Attributes:
        app: see above; ``turnbuckle check`` and the other commands use it.
    """

    def __init__(self, app: App, sources: SettingsSources | None = None, *, sends_date: bool = False) -> None:
        self.app: Final = app
        self._sends_date: Final = sends_date
        self._lifetimes: Final = Lifetimes(app, sources, sends_date=sends_date)

    def __repr__(self) -> str:
        return f"<ASGIApp {self.app.name!r}>"

    async def __call__(self, scope: ScopeDict, receive: Receive, send: Send) -> None:
        """Serve a request, a WebSocket or a lifespan of the host.

        Raises:
            RuntimeError: the scope has another type; ASGI lets an app refuse it so.
        """
        kind = scope["type"]
        if kind == "lifespan":
            await self._lifetimes.serve_lifespan(receive, send)
            return
        if kind not in {"http", "websocket"}:
            raise RuntimeError(f"a scope of the type {kind!r} cannot be served")
        hosted = self._lifetimes.get() or await self._lifetimes.start()
        token = _SCOPE.set(scope)
        try:
            if kind == "websocket":
                await _serve_socket(hosted, scope, receive, send)
            else:
                await self._answer(hosted, scope, receive, send)
        finally:
            # The application around this one may go on in the same task.
            _SCOPE.reset(token)

    async def _answer(self, hosted: HostedApplication, scope: ScopeDict, receive: Receive, send: Send) -> None:
        try:
            host_head = read_head(scope)
        except ProtocolError as error:
            await _refuse(scope, send, error.status)
            return
        head, has_content = host_head.head, host_head.has_content
        first = None
        if has_content is None:
            first, has_content = await _look_for_content(head, receive)
        content = HostContent(receive, has_content=has_content, waits_for_continue=head.expects_continue, first=first)
        response = HostResponse(
            scope, drops_date=not self._sends_date, on_continue=content.ask, on_consumed=content.consumed
        )
        if has_content:
            content.start()
        run = hosted.run(head, peer_of(scope, host_head.prefix), response, has_content=has_content)
        content.serve(run, response.disconnect)
        try:
            await response.send_all(send, run)
        except OSError:
            # The host says in this way that the client is gone (HTTP version 2.4).
            pass
        finally:
            content.stop()
            if not run.is_done:
                run.disconnect()
        # A serverless host stops the process once this returns.
        await run.finished()


async def _serve_socket(hosted: HostedApplication, scope: ScopeDict, receive: Receive, send: Send) -> None:
    if (await receive())["type"] != "websocket.connect":
        return
    try:
        host_head = read_head(scope)
    except ProtocolError:
        await send({"type": "websocket.close", "code": 1002})
        return
    messages = HostMessages(receive, send)
    response = HostResponse(scope, on_switch=messages.accept)
    run = hosted.run(host_head.head, peer_of(scope, host_head.prefix), response, has_content=False)
    reading = asyncio.get_running_loop().create_task(messages.read(run, response.disconnect))
    hosted.stopping.add_callback(messages.go_away)
    try:
        await response.send_all(send, run)
        await messages.serve()
    except OSError:
        # The host says in this way that the client is gone.
        pass
    finally:
        hosted.stopping.discard_callback(messages.go_away)
        reading.cancel()
        run.disconnect()


async def _look_for_content(head: RequestHead, receive: Receive) -> tuple[Message | None, bool]:
    """Find out whether a request has content if only the host knows; return a message that was received for that."""
    if not is_usually_empty(head):
        return None, True
    message = await receive()
    is_empty = message["type"] == "http.request" and not message.get("body") and not message.get("more_body", False)
    return message, not is_empty


async def _refuse(scope: ScopeDict, send: Send, status: int) -> None:
    """Answer a request that cannot be served as the app's own server does."""
    body = b"" if scope["method"] == "HEAD" else f"{reason_phrase(status) or status}\n".encode("ascii")
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    if (scope.get("http_version") or "1.1").startswith("1"):
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
