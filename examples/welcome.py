"""Greet visitors and process a form: ``turnbuckle serve examples/welcome.py``."""

from __future__ import annotations

from html import escape
from typing import Final

from turnbuckle import HTML, App, Request, Response

app = App("welcome")

PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ max-width: 34rem; margin: 12vh auto; padding: 0 1.25rem; font: 1.1rem/1.6 system-ui, sans-serif; }}
input, button {{ font: inherit; padding: .4rem .7rem; }}
label {{ display: block; margin-top: 1rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
{content}
</body>
</html>
"""

FORM: Final = """<form method="post" action="/login">
<label for="name">Name</label>
<input id="name" name="name" autocomplete="username" required>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<p><button>Log in</button></p>
</form>
"""


@app.get("/")
async def home(request: Request) -> Response:
    links = '<p><a href="/welcome/World">Be welcomed</a>, or <a href="/login">log in</a>.</p>'
    return page("Hello!", links)


@app.get("/welcome/{name}")
async def welcome(request: Request, name: str) -> Response:
    return page(f"Welcome, {name}!", '<p><a href="/">Back</a></p>')


@app.get("/login")
async def login_form(request: Request) -> Response:
    return page("Log in", FORM)


@app.post("/login")
async def login(request: Request) -> Response:
    form = await request.form()
    name = str(form.get("name", "")).strip()
    if not name:
        return page("Log in", f"<p>A name is needed.</p>\n{FORM}", status=422)
    # A real application would compare a hash of the password here; this one accepts any password.
    return page(f"Hello, {name}!", "<p>You are logged in, as far as this example can tell.</p>")


def page(title: str, content: str, *, status: int = 200) -> Response:
    """Return a page with HTML content and a title, which is escaped."""
    return HTML(PAGE.format(title=escape(title), content=content), status=status)
