"""Report mistakes in settings, each with its key and the source of its value."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean, format_error, nearest
from turnbuckle.startup.model.locations import location_of
from turnbuckle.startup.model.plugin_records import LoadedPlugin
from turnbuckle.startup.settings.given_values import Key, variable_name

__all__ = ["SettingProblems"]


@attrs.frozen
class SettingProblems:
    """Adds a diagnostic for each mistake in settings.

    Attributes:
        diagnostics: collects the mistakes.
    """

    diagnostics: Diagnostics

    def unknown(self, key: Key, source: str, known: Iterable[str], *, is_section: bool = False) -> None:
        """Report a setting that no class has.

        Args:
            key: the path of the setting.
            source: where its value comes from.
            known: the dotted keys that exist.
            is_section: whether its value is a table.
        """
        dotted, names = ".".join(key), list(known)
        why = "an unknown setting would have no effect, and the mistake would go unnoticed"
        near = nearest(dotted, names)
        hint = f"; did you mean {near!r}?" if near else ""
        fix = f"write {near}, or remove it" if near else "correct its name, or remove it"
        if key[0] == "plugins" and len(key) > 1 and (is_section or not near):
            hint, why = f"; did you mean '[plugin.{key[1]}]'?", "[plugins] names the plugins to enable"
            fix = f"write the settings of a plugin under [plugin.{key[1]}]"
        elif key in {("tool",), ("turnbuckle",)} and is_section:
            hint, why = (
                "",
                "only in pyproject.toml, the settings are inside another table, [tool.turnbuckle]",
            )
            fix = f"write the sections without {'tool.turnbuckle' if key[0] == 'tool' else key[0]}, such as [server]"
        elif len(key) == 1 and is_section and "." in dotted:
            hint, why = "", "each part of a dotted key is a table"
            fix = f"write {_nested(dotted)} in code, or [{dotted}] in a file"
        elif len(key) == 1 and is_section:
            fix = f"write [plugin.{key[0]}] if these are settings of a plugin; otherwise {fix}"
        self.diagnostics.add(
            "TB201", f"unknown setting {dotted!r}{hint}", Origin(plugin=_owner(key), location=source), why=why, fix=fix
        )

    def missing(self, key: Key, cls: type) -> None:
        """Report a setting that a class requires and no source gives."""
        self.diagnostics.add(
            "TB204",
            f"setting {'.'.join(key)!r} is missing and has no default",
            Origin(plugin=_owner(key), location=location_of(cls)),
            why="the class of these settings gives it no default",
            fix=f"give it in turnbuckle.toml, or as $TURNBUCKLE_{variable_name(key)}",
        )

    def wrong(self, key: Key, must: str, value: str, source: str, fix: str = "") -> None:
        """Report a value of the wrong type.

        Args:
            key: the path of the setting.
            must: the rule that the value breaks, such as ``"must be a number"``.
            value: the value, as it may be printed.
            source: where the value comes from.
            fix: the change; "" for a general one.
        """
        self.diagnostics.add(
            "TB202",
            f"setting {'.'.join(key)!r} {must}, not {value}",
            Origin(plugin=_owner(key), location=source),
            why="the class of these settings says so",
            fix=fix or f"give {'.'.join(key)} a value that it takes",
        )

    def rejected(self, key: Key, text: str, source: str, fix: str = "") -> None:
        """Report a value, or a whole section, that a validator rejects."""
        self.diagnostics.add(
            "TB202",
            f"setting {'.'.join(key)!r}: {text}",
            Origin(plugin=_owner(key), location=source),
            why="the class of these settings rejects it",
            fix=fix or f"give {'.'.join(key)} a value that its class accepts, or leave it out",
        )

    def overruled(self, key: Key, source: str, winner: str) -> None:
        """Warn about a value of the environment or the command line that the code overrules."""
        # Files hold the defaults of an installation. The user who sets a variable or an option expects an effect.
        self.diagnostics.add(
            "TB207",
            f"{'.'.join(key)} from {source} has no effect",
            Origin(plugin="app", location=winner),
            why="the code takes precedence over files, environment and command line",
            fix="remove the setting from the code, or from the environment or the command line",
            level="warning",
        )

    def not_configurable(self, plugin: LoadedPlugin, location: str) -> None:
        """Report settings for a plugin without a class of settings."""
        self.diagnostics.add(
            "TB209",
            f"plugin {plugin.name!r} takes no settings",
            attrs.evolve(plugin.origin, location=location),
            plugin.origin,
            why="its info names no class of settings as config",
            fix="remove them",
        )

    def app_not_configurable(self, app_name: str, location: str, origin: Origin) -> None:
        """Report settings in the section ``app`` for an app without a class of settings."""
        self.diagnostics.add(
            "TB209",
            f"app {app_name!r} takes no settings",
            Origin(plugin="app", location=location),
            origin,
            why="App(...) names no class of settings as config",
            fix="write App(..., config=AppSettings) with an attrs class that has these settings, or remove them",
        )

    def unusable_class(self, cls: type, key: Key, error: Exception) -> None:
        """Report a class that settings cannot be read into."""
        self.diagnostics.add(
            "TB210",
            f"the settings of {'.'.join(key)!r} cannot be read from {cls!r}: {format_error(error)}",
            Origin(plugin=key[-1] if key else "app", location=location_of(cls)),
            why="settings are an attrs class, whose annotations must be known at run time",
            fix=_fix_of_class(cls, error),
        )

    def unknown_variable(self, variable: str, known: Iterable[str]) -> None:
        """Warn about a variable that names no setting."""
        self.diagnostics.add(
            "TB206",
            f"variable {variable!r} names no setting{did_you_mean(variable, known)}",
            level="warning",
            why="variables that begin with TURNBUCKLE_ are settings",
            fix="remove it, or correct its name",
        )

    def unknown_plugin(self, name: str, location: str, known: Iterable[str]) -> None:
        """Warn about settings for a plugin that is not enabled."""
        self.diagnostics.add(
            "TB208",
            f"settings for plugin {name!r}, which is not enabled{did_you_mean(name, known)}",
            Origin(plugin="app", location=location),
            why="they have no effect",
            fix=f'add "{name}" to plugins.enabled, or remove the section',
            level="warning",
        )


def _fix_of_class(cls: object, error: Exception) -> str:
    if not isinstance(cls, type):
        name = "AppSettings" if isinstance(cls, str | Mapping) else type(cls).__name__
        return f"pass a class that is decorated with @attrs.frozen: config={name}"
    if isinstance(error, NameError):
        return f"import {error.name!r} outside of 'if TYPE_CHECKING'"
    if dataclasses.is_dataclass(cls):
        return f"decorate {cls.__name__} with @attrs.frozen instead of @dataclass"
    if "factory=" in str(error):
        return f"write attrs.field(factory=...) in {cls.__name__}"
    return f"decorate {cls.__name__} with @attrs.frozen, and import the names in its annotations"


def _owner(key: Key) -> str:
    return key[1] if len(key) > 1 and key[0] == "plugin" else "app"


def _nested(dotted: str) -> str:
    parts = dotted.split(".")
    return "".join(f"{{{part!r}: " for part in parts) + "{...}" + "}" * len(parts)
