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


def test_state_makes_a_deferred_value_when_it_is_read() -> None:
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return len(made)

    state = State()
    state.other = "x"
    for name in ("one", "two", "three", "four"):
        state.defer(name, make)
    assert made == []
    assert (list(state), len(state)) == (["other", "one", "two", "three", "four"], 5)
    assert ("one" in state, "one" in vars(state), "five" in state) == (True, False, False)
    assert (state.one, state.one, state["two"], state.get("three"), state.get("other")) == (1, 1, 2, 3, "x")
    state.four = "set"
    assert (state.four, made, len(state)) == ("set", [1, 1, 1], 5)


def test_state_without_a_value_raises_as_before() -> None:
    state = State()
    state.defer("one", lambda: 1)
    with pytest.raises(AttributeError, match="'State' object has no attribute 'two'"):
        state.two  # noqa: B018
    with pytest.raises(KeyError):
        state["two"]
    assert (state.get("two"), state.get("get"), "two" in state) == (None, None, False)
    assert not hasattr(State(), "two")
