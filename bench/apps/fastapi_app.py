"""FastAPI on uvicorn."""

from typing import Any

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from on_uvicorn import serve
from pydantic import BaseModel

app = FastAPI()


class New(BaseModel):
    title: str
    text: str
    tags: list[str]
    stars: int


class Note(BaseModel):
    id: int
    title: str
    text: str
    tags: list[str]
    stars: int
    draft: bool


@app.get("/", response_class=PlainTextResponse)
async def home() -> str:
    return "Hello, World!"


@app.get("/items/{id}")
async def item(id: int) -> dict[str, Any]:
    return {"id": id, "name": f"item {id}", "tags": ["red", "large"]}


@app.post("/items")
async def order(order: dict[str, Any]) -> dict[str, Any]:
    return {"id": order["id"], "name": order["name"], "total": order["price"] * order["quantity"]}


@app.post("/shelves/{shelf}/notes")
async def note(shelf: int, new: New, draft: bool = False, page: int = 1) -> Note:
    return Note(id=shelf, title=new.title, text=new.text, tags=new.tags, stars=new.stars, draft=draft)


if __name__ == "__main__":
    serve(app)
