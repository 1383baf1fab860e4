"""The fix of a problem works: the app starts once the mistake is corrected as the fix says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner

from turnbuckle.cli.group import turnbuckle

_IMPORTS = """\
import asyncio
from contextlib import asynccontextmanager

from turnbuckle import *
from turnbuckle.records import *


@asynccontextmanager
async def open_queue(setup):
    yield []


class Codec:
    def encode(self, value):
        return b"{}"

    def decode(self, data):
        return {}


async def work():
    await asyncio.Event().wait()


"""
_PLUGIN = """\
class Guestbook(Plugin):
    info = PluginInfo(name="guestbook")

    def {hook}(self, setup):
        {body}


app = App(plugins=[Guestbook])
"""


def _hook(body: str, hook: str) -> str:
    return _PLUGIN.format(body=body, hook=f"provide_{hook}")


@attrs.frozen
class _Case:
    """A source with a mistake, the text of the fix, and the replacement that it demands."""

    source: str
    code: str
    fix: str
    wrong: str
    right: str
    settings: str = ""
    guestbook: str = 'from turnbuckle import *\n\n\nclass Guestbook(Plugin):\n    info = PluginInfo(name="guestbook")\n'


_BOOK = 'class Book(Plugin):\n    info = PluginInfo(name="book")\n\n\n'
_CASES = {
    "info-by-position": _Case(
        'class Book(Plugin):\n    info = PluginInfo("book", 1)\n\n\napp = App(plugins=[Book])\n',
        "TB701",
        "write PluginInfo(name=...), with further arguments by name",
        '"book", 1',
        'name="book", api=1',
    ),
    "plugins-is-a-class": _Case(
        _BOOK + "app = App(plugins=Book)\n", "TB701", "write plugins=[Book]", "plugins=Book", "plugins=[Book]"
    ),
    "plugins-is-an-instance": _Case(
        _BOOK + "app = App(plugins=Book())\n", "TB701", "write plugins=[Book()]", "plugins=Book()", "plugins=[Book()]"
    ),
    "plugins-is-a-mapping": _Case(
        _BOOK + "app = App(plugins={Book: {}})\n",
        "TB701",
        "write a list of pairs: plugins=[(plugin, {...})]",
        "{Book: {}}",
        "[(Book, {})]",
    ),
    "plugins-is-a-module": _Case(
        "import guestbook\napp = App(plugins=guestbook)\n",
        "TB701",
        "such as plugins=[guestbook.Guestbook]",
        "plugins=guestbook",
        "plugins=[guestbook.Guestbook]",
    ),
    "scope-without-slash": _Case('app = App()\napp.scope("api")\n', "TB701", 'write "/api"', '"api"', '"/api"'),
    "keyword-of-app": _Case("app = App(plugin=[])\n", "TB701", "write plugins=", "plugin=", "plugins="),
    "syntax-error": _Case("app = App(\n", "TB701", "correct line shop.py:", "App(", "App()"),
    "missing-dependency": _Case(
        "import yaml_of_nobody\napp = App()\n", "TB701", "pip install yaml-of-nobody", "import", "#"
    ),
    "circular-import": _Case(
        "import guestbook\napp = App()\n",
        "TB701",
        "import inside the function that uses them",
        "import guestbook\napp = App()\n",
        "app = App()\nimport guestbook\n",
        guestbook="from shop import app\n",
    ),
    "misspelt-name": _Case(
        "app = App()\napp.lifespan(open_que)\n", "TB701", "write 'open_queue'", "open_que)", "open_queue)"
    ),
    "lifespan-called-in-app": _Case(
        "app = App()\napp.lifespan(open_queue(None))\n", "TB701", "write open_queue without parentheses", "(None)", ""
    ),
    "zone": _Case(
        'app = App(middleware=[Middleware("m", lambda handler, setup: handler, zone="secure")])\n',
        "TB701",
        "write zone='security'",
        '"secure"',
        '"security"',
    ),
    "exit": _Case(
        "app = App()\nraise SystemExit(2)\n", "TB701", "if __name__", "raise", "if __name__ == '__main__': raise"
    ),
    "module-in-the-list": _Case(
        "import guestbook\napp = App(plugins=[guestbook])\n",
        "TB104",
        "pass the class: guestbook.Guestbook",
        "[guestbook]",
        "[guestbook.Guestbook]",
    ),
    "class-of-another-kind": _Case(
        "class Cors:\n    pass\n\n\napp = App(plugins=[Cors])\n",
        "TB104",
        "derive it from turnbuckle.Plugin: class Cors(Plugin)",
        "class Cors:\n    pass",
        "class Cors(Plugin):\n    info = PluginInfo(name='cors')",
    ),
    "function-that-returns-a-plugin": _Case(
        _BOOK + "def make() -> Plugin:\n    return Book()\n\n\napp = App(plugins=[make])\n",
        "TB104",
        "call it: pass make()",
        "[make]",
        "[make()]",
    ),
    "mapping-in-the-list": _Case(
        _BOOK + "app = App(plugins=[{Book: {}}])\n",
        "TB104",
        "such as plugins=[(Book, {...})]",
        "{Book: {}}",
        "(Book, {})",
    ),
    "the-base-class": _Case(
        "app = App(plugins=[Plugin])\n",
        "TB104",
        "pass a class that is derived from it: class Guestbook(Plugin)",
        "app = App(plugins=[Plugin])",
        "from guestbook import Guestbook\napp = App(plugins=[Guestbook])",
    ),
    "path-of-a-class": _Case(
        'app = App(plugins=["guestbook:Guestbook"])\n',
        "TB101",
        "pass the class in App(plugins=[Guestbook]), after 'from guestbook import Guestbook'",
        'app = App(plugins=["guestbook:Guestbook"])',
        "from guestbook import Guestbook\napp = App(plugins=[Guestbook])",
    ),
    "api-as-text": _Case(
        'class Book(Plugin):\n    info = PluginInfo(name="book", api="1")\n\n\napp = App(plugins=[Book])\n',
        "TB108",
        "write api=1 in its info",
        'api="1"',
        "api=1",
    ),
    "info-is-a-mapping": _Case(
        'class Book(Plugin):\n    info = {"name": "book"}\n\n\napp = App(plugins=[Book])\n',
        "TB111",
        'write info = PluginInfo(name="book") in the class',
        '{"name": "book"}',
        'PluginInfo(name="book")',
    ),
    "info-is-the-class": _Case(
        "class Book(Plugin):\n    info = PluginInfo\n\n\napp = App(plugins=[Book])\n",
        "TB111",
        'write info = PluginInfo(name="book") in the class',
        "= PluginInfo\n",
        '= PluginInfo(name="book")\n',
    ),
    "no-info": _Case(
        "class BookPlugin(Plugin):\n    pass\n\n\napp = App(plugins=[BookPlugin])\n",
        "TB111",
        'write info = PluginInfo(name="book") in the class',
        "pass",
        'info = PluginInfo(name="book")',
    ),
    "name-in-capitals": _Case(
        _BOOK.replace('"book"', '"My-Book"') + "app = App(plugins=[Book])\n",
        "TB111",
        'write name="my_book" in its info',
        '"My-Book"',
        '"my_book"',
    ),
    "lifespan-called": _Case(
        _hook('return [Lifespan("queue", open_queue(setup))]', "lifespans"),
        "TB505",
        "write open_queue without parentheses",
        "open_queue(setup))",
        "open_queue)",
    ),
    "component-is-the-class": _Case(
        _hook('return [Component("json", "mine", lambda setup: Codec)]', "components"),
        "TB507",
        "write 'def factory(setup)' that returns an instance",
        "lambda setup: Codec",
        "lambda setup: Codec()",
    ),
    "component-is-an-instance": _Case(
        _hook('return [Component("store", "mine", Codec())]', "components"),
        "TB507",
        "write 'def factory(setup)' that returns an instance",
        "Codec()",
        "lambda setup: Codec()",
    ),
    "render-returns-text": _Case(
        "def render(value) -> str:\n    return ''\n\n\n"
        + _hook("return [ResponseType(set, render)]", "response_types"),
        "TB504",
        "a function that takes (value) and returns a Response",
        "-> str:\n    return ''",
        "-> Response:\n    return Text('')",
    ),
    "resource-of-two-types": _Case(
        _hook(
            'return [Lifespan("a", open_queue, provides=ResourceKey("database", list)), '
            'Lifespan("b", open_queue, needs=ResourceKey("database", dict))]',
            "lifespans",
        ),
        "TB423",
        "give it the type list",
        ", dict)",
        ", list)",
    ),
    "task-in-a-hook": _Case(
        _hook("asyncio.create_task(work())\n        return []", "routes"),
        "TB306",
        "start tasks in it with setup.background(function)",
        "asyncio.create_task(work())",
        "",
    ),
    "settings-under-plugins": _Case(
        "app = App()\n",
        "TB201",
        "write the settings of a plugin under [plugin.uploads]",
        "",
        "",
        settings="[plugins.uploads]\nsize = 3\n",
    ),
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    _forget()


def _forget() -> None:
    for name in ("shop", "guestbook", "turnbuckle_plugin"):
        sys.modules.pop(name, None)


def _check() -> tuple[int, str]:
    _forget()
    result = CliRunner().invoke(turnbuckle, ["check", "shop"], prog_name="turnbuckle")
    return result.exit_code, result.stderr


@pytest.mark.parametrize("case", _CASES.values(), ids=_CASES)
def test_app_starts_after_the_fix(case: _Case, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (project / "guestbook.py").write_text(case.guestbook)
    (project / "shop.py").write_text(_IMPORTS + case.source)
    if case.settings:
        (project / "turnbuckle.toml").write_text(case.settings)
    status, said = _check()
    assert status == 3, said
    assert f"error: {case.code} " in said
    assert case.fix in said.partition("  fix: ")[2], said
    assert "\n  why: " in said
    assert "Warning" not in said
    (project / "shop.py").write_text(_IMPORTS + case.source.replace(case.wrong, case.right))
    if case.settings:
        (project / "turnbuckle.toml").write_text(case.settings.replace("plugins.", "plugin."))
    status, said = _check()
    assert status == 0, said


def test_base_classes_in_the_file_of_a_project_are_no_plugins(project: Path) -> None:
    (project / "shop.py").write_text("from turnbuckle import App\napp = App()\n")
    (project / "turnbuckle_plugin.py").write_text(
        "import abc\n\nfrom turnbuckle import Plugin, PluginInfo\n\n\n"
        "class Base(Plugin, abc.ABC):\n    @abc.abstractmethod\n    def path(self): ...\n\n\n"
        "class Named(Plugin):\n    def helper(self): ...\n\n\n"
        "class Book(Named):\n    info = PluginInfo(name='book')\n\n\nAlias = Book\n"
    )
    assert _check() == (0, "")


def test_fixes_do_not_only_say_to_correct_something() -> None:
    from turnbuckle import startup

    for path in Path(startup.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert 'fix="correct the plugin' not in text, path
        assert 'fix="correct the file"' not in text, path
        assert 'fix="correct the record"' not in text, path
