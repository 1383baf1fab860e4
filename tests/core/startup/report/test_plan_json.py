"""A plan as plain data: what docs/use/introspection.md promises to programs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import attrs
import pytest

from tests.core.startup.finding import make_plugin
from turnbuckle import App, ErrorHandler, Middleware, PluginInfo, Request, ResponseType, Setup, Text
from turnbuckle.startup.report.formats import Json
from turnbuckle.startup.report.plan_json import plan_as_json
from turnbuckle.web.types import Handler

DOCUMENT = Path(__file__).parents[4] / "docs/use/introspection.md"


@attrs.frozen
class Config:
    key: str = attrs.field(default="", metadata={"secret": True})
    words: tuple[str, ...] = ()


async def _answer(request: Request, *rest: object) -> str:
    return ""


def _step_aside(call_next: Handler, setup: Setup) -> Handler:
    return call_next


@pytest.fixture
def data() -> dict[str, Json]:
    plugin = make_plugin(
        "fast",
        info=PluginInfo(name="fast", config=Config),
        provide_error_handlers=lambda self, setup: [ErrorHandler(KeyError, _answer)],
        provide_response_types=lambda self, setup: [ResponseType(str, Text, "text/plain")],
    )
    middleware = [Middleware("m", _step_aside, provides=("user",))]
    app = App("shop", plugins=[(plugin, {"key": "pa55word", "words": ["a"]})], middleware=middleware)
    app.scope("/admin", host="a.example").get("/x", name="x")(_answer)
    made: dict[str, Json] = json.loads(json.dumps(plan_as_json(app.resolve())))
    return made


def test_data_names_its_schema(data: dict[str, Json]) -> None:
    assert data["schema"] == "turnbuckle.plan/1"


def test_data_holds_no_secret(data: dict[str, Json]) -> None:
    assert "pa55word" not in json.dumps(data)
    assert data["settings"]["plugin.fast.key"]["value"] == "********"


def test_settings_are_values_and_sources(data: dict[str, Json]) -> None:
    port = {"value": 8000, "source": "default", "secret": False, "overruled": []}
    assert data["settings"]["server.port"] == port
    assert data["settings"]["plugin.fast.words"]["value"] == ["a"]


def test_route_has_all_that_was_written(data: dict[str, Json]) -> None:
    (route,) = data["scopes"][1]["routes"]
    origin, signature = route.pop("origin"), route.pop("signature")
    assert [parameter["source"] for parameter in signature["parameters"]] == ["request"]
    assert (signature["guards"], signature["result"]) == ([], {"annotation": "", "status": None})
    assert route == {
        "methods": ["GET"],
        "path": "/admin/x",
        "host": "a.example",
        "name": "x",
        "overrides": {},
        "selection": None,
        "handler": f"{__name__}._answer",
    }
    assert origin["plugin"] == "app"
    assert "test_plan_json.py:" in origin["location"]


def test_response_type_names_the_replaced_one(data: dict[str, Json]) -> None:
    (text,) = [response_type for response_type in data["scopes"][0]["response_types"] if response_type["type"] == "str"]
    assert text["origin"]["plugin"] == "fast"
    assert [candidate["origin"]["plugin"] for candidate in text["rejected"]] == ["responses"]


def test_every_key_is_documented(data: dict[str, Json]) -> None:
    documented = set(re.findall(r"`([a-z_]+)`", DOCUMENT.read_text(encoding="utf-8")))
    assert _keys(data) - documented == set()


def _keys(value: Json) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_keys, value))
    if not isinstance(value, dict):
        return set()
    own = {key for key in value if re.fullmatch(r"[a-z_]+", key)}
    return own.union(*(_keys(item) for key, item in value.items() if key not in {"settings", "components", "seconds"}))
