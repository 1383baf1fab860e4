"""Routes that no request can reach."""

from itertools import product
from typing import Never

import pytest
from hypothesis import given, strategies as st

from tests.core.routing.making import as_route, router
from turnbuckle.errors import MethodNotAllowed, NotFound, RouteConflict
from turnbuckle.routing import unreachable
from turnbuckle.routing.converters import BUILTIN_CONVERTERS, Converter
from turnbuckle.routing.languages.automata import Automaton
from turnbuckle.routing.languages.charsets import SEPARATOR
from turnbuckle.routing.languages.expressions import Alternation, parse_expression
from turnbuckle.routing.patterns import parse_pattern
from turnbuckle.routing.records import Route
from turnbuckle.routing.tree import TreeRouter
from turnbuckle.routing.unreachable import NOTHING, UnreachableRoute, path_expression, shortest_escape


def refuse(text: str) -> Never:
    raise ValueError(text)


CONVERTERS = {
    "slug": Converter(regex="[a-z]+", convert=str),
    "word": Converter(regex="[a-z]+", total=True),
    "never": Converter(regex="[a-z]+", convert=refuse),
}


KNOWN = {**BUILTIN_CONVERTERS, **CONVERTERS}


def unreachable_in(*routes: str) -> list[tuple[str, str]]:
    found = router(*routes, converters=CONVERTERS).unreachable_routes()
    return [(unreachable.route.path, " ".join(route.path for route in unreachable.by)) for unreachable in found]


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        pytest.param(["/{x:re([0-9]+)}", "/{y:int}"], [("/{y:int}", "/{x:re([0-9]+)}")], id="wider-expression"),
        pytest.param(["/{x:re([0-9]{1,99})}", "/{y:int}"], [], id="one-digit-short"),
        pytest.param(["/{x:re([0-9]{1,100})}", "/{y:int}"], [("/{y:int}", "/{x:re([0-9]{1,100})}")], id="just-enough"),
        pytest.param(["/{x:re(.+)}", "/{y}"], [("/{y}", "/{x:re(.+)}")], id="anything"),
        pytest.param(["/{x:re(.*)}", "/{y}", "/"], [("/{y}", "/{x:re(.*)}")], id="static-is-always-first"),
        pytest.param(["/{x:re([^-]+)}", "/{y}"], [], id="all-but-one-character"),
        pytest.param(
            ["/{x:re([0-4].*)}", "/{x:re([5-9].*)}", "/{y:int}"],
            [("/{y:int}", "/{x:re([0-4].*)} /{x:re([5-9].*)}")],
            id="by-two-together",
        ),
        pytest.param(
            ["/{x:re([0-4].*)}", "/{x:re([5-9].*)}", "/{x:re([0-2].*)}", "/{y:int}"],
            [
                ("/{x:re([0-2].*)}", "/{x:re([0-4].*)}"),
                ("/{y:int}", "/{x:re([0-4].*)} /{x:re([5-9].*)}"),
            ],
            id="by-two-of-three",
        ),
        pytest.param(
            ["/a/{y:re([a-z]+)}", "/{any:re(.+)}/x", "/{other}/x"],
            [("/{other}/x", "/{any:re(.+)}/x")],
            id="by-one-though-another-takes-the-sample",
        ),
        pytest.param(["/{x:re([0-4].*)}", "/{x:re([6-9].*)}", "/{y:int}"], [], id="by-two-with-a-gap"),
        pytest.param(["/a", "/b", "/{x:re(a|b)}"], [("/{x:re(a|b)}", "/a /b")], id="by-static-ones"),
        pytest.param(["/a", "/{x:re(a|b)}"], [], id="by-static-one-not-whole"),
        pytest.param(["/{z:re(.+-.+)}", "/{x}-{y}"], [("/{x}-{y}", "/{z:re(.+-.+)}")], id="mixed-is-hidden"),
        pytest.param(["/{x:re([0-9-]+)}", "/{y:date}"], [("/{y:date}", "/{x:re([0-9-]+)}")], id="date"),
        pytest.param(
            ["/{x:re([0-9]{4}-(?!x))}".replace("(?!x)", "[0-9]{2}-[0-2][0-9]"), "/{y:date}"], [], id="date-not-whole"
        ),
        pytest.param(["/a/{x}", "/{r:path}"], [], id="path-is-wider"),
        pytest.param(["/{x:re(.*)}/{y:re(.*)}", "/{r:path}"], [], id="path-is-longer"),
        pytest.param(
            ["/{r:path}/{x:re(.*)}", "/{x:re(.*)}", "/{s:path}"],
            [("/{s:path}", "/{x:re(.*)} /{r:path}/{x:re(.*)}")],
            id="path-by-two-together",
        ),
        pytest.param(["/{r:path}/{x:re(.*)}", "/{s:path}"], [], id="path-by-one-not-whole"),
        pytest.param(["GET,POST /{x:re(.+)}", "/{y}"], [("/{y}", "/{x:re(.+)}")], id="methods-wider"),
        pytest.param(["/{x:re(.+)}", "GET,POST /{y}"], [], id="methods-narrower"),
        pytest.param(["POST /{x:re(.+)}", "/{y}"], [], id="methods-other"),
        pytest.param(["/{x:re(.+)}", "HEAD /{y}"], [("/{y}", "/{x:re(.+)}")], id="head-by-get"),
        pytest.param(["HEAD /{x:re(.+)}", "/{y}"], [], id="get-not-by-head"),
        pytest.param(
            ["GET /{x:re(.+)}", "POST /{x:re(.*)}", "GET,POST /{y}"],
            [("/{y}", "/{x:re(.+)} /{x:re(.*)}")],
            id="method-by-method",
        ),
        pytest.param(
            ["/{x:re([a-z]+)}", "/{y:slug}"], [("/{y:slug}", "/{x:re([a-z]+)}")], id="user-converter-is-hidden"
        ),
        pytest.param(["/{x:slug}/{y:re(.+)}", "/{x:slug}/{z}"], [("/{x:slug}/{z}", "/{x:slug}/{y:re(.+)}")], id="same"),
        pytest.param(["/{x:word}", "/{y:re([a-z]{3})}"], [], id="total-comes-second"),
        pytest.param(["/{x:slug}", "/{y:word}"], [], id="one-that-may-refuse-hides-nothing"),
        pytest.param(["/{x:word}", "/{y:slug}"], [("/{y:slug}", "/{x:word}")], id="one-that-never-refuses-hides"),
        pytest.param(["/{y:never}", "/{z:int}"], [], id="sample-is-refused"),
        pytest.param(["/{y:never}", "/{r:path}"], [], id="sample-is-left-to-a-later-route"),
        pytest.param(["/{x:word}", "GET,POST /{y:never}"], [], id="sample-is-left-for-one-method"),
        pytest.param(["/{r:path}/{y:slug}", "/{r:path}/{z:word}"], [], id="behind-a-path-nothing-is-certain"),
        pytest.param([r"/{x:re([^\d\D])}", "/{y}"], [], id="admits-nothing"),
        pytest.param([], [], id="no-routes"),
        pytest.param(["/a", "/b/{x:int}", "/b/{x}", "/{r:path}"], [], id="ordinary"),
    ],
)
def test_unreachable_table(routes: list[str], expected: list[tuple[str, str]]) -> None:
    assert unreachable_in(*routes) == expected


def check_witness(tree: TreeRouter, unreachable: UnreachableRoute) -> None:
    """Check that the witness has the form of the route, and that one tried before it answers."""
    for method in unreachable.route.methods:
        assert tree.match(method, unreachable.witness).route is not unreachable.route
    covers = [path_expression(parse_pattern(route.path, KNOWN)) for route in unreachable.by]
    cover = Automaton(Alternation(tuple(covers)))
    assert shortest_escape(Automaton(path_expression(parse_pattern(unreachable.route.path, KNOWN))), cover) is None
    alone = TreeRouter()
    alone.add(unreachable.route)
    alone.freeze()
    assert alone.match(min(unreachable.route.methods), unreachable.witness).route is unreachable.route


def test_witness_is_a_path_of_both() -> None:
    tree = router("/caf\u00e9/{x:re(.+)}", "/caf\u00e9/{y:date}/", "/caf\u00e9/{z:uuid}")
    (unreachable,) = tree.unreachable_routes()
    check_witness(tree, unreachable)
    assert unreachable.witness.startswith("/caf%C3%A9/")
    assert unreachable.route.path == "/caf\u00e9/{z:uuid}"


def test_unreachable_routes_of_many_routes() -> None:
    routes = [f"/s{number}/{{x:int}}" for number in range(2000)] + ["/s7/{x:re([0-9]+)}", "/{a}/{b}"]
    assert unreachable_in(*routes) == [("/s7/{x:int}", "/s7/{x:re([0-9]+)}")]


def test_undecided_route_counts_as_reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    routes = ["/{x:re([ab]*a[ab]{9})}", "/{y:re([ab]*a[ab]{9}|a{20})}"]
    assert unreachable_in(*routes) == [(routes[1], routes[0])]
    monkeypatch.setattr(unreachable, "_MAX_PAIRS", 100)
    assert unreachable_in(*routes) == []


@pytest.mark.parametrize(
    ("route", "cover", "expected"),
    [
        pytest.param("a+", "a", "aa", id="longer"),
        pytest.param("a|b", "a", "b", id="other"),
        pytest.param("a+", "a*", None, id="none"),
        pytest.param(".", r"\w|\W", None, id="classes"),
        pytest.param("[a-z]{3}", "[a-y]{3}", "aaz", id="class"),
    ],
)
def test_shortest_escape_table(route: str, cover: str, expected: str | None) -> None:
    codes = shortest_escape(Automaton(parse_expression(route)), Automaton(parse_expression(cover)))
    assert (None if codes is None else "".join(map(chr, codes))) == expected


def test_path_expression_keeps_slashes_apart() -> None:
    expression = Automaton(path_expression(parse_pattern("/x%2Fy/{a}.{b:int}/{r:path}", BUILTIN_CONVERTERS)))
    codes = shortest_escape(expression, Automaton(NOTHING))
    assert "".join("|" if code == SEPARATOR else chr(code) for code in codes) == "|x/y|a.0|"


PIECES = [
    "a",
    "b",
    "{x:re(a|b)}",
    "{x:re(ab?)}",
    "{x:re(b?a?)}",
    "{x:re([ab]{1,2})}",
    "a{x:re(a?b?)}",
    "{x:even}",
    "{x:path}",
]


def even(text: str) -> str:
    if len(text) % 2:
        raise ValueError(text)
    return text


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["GET", "POST", "GET,POST"]), st.lists(st.sampled_from(PIECES), min_size=1, max_size=2)
        )
    )
)
def test_unreachable_routes_are_just_the_routes_never_reached(drawn: list[tuple[str, list[str]]]) -> None:
    tree = TreeRouter(converters={"even": Converter(regex="[ab]{1,2}", convert=even)})
    for number, (methods, pieces) in enumerate(drawn):
        path = "".join("/" + piece.replace("{x", f"{{x{place}") for place, piece in enumerate(pieces))
        route = Route(path=path, handler=print, methods=methods.split(","), name=str(number))
        try:
            tree.add(route)
        except RouteConflict:
            continue
        except ValueError:
            assert path.count(":path") > 1
    tree.freeze()
    all_unreachable = tree.unreachable_routes()
    hidden = {unreachable.route.name for unreachable in all_unreachable}
    reached = reached_names(tree)
    assert not hidden & reached
    for found in all_unreachable:
        if "even" not in found.route.path:
            check_witness(tree, found)
    # If no route may refuse a path, and all paths are short enough to be tried, each route that is never reached is
    # unreachable.
    if not any("even" in path or "path" in path for path in (route.path for route in tree.routes)):
        assert hidden | reached == {route.name for route in tree.routes}


def reached_names(tree: TreeRouter) -> set[str]:
    texts = ["".join(letters) for size in range(4) for letters in product("ab", repeat=size)]
    paths = [f"/{one}" for one in texts] + [f"/{one}/{two}" for one in texts for two in texts]
    names = set()
    for method, path in product(["GET", "POST"], paths):
        try:
            names.add(tree.match(method, path).route.name)
        except (NotFound, MethodNotAllowed):
            continue
    return names


def test_same_route_by_name_is_not_hidden_by_itself() -> None:
    assert router(as_route("/{x}", name="x"), as_route("/{x:int}", name="y")).unreachable_routes() == ()
