"""FastAPI on uvicorn."""

from typing import Any

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from on_uvicorn import serve

app = FastAPI()


@app.get("/", response_class=PlainTextResponse)
async def home() -> str:
    return "Hello, World!"


@app.get("/items/{id}")
async def item(id: int) -> dict[str, Any]:
    return {"id": id, "name": f"item {id}", "tags": ["red", "large"]}


@app.post("/items")
async def order(order: dict[str, Any]) -> dict[str, Any]:
    return {"id": order["id"], "name": order["name"], "total": order["price"] * order["quantity"]}


if __name__ == "__main__":
    serve(app)
