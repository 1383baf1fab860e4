"""The fix of a wrong setting is the line to write, in the form of its source; with it, the app starts."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from tests.core.startup.finding import error_of
from turnbuckle import App, SettingsSources
from turnbuckle.startup.model.sources import Flag


@attrs.frozen
class Config:
    """Settings."""

    size: int = attrs.field(default=20, validator=attrs.validators.ge(1))
    is_on: bool = True
    title: str = "Board"


def _app(**options: object) -> App:
    return App(config=Config, **options)  # type: ignore[arg-type]  # options of App


@pytest.mark.parametrize("wrong", ["size = 'many'", "size = 0", "is_on = 5", "title = 5"])
def test_fix_for_a_file_works(wrong: str, tmp_path: Path) -> None:
    file = tmp_path / "turnbuckle.toml"
    file.write_text(f"[app]\n{wrong}\n")
    fix = error_of(_app(), "TB202", SettingsSources(folder=tmp_path)).fix
    line = fix.partition("its default: ")[2]
    assert line.startswith(wrong.partition(" ")[0])
    file.write_text(f"[app]\n{line}\n")
    assert _app().resolve(SettingsSources(folder=tmp_path)).config == Config()


@pytest.mark.parametrize("text", ["many", "0"])
def test_fix_for_a_variable_and_an_option_works(text: str) -> None:
    fix = error_of(_app(), "TB202", SettingsSources(environ={"TURNBUCKLE_APP_SIZE": text})).fix
    assert fix.endswith("its default: TURNBUCKLE_APP_SIZE=20")
    fix = error_of(_app(), "TB202", SettingsSources(flags=(Flag(f"app.size={text}"),))).fix
    assert fix.endswith("its default: --set app.size=20")


def test_fix_for_code_works() -> None:
    fix = error_of(_app(settings={"app": {"size": "many"}}), "TB202").fix
    assert fix.endswith('its default: settings={"app": {"size": 20}}')


def test_fix_for_a_section_works(tmp_path: Path) -> None:
    file = tmp_path / "turnbuckle.toml"
    file.write_text("app = 5\n")
    assert error_of(_app(), "TB202", SettingsSources(folder=tmp_path)).fix.startswith("write [app]")
    file.write_text("[app]\nsize = 5\n")
    _app().resolve(SettingsSources(folder=tmp_path))


@pytest.mark.parametrize(
    ("content", "fix"),
    [
        pytest.param(b"[server]\nport = \n", "correct line 2 of", id="syntax"),
        pytest.param(b"# \xe9\n", "as UTF-8", id="charset"),
        pytest.param(None, "create", id="missing"),
    ],
)
def test_fix_for_a_file_that_cannot_be_read_names_the_change(content: bytes | None, fix: str, tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    if content is not None:
        file.write_bytes(content)
    found = error_of(App(), "TB203", SettingsSources(file=file))
    assert fix in found.fix
    assert "my.toml" in found.fix


@pytest.mark.parametrize(
    ("methods", "right"), [("GET,POST", '["GET", "POST"]'), (["G T"], '["G", "T"]'), ([], '["GET"]')]
)
def test_fix_for_methods_works(methods: object, right: str) -> None:
    app = App()
    app.route("/", methods=methods)(lambda: "x")  # type: ignore[arg-type]  # the mistake under test
    fix = error_of(app, "TB405").fix
    assert fix.endswith(f"methods={right}")


def test_fix_for_a_router_names_the_methods() -> None:
    class Half:
        def match(self, request: object) -> None: ...

    found = error_of(App(router=lambda setup: Half()), "TB502")
    assert found.fix == "define add(self, route), freeze(self) in the class of the router"


def test_fix_for_a_router_that_fails_names_its_line() -> None:
    def make(setup: object) -> object:
        raise OSError("no file")

    found = error_of(App(router=make), "TB502")
    assert "test_fixes.py:" in found.fix
    assert found.fix.endswith('or write router="tree"')


@pytest.mark.parametrize(
    ("make", "reason", "fix"),
    [
        pytest.param(os.mkfifo, "it is a named pipe", "write a regular file", id="named-pipe"),
        pytest.param(os.mkdir, "Is a directory", "write a regular file", id="folder"),
        pytest.param(lambda path: path.symlink_to("nowhere"), "No such file", "create", id="dangling-link"),
    ],
)
def test_settings_file_of_a_project_that_is_no_file_is_an_error(
    make: Callable[[Path], None], reason: str, fix: str, tmp_path: Path
) -> None:
    make(tmp_path / "turnbuckle.toml")
    found = error_of(App(), "TB203", SettingsSources(folder=tmp_path))
    assert reason in found.text
    assert fix in found.fix
