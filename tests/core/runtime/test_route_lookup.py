"""Routes without a name have the name of their function."""

from __future__ import annotations

import pytest

from turnbuckle import App, Plugin, PluginInfo, Request, Route, RouteError, Setup


async def about(request: Request) -> str:
    return ""


async def other(request: Request) -> str:
    return ""


def test_default_name_is_the_name_of_the_function() -> None:
    app = App()
    app.get("/about")(about)
    app.scope("/s").get("/other/{id}")(other)
    assert (app.url_for("about"), app.url_for("other", id="5")) == ("/about", "/s/other/5")
    with pytest.raises(RouteError):
        app.url_for("nothing")


def test_shared_default_name_is_an_error_of_url_for_only() -> None:
    app = App()
    app.get("/one")(about)
    app.get("/two")(about)
    app.get("/three")(other)
    assert app.url_for("other") == "/three"
    with pytest.raises(RouteError, match=r"/one.* and .*/two.* have the handler name 'about'"):
        app.url_for("about")


def test_routes_of_one_path_share_the_default_name() -> None:
    app = App()
    app.get("/one")(about)
    app.post("/one")(about)
    assert app.url_for("about") == "/one"


def test_explicit_name_takes_precedence() -> None:
    app = App()
    app.get("/one")(about)
    app.get("/two", name="about")(other)
    assert app.url_for("about") == "/two"
    with pytest.raises(RouteError):
        app.url_for("other")


def test_function_of_the_app_takes_precedence_over_plugins() -> None:
    class Pages(Plugin):
        info = PluginInfo(name="pages")

        def provide_routes(self, setup: Setup) -> list[Route]:
            return [Route(path="/plugin", handler=about)]

    app = App(plugins=[Pages])
    app.get("/app")(about)
    assert app.url_for("about") == "/app"


def test_lambda_has_no_default_name() -> None:
    app = App()
    app.add_route("/x", lambda request: "")
    with pytest.raises(RouteError):
        app.url_for("<lambda>")


def test_query_of_a_route() -> None:
    class Files(Plugin):
        info = PluginInfo(name="files")

        def provide_routes(self, setup: Setup) -> list[Route]:
            return [
                Route(
                    path="/f/{path:path}",
                    handler=lambda path: path,
                    name="file",
                    url_query=lambda params: "v=1" if params["path"] else "",
                )
            ]

    app = App(plugins=[Files])
    app.get("/about")(about)
    assert (app.url_for("file", path="a b"), app.url_for("file", path="")) == ("/f/a%20b?v=1", "/f/")
    assert app.url_for("about") == "/about"
