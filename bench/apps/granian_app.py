"""Granian with one worker: RSGI (its own interface), or the bare ASGI callable when the second argument is `asgi`.

With two more arguments, certificate and key, it serves TLS. It takes HTTP/2 as well.
"""

import json
import sys
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import Interfaces, Loops

JSON = [("content-type", "application/json")]
TEXT = [("content-type", "text/plain; charset=utf-8")]


async def app(scope: Any, protocol: Any) -> None:
    path: str = scope.path
    if path == "/":
        protocol.response_str(200, TEXT, "Hello, World!")
    elif scope.method == "POST":
        order = json.loads(await protocol())
        total = order["price"] * order["quantity"]
        protocol.response_str(200, JSON, json.dumps({"id": order["id"], "name": order["name"], "total": total}))
    else:
        id = int(path.removeprefix("/items/"))
        protocol.response_str(200, JSON, json.dumps({"id": id, "name": f"item {id}", "tags": ["red", "large"]}))


if __name__ == "__main__":
    is_asgi = sys.argv[2:3] == ["asgi"]
    certificate, key = map(Path, sys.argv[3:]) if sys.argv[3:] else (None, None)
    Granian(
        "asgi_app:app" if is_asgi else "granian_app:app",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGINL if is_asgi else Interfaces.RSGI,
        loop=Loops.uvloop,
        workers=1,
        runtime_threads=1,
        websockets=False,
        log_access=False,
        log_enabled=False,
        ssl_cert=certificate,
        ssl_key=key,
    ).serve()
