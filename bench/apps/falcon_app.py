"""Falcon's ASGI app on uvicorn."""

import falcon
import falcon.asgi
from on_uvicorn import serve


class Home:
    async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        response.content_type = falcon.MEDIA_TEXT
        response.text = "Hello, World!"


class Item:
    async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response, id: int) -> None:
        response.media = {"id": id, "name": f"item {id}", "tags": ["red", "large"]}


class Items:
    async def on_post(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        order = await request.get_media()
        response.media = {"id": order["id"], "name": order["name"], "total": order["price"] * order["quantity"]}


app = falcon.asgi.App()
app.add_route("/", Home())
app.add_route("/items/{id:int}", Item())
app.add_route("/items", Items())

if __name__ == "__main__":
    serve(app)
