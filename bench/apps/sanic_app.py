"""Sanic on its own server: one process, uvloop, no access log."""

import sys

from sanic import HTTPResponse, Request, Sanic
from sanic.response import json, text

app = Sanic("bench", configure_logging=False)


@app.get("/")
async def home(request: Request) -> HTTPResponse:
    return text("Hello, World!")


@app.get("/items/<id:int>")
async def item(request: Request, id: int) -> HTTPResponse:
    return json({"id": id, "name": f"item {id}", "tags": ["red", "large"]})


@app.post("/items")
async def order(request: Request) -> HTTPResponse:
    order = request.json
    return json({"id": order["id"], "name": order["name"], "total": order["price"] * order["quantity"]})


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(sys.argv[1]), single_process=True, access_log=False, motd=False)
