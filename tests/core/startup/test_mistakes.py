"""Mistakes of plugin authors: each is reported with plugin, location, why and fix, and the app is not served.

Each is tried as its author would meet it: a project with settings, an installed distribution, and the command line.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner, Result

from tests.core.startup.finding import Site
from tests.core.startup.mistakes import Mistake, plugin
from tests.core.startup.mistakes_of_composition import COMPOSITION
from tests.core.startup.mistakes_of_hooks import HOOKS
from tests.core.startup.mistakes_of_loading import LOADING
from tests.core.startup.mistakes_of_records import RECORDS
from turnbuckle import App, AppFrozen, startup
from turnbuckle.cli.group import turnbuckle

_ERRORS = {**LOADING, **HOOKS, **RECORDS, **COMPOSITION}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name in {"shop", "turnbuckle_plugin"} or name.startswith("installed_"):
            del sys.modules[name]


def _call(*args: str) -> Result:
    return CliRunner().invoke(turnbuckle, args, prog_name="turnbuckle")


def _check_problem(text: str, mistake: Mistake, place: str) -> None:
    assert text.startswith(f"{mistake.code} ")
    assert mistake.says in text
    named = "the app" if mistake.plugin == "app" else f"plugin {mistake.plugin!r}"
    _, origin, *_ = text.splitlines()
    assert origin.startswith(f"  {named}"), text
    # A location that is known only from metadata is a module and an attribute.
    assert place in origin if place else re.search(r" at \S+:\w+$", origin), text
    assert re.search("^  why: .", text, re.MULTILINE), text
    assert re.search("^  fix: .", text, re.MULTILINE), text


def _findings() -> Iterator[ast.Call]:
    for path in Path(startup.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("diagnostics.add") and node.args[1:]:
                yield node


def test_every_finding_says_why_and_what_to_do() -> None:
    found = list(_findings())
    assert len(found) > 50
    for call in found:
        assert {"why", "fix"} <= {keyword.arg for keyword in call.keywords}, ast.unparse(call)


def test_there_are_forty() -> None:
    assert len(_ERRORS) >= 40


@pytest.mark.parametrize("mistake", [pytest.param(mistake, id=name) for name, mistake in _ERRORS.items()])
def test_mistake_is_reported_and_not_served(mistake: Mistake, project: Path, site: Site) -> None:
    mistake.write(project, site)
    for command in (["check", "shop.py"], ["serve", "shop.py", "--port", "0"]):
        result = _call(*command)
        assert result.exit_code == 3, result.output
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        assert "pluggy" not in result.stderr.lower()
        problems = re.findall(r"^error: (.*(?:\n  .*)*)", result.stderr, re.MULTILINE)
        assert len(problems) == 1, result.stderr
        _check_problem(problems[0], mistake, mistake.location(project))


_WARNINGS = {
    "before-what-is-absent": Mistake(
        code="TB409",
        says="middleware 'mine' is ordered by 'sesion', which does not exist; did you mean 'session'?",
        source=plugin(
            "def provide_middleware(self, setup):  # here\n"
            "    return [Middleware('mine', around, before='sesion'), Middleware('session', around)]"
        ),
    ),
    "first-of-all": Mistake(
        code="TB310",
        says="tryfirst of hook 'provide_routes' of plugin 'it' has no effect",
        source=plugin("@hookimpl(tryfirst=True)  # here\ndef provide_routes(self, setup):\n    return []"),
    ),
    "buffers-a-stream": Mistake(
        code="TB413",
        says="middleware 'mine' buffers the response of GET /stream",
        source="async def stream(request):\n    yield 'a'\n\n\n"
        + plugin(
            "def provide_middleware(self, setup):  # here\n"
            "    return [Middleware('mine', around, buffers_response=True)]\n\n"
            "def provide_routes(self, setup):\n"
            "    return [Route(path='/stream', handler=stream)]"
        ),
    ),
    "hidden-route": Mistake(
        code="TB407",
        says="can never be reached",
        source=plugin(
            "def provide_routes(self, setup):  # here\n"
            "    return [Route(path='/{a:re(x+)}', handler=answer), Route(path='/{b:re(x)}', handler=answer)]"
        ),
    ),
    "settings-of-a-plugin-that-is-not-enabled": Mistake(
        code="TB208",
        says="settings for plugin 'itt', which is not enabled; did you mean 'it'?",
        source=plugin("def provide_routes(self, setup):\n    return []"),
        sections="[plugin.itt]  # here\nsize = 3\n",
        plugin="app",
    ),
}


@pytest.mark.parametrize("mistake", [pytest.param(mistake, id=name) for name, mistake in _WARNINGS.items()])
def test_mistake_that_may_be_meant_is_reported(mistake: Mistake, project: Path, site: Site) -> None:
    mistake.write(project, site)
    result = _call("check", "shop.py")
    assert result.exit_code == 0, result.output
    _check_problem(result.stderr.removeprefix("warning: "), mistake, mistake.location(project))


def test_mistakes_of_several_plugins_are_reported_together(project: Path, site: Site) -> None:
    one, other = HOOKS["hook-raises"], LOADING["import-raises"]
    attrs.evolve(one, others={"other": other.source}, enabled=("it", "other")).write(project, site)
    result = _call("check", "shop.py")
    assert result.exit_code == 3
    assert one.says in result.stderr
    assert other.says.replace("'it'", "'other'") in result.stderr
    assert result.stderr.endswith("2 problems stop the start\n")


def test_app_is_changed_after_it_was_resolved(project: Path) -> None:
    app = App("shop")
    app.resolve()
    with pytest.raises(AppFrozen, match="cannot add a route: app 'shop' is already resolved") as caught:
        app.add_route("/late", lambda request: "late")
    assert caught.value.phase == "resolved"
    (project / "shop.py").write_text("from turnbuckle import App\napp = App()\napp.plan\napp.scope('/late')\n")
    result = _call("serve", "shop.py")
    assert result.exit_code == 3
    assert "AppFrozen: cannot open a scope: app 'app' is already resolved; do it before that" in result.stderr
    assert "\n  the app at shop.py:4\n" in result.stderr
