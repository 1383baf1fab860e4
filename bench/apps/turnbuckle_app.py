"""Turnbuckle as a user starts it: `turnbuckle serve bench/apps/turnbuckle_app.py`."""

from turnbuckle import App, Request

app = App("bench")


@app.get("/")
async def home(request: Request) -> str:
    return "Hello, World!"


@app.get("/items/{id:int}")
async def item(request: Request, id: int) -> str:
    return f"item {id}"
