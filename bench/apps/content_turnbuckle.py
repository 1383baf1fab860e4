"""Forms, events and pages with Turnbuckle: an upload that is counted, a stream of events, and a template of 50 rows."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from turnbuckle import SSE, App, Request, UploadedFile
from turnbuckle_plugins.jinja_templates import JinjaTemplatesPlugin, Template

TEMPLATES = Path(__file__).parent / "templates"

app = App("content", plugins=[JinjaTemplatesPlugin(TEMPLATES)])


@app.post("/form", limits={"content": 1 << 24})
async def form(request: Request) -> str:
    file = (await request.form()).files["file"]
    assert isinstance(file, UploadedFile)
    return str(len(await file.read()))


@app.get("/events/{count:int}")
async def events(request: Request, count: int) -> SSE:
    async def produce() -> AsyncIterator[str]:
        for number in range(count):
            yield f"event {number}"
            await asyncio.sleep(0.02)

    return SSE(produce())


@app.get("/page/{number:int}")
async def page(request: Request, number: int) -> Template:
    notes = [{"id": number + at, "title": f"note <{at}>", "tags": ["red", "large"]} for at in range(50)]
    return Template("page.html", title=f"Notes of {number}", notes=notes)


@app.get("/ready")
async def ready(request: Request) -> str:
    return "yes"
