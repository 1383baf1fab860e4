"""Write templates into a folder, and make an app that renders them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from turnbuckle import App, Request
from turnbuckle.testing import Client
from turnbuckle_plugins.jinja_templates import JinjaTemplatesPlugin, Template

BASE = """\
<title>{% block title %}Notes{% endblock %}</title>
{% block body %}{% endblock %}
"""
PAGE = """\
{% extends "base.html" %}
{% from "macros.html" import item %}
{% set sign = "*" %}
{% block body %}
<h1>{{ heading }}</h1>
{% block list %}{% for note in notes %}{{ item(sign, note) }}{% endfor %}{% endblock %}
{% endblock %}
{% block title %}{{ super() }}!{% endblock %}
"""
MACROS = """\
{% macro item(sign, note) %}<li id="{{ url_for('note', id=1) }}">{{ sign }}{{ note }}</li>{% endmacro %}
"""
SITE = {"base.html": BASE, "page.html": PAGE, "macros.html": MACROS}


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def make_app(
    folder: Path, template: Template | None = None, *, plugin: JinjaTemplatesPlugin | None = None, **settings: object
) -> App:
    """Return an app whose path "/" answers with a template."""
    # Not a literal in the handler: startup would look for the template.
    name = "page.html"
    app = App(plugins=[(plugin or JinjaTemplatesPlugin(folder), settings)])

    @app.get("/")
    async def home(request: Request) -> Template:
        return template or Template(name, heading="Mine", notes=["a", "b"])

    @app.get("/notes/{id:int}", name="note")
    async def note(request: Request, id: int) -> str:
        return str(id)

    return app


async def rendered(folder: Path, template: Template, **settings: object) -> str:
    async with Client(make_app(folder, template, **settings)) as client:
        response = await client.get("/")
    return response.text
