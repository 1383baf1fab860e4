"""Litestar on uvicorn."""

from typing import Any

from litestar import Litestar, MediaType, get, post
from msgspec import Struct
from on_uvicorn import serve


class New(Struct):
    title: str
    text: str
    tags: list[str]
    stars: int


class Note(Struct):
    id: int
    title: str
    text: str
    tags: list[str]
    stars: int
    draft: bool


@get("/", media_type=MediaType.TEXT)
async def home() -> str:
    return "Hello, World!"


@get("/items/{id:int}")
async def item(id: int) -> dict[str, Any]:
    return {"id": id, "name": f"item {id}", "tags": ["red", "large"]}


@post("/items", status_code=200)
async def order(data: dict[str, Any]) -> dict[str, Any]:
    return {"id": data["id"], "name": data["name"], "total": data["price"] * data["quantity"]}


@post("/shelves/{shelf:int}/notes", status_code=200)
async def note(shelf: int, data: New, draft: bool = False, page: int = 1) -> Note:
    return Note(shelf, data.title, data.text, data.tags, data.stars, draft)


app = Litestar(route_handlers=[home, item, order, note])

if __name__ == "__main__":
    serve(app)
