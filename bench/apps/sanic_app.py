"""Sanic on its own server: one process, uvloop, no access log."""

import sys

from sanic import HTTPResponse, Request, Sanic
from sanic.response import text

app = Sanic("bench", configure_logging=False)


@app.get("/")
async def home(request: Request) -> HTTPResponse:
    return text("Hello, World!")


@app.get("/items/<id:int>")
async def item(request: Request, id: int) -> HTTPResponse:
    return text(f"item {id}")


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(sys.argv[1]), single_process=True, access_log=False, motd=False)
