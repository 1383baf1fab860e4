"""Parsers and routers are passed to an app as names, records, classes, factories, or objects of other shapes."""

from __future__ import annotations

import sys

import pytest

from tests.core.startup.finding import error_of
from turnbuckle import App, Limits, Match, NotFound, Parser, ParserProvider, Route, RouterProvider, Setup, TreeRouter
from turnbuckle.http.guard import GuardedParser
from turnbuckle.http.parser import H1Parser, H1ParserFactory


def _factory(limits: Limits) -> Parser:
    return H1Parser(limits)


def _factory_without_arguments() -> Parser:
    return H1Parser(Limits())


def _factory_with_default(size: int = 3) -> Parser:
    assert size == 3
    return H1Parser(Limits())


def _factory_with_default_limits(limits: Limits | None = None) -> Parser:
    assert limits is not None
    return H1Parser(limits)


@pytest.mark.parametrize(
    ("parser", "name"),
    [
        pytest.param("h1", "h1", id="name"),
        pytest.param(H1Parser, "H1Parser", id="class"),
        pytest.param(H1ParserFactory(), "H1ParserFactory", id="callable-object"),
        pytest.param(_factory, "_factory", id="function"),
        pytest.param(_factory_without_arguments, "_factory_without_arguments", id="no-arguments"),
        pytest.param(_factory_with_default, "_factory_with_default", id="default"),
        pytest.param(_factory_with_default_limits, "_factory_with_default_limits", id="default-limits"),
        pytest.param(ParserProvider("mine", _factory), "mine", id="record"),
    ],
)
def test_parser(parser: object, name: str) -> None:
    app = App(parser=parser)
    made = app.compile().parser_factory(Limits())
    assert app.plan.parser.name == name
    assert isinstance(made, H1Parser if name in {"h1", "H1ParserFactory"} else GuardedParser)


class _ParseInto:
    def parse_into(self, request: object, buffer: bytearray) -> bytearray:
        return buffer


@pytest.mark.parametrize("parser", [_ParseInto, _ParseInto()])
def test_parser_that_fills_requests_is_adapted(parser: object) -> None:
    plan = App(parser=parser).resolve()
    assert (plan.parser.name, plan.parser.origin.plugin) == ("parse_into", "parse_into")
    assert plan.parser.rule == "it was passed to the app"


def test_parser_instance_is_refused() -> None:
    found = error_of(App(parser=H1Parser(Limits())), "TB403")
    assert found.fix == "pass the class H1Parser, not an instance"


def test_parser_that_is_nothing_of_the_kind() -> None:
    assert "3 cannot be the parser" in error_of(App(parser=3), "TB403").text


def test_parser_factory_that_fails() -> None:
    found = error_of(App(parser=dict), "TB503")
    assert "parser 'dict' cannot be made: TypeError" in found.text


def test_parser_factory_that_makes_something_else() -> None:
    assert "has no feed, feed_eof, next_event, trailing_data" in error_of(App(parser=lambda limits: 3), "TB503").text


class _Router:
    """The least that a router is."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def add(self, route: Route, /) -> None:
        self.routes.append(route)

    def freeze(self) -> None:
        pass

    def match(self, method: str, path: str, /) -> Match:
        for route in self.routes:
            if route.path == path:
                return Match(route.handler, {}, route)
        raise NotFound


class _GetHandler:
    def get_handler(self, path: str) -> object:
        raise NotFound


def _make_router(setup: Setup) -> _Router:
    assert setup.settings is not None
    return _Router()


@pytest.mark.parametrize(
    ("router", "name"),
    [
        pytest.param("tree", "tree", id="name"),
        pytest.param(_Router, "_Router", id="class"),
        pytest.param(TreeRouter, "TreeRouter", id="class-with-options"),
        pytest.param(_make_router, "_make_router", id="factory"),
        pytest.param(_Router(), "_Router", id="instance"),
        pytest.param(RouterProvider("mine", _make_router), "mine", id="record"),
        pytest.param(_GetHandler, "get_handler", id="adapted-class"),
        pytest.param(_GetHandler(), "get_handler", id="adapted-instance"),
    ],
)
def test_router(router: object, name: str) -> None:
    app = App(router=router)
    app.compile()
    assert app.plan.root.router is not None
    assert app.plan.root.router.name == name


def test_router_that_is_nothing_of_the_kind() -> None:
    assert "3 cannot be the router" in error_of(App(router=3), "TB403").text


def test_router_factory_that_fails() -> None:
    found = error_of(App(router=lambda setup: 1 / 0), "TB502")
    assert found.text == "router '<lambda>' cannot be made: ZeroDivisionError: division by zero"


def test_signature_that_cannot_be_read_is_called_with_one() -> None:
    # type() has no signature, and returns the class of its argument.
    assert "has no feed" in error_of(App(parser=type), "TB503").text


def test_adapter_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "turnbuckle_plugins.parse_into", None)
    found = error_of(App(parser=_ParseInto()), "TB403")
    assert "the adapter turnbuckle_plugins.parse_into failed: ModuleNotFoundError" in found.why
