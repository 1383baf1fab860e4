"""Litestar on uvicorn."""

from typing import Any

from litestar import Litestar, MediaType, get, post
from on_uvicorn import serve


@get("/", media_type=MediaType.TEXT)
async def home() -> str:
    return "Hello, World!"


@get("/items/{id:int}")
async def item(id: int) -> dict[str, Any]:
    return {"id": id, "name": f"item {id}", "tags": ["red", "large"]}


@post("/items", status_code=200)
async def order(data: dict[str, Any]) -> dict[str, Any]:
    return {"id": data["id"], "name": data["name"], "total": data["price"] * data["quantity"]}


app = Litestar(route_handlers=[home, item, order])

if __name__ == "__main__":
    serve(app)
