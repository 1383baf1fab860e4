"""The names and texts of operations."""

from __future__ import annotations

import functools

import pytest

from turnbuckle import Request, Route, RouteDocs
from turnbuckle_contrib.openapi.naming import description_of, operation_ids, summary_of


async def show(request: Request) -> str:
    """Show a note
    in full.

    It has a text.

    * a list

    Args:
        request: not of interest.
    """
    return ""


async def make_it_so(request: Request) -> str:
    return ""


class Shown:
    """Show an object."""

    async def __call__(self, request: Request) -> str:
        return ""


@pytest.mark.parametrize(
    ("route", "summary", "description"),
    [
        pytest.param(
            Route(path="/", handler=show), "Show a note in full", "It has a text.\n\n* a list", id="docstring"
        ),
        pytest.param(Route(path="/", handler=make_it_so), "Make it so", "", id="name"),
        pytest.param(Route(path="/", handler=functools.partial(make_it_so)), "Make it so", "", id="partial"),
        pytest.param(Route(path="/", handler=Shown()), "Show an object", "", id="object"),
        pytest.param(Route(path="/", handler=show, docs=RouteDocs(summary="A", description="B")), "A", "B", id="route"),
    ],
)
def test_texts_of_an_operation(route: Route, summary: str, description: str) -> None:
    assert (summary_of(route), description_of(route)) == (summary, description)


def _ids(*routes: tuple[str, str, Route]) -> list[str]:
    return operation_ids([(route, method, path) for method, path, route in routes])


def test_operation_ids_are_unique() -> None:
    plain, other = Route(path="/", handler=show), Route(path="/", handler=make_it_so)
    named = Route(path="/", handler=show, name="notes.list")
    given = Route(path="/", handler=show, docs=RouteDocs(operation_id="notes.show"))
    assert _ids(("GET", "/a", plain), ("GET", "/b", other)) == ["show", "make_it_so"]
    assert _ids(("GET", "/a", plain), ("POST", "/a", plain)) == ["show_get", "show_post"]
    assert _ids(("GET", "/a/{id}", plain), ("GET", "/", plain)) == ["show_get_a_id", "show_get_root"]
    assert _ids(("GET", "/a", named), ("GET", "/b", given)) == ["notes_list", "notes.show"]
    assert _ids(("GET", "/a-b", plain), ("GET", "/a_b", plain)) == ["show_get_a_b", "show_get_a_b_2"]
