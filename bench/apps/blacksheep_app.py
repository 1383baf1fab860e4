"""BlackSheep on uvicorn, with a lifespan, in which it builds its routes."""

from blacksheep import Application, Request, Response, get, json, post, text
from on_uvicorn import serve

app = Application()


@get("/")
async def home(request: Request) -> Response:
    return text("Hello, World!")


@get("/items/{int:id}")
async def item(request: Request) -> Response:
    id = int(request.route_values["id"])
    return json({"id": id, "name": f"item {id}", "tags": ["red", "large"]})


@post("/items")
async def order(request: Request) -> Response:
    order = await request.json()
    return json({"id": order["id"], "name": order["name"], "total": order["price"] * order["quantity"]})


if __name__ == "__main__":
    serve(app, lifespan="on")
