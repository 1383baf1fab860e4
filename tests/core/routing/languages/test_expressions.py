"""The regular expressions of converters."""

import re
from itertools import product

import pytest
from hypothesis import given, strategies as st

from turnbuckle.errors import RouteError
from turnbuckle.routing.languages.automata import Machine
from turnbuckle.routing.languages.charsets import ANY, SEPARATOR
from turnbuckle.routing.languages.expressions import (
    MAX_POSITIONS,
    Alternation,
    Chain,
    Chars,
    ExpressionError,
    Repeat,
    literal,
    mirrored,
    parse_expression,
    positions,
    python_regex,
    spanning,
)

TEXTS = ["".join(letters) for size in range(5) for letters in product("ab-", repeat=size)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a|b",
        "a|",
        "|",
        "(a|b)*-",
        "(?:ab)+",
        "a{2}",
        "a{2,}",
        "a{,2}",
        "a{1,3}b?",
        "a*?b+?a??",
        "[ab]{2}",
        "[^a]",
        "[a-]",
        "[-a]+",
        "[]a]".replace("]a", "a"),
        r"\w+",
        r"\W",
        r"[\w-]+",
        r"[^\w]a",
        r"\-a",
        r"\x61\u0062",
        "(a*)*",
        "(a|ab)(b|)",
        ".*a.",
        "(?:a{0}b)*",
    ],
)
def test_expression_admits_what_python_does(text: str) -> None:
    machine = Machine(parse_expression(text))
    expected = [candidate for candidate in TEXTS if re.fullmatch(text, candidate, re.ASCII | re.DOTALL)]
    assert [candidate for candidate in TEXTS if machine.accepts(candidate)] == expected


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        pytest.param(r"\d", "07", "a\u0663\u00b2", id="ascii-digits"),
        pytest.param(r"\D", "a\u0663", "07", id="no-ascii-digits"),
        pytest.param(r"\w", "aZ_9", "-\u00e9 ", id="ascii-words"),
        pytest.param(r"\s", " \t\n\x0b", "a\u00a0", id="ascii-spaces"),
        pytest.param(r"\S", "a\u00a0", " \t", id="no-ascii-spaces"),
        pytest.param(r"[\n\t\r\f\v]", "\n\t\r\f\v", "n ", id="controls"),
        pytest.param(".", "a\n\U0010ffff/", "", id="dot-is-anything"),
        pytest.param("[^a]", "b\n\u20ac", "a", id="negated"),
        pytest.param(r"[\]\[^-]", "][^-", "a", id="escaped-in-class"),
        pytest.param("[a^]", "a^", "b", id="caret-in-class"),
        pytest.param(r"[\x41-\x43]", "ABC", "D", id="hexadecimal-range"),
        pytest.param("]", "]", "[", id="lone-bracket"),
        pytest.param("}", "}", "{", id="lone-brace"),
    ],
)
def test_expression_characters(text: str, yes: str, no: str) -> None:
    accepts = Machine(parse_expression(text)).accepts
    assert all(accepts(character) for character in yes)
    assert not any(accepts(character) for character in no)


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        pytest.param("(a", 0, "'(' without ')'", id="open-group"),
        pytest.param("a)", 1, "')' without '('", id="closed-group"),
        pytest.param("[ab", 0, "'[' without ']'", id="open-class"),
        pytest.param("a[]", 1, "an empty class", id="empty-class"),
        pytest.param("[a[b]", 2, "'[' inside a class", id="bracket-in-class"),
        pytest.param("[b-a]", 1, "a range that runs backwards", id="backwards"),
        pytest.param(r"[\d-z]", 1, "a range between classes", id="class-range"),
        pytest.param("*a", 0, "nothing before '*' to repeat", id="star-first"),
        pytest.param("a|+", 2, "nothing before '+' to repeat", id="plus-first"),
        pytest.param("{2}", 0, "nothing before '{' to repeat", id="braces-first"),
        pytest.param("a**", 2, "a quantifier after a quantifier", id="twice"),
        pytest.param("a*+", 2, "a quantifier after a quantifier", id="possessive"),
        pytest.param("a{2}{3}", 4, "a quantifier after a quantifier", id="braces-twice"),
        pytest.param("a{", 1, "a quantifier is {m}", id="open-braces"),
        pytest.param("a{x}", 1, "a quantifier is {m}", id="letters-in-braces"),
        pytest.param("a{}", 1, "a quantifier without numbers", id="no-numbers"),
        pytest.param("a{,}", 1, "a quantifier without numbers", id="comma-alone"),
        pytest.param("a{3,2}", 1, "a quantifier from 3 down to 2", id="down"),
        pytest.param("^a", 0, "'^' is not needed", id="anchor-start"),
        pytest.param("a$", 1, "'$' is not needed", id="anchor-end"),
        pytest.param("(?=a)", 0, "only '(...)' and '(?:...)'", id="look-ahead"),
        pytest.param("(?P<x>a)", 0, "only '(...)' and '(?:...)'", id="named"),
        pytest.param(r"(a)\1", 3, r"unknown escape '\1'", id="back-reference"),
        pytest.param(r"a\b", 1, r"unknown escape '\b'", id="word-boundary"),
        pytest.param(r"\xZZ", 0, r"unknown escape '\x'", id="bad-hexadecimal"),
        pytest.param("a\\", 1, r"a single '\'", id="lone-backslash"),
        pytest.param("(" * 60 + ")" * 60, 51, "groups nested deeper than 50", id="deep"),
        pytest.param("(a{99}){99}", 11, f"exceed {MAX_POSITIONS}", id="large"),
        pytest.param("a{9999}", 7, f"exceed {MAX_POSITIONS}", id="long"),
    ],
)
def test_expression_error_says_where(text: str, position: int, reason: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert caught.value.position == position
    assert reason in caught.value.reason
    assert isinstance(caught.value, RouteError)
    assert str(caught.value) == f"expression {text!r}, position {position}: {caught.value.reason}"


def test_positions_count_repetitions() -> None:
    assert positions(parse_expression("a{10}")) == 11
    assert positions(parse_expression("a{2,}")) == 4
    assert positions(parse_expression("ab|c")) == 5


def test_literal_admits_itself_alone() -> None:
    machine = Machine(literal("a.b"))
    assert machine.accepts("a.b")
    assert not machine.accepts("axb")


def test_spanning_lets_separators_stand_for_slashes() -> None:
    expression = spanning(parse_expression("(a|/)[^/]{2}"))
    assert isinstance(expression, Chain)
    choice, repeat = expression.items
    assert isinstance(choice, Alternation)
    assert isinstance(repeat, Repeat)
    assert choice.items[1] == Chars(((0x2F, 0x2F), (SEPARATOR, SEPARATOR)))
    assert repeat.item == parse_expression("[^/]")
    assert spanning(Chars(ANY)) == Chars((ANY[0], (0xE000, SEPARATOR)))


EXPRESSIONS = st.recursive(
    st.sampled_from([Chars(((97, 97),)), Chars(((97, 98),)), Chars(((45, 45), (98, 98))), Chain(()), Chars(())]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: Chain(tuple(items))),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: Alternation(tuple(items))),
        st.tuples(inner, st.integers(0, 2), st.sampled_from([None, 2, 3])).map(lambda args: Repeat(*args)),
    ),
    max_leaves=6,
)


@given(EXPRESSIONS)
def test_python_regex_means_the_same(expression: Chars | Repeat) -> None:
    machine, compiled = Machine(expression), re.compile(python_regex(expression))
    assert [machine.accepts(text) for text in TEXTS] == [bool(compiled.fullmatch(text)) for text in TEXTS]


@given(EXPRESSIONS)
def test_mirrored_admits_texts_backwards(expression: Alternation | Chain | Chars) -> None:
    forward, backward = Machine(expression), Machine(mirrored(expression))
    assert [forward.accepts(text) for text in TEXTS] == [backward.accepts(text[::-1]) for text in TEXTS]
