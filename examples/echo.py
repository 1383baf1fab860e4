"""Return the content of the request: ``turnbuckle serve examples/echo.py``."""

from __future__ import annotations

from turnbuckle import App, Request

app = App("echo")


@app.route("/", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def echo(request: Request) -> bytes:
    return await request.read()
