"""Settings in a place of pyproject.toml that is not read are reported with the place that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.startup.finding import error_of, warning_of
from turnbuckle import App, SettingsSources


@pytest.mark.parametrize(
    ("text", "table", "line"),
    [
        pytest.param("[project]\nname = 'a'\n[turnbuckle]\ndebug = true\n", "turnbuckle", 3, id="top level"),
        pytest.param("[turnbuckle.server]\nport = 7\n", "turnbuckle", 1, id="section at the top level"),
        pytest.param("[tool.turnbuckel]\ndebug = true\n", "tool.turnbuckel", 1, id="misspelt"),
        pytest.param("[tool.Turnbuckle.server]\nport = 7\n", "tool.Turnbuckle", 1, id="upper case"),
        pytest.param("[tools.turnbuckle]\ndebug = true\n", "tools.turnbuckle", 1, id="misspelt tool"),
    ],
)
@pytest.mark.parametrize("is_named", [False, True])
def test_table_that_is_not_read_is_named(text: str, table: str, line: int, is_named: bool, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    sources = SettingsSources(file=tmp_path / "pyproject.toml") if is_named else SettingsSources(folder=tmp_path)
    found = warning_of(App(), "TB214", sources)
    assert found.text == f"table [{table}] of pyproject.toml is not read; did you mean [tool.turnbuckle]?"
    assert found.origins[0].location == f"{tmp_path}/pyproject.toml:{line}"
    assert found.fix == f"write [tool.turnbuckle] instead of [{table}], and its parts alike"
    (tmp_path / "pyproject.toml").write_text(text.replace(f"[{table}", "[tool.turnbuckle"))
    assert not App().resolve(sources).diagnostics


@pytest.mark.parametrize(
    "text",
    [
        "[project]\nname = 'turnbuckle'\n",
        "turnbuckle = 1\n",
        "[tool.turnbuckle-stubs]\nx = 1\n",
        "[tool.turnbuckle.server]\nport = 7\n",
        "[[tool.other]]\nturnbuckle = 1\n",
        "tool = 1\n",
    ],
)
def test_other_tables_are_not_reported(text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert not App().resolve(SettingsSources(folder=tmp_path)).diagnostics


def test_two_files_with_settings_give_a_hint_which_one_counts(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n[tool.turnbuckle.server]\nport = 7\n")
    (tmp_path / "turnbuckle.toml").write_text("[server]\nport = 8\n")
    plan = App().resolve(SettingsSources(folder=tmp_path))
    assert plan.settings.server.port == 8
    (found,) = plan.diagnostics
    assert (found.level, found.code) == ("hint", "TB214")
    assert found.text == "table [tool.turnbuckle] of pyproject.toml is not read, because there is turnbuckle.toml"
    assert [origin.location for origin in found.origins] == [
        f"{tmp_path}/pyproject.toml:2",
        f"{tmp_path}/turnbuckle.toml",
    ]


@pytest.mark.parametrize("text", ["[tool.other]\nx = 1\n", "[tool.turnbuckle]\n", "[", "tool = 1\n"])
def test_other_file_without_settings_gives_no_hint(text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    (tmp_path / "turnbuckle.toml").write_text("")
    assert not App().resolve(SettingsSources(folder=tmp_path)).diagnostics


@pytest.mark.parametrize("table", ["turnbuckle", "tool.turnbuckle"])
def test_turnbuckle_toml_has_no_table_around_the_sections(table: str, tmp_path: Path) -> None:
    (tmp_path / "turnbuckle.toml").write_text(f"[{table}.server]\nport = 7\n")
    found = error_of(App(), "TB201", SettingsSources(folder=tmp_path))
    assert found.fix == f"write the sections without {table}, such as [server]"
    (tmp_path / "turnbuckle.toml").write_text("[server]\nport = 7\n")
    assert App().resolve(SettingsSources(folder=tmp_path)).settings.server.port == 7
