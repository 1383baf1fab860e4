"""The short ways to a match against the walk that defines them."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import example, given, settings, strategies as st

from turnbuckle.errors import HTTPError, MethodNotAllowed, NotFound, RouteConflict
from turnbuckle.routing.converters import Converter
from turnbuckle.routing.escapes import decode_path
from turnbuckle.routing.leaves import compile_leaves
from turnbuckle.routing.nodes import walk
from turnbuckle.routing.records import Route
from turnbuckle.routing.slashes import SlashRedirect, TrailingSlash, other_form
from turnbuckle.routing.tree import TreeRouter

UUID = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
KINDS = [
    "a", "b", "7", "12", "a%2Fb", "50%25", "%C3%A9", "%3Cx%3E", "",
    "{x}", "{x:int}", "{x:float}", "{x:uuid}", "{x:date}", "{x:path}", "{x:re([ab0-9]+)}", "{x:none}", "{x:even}",
    "a{x}", "v{x:int}", "{x}.{y}", "{x:int}-{y}", "{x}.txt",
]  # fmt: skip
# Paths as a client may send them: also malformed, escaped without need, with raw characters, and without a slash.
PIECES = [
    "a", "b", "7", "12", "007", "1.5", UUID, UUID.upper(), "2024-02-29", "2023-02-29", "v5", "a.b", "7-x", "x.txt",
    "a%2Fb", "%61", "%37", "50%25", "50%", "%zz", "%FF", "%C3%A9", "é", "\u0663", "²", "<x>", "%3Cx%3E", "", ".", "..",
    "\ud800", "1" * 100, "1" * 101, "+7", "-7", "7 ", "_", "1_0",
]  # fmt: skip
METHODS = ["GET", "POST", "HEAD", "OPTIONS", "PURGE", "get"]
CONVERTERS = {
    # None is a value like any other, and a convert function may refuse a text.
    "none": Converter(regex="[a-z]", convert=lambda text: None, rank=20),
    "even": Converter(regex="[0-9]{1,3}", convert=lambda text: {0: int(text)}[int(text) % 2], rank=25),
}


def _outcome(tree: TreeRouter, method: str, path: str, *, by_walk: bool = False) -> object:
    try:
        if by_walk:
            return _by_walk(tree, method, path)
        handler, params, route = tree.find(method, path)
        match = tree.match(method, path)
        assert (match.handler, match.path_params, match.route) == (handler, params, route)
        assert match.route is route
        return route.path, list(params.items()), list(map(type, params.values()))
    except MethodNotAllowed as error:
        return 405, error.allowed
    except SlashRedirect as error:
        return 308, error.path
    except HTTPError as error:
        return error.status


def _by_walk(tree: TreeRouter, method: str, path: str) -> object:
    """Return the outcome by the definition: the first node of the walk that has the method."""
    policy: TrailingSlash = tree._trailing_slash
    allowed: set[str] = set()
    for form in [path, other_form(path)] if policy == "ignore" else [path]:
        for node, values in _reach(tree, form):
            if method in node.entries:
                entry = node.entries[method]
                params = dict(zip(entry.names, values, strict=True))
                return entry.route.path, list(params.items()), list(map(type, params.values()))
            allowed |= node.allowed
    if path == "*":
        allowed |= tree.allowed("*")
    if allowed:
        raise MethodNotAllowed(allowed)
    if policy == "redirect" and list(_reach(tree, other_form(path))):
        raise SlashRedirect(other_form(path))
    raise NotFound


def _reach(tree: TreeRouter, path: str) -> Sequence[object]:
    segments = decode_path(path)
    return [] if segments is None else list(walk(tree._root, segments, 0, ()))


def _tree(drawn: Sequence[tuple[Sequence[str], Sequence[str]]], policy: TrailingSlash = "strict") -> TreeRouter:
    tree = TreeRouter(policy, CONVERTERS)
    for methods, kinds in drawn:
        names = iter("pqrstuvwxyz")
        path = "".join("/" + _renamed(kind, names) for kind in kinds)
        try:
            tree.add(Route(path=path, handler=print, methods=methods))
        except (RouteConflict, ValueError):
            continue
    tree.freeze()
    return tree


def _renamed(kind: str, names: Iterator[str]) -> str:
    for old in "xy":
        kind = kind.replace("{" + old, "{" + next(names)) if "{" + old in kind else kind
    return kind


_methods = st.lists(st.sampled_from(METHODS[:5]), min_size=1, max_size=2, unique=True)
_routes = st.lists(st.tuples(_methods, st.lists(st.sampled_from(KINDS), min_size=1, max_size=3)), max_size=10)
_paths = st.one_of(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map(lambda pieces: "/" + "/".join(pieces)),
    st.sampled_from(["", "*", "a", "7", "a/7", "//", "///7"]),
    st.text(max_size=8).map(lambda text: "/" + text),
)


@settings(max_examples=400, deadline=None)
@given(
    _routes,
    st.lists(st.tuples(st.sampled_from(METHODS), _paths), min_size=1, max_size=15),
    st.sampled_from(["strict", "redirect", "ignore"]),
)
@example([(["GET"], ["{x}"])], [("GET", "*"), ("GET", "a"), ("GET", "/a")], "strict")
@example([(["GET"], ["a", "{x:int}"]), (["POST"], ["a", "7"])], [("GET", "/a/7"), ("POST", "/a/7")], "strict")
@example([(["GET"], ["50%25", "{x}"])], [("GET", "/50%25/a"), ("GET", "/50%/a")], "strict")
@example([(["GET"], ["%3Cx%3E"]), (["GET"], ["{x}"])], [("GET", "/<x>"), ("GET", "/%3Cx%3E")], "strict")
def test_find_and_match_agree_with_the_walk(
    drawn: list[tuple[list[str], list[str]]], requests: list[tuple[str, str]], policy: TrailingSlash
) -> None:
    tree = _tree(drawn, policy)
    for method, path in requests:
        assert _outcome(tree, method, path) == _outcome(tree, method, path, by_walk=True), (method, path)


@pytest.mark.parametrize(
    ("kinds", "path"),
    [
        pytest.param(["items", "{x:int}"], "/items/7", id="int"),
        pytest.param(["items", "{x}"], "/items/a", id="str"),
        pytest.param(["items", "{x:uuid}"], f"/items/{UUID}", id="uuid"),
        pytest.param(["items", "{x:path}"], "/items/a", id="path"),
        pytest.param(["items", "v{x:int}"], "/items/v7", id="mixed"),
        pytest.param(["{x}"], "/a", id="root"),
    ],
)
def test_parameter_after_a_static_prefix_needs_no_walk(
    kinds: list[str], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = _tree([(["GET"], kinds)])
    monkeypatch.setattr(TreeRouter, "_search", None)
    assert tree.find("GET", path)[2] is tree.routes[0]
    assert tree.find("HEAD", path)[2] is tree.routes[0]


def test_leaves_are_made_only_for_prefixes_without_escapes() -> None:
    tree = _tree([(["GET"], [kind, "{x}"]) for kind in ["a", "a%2Fb", "50%25", "%C3%A9", "<x>"[1]]])
    assert sorted(compile_leaves(tree._root)) == ["/a/", "/x/"]
