"""Hooks that are misspelt, misshapen, or answer wrongly are named with plugin, hook, place and remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

import attrs
import click
import pluggy
import pytest

from tests.core.startup.finding import error_of, make_plugin, warning_of
from turnbuckle import (
    App,
    Component,
    Diagnostic,
    Lifespan,
    Middleware,
    Plan,
    Plugin,
    PluginInfo,
    Route,
    Setup,
    hookimpl,
    hookspec,
)
from turnbuckle.hookspecs import Hooks


def _none(self: Plugin, setup: Setup) -> list[object]:
    return []


def _answer(request: object) -> str:
    return "yes"


def _routes(self: Plugin, setup: Setup) -> list[Route]:
    return [Route(path="/yes", handler=_answer)]


def _paths(app: App) -> list[str]:
    return [planned.route.path for planned, _ in app.plan.routes()]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        pytest.param("provide_route", "provide_routes", id="singular"),
        pytest.param("provides_middleware", "provide_middleware", id="third-person"),
        pytest.param("provide_nonsense_whatever", "", id="no-such-thing"),
        pytest.param("prvide_parsers", "provide_parsers", id="typing-error"),
        pytest.param("review_plans", "review_plan", id="review"),
    ],
)
def test_misspelt_hook(name: str, near: str) -> None:
    found = error_of(App(plugins=[make_plugin("p", **{name: _none})]), "TB301")
    assert f"implements hook {name!r}, which does not exist" in found.text
    assert (f"did you mean {near!r}?" in found.text) is bool(near)
    assert "test_hooks.py" in found.origins[0].location


def test_marked_method_that_is_no_hook() -> None:
    plugin = make_plugin("p", something=hookimpl(lambda self, setup: []))
    assert "'something'" in error_of(App(plugins=[plugin]), "TB301").text


def test_marked_method_may_be_optional() -> None:
    @hookimpl(optionalhook=True)
    def other(self: Plugin) -> None: ...

    assert App(plugins=[make_plugin("p", other=other)]).resolve().diagnostics == ()


def test_other_members_are_left_alone() -> None:
    members = {"provide": _none, "routes": _none, "_provide_route": _none, "provide_count": 3}
    assert App(plugins=[make_plugin("p", **members)]).resolve().diagnostics == ()


@pytest.mark.parametrize("mark", [hookimpl, pluggy.HookimplMarker("turnbuckle"), lambda function: function])
def test_override_is_a_hook_with_or_without_mark(mark: object) -> None:
    def provide_routes(self: Plugin, setup: Setup) -> list[Route]:
        return [Route(path="/yes", handler=_answer)]

    assert _paths(App(plugins=[make_plugin("p", provide_routes=mark(provide_routes))])) == ["/yes"]


def test_hook_may_have_another_name() -> None:
    @hookimpl(specname="provide_routes")
    def mine(self: Plugin, setup: Setup) -> list[Route]:
        return [Route(path="/yes", handler=_answer)]

    assert _paths(App(plugins=[make_plugin("p", mine=mine)])) == ["/yes"]


def test_hook_may_be_static_and_need_nothing() -> None:
    def provide_routes() -> tuple[Route, ...]:
        return (Route(path="/yes", handler=_answer),)

    def provide_middleware(cls: type, setup: Setup) -> list[object]:
        return []

    plugin = make_plugin(
        "p", provide_routes=staticmethod(provide_routes), provide_middleware=classmethod(provide_middleware)
    )
    assert _paths(App(plugins=[plugin])) == ["/yes"]


def test_hook_may_be_a_generator() -> None:
    def provide_routes(self: Plugin, setup: Setup) -> Iterator[Route]:
        yield Route(path="/yes", handler=_answer)

    assert _paths(App(plugins=[make_plugin("p", provide_routes=provide_routes)])) == ["/yes"]


def test_hook_may_take_variable_arguments() -> None:
    def provide_routes(self: Plugin, *args: object, **kwargs: object) -> list[Route]:
        return [Route(path="/yes", handler=_answer)]

    assert _paths(App(plugins=[make_plugin("p", provide_routes=provide_routes)])) == ["/yes"]


def test_inherited_hook_counts() -> None:
    base = make_plugin("base", provide_routes=_routes)
    child = type("Child", (base,), {"info": PluginInfo(name="child")})
    assert _paths(App(plugins=[child])) == ["/yes"]


def _wrong_name(self: Plugin, settings: Setup) -> list[object]:
    return []


def _too_many(self: Plugin, setup: Setup, more: int) -> list[object]:
    return []


def _default(self: Plugin, setup: Setup | None = None) -> list[object]:
    return []


def _keyword(self: Plugin, *, setup: Setup) -> list[object]:
    return []


@pytest.mark.parametrize("hook", [_wrong_name, _too_many, _default, _keyword])
def test_argument_that_is_never_given(hook: object) -> None:
    found = error_of(App(plugins=[make_plugin("p", provide_routes=hook)]), "TB302")
    assert "hook 'provide_routes' of plugin 'p' takes '" in found.text
    assert ("by keyword or with a default" in found.text) is (hook in {_default, _keyword})
    assert found.fix == "write def provide_routes(self, setup)"


async def _async(self: Plugin, setup: Setup) -> list[object]:
    return []


async def _async_generator(self: Plugin, setup: Setup) -> object:
    yield 1


@pytest.mark.parametrize("hook", [_async, _async_generator])
def test_async_hook(hook: object) -> None:
    assert "is async" in error_of(App(plugins=[make_plugin("p", provide_routes=hook)]), "TB303").text


@pytest.mark.parametrize("options", [{"wrapper": True}, {"hookwrapper": True}])
def test_wrapper(options: dict[str, bool]) -> None:
    def provide_routes(self: Plugin, setup: Setup) -> Iterator[object]:
        yield []

    plugin = make_plugin("p", provide_routes=hookimpl(**options)(provide_routes))
    assert "is a wrapper" in error_of(App(plugins=[plugin]), "TB304").text


@pytest.mark.parametrize("options", [{"tryfirst": True}, {"trylast": True}])
def test_rank_has_no_effect(options: dict[str, bool]) -> None:
    def provide_routes(self: Plugin, setup: Setup) -> list[object]:
        return []

    plugin = make_plugin("p", provide_routes=hookimpl(**options)(provide_routes))
    assert next(iter(options)) in warning_of(App(plugins=[plugin]), "TB310").text


@pytest.mark.parametrize("value", [[], 3, lambda self, setup: [], len])
def test_hook_that_is_no_function(value: object) -> None:
    app = App(plugins=[make_plugin("p", provide_routes=value)])
    if callable(value) and value is not len:
        assert app.resolve().diagnostics == ()
    else:
        assert "not a function" in error_of(app, "TB309").text


def _raise_at_once(self: Plugin, setup: Setup) -> list[object]:
    raise RuntimeError("no luck")


def _raise_in_generator(self: Plugin, setup: Setup) -> Iterator[object]:
    yield Route(path="/", handler=_answer)
    raise RuntimeError("no luck")


@pytest.mark.parametrize("hook", [_raise_at_once, _raise_in_generator])
def test_hook_that_raises(hook: object) -> None:
    found = error_of(App(plugins=[make_plugin("p", provide_routes=hook)]), "TB306")
    assert "raised RuntimeError: no luck" in found.text
    assert found.origins[0].hook == "provide_routes"
    assert "-p no:p" in found.fix


@pytest.mark.parametrize("result", [None, "text", b"", {}, 3, Route(path="/", handler=_answer)])
def test_hook_that_returns_no_list(result: object) -> None:
    app = App(plugins=[make_plugin("p", provide_routes=lambda self, setup: result)])
    assert "which is no list of records" in error_of(app, "TB307").text


@pytest.mark.parametrize(
    ("hook", "record"),
    [
        pytest.param("provide_routes", "/x", id="text-for-route"),
        pytest.param("provide_middleware", _answer, id="function-for-middleware"),
        pytest.param("provide_commands", Route(path="/", handler=_answer), id="route-for-command"),
        pytest.param("provide_lifespans", Lifespan(3, _answer), id="number-for-name"),
        pytest.param("provide_components", Component("json", None, _answer), id="no-name"),
    ],
)
def test_hook_that_returns_a_wrong_record(hook: str, record: object) -> None:
    app = App(plugins=[make_plugin("p", **{hook: lambda self, setup: [record]})])
    assert f"hook {hook!r} of plugin 'p' returned" in error_of(app, "TB308").text


def test_setup_is_that_of_the_plugin() -> None:
    seen: list[Setup] = []

    def provide_routes(self: Plugin, setup: Setup) -> list[Route]:
        seen.append(setup)
        return []

    app = App("shop", plugins=[make_plugin("p", provide_routes=provide_routes)], debug=True)
    app.scope("/a", plugins=[make_plugin("q", provide_routes=provide_routes)])
    app.resolve()
    assert [(setup.plugin, setup.scope, setup.app_name, setup.debug) for setup in seen] == [
        ("p", "", "shop", True),
        ("q", "/a", "shop", True),
    ]
    with pytest.raises(LookupError, match="components exist only after the plan is compiled"):
        seen[0].component("json")


def test_setup_by_itself_answers_no_hooks() -> None:
    with pytest.raises(LookupError, match="hooks are called while records are collected"):
        Setup(settings=App().plan.settings).ask("anything")


def test_commands_are_collected() -> None:
    command = click.Command("hello")
    plan = App(plugins=[make_plugin("p", provide_commands=lambda self, setup: [command])]).resolve()
    assert [entry.record for entry in plan.commands] == [command]


def test_records_keep_their_origin() -> None:
    plugin = make_plugin("p", provide_routes=_routes)
    ((planned, _),) = App(plugins=[plugin]).resolve().routes()
    origin = planned.route.origin
    assert origin is not None
    assert (origin.plugin, origin.hook, origin.scope) == ("p", "provide_routes", "")
    assert origin.location.endswith(f"test_hooks.py:{_routes.__code__.co_firstlineno}")


class MenuHooks:
    @hookspec
    def menu_items(self, place: str) -> Iterable[str]:
        """Offer items of a menu."""
        return ()

    def not_marked(self) -> None: ...


def _menu(**members: object) -> type[Plugin]:
    def provide_routes(self: Plugin, setup: Setup) -> list[Route]:
        return [Route(path=f"/{item}", handler=_answer) for item in setup.ask("menu_items", place="top")]

    return make_plugin("menu", hookspecs=MenuHooks, provide_routes=provide_routes, **members)


def test_plugins_define_hooks_for_others() -> None:
    def menu_items(self: Plugin, place: str) -> list[str]:
        return [f"{place}-a", f"{place}-b"]

    eager = make_plugin("eager", menu_items=hookimpl(menu_items))
    assert _paths(App(plugins=[eager, _menu()])) == ["/top-a", "/top-b"]


@attrs.frozen
class _Prices:
    price: int = 0


class _PricedHooks:
    @hookspec
    def prices(self, setup: Setup) -> Iterable[str]:
        """Return prices."""
        return ()


def test_asked_plugin_sees_its_own_settings() -> None:
    def prices(self: Plugin, setup: Setup) -> list[str]:
        return [f"{setup.plugin}-{cast('_Prices', setup.config).price}", *setup.ask("more")]

    def more(self: Plugin) -> list[str]:
        return ["more"]

    class _More:
        @hookspec
        def more(self) -> Iterable[str]:
            """Return more."""
            return ()

    def provide_routes(self: Plugin, setup: Setup) -> list[Route]:
        return [Route(path=f"/{item}", handler=_answer) for item in setup.ask("prices", setup=setup)]

    shop = make_plugin("shop", hookspecs=_PricedHooks, provide_routes=provide_routes)
    priced = make_plugin("priced", info=PluginInfo(name="priced", config=_Prices), prices=hookimpl(prices))
    extra = make_plugin("extra", hookspecs=_More, more=more)
    assert _paths(App(plugins=[shop, (priced, {"price": 7}), extra])) == ["/priced-7", "/more"]


def test_hooks_are_defined_once_by_a_plugin_that_is_in_two_scopes() -> None:
    def menu_items(self: Plugin, place: str) -> list[str]:
        return [place]

    app = App(plugins=[_menu()])
    app.scope("/x", plugins=[_menu(), make_plugin("p", menu_items=hookimpl(menu_items))])
    assert _paths(app) == ["/x/top"]


def test_hook_of_a_plugin_that_is_misspelt() -> None:
    found = error_of(App(plugins=[_menu(), make_plugin("p", menu_itmes=_none)]), "TB301")
    assert "did you mean 'menu_items'?" in found.text


def test_hook_of_a_plugin_answered_wrongly() -> None:
    plugin = make_plugin("p", menu_items=hookimpl(lambda self, place: None))
    assert "'menu_items'" in error_of(App(plugins=[_menu(), plugin]), "TB307").text


def test_asking_a_hook_that_does_not_exist() -> None:
    plugin = make_plugin("p", provide_routes=lambda self, setup: setup.ask("nothing"))
    assert "asks hook 'nothing', which no enabled plugin defines" in error_of(App(plugins=[plugin]), "TB306").text


class _FirstResult:
    @hookspec(firstresult=True)
    def pick(self) -> object:
        """Pick one."""


class _Historic:
    @hookspec(historic=True)
    def tell(self) -> None:
        """Notify all plugins."""


class _Again:
    @hookspec
    def provide_routes(self, setup: Setup) -> object:
        """Take the name of another."""


class _Unmarked:
    def hello(self) -> None: ...


@pytest.mark.parametrize(
    ("hooks", "text"),
    [
        pytest.param(_FirstResult, "'pick' is firstresult or historic", id="firstresult"),
        pytest.param(_Historic, "'tell' is firstresult or historic", id="historic"),
        pytest.param(_Again, "'provide_routes' is defined already", id="taken"),
        pytest.param(_Unmarked, "has no function marked with @hookspec", id="unmarked"),
    ],
)
def test_definition_of_hooks_that_cannot_be_used(hooks: type, text: str) -> None:
    assert text in error_of(App(plugins=[make_plugin("p", hookspecs=hooks)]), "TB305").text


class _Deprecated:
    @hookspec(warn_on_impl=DeprecationWarning("old_items is deprecated, use menu_items"))
    def old_items(self) -> Iterable[str]:
        """Offer items as it was done before."""
        return ()


def test_deprecated_hook_is_a_finding_and_no_python_warning() -> None:
    owner = make_plugin("owner", hookspecs=_Deprecated)
    user = make_plugin("user", old_items=hookimpl(lambda self: []))
    found = warning_of(App(plugins=[owner, user]), "TB311")
    assert found.text == "old_items is deprecated, use menu_items"
    (origin,) = found.origins
    assert (origin.plugin, origin.hook) == ("user", "old_items")
    assert origin.location.startswith("tests/core/startup/collect/test_hooks.py:")


class _DeprecatedArgument:
    @hookspec(warn_on_impl_args={"page": DeprecationWarning("page is always None: take path")})
    def items(self, path: str, page: object) -> Iterable[str]:
        """Offer items for a path."""
        return ()

    @hookspec(warn_on_impl=FutureWarning("others goes away"))
    def others(self) -> Iterable[str]:
        """Offer others."""
        return ()


def test_deprecated_argument_is_a_finding_for_those_who_take_it() -> None:
    owner = make_plugin("owner", hookspecs=_DeprecatedArgument)
    old = make_plugin("old", items=hookimpl(lambda self, path, page: []))
    new = make_plugin("new", items=hookimpl(lambda self, path: []))
    assert App(plugins=[owner, new]).plan.diagnostics == ()
    found = warning_of(App(plugins=[owner, old, new]), "TB311")
    assert found.text == "page is always None: take path"
    assert (found.origins[0].plugin, found.origins[0].hook) == ("old", "items")


def test_each_deprecation_is_reported_with_its_own_hook() -> None:
    class Old(Plugin):
        info = PluginInfo(name="old")

        def items(self, path: str, page: object) -> list[str]:
            return []

        def others(self) -> list[str]:
            return []

    owner = make_plugin("owner", hookspecs=_DeprecatedArgument)
    found = App(plugins=[owner, Old]).plan.diagnostics
    assert {(diagnostic.code, diagnostic.origins[0].hook) for diagnostic in found} == {
        ("TB311", "items"),
        ("TB311", "others"),
    }
    assert len({diagnostic.origins[0].location for diagnostic in found}) == 2


def test_hook_of_another_plugin_needs_no_mark() -> None:
    asked: list[object] = []

    class Owner(Plugin):
        info = PluginInfo(name="owner", after=("user",))
        hookspecs = _DeprecatedArgument

        def provide_routes(self, setup: Setup) -> list[Route]:
            asked.extend(setup.ask("items", path="/", page=None))
            return []

    user = make_plugin("user", items=lambda self, path: [path])
    assert App(plugins=[Owner, user]).plan.diagnostics == ()
    assert asked == ["/"]


def test_hook_of_a_plugin_reaches_all_scopes_in_the_review() -> None:
    class Owner(Plugin):
        """Ask for items twice."""

        info = PluginInfo(name="owner")
        hookspecs = MenuHooks

        def provide_routes(self, setup: Setup) -> list[Route]:
            self.setup = setup
            asked.append(setup.ask("menu_items", place="early"))
            return []

        def review_plan(self, plan: Plan) -> list[Diagnostic]:
            asked.append(self.setup.ask("menu_items", place="late"))
            return []

    asked: list[object] = []
    app = App(plugins=[Owner, make_plugin("outer", menu_items=lambda self, place: [f"outer {place}"])])
    app.scope("/a", plugins=[make_plugin("inner", menu_items=lambda self, place: [f"inner {place}"])])
    assert app.plan.diagnostics == ()
    assert asked == [("outer early",), ("outer late", "inner late")]


def _review(level: str) -> type[Plugin]:
    def review_plan(self: Plugin, plan: Plan) -> list[Diagnostic]:
        return [Diagnostic(level=level, code="TB901", text=f"{plan.app_name} is wrong", fix="mend it")]

    return make_plugin("critic", review_plan=review_plan)


def test_review_of_the_plan_may_stop_the_start() -> None:
    found = error_of(App("shop", plugins=[_review("error")]), "TB901")
    assert found.text == "shop is wrong"
    assert found.origins[0].plugin == "critic"


def test_review_of_the_plan_may_warn() -> None:
    assert "is wrong" in warning_of(App(plugins=[_review("warning")]), "TB901").text


def test_review_in_a_scope_counts() -> None:
    app = App()
    app.scope("/x", plugins=[_review("error")])
    assert error_of(app, "TB901").origins[0].scope == "/x"


def test_review_that_raises() -> None:
    plugin = make_plugin("critic", review_plan=lambda self, plan: plan.nothing)
    assert "review_plan" in error_of(App(plugins=[plugin]), "TB306").text


def test_no_hook_is_called_after_the_plan() -> None:
    calls: list[str] = []

    def provide_middleware(self: Plugin, setup: Setup) -> list[Middleware]:
        calls.append(setup.plugin)
        return []

    app = App(plugins=[make_plugin("p", provide_middleware=provide_middleware)])
    app.compile()
    app.compile()
    assert calls == ["p"]


def test_every_hook_is_documented() -> None:
    hooks = {name: value for name, value in vars(Hooks).items() if not name.startswith("_")}
    assert hooks
    for name, function in hooks.items():
        assert function.__doc__, name
        assert list(function(Hooks(), None)) == []
