"""Requests that offer another protocol reach the plugin that speaks it; all others are none of its business."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from tests.core.startup.finding import error_of, make_plugin
from turnbuckle import App, Handler, Plugin, ProtocolProvider, Request, Response, Setup, SwitchProtocols
from turnbuckle.testing import Client


class _Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


def _speaks(upgrade: str, factory: Callable[..., object]) -> type[Plugin]:
    record = ProtocolProvider(name="chat", upgrade=upgrade, factory=factory)
    return make_plugin("chat", provide_protocols=lambda self, setup: [record])


def _switching(next_handler: Handler, setup: Setup) -> Handler:
    async def switch(request: Request) -> Response:
        if request.path == "/quiet":
            return await next_handler(request)
        if request.path == "/broken":
            raise LookupError("private detail")
        offered = request.headers["upgrade"].split(",")[-1].strip()
        return SwitchProtocols(offered, _Echo, {"X-Plugin": setup.plugin})

    return switch


def _app(upgrade: str = "chat") -> App:
    app = App(plugins=[_speaks(upgrade, _switching)])

    @app.get("/{name}")
    async def plain(name: str) -> str:
        return f"plain {name}"

    return app


def _offer(path: str, upgrade: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: {upgrade}\r\n\r\n".encode()


async def _answer(app: App, raw: bytes) -> bytes:
    async with Client(app, raise_exceptions=False) as client:
        connection = client.connect()
        await connection.send(raw)
        return connection.received


@pytest.mark.parametrize(
    ("token", "offered"),
    [
        pytest.param("chat", "chat", id="same"),
        pytest.param("Chat", "cHAT", id="case"),
        pytest.param("chat", "other, chat", id="second"),
        pytest.param("chat", "chat/2", id="any-version"),
        pytest.param("chat/2", "chat/2", id="this-version"),
    ],
)
async def test_token_that_is_offered(token: str, offered: str) -> None:
    received = await _answer(_app(token), _offer("/anywhere", offered) + b"early")
    assert received.startswith(b"HTTP/1.1 101 ")
    assert b"\r\nX-Plugin: chat\r\n" in received
    assert received.endswith(b"\r\n\r\nearly")


@pytest.mark.parametrize(
    ("token", "raw"),
    [
        pytest.param("chat", b"GET /quiet HTTP/1.1\r\nHost: a\r\n\r\n", id="nothing-offered"),
        pytest.param("chat", _offer("/quiet", "other"), id="another"),
        pytest.param("chat/2", _offer("/quiet", "chat/1"), id="another-version"),
        pytest.param("chat", _offer("/quiet", "chat"), id="passed-on"),
        pytest.param("chat", b"GET /quiet HTTP/1.1\r\nHost: a\r\nUpgrade: chat\r\n\r\n", id="no-connection-option"),
    ],
)
async def test_request_that_is_answered_as_ever(token: str, raw: bytes) -> None:
    received = await _answer(_app(token), raw)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(b"plain quiet")


async def test_protocol_that_raises_is_an_internal_error() -> None:
    received = await _answer(_app(), _offer("/broken", "chat"))
    assert received.startswith(b"HTTP/1.1 500 ")
    assert b"private" not in received


async def test_middleware_of_the_app_is_around_protocols() -> None:
    app = _app()

    @app.middleware
    async def closed(request: Request, call_next: Handler) -> Response:
        return Response("closed", 403)

    assert (await _answer(app, _offer("/anywhere", "chat"))).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    ("factory", "says"),
    [
        pytest.param(lambda: None, "TypeError", id="takes-nothing"),
        pytest.param(lambda next_handler, setup: None, "returned None", id="returns-nothing"),
    ],
)
def test_protocol_that_cannot_be_made(factory: Callable[..., object], says: str) -> None:
    found = error_of(App(plugins=[_speaks("chat", factory)]), "TB506")
    assert "protocol 'chat' cannot be made" in found.text
    assert says in found.text


def test_protocol_without_its_package_names_the_package() -> None:
    def factory(next_handler: object, setup: object) -> object:
        raise ModuleNotFoundError("No module named 'chatlib'", name="chatlib")

    found = error_of(App(plugins=[_speaks("chat", factory)]), "TB506")
    assert "'chatlib' is not installed" in found.why
    assert found.fix == "install it: pip install chatlib"


def _by_alpn(factory: Callable[..., object]) -> App:
    record = ProtocolProvider(name="echo", alpn="echo", factory=factory)
    return App(plugins=[make_plugin("echo", provide_protocols=lambda self, setup: [record])])


def test_protocol_by_alpn_makes_an_asyncio_protocol() -> None:
    app = _by_alpn(lambda handler, setup: lambda link: _Echo())
    assert isinstance(app.compile().alpn["echo"].make(None), _Echo)


def test_protocol_by_alpn_that_cannot_be_made() -> None:
    found = error_of(_by_alpn(lambda handler, setup: None), "TB506")
    assert "which does not make an asyncio.Protocol" in found.text
