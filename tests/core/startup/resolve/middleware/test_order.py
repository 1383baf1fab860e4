"""Middleware is ordered by zones, constraints, dependency order; contradictions are reported with both locations."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.core.startup.finding import error_of, errors_of, make_plugin, warning_of
from turnbuckle import App, Handler, Middleware, Plugin, PluginInfo, Request, Response, Setup
from turnbuckle.records import Zone


def _link(name: str, zone: Zone = "app", **more: object) -> Middleware:
    def factory(call_next: Handler, setup: Setup) -> Handler:
        return call_next

    return Middleware(name, factory, zone=zone, **more)


def _plugin(name: str, *links: Middleware, after: Sequence[str] = ()) -> type[Plugin]:
    info = PluginInfo(name=name, after=tuple(after))
    return make_plugin(name, info=info, provide_middleware=lambda self, setup: list(links))


def _order(app: App) -> list[str]:
    return [link.record.name for link in app.resolve().root.middleware]


def test_first_written_is_outermost() -> None:
    app = App(middleware=[_link("b"), _link("a")])

    @app.middleware
    async def c(request: Request, call_next: Handler) -> Response:
        return await call_next(request)

    app.add_middleware(_link("d"))
    assert _order(app) == ["b", "a", "c", "d"]


def test_zones_come_first() -> None:
    zones: list[Zone] = ["app", "transform", "session", "security", "edge"]
    assert _order(App(middleware=[_link(zone, zone) for zone in zones])) == zones[::-1]


def test_before_and_after_are_kept() -> None:
    links = [_link("a", after=("c",)), _link("b"), _link("c"), _link("d", before=("b",))]
    assert _order(App(middleware=links)) == ["c", "a", "d", "b"]


def test_written_order_is_kept_around_constraints() -> None:
    links = [_link("auth"), _link("audit"), _link("z", before=("auth",))]
    assert _order(App(middleware=links)) == ["z", "auth", "audit"]


def test_constraint_of_a_plugin_does_not_stir_the_written_order() -> None:
    plugin = _plugin("late", _link("late", after=("a",), before=("c",)))
    app = App(plugins=[plugin], middleware=[_link("a"), _link("b"), _link("c")])
    assert _order(app) == ["a", "late", "b", "c"]


def test_ties_go_by_dependency_order_then_name_and_the_app_is_innermost() -> None:
    plugins = [_plugin("zeta", _link("z")), _plugin("beta", _link("b"), after=["zeta"]), _plugin("alpha", _link("a"))]
    for ordered in (plugins, plugins[::-1]):
        assert _order(App(plugins=ordered, middleware=[_link("own")])) == ["a", "z", "b", "own"]


def test_constraint_may_name_a_plugin() -> None:
    plugins = [_plugin("one", _link("x"), _link("y")), _plugin("two", _link("a", before=("one",)))]
    assert _order(App(plugins=plugins)) == ["a", "x", "y"]


def test_constraint_that_zones_fulfil_is_fine() -> None:
    assert _order(App(middleware=[_link("a", "app", after=("e",)), _link("e", "edge")])) == ["e", "a"]


def test_constraint_against_zones() -> None:
    found = error_of(App(middleware=[_link("a", "app", before=("e",)), _link("e", "edge")]), "TB411")
    assert found.text == "middleware 'a' asks for 'a' (zone app) outside of 'e' (zone edge)"
    found = error_of(App(middleware=[_link("a", "app"), _link("e", "edge", after=("a",))]), "TB411")
    assert found.text == "middleware 'e' asks for 'a' (zone app) outside of 'e' (zone edge)"


def test_cycle_is_printed_as_a_path() -> None:
    links = [_link("a", before=("b",)), _link("b", before=("c",)), _link("c", before=("a",))]
    found = error_of(App(middleware=links), "TB408")
    assert found.text.endswith("in a cycle: a -> b -> c -> a")
    assert len(found.origins) == 3


def test_name_that_is_not_there_is_a_warning() -> None:
    app = App(middleware=[_link("audit", after=("sesion",)), _link("session")])
    assert "'sesion', which does not exist; did you mean 'session'?" in warning_of(app, "TB409").text


def test_name_of_an_installed_plugin_is_no_misspelling() -> None:
    app = App(middleware=[_link("audit", before=("cors",)), _link("cores")])
    (found,) = [diagnostic for diagnostic in app.plan.diagnostics if diagnostic.code == "TB409"]
    assert (found.level, "did you mean" in found.text) == ("info", False)


def test_two_of_one_name() -> None:
    found = error_of(App(middleware=[_link("a")], plugins=[_plugin("p", _link("a"))]), "TB410")
    assert {origin.plugin for origin in found.origins} == {"app", "p"}


def test_same_name_in_two_scopes_is_fine() -> None:
    app = App(middleware=[_link("a")])
    app.scope("/x", middleware=[_link("a")])
    assert [len(scope.middleware) for scope in app.resolve().root.walk()] == [1, 1]


def test_order_of_the_settings_overrides_everything() -> None:
    links = [_link("a", "edge"), _link("b", before=("c",)), _link("c", after=("b",))]
    app = App(middleware=links, settings={"middleware": {"order": ["c", "b", "a"]}})
    app.scope("/x", middleware=[_link("inner")])
    assert _order(app) == ["c", "b", "a"]


def test_order_of_the_settings_must_be_whole_and_right() -> None:
    app = App(middleware=[_link("a"), _link("b")], settings={"middleware": {"order": ["a", "bb", "a"]}})
    first, second = errors_of(app)
    assert (first.code, second.code) == ("TB419", "TB419")
    assert "names 'bb', which does not exist; did you mean 'b'?" in first.text
    assert "leaves out 'b'" in second.text


@pytest.mark.parametrize("need", ["session", "sessions"])
def test_need_that_is_met(need: str) -> None:
    links = [_link("sessions", "session", provides=("session",)), _link("a", needs=(need,))]
    assert App(middleware=links).resolve().diagnostics == ()


def test_need_that_an_outer_scope_meets() -> None:
    app = App(middleware=[_link("sessions", provides=("session",))])
    app.scope("/x").scope("/y", middleware=[_link("a", needs=("session",))])
    assert app.resolve().diagnostics == ()


def test_need_that_nothing_meets() -> None:
    found = error_of(App(middleware=[_link("a", needs=("session",))]), "TB412")
    assert found.text.endswith("needs 'session' outside of it, and nothing provides it")


def test_need_that_is_met_inside() -> None:
    links = [_link("a", needs=("session",)), _link("sessions", provides=("session",))]
    found = error_of(App(middleware=links), "TB412")
    assert found.text.endswith("outside of it, but 'sessions' is inside")
    assert found.fix == "order it after 'sessions'"
    assert len(found.origins) == 2


def test_need_is_reported_once_for_inner_scopes() -> None:
    app = App(middleware=[_link("a", needs=("session",))])
    app.scope("/x", middleware=[_link("b")])
    assert error_of(app, "TB412").origins


def test_key_that_two_provide() -> None:
    links = [_link("a", provides=("user",)), _link("b", provides=("user",))]
    assert "'b' and 'a' both set 'user'" in error_of(App(middleware=links), "TB418").text


def test_key_that_a_scope_provides_again() -> None:
    app = App(middleware=[_link("a", provides=("user",))])
    app.scope("/x", middleware=[_link("b", provides=("user",))])
    assert len(error_of(app, "TB418").origins) == 2


def test_key_may_be_named_as_its_middleware() -> None:
    assert App(middleware=[_link("user", provides=("user",)), _link("a", needs="user")]).resolve().diagnostics == ()


def test_key_may_be_named_as_another_middleware() -> None:
    assert App(middleware=[_link("user"), _link("b", provides=("user",))]).resolve().diagnostics == ()
