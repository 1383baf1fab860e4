"""What the documentation says, against the code: every Python block runs, every setting is listed with its default."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
import pytest

from turnbuckle import App, Settings
from turnbuckle.hookspecs import Hooks
from turnbuckle.testing import Client

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
_ROW: Final = re.compile(r"^\| `([a-z_.]+)` \| `([^`]*)` \|", re.MULTILINE)


def blocks(language: str) -> Iterator:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in _BLOCK.finditer(text):
            if found[1] == language:
                line = text.count("\n", 0, found.start()) + 2
                yield pytest.param(page, line, found[2], id=f"{page.name}-{line}")


def run_block(page: Path, line: int, source: str) -> dict[str, object]:
    # The lines before it are left empty, so that tracebacks name the line of the page.
    namespace: dict[str, object] = {"__name__": "main", "__file__": str(page)}
    exec(compile("\n" * (line - 1) + source, page, "exec"), namespace)
    return namespace


def plain_paths(app: App) -> list[str]:
    """Return the paths without parameters that answer GET."""
    routes = [planned.route for planned, _ in app.plan.routes()]
    return [route.path for route in routes if "GET" in route.methods and "{" not in route.path and not route.host]


@pytest.mark.parametrize(("page", "line", "source"), list(blocks("python")))
async def test_python_block_runs(page, line, source):
    namespace = run_block(page, line, source)
    for name, value in namespace.items():
        if name.startswith("test_"):
            await value()
    if isinstance(app := namespace.get("app"), App):
        async with Client(app) as client:
            responses = [await client.get(path) for path in plain_paths(app)]
        assert [response.status for response in responses if response.status >= 500] == []


@pytest.mark.parametrize(("page", "line", "source"), list(blocks("toml")))
def test_toml_block_is_toml(page, line, source):
    assert tomllib.loads(source)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for path, anchor in _LINK.findall(text):
        if "://" not in path:
            target = (page.parent / path) if path else page
            assert target.exists(), f"{page.name} links to {path}"
            assert not anchor or anchor in anchors(target), f"{page.name} links to {path}#{anchor}"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def defaults(settings: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    for field in attrs.fields(type(settings)):
        value = getattr(settings, field.name)
        if attrs.has(type(value)):
            yield from defaults(value, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", list(value) if isinstance(value, tuple) else value


def test_settings_page_lists_every_setting_with_its_default():
    rows = _ROW.findall((ROOT / "docs/settings.md").read_text(encoding="utf-8"))
    assert {name: json.loads(value) for name, value in rows} == dict(defaults(Settings()))
    assert len(rows) == len(dict(rows))


def test_plugins_page_lists_every_hook():
    text = (ROOT / "docs/plugins.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(provide_\w+|review_plan)", text, re.MULTILINE))
    assert listed == {name for name in vars(Hooks) if not name.startswith("_")}


def test_middleware_page_lists_the_zones_in_order():
    from turnbuckle.records import ZONES

    text = (ROOT / "docs/middleware.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == ZONES


async def test_readme_app_answers_as_the_readme_says():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    source = next(found[2] for found in _BLOCK.finditer(text) if found[1] == "python")
    assert len(source.splitlines()) == 12
    app = run_block(ROOT / "README.md", 1, source)["app"]
    async with Client(app) as client:
        assert (await client.get("/")).text == "Hello, World!"
        (command, answer) = re.search(r"curl '(\S+)'\n(\{.*\})", text).groups()
        response = await client.get(command.removeprefix("http://127.0.0.1:8000"))
    assert response.text == answer
