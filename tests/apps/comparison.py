"""Compare the answers of a site under Turnbuckle and under another server; prints each difference.

It runs in the environment of the frameworks: ``python -m tests.apps.comparison MODULE NAME``.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import httpx
import websockets

from tests.apps.servers import under_turnbuckle, under_uvicorn, under_waitress
from tests.apps.sites.requests import Sent

# The servers name themselves, or not, and each response has its own time.
_OWN: Final = {"date", "expires", "server"}
# Of the connection, and of the framing, which servers choose.
_FRAMING: Final = {"connection", "transfer-encoding", "via"}


async def compare(module: str, name: str) -> Mapping[str, object]:
    """Return the answers that differ, by request.

    Args:
        module: name of the module of the site.
        name: name of the app in it: ``"app"`` for ASGI, ``"wsgi"`` for WSGI.
    """
    site: Any = importlib.import_module(f"tests.apps.sites.{module}")
    app, kind = getattr(site, name), "wsgi" if name == "wsgi" else "asgi"
    other = under_waitress if kind == "wsgi" else under_uvicorn
    sockets = site.WEBSOCKETS if kind == "asgi" else []
    requests = getattr(site, "WSGI_REQUESTS", site.REQUESTS) if kind == "wsgi" else site.REQUESTS
    async with under_turnbuckle(app, kind) as port:
        found = await answers(port, requests, sockets)
    async with other(app, kind) as port:
        expected = await answers(port, requests, sockets)
    for key in expected:
        _without_lengths(found[key], expected[key])
    different = {key: [repr(found[key]), repr(expected[key])] for key in expected if found[key] != expected[key]}
    return {"compared": len(expected), "different": different}


def _without_lengths(*pair: Any) -> None:
    """Remove the Content-Length that only one of two servers sends: it is part of its framing."""
    if all(isinstance(answer, dict) for answer in pair):
        lengths = [[pair for pair in answer["fields"] if pair[0] == "content-length"] for answer in pair]
        if not all(lengths):
            for answer, found in zip(pair, lengths, strict=True):
                answer["fields"] = [field for field in answer["fields"] if field not in found]


async def answers(port: int, requests: list[Sent], sockets: list[str]) -> dict[str, object]:
    """Return the answers to all requests by a description of each."""
    found: dict[str, object] = {}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        client.headers = httpx.Headers({"accept": "*/*", "accept-encoding": "identity"})
        for number, sent in enumerate(requests):
            content = _pieces(sent.content) if isinstance(sent.content, tuple) else sent.content
            response = await client.request(
                sent.method, sent.target, headers=[*sent.headers, ("host", "site.example")], content=content
            )
            fields = sorted(
                (field, value) for field, value in response.headers.multi_items() if field not in _OWN | _FRAMING
            )
            found[f"{number} {sent.method} {sent.target}"] = {
                "status": response.status_code,
                "fields": fields,
                "content": response.content,
            }
    for path in sockets:
        found[f"WebSocket {path}"] = await _conversation(port, path)
    return found


async def _pieces(pieces: tuple[bytes, ...]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)


async def _conversation(port: int, path: str) -> object:
    received: list[object] = []
    try:
        async with websockets.connect(f"ws://127.0.0.1:{port}{path}", proxy=None) as socket:
            for message in ("one", b"two", "é" * 70_000):
                await socket.send(message)
                received.append(await socket.recv())
            await socket.recv()
    except websockets.ConnectionClosed as closed:
        received.append((closed.rcvd and closed.rcvd.code, closed.rcvd and closed.rcvd.reason))
    except websockets.InvalidStatus as refused:
        received.append(refused.response.status_code)
    return received


if __name__ == "__main__":
    logging.disable()
    print(json.dumps(asyncio.run(compare(*sys.argv[1:]))))
