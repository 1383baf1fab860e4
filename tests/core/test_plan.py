"""A plan stays as it was decided, whoever holds it."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import cast

import attrs
import pytest

from tests.core.startup.finding import make_plugin
from turnbuckle import App, Component, Plan
from turnbuckle.plan import SettingValue


@pytest.fixture
def plan() -> Plan:
    plugin = make_plugin("fast", provide_components=lambda self, setup: [Component("json", "quick", dict)])
    return App(plugins=[plugin], settings={"components": {"json": "quick"}}).plan


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Plan)])
def test_no_attribute_of_a_plan_can_be_set(plan: Plan, name: str) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(plan, name, None)


@pytest.mark.parametrize("path", ["setting_values", "components", "seconds", "root.configs", "settings.components"])
def test_no_mapping_of_a_plan_can_be_changed(plan: Plan, path: str) -> None:
    value: object = plan
    for part in path.split("."):
        value = getattr(value, part)
    with pytest.raises(TypeError):
        cast("MutableMapping[str, object]", value)["new"] = None


def test_a_plan_holds_no_list(plan: Plan) -> None:
    held = [getattr(each, field.name) for each in (plan, plan.root) for field in attrs.fields(type(each))]
    assert [each for each in held if isinstance(each, list | set | dict)] == []


def test_settings_of_a_plan_cannot_be_set(plan: Plan) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        plan.settings.debug = True  # type: ignore[misc]  # that is the point


def test_time_of_every_phase_is_measured(plan: Plan) -> None:
    assert list(plan.seconds) == ["configure", "load and collect", "resolve"]
    assert all(seconds > 0 for seconds in plan.seconds.values())


def test_time_of_every_plugin_that_takes_part_is_measured(plan: Plan) -> None:
    assert [each.name for each in plan.plugins if not each.seconds] == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param("pa55word", "********", id="text"),
        pytest.param(["pa55word"], "********", id="list"),
        pytest.param("", "''", id="empty"),
        pytest.param(None, "None", id="none"),
    ],
)
def test_secret_is_shown_as_stars(value: object, shown: str) -> None:
    assert SettingValue(key="key", value=value, source="default", secret=True).shown() == shown
