"""Starlette on uvicorn."""

from on_uvicorn import serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route


async def home(request: Request) -> PlainTextResponse:
    return PlainTextResponse("Hello, World!")


async def item(request: Request) -> JSONResponse:
    id = request.path_params["id"]
    return JSONResponse({"id": id, "name": f"item {id}", "tags": ["red", "large"]})


async def order(request: Request) -> JSONResponse:
    order = await request.json()
    return JSONResponse({"id": order["id"], "name": order["name"], "total": order["price"] * order["quantity"]})


app = Starlette(
    routes=[Route("/", home), Route("/items/{id:int}", item), Route("/items", order, methods=["POST"])],
)

if __name__ == "__main__":
    serve(app)
