"""Two workers, whose subscribers receive each other's messages through Redis."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

pytest.importorskip("redis", reason="the package redis is not installed (pip install 'turnbuckle[redis]')")

from websockets.asyncio.client import ClientConnection, connect

from tests.contrib.conftest import RedisServer

_APP = """\
import os

from turnbuckle import App, WebSocket
from turnbuckle_contrib.channels import Channels

app = App(plugins=["websocket", "channels"])


@app.websocket("/room")
async def room(socket: WebSocket, channels: Channels) -> None:
    async with channels.forward("room", socket):
        await socket.send(str(os.getpid()))
        async for message in socket:
            await channels.publish("room", message)
"""


async def _sockets_of_two_workers(stack: AsyncExitStack, url: str) -> dict[str, list[ClientConnection]]:
    by_worker: dict[str, list[ClientConnection]] = {}
    async with asyncio.timeout(30):
        while len(by_worker) < 2 or sum(map(len, by_worker.values())) < 6:
            try:
                socket = await stack.enter_async_context(connect(url, proxy=None))
            except OSError:
                await asyncio.sleep(0.1)
                continue
            by_worker.setdefault(str(await socket.recv()), []).append(socket)
    return by_worker


async def test_message_reaches_the_sockets_of_all_workers(redis_server: RedisServer, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(_APP)
    (tmp_path / "turnbuckle.toml").write_text(f'[plugin.channels]\nurl = "{redis_server.url}"\n')
    address = tmp_path / "ready"
    command = [sys.executable, "-m", "turnbuckle", "serve", "main:app", "--workers", "2", "--port", "0"]
    process = await asyncio.create_subprocess_exec(*command, "--ready-file", str(address), cwd=tmp_path)
    try:
        while not (address.exists() and address.read_text().strip()):
            assert process.returncode is None
            await asyncio.sleep(0.05)
        url = address.read_text().split()[1].replace("http", "ws", 1)
        async with AsyncExitStack() as stack:
            by_worker = await _sockets_of_two_workers(stack, f"{url.rstrip('/')}/room")
            for number, sender in enumerate([sockets[0] for sockets in by_worker.values()]):
                await sender.send(f"message {number}")
                async with asyncio.timeout(10):
                    for sockets in by_worker.values():
                        for socket in sockets:
                            assert await socket.recv() == f"message {number}"
    finally:
        process.terminate()
        await process.wait()
