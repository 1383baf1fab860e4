"""Robyn with one process and one worker."""

import json
import sys
from typing import Any

from robyn import Request, Response, Robyn

JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain; charset=utf-8"}

app = Robyn(__file__)


@app.get("/")
async def home(request: Request) -> Response:
    return Response(200, TEXT, "Hello, World!")


@app.get("/items/:id")
async def item(request: Request) -> Response:
    id = int(request.path_params["id"])
    return Response(200, JSON, json.dumps({"id": id, "name": f"item {id}", "tags": ["red", "large"]}))


@app.post("/items")
async def order(request: Request) -> Response:
    order: dict[str, Any] = request.json()
    total = order["price"] * order["quantity"]
    return Response(200, JSON, json.dumps({"id": order["id"], "name": order["name"], "total": total}))


if __name__ == "__main__":
    app.start(host="127.0.0.1", port=int(sys.argv[1]))
