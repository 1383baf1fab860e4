"""Why a route does not answer, in words."""

from __future__ import annotations

import pytest

from turnbuckle import Route
from turnbuckle.startup.report.route_mismatch import RouteQuery, explain_mismatch, why_later


def _route(path: str, *, methods: str = "GET", host: str = "") -> Route:
    return Route(path=path, handler=str, methods=methods, host=host)


def _query(path: str, *, method: str = "GET", host: str = "shop.example:80") -> RouteQuery:
    return RouteQuery(method=method, path=path, host=host)


@pytest.mark.parametrize(
    ("route", "path", "reason"),
    [
        pytest.param(_route("/a"), "/a", "", id="fits"),
        pytest.param(_route("/users/me"), "/users/abc", "segment 2 is 'me', not 'abc'", id="text"),
        pytest.param(_route("/users/{id:int}"), "/users/abc", "segment 2: {id:int} rejects 'abc'", id="refused"),
        pytest.param(_route("/v{a:int}.{b:int}"), "/v1", "segment 1: v{a:int}.{b:int} rejects 'v1'", id="mixed"),
        pytest.param(_route("/a/{x:re(a/b|c)}"), "/a/d", "segment 2: {x:re(a/b|c)} rejects 'd'", id="slash-in-braces"),
        pytest.param(_route("/a/b/c"), "/a/b", "the path ends before its segment 3, 'c'", id="too-short"),
        pytest.param(_route("/a"), "/a/b/c", "the route ends where the path continues with 'b/c'", id="too-long"),
        pytest.param(_route("/a"), "/", "the path ends before its segment 1, 'a'", id="root"),
        pytest.param(_route("/"), "/a", "the route ends where the path continues with 'a'", id="root-route"),
        pytest.param(_route("/f/{p:path}"), "/f/a/b", "", id="many-segments"),
        pytest.param(_route("/f/{p:path}/end"), "/f/a/b", "segment 3 is 'end', not 'b'", id="behind-many"),
        pytest.param(_route("/f/{p:path}/end"), "/f/end", "the path ends before its segment 2, '{p:path}'", id="none"),
        pytest.param(
            _route("/a"),
            "/a/",
            "the path has a trailing slash, the route has none (routing.trailing_slash = 'strict')",
            id="slash",
        ),
        pytest.param(
            _route("/a/"),
            "/a",
            "the route has a trailing slash, the path has none (routing.trailing_slash = 'strict')",
            id="no-slash",
        ),
        pytest.param(_route("/a"), "/%zz", "the path cannot be decoded", id="escapes"),
        pytest.param(_route("/{odd"), "/a", "the core cannot read its path, only the router can", id="foreign"),
        pytest.param(_route("/a", host="b.example"), "/a", "host 'b.example' is not 'shop.example'", id="host"),
        pytest.param(_route("/a", host="{t}.example"), "/a", "", id="host-pattern"),
        pytest.param(_route("/a", methods="POST"), "/a", "it answers POST, not GET", id="method"),
    ],
)
def test_reason_names_the_mismatch(route: Route, path: str, reason: str) -> None:
    assert explain_mismatch(route, _query(path), "strict").reason == reason


@pytest.mark.parametrize("path", ["/a/", "/a"])
def test_slash_that_is_ignored_is_no_reason(path: str) -> None:
    for pattern in ("/a", "/a/"):
        assert explain_mismatch(_route(pattern), _query(path), "ignore").reason == ""


def test_malformed_host_is_a_reason() -> None:
    assert explain_mismatch(_route("/a", host="b.example"), _query("/a", host="a b"), "strict").reason == (
        "host 'b.example' is not 'a b'"
    )


def test_head_is_served_by_get() -> None:
    assert explain_mismatch(_route("/a"), _query("/a", method="HEAD"), "strict").reason == ""


def test_nearer_routes_match_more() -> None:
    query = _query("/users/abc")
    routes = [
        _route("/users/{name}"),
        _route("/users/{name}", methods="POST"),
        _route("/users/{name}", host="b.example"),
        _route("/users/{id:int}"),
        _route("/users/me"),
        _route("/user/x"),
    ]
    near = [explain_mismatch(route, query, "strict").near for route in routes]
    assert near == sorted(near, reverse=True)
    assert [explain_mismatch(route, query, "strict").is_far for route in routes] == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("route", "winner", "reason"),
    [
        pytest.param(
            _route("/users/{name}"), _route("/users/me"), "segment 2: the text 'me' precedes {name}", id="text"
        ),
        pytest.param(
            _route("/users/{name}"),
            _route("/users/{id:int}"),
            "segment 2: {id:int} is narrower than {name}",
            id="narrower",
        ),
        pytest.param(
            _route("/{x:re(a)}"), _route("/{x:re(b)}"), "segment 1: {x:re(b)} precedes {x:re(a)}", id="earlier"
        ),
        pytest.param(
            _route("/{rest:path}"), _route("/{name}"), "segment 1: one segment precedes many", id="one-segment"
        ),
        pytest.param(_route("/a", host=""), _route("/a", host="b"), "routes of host 'b' precede it", id="host"),
        pytest.param(_route("/a", host="b"), _route("/a"), "another router precedes it", id="no-host"),
        pytest.param(_route("/{odd"), _route("/a"), "the router chose another", id="foreign"),
        pytest.param(_route("/a"), _route("/a", methods="HEAD"), "a route for HEAD itself precedes it", id="head"),
        pytest.param(_route("/a"), _route("/a"), "/a precedes it", id="same"),
    ],
)
def test_route_that_fits_as_well_comes_later(route: Route, winner: Route, reason: str) -> None:
    assert why_later(route, winner, _query("/a", method="HEAD")) == reason
