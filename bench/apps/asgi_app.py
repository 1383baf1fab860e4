"""A bare ASGI callable: the cheapest answers of the interface, without a framework. On uvicorn when it is a script."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

TEXT = (b"content-type", b"text/plain; charset=utf-8")
JSON = (b"content-type", b"application/json")


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    path: str = scope["path"]
    if path == "/":
        await answer(send, TEXT, b"Hello, World!")
    elif scope["method"] == "POST":
        order = json.loads(await content(receive))
        total = order["price"] * order["quantity"]
        await answer(send, JSON, json.dumps({"id": order["id"], "name": order["name"], "total": total}).encode())
    else:
        id = int(path.removeprefix("/items/"))
        await answer(send, JSON, json.dumps({"id": id, "name": f"item {id}", "tags": ["red", "large"]}).encode())


async def answer(send: Send, content_type: tuple[bytes, bytes], body: bytes) -> None:
    headers = [content_type, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def content(receive: Receive) -> bytes:
    """Return the whole content; usually it is one message."""
    message = await receive()
    body: bytes = message["body"]
    while message["more_body"]:
        message = await receive()
        body += message["body"]
    return body


if __name__ == "__main__":
    from on_uvicorn import serve

    serve(app)
