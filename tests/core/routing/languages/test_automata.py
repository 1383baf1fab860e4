"""Automata, and the machines that run them."""

import re

import pytest
from hypothesis import given

from tests.core.routing.languages.test_expressions import EXPRESSIONS, TEXTS
from turnbuckle.routing.languages import automata
from turnbuckle.routing.languages.automata import Automaton, Language, Machine
from turnbuckle.routing.languages.expressions import ANY_TEXT, Alternation, Chars, parse_expression, python_regex


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("[a-z]+(?:-[a-z]+)*", True, id="slug"),
        pytest.param("[0-9]{1,100}", True, id="digits"),
        pytest.param("a?b?c", True, id="optional"),
        pytest.param("(a|b)c", True, id="choice"),
        pytest.param("(a|ab)c", False, id="common-beginning"),
        pytest.param("a*a", False, id="star-then-same"),
        pytest.param("(a+)+", False, id="nested-plus"),
        pytest.param("(a*)*b", False, id="nested-star"),
        pytest.param("(a?){20}b", False, id="optional-repeated"),
        pytest.param("(|)a", False, id="two-empty-ways"),
        pytest.param(".*b", False, id="anything-then-b"),
    ],
)
def test_ambiguity_is_seen(text: str, expected: bool) -> None:
    assert Automaton(parse_expression(text)).is_unambiguous is expected


@given(EXPRESSIONS)
def test_language_accepts_what_its_expression_admits(expression: Alternation | Chars) -> None:
    accepts, compiled = Language(expression).accepts, re.compile(python_regex(expression))
    assert [bool(accepts(text)) for text in TEXTS] == [bool(compiled.fullmatch(text)) for text in TEXTS]


@pytest.mark.parametrize("text", ["(a+)+b", "(a*)*b", "(a|a)*b", "(a|aa)+b", "(.*a){5}b", "(a?){30}a{30}b"], ids=str)
def test_no_text_makes_matching_explode(text: str) -> None:
    accepts = Language(parse_expression(text)).accepts
    # Thousands of characters where a backtracking matcher is lost after thirty.
    assert not accepts("a" * 5000)
    assert accepts("a" * 5000 + "b") or "?" in text


def test_language_of_any_text_asks_nothing() -> None:
    language = Language(ANY_TEXT)
    assert language.is_any_text
    assert language.accepts is bool
    assert not Language(parse_expression(".*")).is_any_text
    assert Language(parse_expression(".+")).is_any_text


def test_machine_stops_reading_when_nothing_can_follow() -> None:
    machine = Machine(parse_expression("a(b|bb)"))
    assert not machine.accepts("x" * 1000)
    assert "y" not in machine.dead.after


def test_machine_forgets_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automata, "_MEMORY", 50)
    machine = Machine(parse_expression("(.|..)*z"))
    for code in range(0x4E00, 0x4E00 + 500):
        assert not machine.accepts(chr(code))
        assert machine.accepts(chr(code) + "z")
    assert sum(len(state.after) for state in machine._states.values()) <= 51


def test_machine_restarts_beside_what_runs() -> None:
    machine = Machine(parse_expression("aab"))
    state = machine.step(machine.start, "a")
    both = machine.restart(state)
    assert machine.restart(state) is both
    assert both.members == state.members | machine.start.members
    late = machine.step(machine.step(machine.step(both, "a"), "a"), "b")
    assert late.accepting
