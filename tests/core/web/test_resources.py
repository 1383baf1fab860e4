"""Tests of ``turnbuckle.web.resources``."""

from __future__ import annotations

import re
from typing import Protocol

import pytest

from turnbuckle.diagnostics import ResourceKey
from turnbuckle.errors import ResourceUnavailable
from turnbuckle.http.events import RequestHead
from turnbuckle.web.peer import Peer
from turnbuckle.web.request.request import Request
from turnbuckle.web.resources import Resources


class Sized(Protocol):
    """A protocol that cannot be checked at run time."""

    def size(self) -> int: ...


TEXT = ResourceKey("text", str)
LAYERS = {"": ("",), "/a": ("/a", ""), "/b": ("/b", "")}


def resources() -> Resources:
    return Resources({("", TEXT): "lifespan 'outer'", ("/a", TEXT): "lifespan 'inner'"}, LAYERS)


def test_nearest_scope_wins() -> None:
    kept = resources()
    kept.put(TEXT, "outer")
    kept.put(TEXT, "inner", "/a")
    assert [kept.get(TEXT, scope) for scope in ("", "/a", "/b", "/unknown")] == ["outer", "inner", "outer", "outer"]


def test_missing_resource_of_a_scope_is_not_replaced_by_the_app_s() -> None:
    kept = resources()
    kept.put(TEXT, "outer")
    kept.phase = "stopping"
    expected = "resource 'text' is not available while the app is stopping: lifespan 'inner' provides it"
    with pytest.raises(ResourceUnavailable, match=expected):
        kept.get(TEXT, "/a")


def test_keys_of_one_name_and_type_are_the_same() -> None:
    kept = Resources()
    kept.put(ResourceKey("text", str), "x")
    assert kept.get(ResourceKey("text", str)) == "x"
    with pytest.raises(ResourceUnavailable) as found:
        kept.get(ResourceKey("text", bytes))
    place = r"tests/core/web/test_resources\.py:\d+"
    text = (
        rf"nothing provides resource 'text' of type bytes, requested at {place}; no lifespan provides a resource here"
    )
    assert re.fullmatch(text, str(found.value))


def test_message_of_a_missing_resource_lists_the_provided_ones() -> None:
    with pytest.raises(ResourceUnavailable) as found:
        resources().get(ResourceKey("texts", bytes), "/b")
    assert str(found.value).endswith("; provided are 'text' of type str")


def test_removed_resource_may_be_put_again() -> None:
    kept = Resources()
    kept.remove(TEXT)
    kept.put(TEXT, "x")
    kept.remove(TEXT)
    kept.put(TEXT, "y")
    assert kept.get(TEXT) == "y"


def test_type_that_cannot_be_checked_at_run_time_is_accepted() -> None:
    kept = Resources()
    kept.put(ResourceKey("sized", Sized), 3)
    assert kept.get(ResourceKey("sized", Sized)) == 3


def test_key_needs_a_type() -> None:
    with pytest.raises(TypeError, match="'type' must be"):
        ResourceKey("text", "str")  # type: ignore[arg-type]


def test_request_made_by_hand_has_no_resources() -> None:
    head = RequestHead(b"GET", b"/", 1, ())
    with pytest.raises(ResourceUnavailable, match="nothing provides resource 'text'"):
        Request(head, None, Peer()).resource(TEXT)


def test_key_is_no_text() -> None:
    with pytest.raises(TypeError, match="a resource has a ResourceKey, not 'text'"):
        resources().get("text")  # type: ignore[arg-type]
