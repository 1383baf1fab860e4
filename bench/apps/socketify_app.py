"""socketify.py (uWebSockets, C++): plain functions where nothing is awaited, as its documentation recommends."""

import sys
from typing import Any

from socketify import App, AppListenOptions


def home(response: Any, request: Any) -> None:
    response.write_header("Content-Type", "text/plain; charset=utf-8").end("Hello, World!")


def item(response: Any, request: Any) -> None:
    id = int(request.get_parameter(0))
    response.cork_end({"id": id, "name": f"item {id}", "tags": ["red", "large"]})


async def order(response: Any, request: Any) -> None:
    order = await response.get_json()
    total = order["price"] * order["quantity"]
    response.cork_end({"id": order["id"], "name": order["name"], "total": total})


if __name__ == "__main__":
    app = App(request_response_factory_max_items=1000, task_factory_max_items=1000)
    app.get("/", home)
    app.get("/items/:id", item)
    app.post("/items", order)
    app.listen(AppListenOptions(port=int(sys.argv[1]), host="127.0.0.1"), lambda _: None)
    app.run()
