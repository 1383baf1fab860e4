"""An app behind adapters: Mangum for AWS Lambda, a mount in Starlette, and httpx in memory; prints the results."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
from mangum import Mangum
from starlette.applications import Starlette
from starlette.routing import Mount

from turnbuckle import App, Request, SettingsSources, Setup
from turnbuckle_plugins.asgi import asgi, host_scope

app = App("shop")
events: list[str] = []


@app.lifespan
async def note(setup: Setup) -> AsyncIterator[None]:
    events.append("enter")
    yield
    events.append("leave")


async def later() -> None:
    await asyncio.sleep(0.01)
    events.append("after")


@app.get("/", name="home")
async def home(request: Request) -> list[object]:
    request.after_response(later)
    return [request.url, request.url_for("home"), "aws.event" in host_scope()]


@app.post("/echo")
async def echo(request: Request) -> bytes:
    return await request.read()


def lambda_event(method: str, path: str, body: str | None = None) -> dict[str, Any]:
    http = {"method": method, "path": path, "sourceIp": "192.0.2.1"}
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "a=1",
        "headers": {"Host": "shop.example"},
        "requestContext": {"http": http},
        "body": body,
        "isBase64Encoded": False,
    }


async def get(application: Any, path: str) -> object:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop") as client:
        return (await client.get(path)).json()


def main() -> None:
    results: dict[str, object] = {}
    for lifespan in ("auto", "off"):
        events.clear()
        handler = Mangum(asgi(app, sources=SettingsSources()), lifespan=lifespan)
        response = handler(lambda_event("GET", "/"), {})
        echoed = handler(lambda_event("POST", "/echo", "hello"), {})
        results[lifespan] = [response["statusCode"], json.loads(response["body"]), echoed["body"], list(events)]
    application = asgi(app, sources=SettingsSources())
    results["httpx"] = asyncio.run(get(application, "/"))
    results["mounted"] = asyncio.run(get(Starlette(routes=[Mount("/shop", application)]), "/shop/"))
    print(json.dumps(results))


if __name__ == "__main__":
    main()
