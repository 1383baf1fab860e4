"""The two ways into the command: the script's function, and the package run as a module."""

import runpy
import sys
from pathlib import Path

import pytest

import turnbuckle
from turnbuckle import __version__
from turnbuckle.cli import main


def test_main_runs_the_command_line_and_exits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["turnbuckle", "--version"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"turnbuckle {__version__}\n"


def test_package_as_a_module_is_the_same(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["turnbuckle", "--version"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(Path(turnbuckle.__file__).with_name("__main__.py")), run_name="__main__")
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"turnbuckle {__version__}\n"
