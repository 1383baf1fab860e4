"""The meaning of a TARGET, and the errors for invalid ones."""

from collections.abc import Callable
from pathlib import Path

import click
import pytest

from turnbuckle import Diagnostic
from turnbuckle.cli.target import TARGET, AppTarget, load_app

from .conftest import Project

APPS = """\
import functools
from turnbuckle import App

class Holder:
    app = App("held")

holder = Holder()
number = 3
nothing = None

def create_app():
    return App("made")

def named(name):
    return App(name)

async def late():
    return App("late")

def broken():
    raise LookupError("no configuration")

def wrong():
    return {}

bound = functools.partial(named, "bound")
"""
WRAPPED = """\
from turnbuckle import App
from turnbuckle_plugins.asgi import asgi

class Middleware:
    def __init__(self, inner):
        self._app = inner

    async def __call__(self, scope, receive, send): ...

application = asgi(App("inner"))
around = Middleware(Middleware(application))

def make():
    return Middleware(asgi(App("inner")))
"""


@pytest.mark.parametrize(
    ("text", "target"),
    [
        pytest.param("main", AppTarget(module="main"), id="module"),
        pytest.param("main:app", AppTarget(module="main", attribute="app"), id="attribute"),
        pytest.param("a.b.c:d.e", AppTarget(module="a.b.c", attribute="d.e"), id="dotted"),
        pytest.param("main:create()", AppTarget(module="main", attribute="create", is_call=True), id="call"),
        pytest.param("main.py", AppTarget(file=Path("main.py")), id="file"),
        pytest.param("a/b.py:app", AppTarget(file=Path("a/b.py"), attribute="app"), id="file-attribute"),
        pytest.param(
            "a:b/c.py:f()", AppTarget(file=Path("a:b/c.py"), attribute="f", is_call=True), id="colon-in-folder"
        ),
        pytest.param("a/b:app", AppTarget(file=Path("a/b"), attribute="app"), id="path-without-suffix"),
    ],
)
def test_target_is_taken_apart(text: str, target: AppTarget) -> None:
    assert TARGET.convert(text, None, None) == target


@pytest.mark.parametrize("text", ["", ":", "main:", ":app", "main:a-b", "main:(x)", "ma in", "a..b", "main:f(1)"])
def test_target_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        TARGET.convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "written"),
    [("main", "main:app"), ("a/b.py:x.y", "a/b.py:x.y"), ("main:make()", "main:make()")],
)
def test_target_prints_with_what_it_implies(text: str, written: str) -> None:
    assert str(TARGET.convert(text, None, None)) == written


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("shop", "shop", id="default"),
        pytest.param("shop:app", "shop", id="attribute"),
        pytest.param("shop.py", "shop", id="file"),
        pytest.param("./shop.py:app", "shop", id="file-attribute"),
        pytest.param("apps:holder.app", "held", id="dotted"),
        pytest.param("apps:Holder.app", "held", id="class-attribute"),
        pytest.param("apps:create_app", "made", id="factory"),
        pytest.param("apps:create_app()", "made", id="called"),
        pytest.param("apps:bound", "bound", id="partial"),
        pytest.param("only", "the one", id="only-app"),
        pytest.param("twice", "the one", id="one-app-with-two-names"),
        pytest.param("preferred", "first", id="app-among-several"),
        pytest.param("default_factory", "made", id="factory-called-app"),
    ],
)
def test_app_is_found(project: Project, text: str, name: str) -> None:
    project.write("apps.py", APPS)
    project.write("only.py", 'from turnbuckle import App\nserver = App("the one")\n')
    project.write("twice.py", 'from turnbuckle import App\na = b = App("the one")\n')
    project.write("preferred.py", 'from turnbuckle import App\nother = App("other")\napp = App("first")\n')
    project.write("default_factory.py", 'from turnbuckle import App\ndef app(): return App("made")\n')
    assert load_app(TARGET.convert(text, None, None)).name == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("shop:ap", "'shop' has no attribute 'ap'; did you mean 'shop:app'?", id="misspelt"),
        pytest.param("shop.py:xyz", "'shop.py' has no attribute 'xyz'; did you mean 'shop.py:app'?", id="unknown"),
        pytest.param(
            "apps:xyz",
            "'apps' has no attribute 'xyz'; make an app at the top level of the module: 'app = App()'",
            id="no-app",
        ),
        pytest.param(
            "apps:holder.ap", "'apps:holder' has no attribute 'ap'; did you mean 'app'?", id="misspelt-within"
        ),
        pytest.param("apps:holder.app.x.y", "'apps:holder.app' has no attribute 'x'", id="unknown-within"),
        pytest.param("apps", "'apps' has no app; make one with 'app = App()', or name a factory", id="none"),
        pytest.param("two", "'two' has several apps; name one of them: two:a, two:b", id="several"),
        pytest.param("apps:number", "'apps:number' is an int, not a turnbuckle.App", id="number"),
        pytest.param("apps:nothing", "'apps:nothing' is None, not a turnbuckle.App", id="none-value"),
        pytest.param("apps:holder", "'apps:holder' is an apps.Holder, not a turnbuckle.App", id="object"),
        pytest.param("apps:Holder", "'apps:Holder' is class 'Holder', not a turnbuckle.App", id="class"),
        pytest.param("apps:functools", "'apps:functools' is module 'functools', not a turnbuckle.App", id="module"),
        pytest.param("two:part", "'two:part' is a Scope, not a turnbuckle.App", id="scope"),
        pytest.param("apps:number()", "'apps:number()' is an int, which cannot be called", id="call-of-number"),
        pytest.param("shop:app()", "'shop:app()' is an App, which cannot be called", id="call-of-app"),
        pytest.param(
            "apps:named",
            "'apps:named' cannot be called without arguments: missing a required argument: 'name'",
            id="args",
        ),
        pytest.param("apps:late", "'apps:late' returned a coroutine, not a turnbuckle.App", id="async-factory"),
        pytest.param("apps:wrong", "'apps:wrong' returned a dict, not a turnbuckle.App", id="wrong-factory"),
        pytest.param(
            "app_is_a_number", "'app_is_a_number:app' is an int, not a turnbuckle.App", id="default-is-no-app"
        ),
    ],
)
def test_app_is_not_found(project: Project, refusal: Callable[..., str], text: str, message: str) -> None:
    project.write("apps.py", APPS)
    project.write("two.py", 'from turnbuckle import App\na = App()\nb = App()\npart = a.scope("/x")\n')
    project.write("app_is_a_number.py", "app = 3\n")
    assert refusal("check", text) == f"error: {message}"


@pytest.mark.parametrize("text", ["wrapped", "wrapped:application", "wrapped:around", "wrapped:make()"])
def test_app_is_found_in_an_asgi_application(project: Project, text: str) -> None:
    project.write("wrapped.py", WRAPPED)
    found: list[Diagnostic] = []
    assert load_app(TARGET.convert(text, None, None), found).name == "inner"
    assert [(hint.level, hint.code) for hint in found] == [("hint", "TB702")]


def test_wrapped_app_with_websockets_needs_no_plugin_except_to_be_served(project: Project) -> None:
    project.write(
        "wrapped.py",
        "from turnbuckle import App, WebSocket\nfrom turnbuckle_plugins.asgi import asgi\napp = App()\n"
        "@app.websocket('/')\nasync def chat(socket: WebSocket) -> None: ...\n"
        "application = asgi(app)\n",
    )
    assert project.call("check", "wrapped:application").exit_code == 0
    for arguments in (("check", "wrapped:app"), ("serve", "wrapped:application")):
        result = project.call(*arguments)
        assert result.exit_code == 3
        assert 'plugins=["websocket"]' in result.stderr


@pytest.mark.parametrize(
    ("text", "option", "other"), [("foreign:asgi_app", "--wsgi", "--asgi"), ("foreign:wsgi_app", "--asgi", "--wsgi")]
)
def test_app_of_the_other_interface_is_refused(project: Project, text: str, option: str, other: str) -> None:
    project.write("foreign.py", "async def asgi_app(scope, receive, send): ...\ndef wsgi_app(environ, start): ...\n")
    result = project.call("check", option, text)
    assert result.exit_code == 3
    assert result.stderr.strip().endswith(f"which has the parameters of {other[2:].upper()}; write {other}")


def test_factory_that_raises_is_a_problem_with_its_line(project: Project) -> None:
    project.write("apps.py", APPS)
    result = project.call("check", "apps:broken")
    assert result.exit_code == 3
    lines = result.stderr.splitlines()
    assert lines[:2] == ["error: TB701 'apps:broken' failed: LookupError: no configuration", "  the app at apps.py:21"]


def test_malformed_target_is_a_usage_error(project: Project) -> None:
    result = project.call("check", "shop:")
    assert result.exit_code == 2
    assert "does not end in the name of an app" in result.stderr


FOREIGN = """\
from turnbuckle import App

async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"asgi"})

def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [b"wsgi"]

def create_app():
    return application

own = App("own")
"""


@pytest.mark.parametrize(
    ("option", "text", "shown"),
    [
        pytest.param("--asgi", "foreign", "served by asgi: kind='asgi' names it", id="default-name"),
        pytest.param("--asgi", "foreign:application", "--asgi foreign:application", id="asgi"),
        pytest.param("--asgi", "foreign:create_app", "foreign.application", id="factory"),
        pytest.param("--asgi", "foreign:create_app()", "foreign.application", id="called-factory"),
        pytest.param("--wsgi", "foreign:wsgi", "served by wsgi: kind='wsgi' names it", id="wsgi"),
    ],
)
def test_app_of_another_framework_is_mounted(project: Project, option: str, text: str, shown: str) -> None:
    project.write("foreign.py", FOREIGN)
    result = project.call("plan", option, text)
    assert result.exit_code == 0
    assert shown in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["--asgi", "foreign:own"], "is a Turnbuckle app; leave out --asgi", id="own-app"),
        pytest.param(["--asgi", "shop:plugins"], "has no attribute", id="no-attribute"),
        pytest.param(["--asgi", "--wsgi", "foreign"], "--asgi and --wsgi cannot be combined", id="both"),
        pytest.param(["foreign:application"], "write --asgi to serve it", id="without-the-option"),
        pytest.param(["foreign:wsgi"], "write --wsgi to serve it", id="without-the-option-wsgi"),
        pytest.param(["--asgi", "empty"], "has none of 'app', 'application', 'asgi', 'wsgi'", id="no-app"),
    ],
)
def test_app_of_another_framework_is_not_found(project: Project, words: list[str], message: str) -> None:
    project.write("foreign.py", FOREIGN)
    project.write("empty.py", "")
    result = project.call("check", *words)
    assert result.exit_code != 0
    assert message in result.stderr
