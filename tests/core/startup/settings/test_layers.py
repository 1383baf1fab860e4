"""Tests of ``turnbuckle.startup.settings.layers``."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnbuckle import App, StartupError
from turnbuckle.startup.model.sources import SettingsSources


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("turnbuckle.toml", "[server]\nport = 81\n"),
        ("pyproject.toml", "[tool.turnbuckle.server]\nport = 81\n"),
    ],
)
def test_settings_file_may_have_a_byte_order_mark(name: str, text: str, encoding: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding=encoding)
    plan = App().resolve(SettingsSources(file=tmp_path / name))
    assert plan.settings.server.port == 81


def test_settings_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "turnbuckle.toml").write_text("[server]\n", encoding="utf-16")
    with pytest.raises(StartupError) as raised:
        App().resolve(SettingsSources(file=tmp_path / "turnbuckle.toml"))
    found = raised.value.problems[0].diagnostic
    assert found.code == "TB203"
    assert "it is not UTF-8" in found.text


def test_list_of_numbers_in_the_environment() -> None:
    for text in ("3,4", "[3, 4]"):
        plan = App().resolve(SettingsSources(environ={"TURNBUCKLE_SERVER_FDS": text}))
        assert plan.settings.server.fds == (3, 4)
    with pytest.raises(StartupError) as raised:
        App().resolve(SettingsSources(environ={"TURNBUCKLE_SERVER_FDS": "3,x"}))
    assert "must be a list of whole numbers, as 3,4 or [3, 4], not '3,x'" in raised.value.problems[0].diagnostic.text
