"""Paths of named routes, and back."""

import datetime as dt
import enum
import uuid

import pytest
from hypothesis import assume, given, strategies as st

from tests.core.routing.making import as_route, router
from turnbuckle.errors import RouteError
from turnbuckle.routing.tree import TreeRouter

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)


def tree(pattern: str) -> TreeRouter:
    return router(as_route(pattern, name="it"))


class Color(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("pattern", "params", "expected"),
    [
        pytest.param("/", {}, "/", id="root"),
        pytest.param("/a/", {}, "/a/", id="slash-at-end"),
        pytest.param("/caf\u00e9/a%2Fb", {}, "/caf%C3%A9/a%2Fb", id="static"),
        pytest.param("/{x}", {"x": "a/b?c#d%"}, "/a%2Fb%3Fc%23d%25", id="reserved"),
        pytest.param("/{x}", {"x": "\\evil"}, "/%5Cevil", id="backslash"),
        pytest.param("/{x}", {"x": "//evil"}, "/%2F%2Fevil", id="slashes-in-str"),
        pytest.param("/{x}", {"x": Color.RED}, "/red", id="str-enumeration"),
        pytest.param("/{x:int}", {"x": 7}, "/7", id="int"),
        pytest.param("/{x:float}", {"x": 1e22}, "/10000000000000000000000", id="float"),
        pytest.param("/{x:date}", {"x": dt.date(999, 1, 2)}, "/0999-01-02", id="date"),
        pytest.param("/{x:uuid}", {"x": uuid.UUID(int=1)}, "/00000000-0000-0000-0000-000000000001", id="uuid"),
        pytest.param("/v{a:int}.{b}-x", {"a": 1, "b": "c.d"}, "/v1.c.d-x", id="mixed"),
        pytest.param("/s/{x:path}", {"x": "a b/c"}, "/s/a%20b/c", id="path"),
        pytest.param("/s/{x:path}", {"x": ""}, "/s/", id="path-empty"),
        pytest.param("/{x:path}", {"x": "/evil.example"}, "/%2Fevil.example", id="path-is-no-host"),
        pytest.param("/{x:path}", {"x": "//evil.example"}, "/%2F/evil.example", id="path-is-no-host-at-all"),
        pytest.param("/{x:path}/edit", {"x": "a/b"}, "/a/b/edit", id="path-inside"),
        pytest.param("/{x}", {"x": "..."}, "/...", id="three-dots"),
        pytest.param("/.{x}", {"x": "well-known"}, "/.well-known", id="dot-first"),
    ],
)
def test_url_and_back(pattern: str, params: dict[str, object], expected: str) -> None:
    it = tree(pattern)
    assert it.url_for("it", **params) == expected
    assert it.match("GET", expected).path_params == params


@pytest.mark.parametrize(
    ("pattern", "params", "message"),
    [
        pytest.param("/{x}", {}, "'/{x}' needs parameter 'x'", id="missing"),
        pytest.param("/{x}", {"x": "a", "y": 1}, "'/{x}' has no parameter 'y'", id="unknown"),
        pytest.param("/a", {"x": "a", "b": 1}, "'/a' has no parameter 'b', 'x'", id="unknown-two"),
        pytest.param("/{x:int}", {"x": "5"}, "parameter 'x' cannot be '5': an int is needed", id="type"),
        pytest.param("/{x:int}", {"x": -5}, "parameter 'x' cannot be -5: '-5' is not of the form", id="value"),
        pytest.param("/{x}", {"x": ""}, "parameter 'x' cannot be ''", id="empty"),
        pytest.param("/{x}", {"x": "\ud800"}, "parameter 'x' cannot be", id="surrogate"),
        pytest.param("/{x:re([a-z]+)}", {"x": "A"}, "'A' is not of the form", id="expression"),
        pytest.param("/{x}", {"x": ".."}, "clients resolve '.' and '..'", id="dots"),
        pytest.param("/{x}", {"x": "."}, "clients resolve '.' and '..'", id="dot"),
        pytest.param("/.{x}", {"x": "."}, "clients resolve '.' and '..'", id="dots-of-two-parts"),
        pytest.param("/s/{x:path}", {"x": "a/../b"}, "clients resolve '.' and '..'", id="dots-in-path"),
        pytest.param("/{x:path}/edit", {"x": ""}, "would start with '//'", id="host"),
        pytest.param("/{x}.{y}", {"x": "a", "y": "b.c"}, "would be split into other parameters", id="cut-elsewhere"),
    ],
)
def test_url_is_refused(pattern: str, params: dict[str, int | str], message: str) -> None:
    it = tree(pattern)
    with pytest.raises(RouteError) as caught:
        it.url_for("it", **params)
    assert message in str(caught.value)


@given(TEXT, st.integers(0, 10**60), TEXT)
def test_url_round_trip(text: str, number: int, other: str) -> None:
    assume(text not in {".", ".."})
    it = tree("/a/{text}/{number:int}-{other}/b")
    params = {"text": text, "number": number, "other": other}
    url = it.url_for("it", **params)
    assert url.isascii()
    assert it.match("GET", url).path_params == params


@given(st.lists(TEXT).map("/".join) | TEXT)
def test_url_round_trip_path(text: str) -> None:
    assume(not {".", ".."} & set(text.split("/")))
    for it in (tree("/{rest:path}"), tree("/s/{rest:path}/end")):
        url = it.url_for("it", rest=text)
        assert not url.startswith("//")
        assert it.match("GET", url).path_params == {"rest": text}


@given(TEXT, TEXT, TEXT)
def test_url_round_trip_mixed_or_refused(first: str, second: str, third: str) -> None:
    it = tree("/{a}-{b}.{c}")
    params = {"a": first, "b": second, "c": third}
    try:
        url = it.url_for("it", **params)
    except RouteError:
        assert "-" in second + third or "." in third
    else:
        assert it.match("GET", url).path_params == params


@given(st.floats(0, 9e307), st.dates(), st.uuids())
def test_url_round_trip_typed(number: float, day: dt.date, key: uuid.UUID) -> None:
    it = tree("/{number:float}/{day:date}/{key:uuid}")
    params = {"number": number, "day": day, "key": key}
    assert it.match("GET", it.url_for("it", **params)).path_params == params
