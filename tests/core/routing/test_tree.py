"""The router as the core uses it."""

import sys
from types import FrameType

import attrs
import pytest

from tests.core.routing.making import found, router
from turnbuckle.routing.tree import TreeRouter

UUID = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/x/me", "/x/me", id="static-first"),
        pytest.param("/x/de", "/x/{a:re([a-z]{2})}", id="expression"),
        pytest.param(f"/x/{UUID}", "/x/{a:uuid}", id="uuid"),
        pytest.param("/x/v5", "/x/v{a:int}", id="mixed"),
        pytest.param("/x/5", "/x/{a:int}", id="int-before-float"),
        pytest.param("/x/5.0", "/x/{a:float}", id="float"),
        pytest.param("/x/a.json", "/x/{a}.json", id="more-text"),
        pytest.param("/x/a.txt", "/x/{a}.{b}", id="less-text"),
        pytest.param("/x/joe", "/x/{a}", id="str"),
        pytest.param("/x/a/b", "/x/{a:path}", id="path-last"),
        pytest.param("/x/a/edit", "/x/{a:path}/edit", id="path-with-more-behind"),
    ],
)
def test_specificity_decides_not_registration(path: str, expected: str) -> None:
    routes = [
        "/x/{a:path}",
        "/x/{a:path}/edit",
        "/x/{a}",
        "/x/{a}.{b}",
        "/x/{a}.json",
        "/x/{a:float}",
        "/x/{a:int}",
        "/x/v{a:int}",
        "/x/{a:uuid}",
        "/x/{a:re([a-z]{2})}",
        "/x/me",
    ]
    assert found(router(*routes), path)[0] == expected
    assert found(router(*reversed(routes)), path)[0] == expected


def test_equal_specificity_goes_by_registration() -> None:
    first, second = "/{x:re([a-z]+)}", "/{x:re([a-m]+)}"
    assert found(router(first, second), "/abc")[0] == first
    assert found(router(second, first), "/abc")[0] == second


def test_ready_match_is_shared_and_cannot_be_changed() -> None:
    tree = router("/a")
    match = tree.match("GET", "/a")
    assert tree.match("GET", "/a") is match
    assert tree.match("HEAD", "/a") is match
    assert tree.match("GET", "/%61") is match
    with pytest.raises(TypeError):
        match.path_params["x"] = 1
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        match.handler = print
    assert {**match.path_params} == {}


def test_ready_match_is_that_of_the_other_form_where_slashes_are_ignored() -> None:
    tree = router("/a", trailing_slash="ignore")
    assert tree.match("GET", "/a/") is tree.match("HEAD", "/a")


def calls(tree: TreeRouter, path: str) -> int:
    """Count the calls of functions in ``routing/``, resumed generators too, that one match takes."""
    count = 0

    def profile(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call" and "routing" in frame.f_code.co_filename

    sys.setprofile(profile)
    try:
        tree.match("GET", path)
    finally:
        sys.setprofile(None)
    return count


def crowd(size: int) -> TreeRouter:
    """Return many routes of every kind: static, in one node, below parameters, mixed, behind spanning parameters."""
    routes = []
    for number in range(size // 5):
        routes += [f"/static/{number}", f"/user/{{id:int}}/{number}", f"/r{number}/{{x}}/{{y:date}}"]
        routes += [f"/file/part{number}-{{name}}.txt", f"/tail/{number}/{{rest:path}}"]
    return router(*routes)


def test_ten_thousand_routes_cost_what_ten_do() -> None:
    few, many = crowd(50), crowd(10_000)
    assert len(many.routes) == 10_000
    paths = ["/static/7", "/%73tatic/7", "/user/5/7", "/r7/a/2024-01-02", "/file/part7-a.txt", "/tail/7/a/b"]
    for path in paths:
        assert found(few, path) == found(many, path)
        assert calls(many, path) == calls(few, path), path
    assert calls(many, "/static/1999") == 1  # match() itself, and nothing else
