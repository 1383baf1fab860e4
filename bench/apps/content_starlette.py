"""Forms, events and pages with Starlette on uvicorn; see content_turnbuckle.py."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from on_uvicorn import serve
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.templating import Jinja2Templates

templates = Jinja2Templates(Path(__file__).parent / "templates")


async def form(request: Request) -> PlainTextResponse:
    async with request.form() as form:
        file = form["file"]
        assert isinstance(file, UploadFile)
        return PlainTextResponse(str(len(await file.read())))


async def events(request: Request) -> StreamingResponse:
    async def produce() -> AsyncIterator[str]:
        for number in range(request.path_params["count"]):
            yield f"data: event {number}\n\n"
            await asyncio.sleep(0.02)

    return StreamingResponse(produce(), media_type="text/event-stream")


async def page(request: Request) -> Response:
    number = request.path_params["number"]
    notes = [{"id": number + at, "title": f"note <{at}>", "tags": ["red", "large"]} for at in range(50)]
    return templates.TemplateResponse(request, "page.html", {"title": f"Notes of {number}", "notes": notes})


async def ready(request: Request) -> PlainTextResponse:
    return PlainTextResponse("yes")


app = Starlette(
    routes=[
        Route("/form", form, methods=["POST"]),
        Route("/events/{count:int}", events),
        Route("/page/{number:int}", page),
        Route("/ready", ready),
    ]
)

if __name__ == "__main__":
    serve(app)
