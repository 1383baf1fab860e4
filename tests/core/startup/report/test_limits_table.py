"""Every limit and deadline is in the tables, and each is kept by a test that there is."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import attrs
import pytest

from turnbuckle import App, Request
from turnbuckle.http.limits import limit_info
from turnbuckle.startup.report.limits_table import (
    LIMIT_SECTIONS,
    limit_of,
    limit_rows,
    limits_as_json,
    limits_as_markdown,
)
from turnbuckle.startup.report.plan_json import plan_as_json
from turnbuckle.startup.report.plan_text import plan_as_text

_ROOT = Path(__file__).parents[4]
_TESTS = _ROOT / "tests/core"

# These only modify other bounds, which the table describes.
_NO_BOUNDS = {"capacity.exempt", "capacity.retry_after"}

_KEYS = [f"{section}.{field.name}" for section, cls in LIMIT_SECTIONS.items() for field in attrs.fields(cls)]


async def _hello(request: Request) -> str:
    return "hello"


@pytest.mark.parametrize("key", _KEYS)
def test_bound_is_in_the_table_and_has_a_test(key: str) -> None:
    bound = limit_of(key)
    if key in _NO_BOUNDS:
        assert bound is None
        return
    assert bound is not None
    path, _, name = bound.test.partition("::")
    tree = ast.parse((_TESTS / path).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert f"| `{key}` |" in limits_as_markdown()
    assert bound.unit
    assert bound.beyond


def test_plan_shows_every_bound_with_its_source() -> None:
    app = App(settings={"limits": {"content": 5}})
    plan = app.resolve()
    rows = {row[0]: row for row in limit_rows(plan)}
    assert set(rows) == set(_KEYS) - _NO_BOUNDS
    assert rows["limits.content"][1:4] == ("5", "bytes", "413")
    assert rows["limits.content"][4].startswith("App(...) at ")
    text = plan_as_text(plan, settings=True)
    assert all(f"  {key} " in text for key in rows)
    shown = plan_as_text(plan).partition("\nlimits and deadlines\n")[2]
    assert [line.split()[0] for line in shown.splitlines() if line.startswith("  ")] == ["limits.content"]
    assert "limits and deadlines: all at their defaults\n" in plan_as_text(App().resolve())
    assert plan_as_json(plan)["bounds"] == limits_as_json(plan)


def test_plan_shows_the_overrides_of_routes() -> None:
    app = App()
    app.get("/slow", timeouts={"handler": 60})(_hello)
    app.get("/")(_hello)
    plan = app.resolve()
    lines = [line for line in plan_as_text(plan).splitlines() if "/slow" in line and "timeouts.handler" in line]
    assert len(lines) == 1
    scopes = json.loads(json.dumps(plan_as_json(plan)))["scopes"]
    slow, fast = scopes[0]["routes"]
    assert slow["overrides"]["timeouts.handler"]["value"] == 60
    assert fast["overrides"] == {}


def test_field_without_a_bound_has_none() -> None:
    assert limit_info(attrs.fields(attrs.make_class("Plain", ["x"])).x) is None
