"""Real clients (websockets, aiohttp, Chromium) over sockets, with and without TLS."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import trustme
import websockets.asyncio.client
import websockets.exceptions

from turnbuckle import HTML, TLS, App, Forbidden, HTTPServer, Query, Request, WebSocket

_LARGE = "ä" * 300_000
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_PAGE = """\
<!doctype html><script>
const result = {}, scheme = location.protocol === "https:" ? "wss:" : "ws:";
const socket = new WebSocket(`${scheme}//${location.host}/echo`, ["other", "chat"]);
const large = "ä".repeat(300000), received = [];
socket.binaryType = "arraybuffer";
socket.onopen = () => { socket.send("text"); socket.send(new Uint8Array([0, 255])); socket.send(large); };
socket.onmessage = (event) => {
  received.push(typeof event.data === "string" ? event.data : [...new Uint8Array(event.data)]);
  if (received.length === 3) {
    result.protocol = socket.protocol;
    result.extensions = socket.extensions.split(";")[0];
    result.received = [received[0], received[1], received[2] === large];
    socket.close(3001, "done");
  }
};
socket.onclose = (event) => {
  result.close = [event.code, event.reason, event.wasClean];
  fetch("/result", {method: "POST", body: JSON.stringify(result)});
};
</script>
<img src="/wait">
"""


class _Served:
    """A served app, and the result that a browser has posted."""

    def __init__(self) -> None:
        self.result: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self.ends: list[int] = []
        self.url = ""
        self.tls: ssl.SSLContext | None = None

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    def app(self) -> App:
        app = App(plugins=["websocket"])

        @app.websocket("/echo")
        async def echo(socket: WebSocket) -> None:
            await socket.accept("chat" if "chat" in socket.subprotocols else None)
            async for message in socket:
                await socket.send(message)
            if socket.closed is not None:
                self.ends.append(socket.closed.code)

        @app.websocket("/private")
        async def private(socket: WebSocket, token: Query[str] = "") -> None:
            if token != "secret":
                raise Forbidden()
            await socket.accept()
            await socket.close(4000, "seen")

        @app.get("/page")
        async def page() -> HTML:
            return HTML(_PAGE)

        @app.post("/result")
        async def result(request: Request) -> None:
            self.result.set_result(json.loads(await request.text()))

        @app.get("/wait")
        async def wait() -> None:
            # Chromium ends once the page is loaded, with all of its images.
            await asyncio.wait([self.result])

        return app


@pytest.fixture(params=["ws", "wss"])
async def served(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[_Served]:
    served, tls = _Served(), None
    if request.param == "wss":
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1")
        certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "all.pem")
        tls = TLS(cert=str(tmp_path / "all.pem"), key=str(tmp_path / "all.pem"))
        served.tls = ssl.create_default_context()
        authority.configure_trust(served.tls)
    async with HTTPServer(served.app().compile(), port=0, tls=tls) as server:
        served.url = server.addresses[0].url
        yield served


async def test_websockets(served: _Served) -> None:
    async with websockets.asyncio.client.connect(
        f"{served.websocket_url}/echo", ssl=served.tls, subprotocols=[websockets.Subprotocol("chat")], proxy=None
    ) as socket:
        assert socket.subprotocol == "chat"
        assert socket.protocol.extensions
        for message in ("text", b"\x00\xff", _LARGE, ""):
            await socket.send(message)
            assert await socket.recv() == message
        await socket.send(["a", "b", "c"])
        assert await socket.recv() == "abc"
        await (await socket.ping())
        await socket.close(3000, "enough")
    assert socket.close_code == 3000


async def test_websockets_that_is_refused_or_closed(served: _Served) -> None:
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        await websockets.asyncio.client.connect(f"{served.websocket_url}/private", ssl=served.tls, proxy=None)
    assert refused.value.response.status_code == 403
    url = f"{served.websocket_url}/private?token=secret"
    with pytest.raises(websockets.exceptions.ConnectionClosedError, match=r"4000 .*seen"):
        async with websockets.asyncio.client.connect(url, ssl=served.tls, proxy=None) as socket:
            await socket.recv()


async def test_aiohttp(served: _Served) -> None:
    connector = aiohttp.TCPConnector(ssl=served.tls or True)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect(f"{served.url}/echo", protocols=["chat"], compress=15, max_msg_size=0) as socket,
    ):
        assert socket.protocol == "chat"
        assert socket.compress
        await socket.send_str(_LARGE)
        assert await socket.receive_str() == _LARGE
        await socket.send_bytes(b"\x00")
        assert await socket.receive_bytes() == b"\x00"
        await socket.close(code=3000)
        assert socket.close_code == 3000


@pytest.mark.skipif(_CHROMIUM is None, reason="Chromium is not installed (on Debian: apt-get install chromium)")
async def test_chromium(served: _Served, tmp_path: Path) -> None:
    assert _CHROMIUM is not None
    options = ["--headless", "--no-sandbox", "--disable-dev-shm-usage", "--ignore-certificate-errors", "--no-first-run"]
    process = await asyncio.create_subprocess_exec(
        _CHROMIUM,
        *options,
        f"--user-data-dir={tmp_path / 'profile'}",
        "--dump-dom",
        "--timeout=60000",
        f"{served.url}/page",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(60):
            result = await served.result
    finally:
        process.kill()
        await process.wait()
    assert result == {
        "protocol": "chat",
        "extensions": "permessage-deflate",
        "received": ["text", [0, 255], True],
        "close": [3001, "done", True],
    }
    assert served.ends == [3001]
