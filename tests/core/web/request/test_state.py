"""Tests of ``turnbuckle.web.request.state``."""

import pytest

from turnbuckle.web.request.state import State


def test_state_by_attribute_and_item() -> None:
    state = State()
    state.user = "a"
    state["role"] = "b"
    assert (state["user"], state.role) == ("a", "b")
    assert list(state) == ["user", "role"]
    assert len(state) == 2
    assert "user" in state
    del state["user"]
    assert "user" not in state


def test_state_without_a_name() -> None:
    state = State()
    assert state.get("user") is None
    assert state.get("user", 1) == 1
    with pytest.raises(KeyError, match="user"):
        state["user"]
    with pytest.raises(AttributeError, match="user"):
        _ = state.user
