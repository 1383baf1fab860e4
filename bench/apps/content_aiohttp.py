"""Forms, events and pages with aiohttp; see content_turnbuckle.py."""

import asyncio
import sys
from pathlib import Path

import jinja2
import uvloop
from aiohttp import web

loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
environment = jinja2.Environment(loader=loader, autoescape=True)


async def form(request: web.Request) -> web.Response:
    file = (await request.post())["file"]
    assert isinstance(file, web.FileField)
    return web.Response(text=str(len(file.file.read())))


async def events(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for number in range(int(request.match_info["count"])):
        await response.write(f"data: event {number}\n\n".encode())
        await asyncio.sleep(0.02)
    await response.write_eof()
    return response


async def page(request: web.Request) -> web.Response:
    number = int(request.match_info["number"])
    notes = [{"id": number + at, "title": f"note <{at}>", "tags": ["red", "large"]} for at in range(50)]
    text = environment.get_template("page.html").render(title=f"Notes of {number}", notes=notes)
    return web.Response(text=text, content_type="text/html")


async def ready(request: web.Request) -> web.Response:
    return web.Response(text="yes")


app = web.Application(client_max_size=1 << 24)
app.router.add_post("/form", form)
app.router.add_get(r"/events/{count:\d+}", events)
app.router.add_get(r"/page/{number:\d+}", page)
app.router.add_get("/ready", ready)

if __name__ == "__main__":
    port = int(sys.argv[1])
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())
