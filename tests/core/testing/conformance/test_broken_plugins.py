"""Plugins that are wrong, each in another way, must fail the suite, and fail it for that."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.core.testing.conformance import broken_plugins as broken
from tests.core.testing.conformance.running import failures
from turnbuckle import Plugin
from turnbuckle.testing.conformance import PluginConformance


def suite_of(plugin: type[Plugin], **attributes: object) -> type[PluginConformance]:
    body = {"make_plugin": lambda self: plugin(), "is_installed": False, **attributes}
    return type("Suite", (PluginConformance,), body)


def test_sound_plugin_passes() -> None:
    assert failures(suite_of(broken.Sound, config={"greeting": "welcome"})) == {}


@pytest.mark.parametrize(
    ("plugin", "test", "message"),
    [
        pytest.param(broken.HasNoInfo, "test_says_what_it_is", "must be a PluginInfo, not None", id="info"),
        pytest.param(broken.ShoutsItsName, "test_says_what_it_is", "not 'Sound-Plugin'", id="name"),
        pytest.param(broken.IsFromTheFuture, "test_says_what_it_is", "is for generation 99", id="api"),
        pytest.param(broken.IsFromTheFuture, "test_starts", "does not start:\nTB", id="api-at-the-start"),
        pytest.param(broken.RequiresItself, "test_says_what_it_is", "names itself in 'after'", id="itself"),
        pytest.param(broken.IsUndocumented, "test_says_what_it_is", "has no docstring", id="docstring"),
        pytest.param(broken.HasLooseConfig, "test_has_settings_that_can_be_checked", "must be frozen", id="config"),
        pytest.param(broken.ReturnsSomethingElse, "test_starts", "does not start:\nTB", id="record"),
        pytest.param(broken.ReturnsLooseRecords, "test_answers_with_frozen_records", "can be changed", id="loose"),
        pytest.param(broken.AnswersOnce, "test_answers_the_same_again", "when asked again with []", id="once"),
        pytest.param(broken.ProvidesNothing, "test_provides_something", "overrides no hook", id="nothing"),
        pytest.param(broken.WarnsAtTheStart, "test_starts", "TB310", id="warns"),
        pytest.param(broken.KeepsARegister, "test_keeps_apps_apart", "broken_plugins.SEEN", id="register"),
        pytest.param(broken.ServesOnlyTheFirst, "test_keeps_apps_apart", "with a second one", id="first"),
    ],
)
def test_broken_plugin_fails(plugin: type[Plugin], test: str, message: str) -> None:
    failed = failures(suite_of(plugin), test)
    assert message in "".join(failed.get(test, [])), failed


def test_plugin_that_cannot_be_found_by_name() -> None:
    failed = failures(suite_of(broken.Sound, is_installed=True), "test_is_found_by_name")
    assert "no distribution has an entry point 'sound'" in failed["test_is_found_by_name"][0]


SOURCE = """
from turnbuckle import Plugin, PluginInfo

class FilePlugin(Plugin):
    "Has an import with consequences."

    info = PluginInfo(name="file_plugin")
"""


def suite_of_file(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> type[PluginConformance]:
    """Return a suite for a plugin in a new file, with additional code that runs at import."""
    (folder / "file_plugin.py").write_text(SOURCE)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "file_plugin", raising=False)
    plugin = import_module("file_plugin").FilePlugin
    (folder / "file_plugin.py").write_text(SOURCE + code)
    return suite_of(plugin)


def test_import_without_consequences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = suite_of_file("open(__file__).close()", tmp_path, monkeypatch)
    assert failures(suite, "test_is_imported_without_doing_anything", "test_is_imported_in_no_time") == {}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param("import socket; socket.socket().close()", "does socket.__new__", id="socket"),
        pytest.param("import threading; threading.Thread(target=int).start()", "does start a thread", id="thread"),
        pytest.param("open('written', 'w').close()", "does open 'written' for writing", id="file"),
        pytest.param("import os; os.close(os.open('w', os.O_CREAT | os.O_RDWR))", "does open 'w'", id="os-file"),
        pytest.param("import subprocess; subprocess.run(['true'])", "does subprocess.Popen", id="process"),
        pytest.param("1 / 0", "ZeroDivisionError", id="raises"),
    ],
)
def test_import_with_consequences(code: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test = "test_is_imported_without_doing_anything"
    failed = failures(suite_of_file(code, tmp_path, monkeypatch), test)
    assert message in "".join(failed.get(test, [])), failed


def test_import_that_takes_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = failures(suite_of_file("sum(range(8_000_000))", tmp_path, monkeypatch), "test_is_imported_in_no_time")
    assert "ms, and 50 at most" in "".join(failed["test_is_imported_in_no_time"])
