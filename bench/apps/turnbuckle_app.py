"""Turnbuckle as a user starts it: `turnbuckle serve bench/apps/turnbuckle_app.py`."""

from turnbuckle import App, Request

app = App("bench")


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
