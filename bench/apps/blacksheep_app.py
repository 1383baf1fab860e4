"""BlackSheep on uvicorn, with the settings of uvicorn_app.py and a lifespan, in which it builds its routes."""

import sys

import uvicorn
from blacksheep import Application, Request, Response, get, text

app = Application()


@get("/")
async def home(request: Request) -> Response:
    return text("Hello, World!")


@get("/items/{int:id}")
async def item(request: Request) -> Response:
    return text(f"item {int(request.route_values['id'])}")


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        lifespan="on",
        access_log=False,
        server_header=False,
        log_level="warning",
    )
