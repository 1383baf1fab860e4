"""Reading route patterns."""

from collections.abc import Callable, Mapping

import pytest

from turnbuckle.errors import RouteError
from turnbuckle.routing.converters import BUILTIN_CONVERTERS, Converter
from turnbuckle.routing.patterns import MAX_SEGMENTS, PatternError, parse_pattern, split_outside_braces

Shape = tuple[tuple[str, ...], list[tuple[str, str]]]


def shape(
    text: str, converters: Mapping[str, Converter | Callable[[str], Converter]] = BUILTIN_CONVERTERS
) -> list[Shape]:
    return [
        (segment.literals, [(p.name, p.kind) for p in segment.parameters])
        for segment in parse_pattern(text, converters).segments
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("/", [(("",), [])], id="root"),
        pytest.param("/a/b", [(("a",), []), (("b",), [])], id="static"),
        pytest.param("/a/", [(("a",), []), (("",), [])], id="slash-at-end"),
        pytest.param("/{x}", [(("", ""), [("x", "str")])], id="parameter"),
        pytest.param("/{x:int}/y", [(("", ""), [("x", "int")]), (("y",), [])], id="typed"),
        pytest.param("/v{a:int}.{b}-z", [(("v", ".", "-z"), [("a", "int"), ("b", "str")])], id="mixed"),
        pytest.param("/{c:re([A-Z]{2}/\\)[)}]+)}", [(("", ""), [("c", "re([A-Z]{2}/\\)[)}]+)")])], id="expression"),
        pytest.param("/{c:re((a|b)(c))}", [(("", ""), [("c", "re((a|b)(c))")])], id="groups"),
        pytest.param("/{c:re([]])}".replace("[]]", "[\\]]"), [(("", ""), [("c", "re([\\]])")])], id="bracket"),
        pytest.param("/{r:path}/edit", [(("", ""), [("r", "path")]), (("edit",), [])], id="path-inside"),
        pytest.param("/a%2Fb%20c", [(("a/b c",), [])], id="escapes"),
        pytest.param("/%7Bx%7D", [(("{x}",), [])], id="encoded-braces"),
        pytest.param("/caf\u00e9 au lait", [(("caf\u00e9 au lait",), [])], id="text-is-itself"),
        pytest.param("/%C3%A9", [(("\u00e9",), [])], id="utf-8"),
        pytest.param("/{\u00e4}", [(("", ""), [("\u00e4", "str")])], id="identifier"),
        pytest.param("/...", [(("...",), [])], id="three-dots"),
    ],
)
def test_pattern_shape(text: str, expected: list[Shape]) -> None:
    assert shape(text) == expected


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        pytest.param("", 0, "a pattern starts with '/'", id="empty"),
        pytest.param("a", 0, "a pattern starts with '/'", id="no-slash"),
        pytest.param("{x}", 0, "a pattern starts with '/'", id="parameter-first"),
        pytest.param("//", 1, "an empty segment", id="two-slashes"),
        pytest.param("/a//b", 3, "an empty segment", id="empty-inside"),
        pytest.param("/a/./b", 3, "clients resolve '.' before they send a request", id="dot"),
        pytest.param("/a/..", 3, "clients resolve '..' before they send a request", id="dots"),
        pytest.param("/%2e%2e/a", 1, "clients resolve '..' before they send a request", id="encoded-dots"),
        pytest.param("/a}b", 2, "'}' without '{'; write '%7D'", id="closed"),
        pytest.param("/a/{x", 3, "'{' without '}'", id="open"),
        pytest.param("/a/{x:int", 3, "'{' without '}'", id="open-typed"),
        pytest.param("/a/{x y}", 3, "'}' expected, not ' '", id="space"),
        pytest.param("/a/{x{y}}", 3, "'}' expected, not '{'", id="nested"),
        pytest.param("/{}", 2, "an identifier, not ''", id="nameless"),
        pytest.param("/{:int}", 2, "an identifier, not ''", id="nameless-typed"),
        pytest.param("/{5x}", 2, "an identifier, not '5x'", id="digit-first"),
        pytest.param("/{x}/{x}", 6, "parameter 'x' occurs twice", id="twice"),
        pytest.param("/{x}{y}", 4, "two parameters need text between them", id="adjacent"),
        pytest.param("/{x:itn}", 4, "unknown converter 'itn'; did you mean 'int'?", id="misspelt"),
        pytest.param("/{x:}", 4, "unknown converter ''; known are date, float", id="no-converter"),
        pytest.param("/{x:int(5)}", 4, "converter 'int' takes no arguments", id="needless-arguments"),
        pytest.param("/{x:re}", 4, "converter 're' needs arguments", id="no-arguments"),
        pytest.param("/{x:re(a}", 6, "'(' without ')'", id="open-arguments"),
        pytest.param("/{x:re([)])", 1, "'{' without '}'", id="arguments-then-end"),
        pytest.param("/{x:re(a(?=b))}", 8, "only '(...)' and '(?:...)'", id="expression"),
        pytest.param("/a/{x:path}/{y:path}", 0, "only one parameter may span segments", id="two-paths"),
        pytest.param("/a-{x:path}", 1, "must be a whole segment", id="path-with-text"),
        pytest.param("/{y}-{x:path}", 1, "must be a whole segment", id="path-with-parameter"),
        pytest.param("/a?b=1", 2, "a path cannot contain '?'; write '%3F'", id="query"),
        pytest.param("/a#b", 2, "a path cannot contain '#'; write '%23'", id="fragment"),
        pytest.param("/a\nb", 2, "a control character; write '%0A'", id="control"),
        pytest.param("/a\ud800", 2, "cannot be encoded in UTF-8", id="surrogate"),
        pytest.param("/100%", 4, "'%' without two hexadecimal digits; write '%25'", id="percent"),
        pytest.param("/a/%ff", 3, "escapes in '%ff' are not UTF-8", id="not-utf-8"),
        pytest.param("/a" * (MAX_SEGMENTS + 1), 0, f"{MAX_SEGMENTS + 1} segments exceed {MAX_SEGMENTS}", id="long"),
    ],
)
def test_pattern_error_says_where(text: str, position: int, reason: str) -> None:
    with pytest.raises(PatternError) as caught:
        parse_pattern(text, BUILTIN_CONVERTERS)
    error = caught.value
    assert error.position == position
    assert reason in error.reason
    assert str(error) == f"route pattern {text!r}, position {position}: {error.reason}"
    assert error.text == text
    assert isinstance(error, RouteError)


def test_pattern_with_factory_of_the_user() -> None:
    def one_of(arguments: str) -> Converter:
        if not arguments:
            raise ValueError("no words to choose from")
        return Converter(regex="|".join(arguments.split(",")), total=True)

    converters = {**BUILTIN_CONVERTERS, "any": one_of}
    assert shape("/{lang:any(de,fr)}", converters) == [(("", ""), [("lang", "any(de,fr)")])]
    with pytest.raises(PatternError, match=r"position 4: no words to choose from"):
        parse_pattern("/{x:any()}", converters)


def test_static_path_is_what_clients_write() -> None:
    assert parse_pattern("/caf\u00e9/a%2Fb/x y", BUILTIN_CONVERTERS).static_path == "/caf%C3%A9/a%2Fb/x%20y"
    assert parse_pattern("/", BUILTIN_CONVERTERS).static_path == "/"


def test_split_outside_braces() -> None:
    assert split_outside_braces("a.{x:re(.)}.b", ".") == ["a", "{x:re(.)}", "b"]
    assert split_outside_braces("", ".") == [""]
    assert split_outside_braces("{x:re([.]{2})}.c", ".") == ["{x:re([.]{2})}", "c"]
