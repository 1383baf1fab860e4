"""Helpers for tests of startup: apps with mistakes, and their diagnostics."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnbuckle import App, Diagnostic, Plan, Plugin, PluginInfo, SettingsSources, StartupError


def errors_of(app: App, sources: SettingsSources | None = None) -> tuple[Diagnostic, ...]:
    """Return all errors that stop an app from starting."""
    with pytest.raises(StartupError) as caught:
        app.compile(sources if sources is not None else SettingsSources())
    return tuple(problem.diagnostic for problem in caught.value.problems)


def error_of(app: App, code: str, sources: SettingsSources | None = None) -> Diagnostic:
    """Return the one error of an app, which must have a code and be complete."""
    (found,) = errors_of(app, sources)
    assert found.code == code, found
    assert found.level == "error"
    assert found.fix
    return found


def warning_of(app: App, code: str, sources: SettingsSources | None = None) -> Diagnostic:
    """Return the one warning of an app, which must have a code."""
    plan = app.resolve(sources)
    (found,) = plan.diagnostics
    assert (found.level, found.code) == ("warning", code)
    return found


def plugin_states(plan: Plan) -> dict[str, str]:
    """Return the state of each plugin that is not built in."""
    return {plugin.name: plugin.state for plugin in plan.plugins if plugin.state != "builtin"}


def make_plugin(name: str, /, *, info: PluginInfo | None = None, **members: object) -> type[Plugin]:
    """Return a plugin class with some members."""
    return type(name.title(), (Plugin,), {"info": info or PluginInfo(name=name), **members})


class Site:
    """A folder on the import path, in which distributions are installed as pip would leave them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def install(self, name: str, source: str, *, distribution: str = "", attribute: str = "It", extra: str = "") -> str:
        """Install a plugin from the source of its module, and return the name of the module."""
        distribution = distribution or name
        module = f"installed_{distribution}_{name}"
        (self.path / f"{module}.py").write_text(source)
        info = self.path / f"{distribution}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        point = f"{module}:{attribute}" + (f" [{extra}]" if extra else "")
        (info / "entry_points.txt").write_text(f"[turnbuckle.plugins]\n{name} = {point}\n")
        return module
