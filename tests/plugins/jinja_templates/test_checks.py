"""Problems of templates are found at startup, with file and line."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

import turnbuckle_plugins.jinja_templates as templating
from tests.plugins.jinja_templates.making import SITE, make_app, write
from turnbuckle import (
    App,
    Diagnostic,
    Handler,
    NotFound,
    Plugin,
    PluginInfo,
    Request,
    Response,
    Setup,
    StartupError,
)
from turnbuckle.testing import Client
from turnbuckle_plugins.jinja_templates import TEMPLATES, JinjaTemplatesPlugin, Template, TemplateParts, Templates


def _problems(app: App) -> list[Diagnostic]:
    try:
        return [found for found in app.resolve().diagnostics if found.code.startswith("TB8")]
    except StartupError as error:
        return [problem.diagnostic for problem in error.problems]


def _shown(app: App) -> list[str]:
    return [f"{found.code} {found.origins[0].location}: {found.text}" for found in _problems(app)]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {"a.html": "one\n{% if x %}\n"},
            "TB801 {}/a.html:2: template 'a.html' cannot be parsed: Unexpected end of template",
            id="syntax",
        ),
        pytest.param(
            {"sub/a.xml": "{{ x|uper }}"},
            "TB801 {}/sub/a.xml:1: template 'sub/a.xml' cannot be parsed: No filter named 'uper'; "
            "did you mean 'upper'?",
            id="filter",
        ),
        pytest.param(
            {"a.txt": "\n\n{{ x is evn }}"},
            "TB801 {}/a.txt:3: template 'a.txt' cannot be parsed: No test named 'evn'; did you mean 'even'?",
            id="test",
        ),
        pytest.param(
            {"a.html": "\n{% extends 'bse.html' %}", "base.html": ""},
            "TB802 {}/a.html:2: template 'a.html' names template 'bse.html', which does not exist; "
            "did you mean 'base.html'?",
            id="extends",
        ),
        pytest.param(
            {"a.html": "{% include '../a.html' %}"},
            "TB802 {}/a.html:1: template 'a.html' names template '../a.html', which does not exist",
            id="include",
        ),
        pytest.param(
            {"a.html": "{% if x %}\n{% from 'x.js' import y %}\n{% endif %}"},
            "TB802 {}/a.html:2: template 'a.html' names template 'x.js', which does not exist",
            id="import",
        ),
        pytest.param(
            {"a.html": "{% include 'b.js' %}", "b.js": "\n{{"},
            "TB801 {}/b.js:2: template 'b.js' cannot be parsed: unexpected 'end of template'",
            id="of-another-suffix",
        ),
        pytest.param(
            {"a.html": "{{ url_for('nte', id=1) }}"},
            "TB805 {}/a.html:1: template 'a.html' links to route 'nte', which does not exist; did you mean 'note'?",
            id="route",
        ),
    ],
)
def test_problem_of_a_template_has_its_line(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    shown = _shown(make_app(write(tmp_path, {"page.html": "", **files})))
    assert len(shown) == 1
    assert shown[0].startswith(expected.format(tmp_path))


@pytest.mark.parametrize(
    "source",
    [
        "{% include 'x.html' ignore missing %}",
        "{% include ['x.html', 'page.html'] %}",
        "{% include name %}",
        "{{ url_for(name) }}{{ other('x') }}{{ url_for('note', id=1) }}{{ url_for('home') }}",
        "{% raw %}{% if %}{% endraw %}",
    ],
)
def test_sound_template_is_no_problem(tmp_path: Path, source: str) -> None:
    assert _shown(make_app(write(tmp_path, {"page.html": "", "a.html": source}))) == []


def test_template_that_is_not_utf8_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path, {"page.html": ""})
    (tmp_path / "a.html").write_bytes(b"one\ntwo \xff")
    expected = f"TB801 {tmp_path}/a.html:2: template 'a.html' cannot be parsed: it is not UTF-8"
    assert _shown(make_app(tmp_path)) == [expected]


def test_files_that_are_no_templates_are_not_parsed(tmp_path: Path) -> None:
    files = {"page.html": "", ".hidden/a.html": "{{", ".a.html": "{{", "logo.png": "{{", "node_modules/a.html": "{{"}
    assert _shown(make_app(write(tmp_path, files))) == []


# -- names in handlers. The next functions are read as source.


def _named(request: Request) -> Template:
    return Template("pge.html") if request.query else _block(request)


def _block(request: Request) -> Template:
    return Template("page.html", block="lst") if request.query else _by_module(request)


def _by_module(request: Request) -> Template:
    return templating.Template("nowhere.html")


@functools.wraps(_named)
def _wrapped(request: Request) -> Template:
    return _named(request)


def _unrelated(request: Request) -> Template:
    return Template("unrelated.html")


async def _parameter(templates: Templates) -> str:
    return await templates.render_text("parameter.txt")


async def _resource(request: Request) -> str:
    mails = request.resource(TEMPLATES)
    other = {"page.html": request}
    return mails.render_text_sync("resource.txt") + other.render_text("other.txt")  # type: ignore[attr-defined]


@pytest.mark.parametrize(("handler", "name"), [(_parameter, "parameter.txt"), (_resource, "resource.txt")])
def test_names_of_rendered_texts_are_checked(tmp_path: Path, handler: object, name: str) -> None:
    app = App(plugins=[JinjaTemplatesPlugin(write(tmp_path, {"page.html": ""}))])
    app.get("/")(handler)  # type: ignore[type-var]
    (shown,) = _shown(app)
    assert f"the app names template {name!r}, which does not exist" in shown


async def _closed(request: Request, call_next: Handler) -> Response:
    return await request.resource(TEMPLATES).respond(Template("closed.html"), request)


def test_names_in_middleware_and_error_handlers_are_checked_once(tmp_path: Path) -> None:
    app = App(plugins=[JinjaTemplatesPlugin(write(tmp_path, {"part.xml": ""}))], middleware=[_closed])
    app.error_handler(NotFound)(lambda request, error: Template("404.html", status=404))
    for prefix in ("/a", "/b"):
        app.scope(prefix).get("/x")(lambda request: "x")
    assert [found.text for found in _problems(app)] == [
        "the app names template '404.html', which does not exist",
        "the app names template 'closed.html', which does not exist",
    ]


def _line_of(function: object) -> int:
    return function.__code__.co_firstlineno + 1  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(_named, id="function"),
        pytest.param(functools.partial(_named), id="partial"),
        pytest.param(_wrapped, id="wrapped"),
    ],
)
def test_names_in_the_module_of_a_handler_are_checked(tmp_path: Path, handler: object) -> None:
    app = App(plugins=[JinjaTemplatesPlugin(write(tmp_path, SITE))])
    app.get("/")(handler)  # type: ignore[type-var]
    app.get("/notes/{id:int}", name="note")(lambda request: "")
    file = "tests/plugins/jinja_templates/test_checks.py"
    assert _shown(app) == [
        f"TB802 {file}:{_line_of(_named)}: the app names template 'pge.html', which does not exist; "
        "did you mean 'page.html'?",
        f"TB802 {file}:{_line_of(_block)}: template 'page.html' has no block 'lst'; did you mean 'list'?",
        f"TB802 {file}:{_line_of(_by_module)}: the app names template 'nowhere.html', which does not exist",
    ]
    fixes = [found.fix for found in _problems(app)]
    assert fixes[:2] == ["write 'page.html', or create the template", "write block='list'"]


# -- folders


def test_missing_folder_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _shown(App(plugins=[("jinja_templates", {"folders": ["pages"]})])) == ["TB803 : 'pages' is no folder"]
    # The default may be missing, for apps whose plugins have all templates.
    assert _shown(App(plugins=["jinja_templates"])) == []


def _plugin(name: str, folder: Path) -> Plugin:
    class Provider(Plugin):
        """Has templates."""

        info = PluginInfo(name=name)

        def provide_templates(self, setup: Setup) -> list[TemplateParts]:
            return [TemplateParts(folders=[folder])]

    return Provider()


async def test_template_of_two_plugins_is_a_warning_until_the_app_decides(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one", {"page.html": "one"}), write(tmp_path / "two", {"page.html": "two"})
    plugins = [_plugin("one", one), _plugin("two", two)]
    own = tmp_path / "own"
    own.mkdir()
    app = App(plugins=[JinjaTemplatesPlugin(own), *plugins])
    app.get("/")(lambda request: Template("page.html"))
    (found,) = _problems(app)
    assert (found.code, found.level, found.origins[0].plugin) == ("TB804", "warning", "jinja_templates")
    async with Client(app) as client:
        assert (await client.get("/")).text == "one"

    write(own, {"page.html": "own"})
    assert _problems(App(plugins=[JinjaTemplatesPlugin(own), *plugins])) == []
