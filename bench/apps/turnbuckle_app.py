"""Turnbuckle as a user starts it: `turnbuckle serve bench/apps/turnbuckle_app.py`."""

import attrs

from turnbuckle import App, Query, Request

app = App("bench")


@attrs.frozen
class New:
    title: str
    text: str
    tags: list[str]
    stars: int


@attrs.frozen
class Note:
    id: int
    title: str
    text: str
    tags: list[str]
    stars: int
    draft: bool


@app.get("/")
async def home(request: Request) -> str:
    return "Hello, World!"


@app.get("/items/{id:int}")
async def item(request: Request, id: int) -> dict[str, object]:
    return {"id": id, "name": f"item {id}", "tags": ["red", "large"]}


@app.post("/items")
async def order(request: Request) -> dict[str, object]:
    order = await request.json()
    assert isinstance(order, dict)
    return {"id": order["id"], "name": order["name"], "total": order["price"] * order["quantity"]}


@app.post("/shelves/{shelf:int}/notes")
async def note(shelf: int, new: New, draft: Query[bool] = False, page: Query[int] = 1) -> Note:
    return Note(shelf, new.title, new.text, new.tags, new.stars, draft)
