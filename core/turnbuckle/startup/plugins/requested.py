"""List the plugins that an app asks for: in its code, its settings, the environment, and on the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, cast

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.plan import SettingValue
from turnbuckle.settings import Settings
from turnbuckle.startup.model.declaration import ScopeDeclaration
from turnbuckle.startup.model.plugin_records import PluginRequest
from turnbuckle.startup.model.sources import SettingsSources

__all__ = ["PluginRequests", "asked_in_code", "requests_from_settings"]

_VARIABLE: Final = "TURNBUCKLE_PLUGINS"
_NO: Final = "no:"


@attrs.frozen
class PluginRequests:
    """Plugins asked for by name, outside the code.

    Attributes:
        enabled: what is to be enabled.
        disabled: names that stay out whoever asks, with who said so.
        optional: names whose failure is a warning.
    """

    enabled: tuple[PluginRequest, ...]
    disabled: Mapping[str, Origin]
    optional: frozenset[str]


def asked_in_code(scope: ScopeDeclaration) -> tuple[PluginRequest, ...]:
    """Return what one scope asks for; ``(plugin, {...})`` is taken apart."""
    wanted = []
    for written in scope.plugins:
        ref, config = written.record, {}
        if isinstance(ref, tuple) and len(ref) == 2 and isinstance(ref[1], Mapping):
            ref, config = ref[0], dict(ref[1])
        wanted.append(PluginRequest(ref=ref, origin=written.origin, config=config))
    return tuple(wanted)


def requests_from_settings(
    settings: Settings, values: Mapping[str, SettingValue], sources: SettingsSources
) -> PluginRequests:
    """Return what settings, environment and command line ask for."""
    enabled: dict[str, Origin] = {}
    disabled: dict[str, Origin] = {}
    for key, target in (("enabled", enabled), ("optional", enabled), ("disabled", disabled)):
        where = values[f"plugins.{key}"].source
        for name in cast("tuple[str, ...]", getattr(settings.plugins, key)):
            target.setdefault(name, Origin(plugin=name, location=f"plugins.{key} ({where})"))
    for name, place in _switches(sources):
        target = disabled if name.startswith(_NO) else enabled
        name = name.removeprefix(_NO)  # noqa: PLW2901  # the same name, without its switch
        target.setdefault(name, Origin(plugin=name, location=place))
    wanted = tuple(PluginRequest(ref=name, origin=origin) for name, origin in enabled.items())
    return PluginRequests(wanted, disabled, frozenset(settings.plugins.optional))


def _switches(sources: SettingsSources) -> Iterator[tuple[str, str]]:
    for name in sources.environ.get(_VARIABLE, "").replace(",", " ").split():
        yield name, f"${_VARIABLE}"
    for name in sources.plugins:
        yield name, f"-p {name}"
