"""BlackSheep on uvicorn, with a lifespan, in which it builds its routes."""

from blacksheep import Application, FromJSON, FromQuery, FromRoute, Request, Response, get, json, post, text
from on_uvicorn import serve
from pydantic import BaseModel

app = Application()


class New(BaseModel):
    title: str
    text: str
    tags: list[str]
    stars: int


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


@post("/shelves/{int:shelf}/notes")
async def note(
    shelf: FromRoute[int],
    new: FromJSON[New],
    draft: FromQuery[bool] = FromQuery(False),  # noqa: B008  # BlackSheep takes defaults so
    page: FromQuery[int] = FromQuery(1),  # noqa: B008  # as above
) -> Response:
    value = new.value
    note = {"id": shelf.value, "title": value.title, "text": value.text, "tags": value.tags, "stars": value.stars}
    return json({**note, "draft": draft.value})


if __name__ == "__main__":
    serve(app, lifespan="on")
