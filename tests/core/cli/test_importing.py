"""Modules and files that can be imported, and one line about each that cannot."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from turnbuckle.cli.importing import import_file, import_module

from .conftest import Project


def test_module_of_the_current_folder_comes_first(project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "thing.py").write_text("place = 'elsewhere'\n")
    sys.path.insert(0, str(elsewhere))
    project.write("thing.py", "place = 'here'\n")
    assert import_module("thing").place == "here"


def test_module_in_a_package_is_imported(project: Project) -> None:
    project.write("pkg/__init__.py", "")
    project.write("pkg/web.py", "from . import parts\n")
    project.write("pkg/parts.py", "")
    assert import_module("pkg.web").__name__ == "pkg.web"


def test_file_imports_what_lies_beside_it(project: Project) -> None:
    path = project.write("deep/inside/web.py", "import sibling\nvalue = sibling.value\n")
    project.write("deep/inside/sibling.py", "value = 7\n")
    assert import_file(path).value == 7


def test_file_is_one_module_with_the_one_its_siblings_import(project: Project) -> None:
    path = project.write("inside/web_main.py", "things = []\nimport filler\n")
    project.write("inside/filler.py", "import web_main\nweb_main.things.append(1)\n")
    assert import_file(path).things == [1]


def test_file_in_a_package_is_imported_as_a_part_of_it(project: Project) -> None:
    project.write("lib/pack/__init__.py", "")
    project.write("lib/pack/sub/__init__.py", "")
    project.write("lib/pack/sub/parts.py", "value = 7\n")
    path = project.write("lib/pack/sub/web.py", "from .parts import value\nfrom ..sub import parts\n")
    module = import_file(path)
    assert (module.__name__, module.value) == ("pack.sub.web", 7)


def test_file_of_a_package_itself_is_the_package(project: Project) -> None:
    project.write("lib/whole/sub/__init__.py", "name = __name__\n")
    path = project.write("lib/whole/__init__.py", "from .sub import name\n")
    assert import_file(path).name == "whole.sub"


@pytest.mark.parametrize("name", ["json.py", "my-app.py", "a.b.py"])
def test_file_may_have_any_name(project: Project, name: str) -> None:
    import json

    path = project.write(f"apps/{name}", "import json\nvalue = json.loads('7')\n")
    if name == "json.py":
        path.write_text("value = 7\n")
    assert import_file(path).value == 7
    assert sys.modules["json"] is json


@pytest.mark.parametrize(
    ("target", "message"),
    [
        pytest.param("shpo", "'shpo' cannot be imported: no module 'shpo'; did you mean 'shop'?", id="misspelt"),
        pytest.param("qqq", "'qqq' cannot be imported: no module 'qqq'", id="unknown"),
        pytest.param("qqq.web:app", "'qqq.web' cannot be imported: no module 'qqq'", id="unknown-package"),
        pytest.param("pkg.web", "'pkg.web' cannot be imported: no module 'pkg.web'", id="unknown-in-package"),
        pytest.param(
            "needs",
            "TB701 'needs' cannot be imported: ModuleNotFoundError: No module named 'qqq'\n  the app at needs.py:2",
            id="dependency",
        ),
        pytest.param(
            "library",
            "TB701 'library' cannot be imported: JSONDecodeError: Expecting value: line 1 column 1 (char 0)"
            "\n  the app at library.py:3",
            id="raises-in-library",
        ),
        pytest.param(
            "lines",
            "TB701 'lines' cannot be imported: ValueError: one two\n  the app at lines.py:1",
            id="message-of-several-lines",
        ),
        pytest.param(
            "zoned",
            "TB701 'zoned' cannot be imported: ValueError: 'zone' must be in "
            "('edge', 'security', 'session', 'transform', 'app') (got 'edgy')\n  the app at zoned.py:3",
            id="refused-by-attrs",
        ),
        pytest.param(
            "chained",
            "TB701 'chained' cannot be imported: ZeroDivisionError: division by zero\n  the app at deeper.py:1",
            id="raises-deeper",
        ),
        pytest.param(
            "syntax.py",
            "TB701 'syntax.py' cannot be imported: SyntaxError: '(' was never closed\n  the app at syntax.py:2",
            id="syntax",
        ),
        pytest.param(
            "leaves",
            "TB701 'leaves' cannot be imported: it exits with 4\n  the app at leaves.py:2",
            id="exits",
        ),
        pytest.param("missing.py", "no file 'missing.py'", id="no-file"),
        pytest.param("shpo.py", "no file 'shpo.py'; did you mean 'shop.py'?", id="misspelt-file"),
        pytest.param("no/folder.py", "no file 'no/folder.py'", id="no-folder"),
        pytest.param("./shop", "no file 'shop', or not a Python file; did you mean 'shop.py'?", id="no-suffix"),
        pytest.param("pkg/", "no file 'pkg', or not a Python file", id="folder"),
    ],
)
def test_failure_is_reported(project: Project, refusal: Callable[..., str], target: str, message: str) -> None:
    project.write("pkg/__init__.py", "")
    project.write("needs.py", "import sys\nimport qqq\n")
    project.write("library.py", "import json\n\njson.loads('')\n")
    project.write("lines.py", "raise ValueError('one\\ntwo')\n")
    project.write("zoned.py", "from turnbuckle import Middleware\n\nMiddleware('a', print, zone='edgy')\n")
    project.write("chained.py", "import deeper\n")
    project.write("deeper.py", "1 / 0\n")
    project.write("syntax.py", "x = 1\ny = (\n")
    project.write("leaves.py", "import sys\nsys.exit(4)\n")
    said, *explanation = refusal("check", target).split("\n  why: ")
    assert said == f"error: {message}"
    assert bool(explanation) == ("TB701" in message)
    assert all("\n  fix: " in text for text in explanation)


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        ("app.mount('/x', app)", "open a scope with app.scope(prefix), and add the routes and plugins to it"),
        ("app.include_router(app)", "instead of include_router: app.scope(prefix)"),
        ("app.on_event('startup')", "instead of on_event: @app.lifespan"),
        ("app.get('/', status_code=201)", "instead of status_code: status=..."),
        ("app.get('/', nmae='x')", "write name="),
    ],
)
def test_fix_of_a_foreign_name_is_the_name_here(
    project: Project, refusal: Callable[..., str], line: str, fix: str
) -> None:
    project.write("foreign.py", f"from turnbuckle import App\napp = App()\n{line}\n")
    assert f"\n  fix: {fix}" in refusal("check", "foreign.py")


@pytest.mark.parametrize("use", ["from first import app", "import first\nfirst.app"])
@pytest.mark.parametrize("target", ["first.py", "first"])
def test_circular_import_names_the_files(project: Project, refusal: Callable[..., str], target: str, use: str) -> None:
    project.write("first.py", "import second\nfrom turnbuckle import App\napp = App()\n")
    project.write("second.py", use + "\n")
    text = refusal("check", target)
    assert "the modules import each other: first.py -> second.py -> first.py" in text
    assert "fix: move the shared names into a third module" in text


def test_failed_file_is_not_left_half_imported(project: Project, refusal: Callable[..., str]) -> None:
    project.write("half.py", "1 / 0\n")
    refusal("check", "half.py")
    assert "half" not in sys.modules


@pytest.mark.parametrize("args", [("-v", "check", "broken"), ("check", "-v", "broken")])
def test_verbose_shows_the_traceback_above_the_line(project: Project, args: tuple[str, ...]) -> None:
    project.write("broken.py", "1 / 0\n")
    result = project.call(*args)
    assert result.exit_code == 3
    assert "Traceback (most recent call last)" in result.stderr
    assert "\nerror: TB701 'broken' cannot be imported: ZeroDivisionError" in result.stderr
