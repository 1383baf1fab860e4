"""Build classes of settings from layers, and keep the source of each value.

Each mistake is reported with its key and source, and the default is used instead, so that all mistakes show at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Generic, TypeVar, cast

import attrs

from turnbuckle.errors import SettingRefused
from turnbuckle.plan import Overruled, SettingValue
from turnbuckle.startup.model.declaration import Declaration
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.startup.model.plugin_records import LoadedPlugin
from turnbuckle.startup.settings.convert import class_of_entries, describe_text, describe_type, is_table, misfit
from turnbuckle.startup.settings.fixes import as_written, how_to_write, how_to_write_table
from turnbuckle.startup.settings.given_values import (
    MISSING,
    GivenValue,
    Key,
    as_tree,
    converted,
    given_values,
    value_at,
)
from turnbuckle.startup.settings.layers import Layers
from turnbuckle.startup.settings.problems import SettingProblems

__all__ = ["BuiltSettings", "build_app_settings", "build_plugin_settings", "build_settings"]

SettingsT = TypeVar("SettingsT")
SettingsT_co = TypeVar("SettingsT_co", covariant=True)
# At the top level, these hold settings of other classes.
_SECTIONS_OF_OTHERS: Final = ("app", "plugin")
_Fields = dict[str, "attrs.Attribute[Any]"]


@attrs.frozen(kw_only=True)
class BuiltSettings(Generic[SettingsT_co]):
    """The settings of the app or of one plugin.

    Attributes:
        instance: an instance of the class of settings; None if there is no class, or it cannot be made.
        values: each setting with its source, by dotted key; the key of a setting in a scope names the scope.
        claims: the variables of the environment, and the keys of the command line, that gave a value.
    """

    instance: SettingsT_co | None
    values: Mapping[str, SettingValue] = attrs.field(factory=dict)
    claims: frozenset[str | Key] = frozenset()


def build_settings(cls: type[SettingsT], layers: Layers, diagnostics: Diagnostics) -> BuiltSettings[SettingsT]:
    """Build the settings of the server and the framework.

    Args:
        cls: an attrs class.
        layers: the sources.
        diagnostics: collects the mistakes.
    """
    builder = _Builder(layers, SettingProblems(diagnostics))
    return builder.built(builder.build(cls, (), layers.code))


def build_app_settings(declaration: Declaration, layers: Layers, diagnostics: Diagnostics) -> BuiltSettings[object]:
    """Build the app's own settings, from the section ``app``.

    Args:
        declaration: the app, with the class of its settings.
        layers: the sources.
        diagnostics: collects the mistakes.
    """
    key = ("app",)
    builder = _Builder(layers, SettingProblems(diagnostics))
    if declaration.config is not None:
        return builder.built(builder.build_section(cast("type[object]", declaration.config), key))
    if "app" in layers.code or value_at(layers.file.values, key) is not MISSING:
        location = builder.code_source(key) if "app" in layers.code else layers.file.location(key)
        builder.problems.app_not_configurable(declaration.name, location, declaration.origin)
    return BuiltSettings(instance=None)


def build_plugin_settings(
    plugin: LoadedPlugin, layers: Layers, diagnostics: Diagnostics, scope: str = ""
) -> BuiltSettings[object]:
    """Build the settings of a plugin.

    Args:
        plugin: the plugin.
        layers: the sources.
        diagnostics: collects the mistakes.
        scope: prefix of the scope that the plugin is enabled in.
    """
    key = ("plugin", plugin.name)
    code = {**as_tree(as_tree(layers.code.get("plugin")).get(plugin.name)), **plugin.config}
    code_sources: Mapping[Key, str] = {}
    if plugin.requested_by is not None:
        code_sources = {
            (*key, str(name)): f"plugin settings at {plugin.requested_by.location}" for name in plugin.config
        }
    builder = _Builder(layers, SettingProblems(diagnostics), scope, code_sources)
    if plugin.info.config is not None:
        return builder.built(builder.build(plugin.info.config, key, code))
    if code or value_at(layers.file.values, key) is not MISSING:
        location = builder.code_source((*key, str(next(iter(code))))) if code else layers.file.location(key)
        builder.problems.not_configurable(plugin, location)
    return BuiltSettings(instance=None)


@attrs.frozen
class _Builder:
    """Builds one class of settings, with the classes of its sections.

    Attributes:
        layers: the sources.
        problems: reports the mistakes.
        scope: prefix of the scope; the keys of ``values`` name it.
        code_sources: where the code gives the settings that stand beside the plugin, by key.
        values: the settings built so far, with their sources.
        claims: the variables and command-line keys that gave a value so far.
        shorts: for a section that a lone value may stand for, the key of the setting that the value sets.
        secrets: keys of the settings and sections whose values must not be printed.
        defaults: the defaults of the settings, by key.
    """

    layers: Layers
    problems: SettingProblems
    scope: str = ""
    code_sources: Mapping[Key, str] = attrs.field(factory=dict)
    values: dict[str, SettingValue] = attrs.field(factory=dict, init=False)
    claims: set[str | Key] = attrs.field(factory=set, init=False)
    shorts: dict[Key, Key] = attrs.field(factory=dict, init=False)
    secrets: set[Key] = attrs.field(factory=set, init=False)
    defaults: dict[Key, object] = attrs.field(factory=dict, init=False)

    def built(self, instance: SettingsT | None) -> BuiltSettings[SettingsT]:
        """Return an instance with the values and claims of this builder."""
        return BuiltSettings(instance=instance, values=self.values, claims=frozenset(self.claims))

    def build(self, cls: type[SettingsT], key: Key, code: Mapping[str, object]) -> SettingsT | None:
        """Return an instance of a class of settings; None when it cannot be made at all.

        Args:
            cls: an attrs class.
            key: path of its section; () for the settings as a whole.
            code: the values that the code gives for this section.
        """
        fields = self._fields(cls, key)
        if fields is None:
            return None
        self._check_keys(fields, key, code)
        given: dict[str, object] = {}
        for name, field in fields.items():
            value = self._field(field, (*key, name), code.get(name, MISSING), fields)
            if value is not MISSING:
                given[name] = value
        return self._make(cls, key, given)

    def build_section(self, cls: type[object], key: Key) -> object:
        """Return an instance of a class of settings for a section at the top level; None when it cannot be made."""
        code = self.layers.code.get(key[0], {})
        if not isinstance(code, Mapping):
            self._report_wrong(key, "must be a table", code, self.code_source(key))
        return self.build(cls, key, as_tree(code))

    def code_source(self, key: Key) -> str:
        """Return where the code gives a setting."""
        return self.code_sources.get(key[:3], self.layers.code_source)

    # -- one field

    def _field(self, field: attrs.Attribute[Any], key: Key, code: object, siblings: Iterable[str]) -> object:
        if field.metadata.get("secret"):
            self.secrets.add(key)
        if attrs.has(field.type):  # type: ignore[arg-type]  # field types are resolved
            return self._section(field, key, code)
        # A lone value for the section may stand for this setting; the full key is more specific, and comes later.
        keys = (key[:-1], key) if self.shorts.get(key[:-1]) == key else (key,)
        in_code = None if code is MISSING else GivenValue(code, self.code_source(key))
        given = list(given_values(self.layers, keys, in_code, siblings if is_table(field.type) else None))
        self.claims.update(value.claim for value in given if value.claim is not None)
        self.defaults[key] = _default_of(field)
        value: object = MISSING
        if given:
            value = self._converted(given, field, key)
            self._check_overruled(key, given)
        self.values[self._label(key)] = SettingValue(
            key=".".join(key),
            value=_default_of(field) if value is MISSING else value,
            source=given[-1].source if given else "default",
            secret=self._is_secret(key),
            overruled=tuple(Overruled(value.value, value.source) for value in given[:-1]),
        )
        return value

    def _section(self, field: attrs.Attribute[Any], key: Key, code: object) -> object:
        if short := field.metadata.get("short"):
            self.shorts[key] = (*key, short)
            code = code if code is MISSING or isinstance(code, Mapping) else {short: code}
        if code is not MISSING and not isinstance(code, Mapping):
            self._report_wrong(key, "must be a table", code, self.code_source(key))
        section = self.build(cast("type[object]", field.type), key, as_tree(code))
        return MISSING if section is None else section

    def _label(self, key: Key) -> str:
        dotted = ".".join(key)
        return f"{dotted} in scope {self.scope}" if self.scope else dotted

    def _is_secret(self, key: Key) -> bool:
        return any(key[:size] in self.secrets for size in range(1, len(key) + 1))

    def _holds_secrets(self, key: Key) -> bool:
        return self._is_secret(key) or any(secret[: len(key)] == key for secret in self.secrets)

    def _converted(self, given: list[GivenValue], field: attrs.Attribute[Any], key: Key) -> object:
        try:
            return converted(given, field.type)
        except Exception:  # noqa: BLE001  # a plugin's own converter may raise anything
            if self._report_entries(key, field.type, given[-1]):
                return MISSING
            describe = describe_text if given[-1].is_text else describe_type
            kind = describe(field.type)
            fix = how_to_write(key, kind, given[-1].source, self._shown_default(key))
            self._report_wrong(key, f"must be {kind}", given[-1].value, given[-1].source, fix)
            return MISSING

    def _report_entries(self, key: Key, kind: Any, given: GivenValue) -> bool:
        """Report the wrong entries of a table of classes, and return whether there are any."""
        cls = class_of_entries(kind)
        if cls is None or given.is_text or not isinstance(given.value, Mapping):
            return False
        is_in_file = given.source == self.layers.file.location(key)
        wrong = [(str(name), entry, error) for name, entry in given.value.items() if (error := misfit(entry, cls))]
        for name, entry, error in wrong:
            own = (*key, name)
            self._report_entry(own, cls, entry, error, self.layers.file.location(own) if is_in_file else given.source)
        return bool(wrong)

    def _report_entry(self, key: Key, cls: type, entry: object, error: Exception, source: str) -> None:
        fields = self._fields(cls, key) or {}
        if any(field.metadata.get("secret") or not field.repr for field in fields.values()):
            self.secrets.add(key)
        if not isinstance(entry, Mapping):
            self._report_wrong(key, "must be a table", entry, source)
            return
        unknown, missing = sorted(entry.keys() - fields.keys()), sorted(_required(cls) - entry.keys())
        for name in unknown:
            self.problems.unknown((*key, name), source, {".".join((*key, field)) for field in fields})
        for name in missing:
            self.problems.missing((*key, name), cls)
        if not unknown and not missing:
            self.problems.rejected(key, self._refusal(key, error), source)

    def _check_overruled(self, key: Key, given: list[GivenValue]) -> None:
        winner = given[-1]
        for overruled in given[:-1]:
            if overruled.is_text and not winner.is_text:
                self.problems.overruled(key, overruled.source, winner.source)

    # -- a class

    def _fields(self, cls: type, key: Key) -> _Fields | None:
        try:
            if not attrs.has(cls) or not isinstance(cls, type):
                raise TypeError("it is no attrs class")
            attrs.resolve_types(cls)
            if shared := [field.name for field in attrs.fields(cls) if isinstance(field.default, list | dict | set)]:
                raise TypeError(f"the default of {shared[0]!r} is one object for all apps: write factory=...")
            return {field.alias or field.name: field for field in attrs.fields(cls) if field.init}
        except Exception as error:  # noqa: BLE001  # annotations are evaluated, which may raise anything
            self.problems.unusable_class(cls, key, error)
            return None

    def _make(self, cls: type[SettingsT], key: Key, given: dict[str, object]) -> SettingsT | None:
        missing = _required(cls) - given.keys()
        for name in sorted(missing):
            self.problems.missing((*key, name), cls)
        if missing:
            return None
        try:
            return cls(**given)
        except Exception as error:  # noqa: BLE001  # validators may raise anything
            return self._make_without_rejected(cls, key, given, error)

    def _make_without_rejected(
        self, cls: type[SettingsT], key: Key, given: dict[str, object], error: Exception
    ) -> SettingsT | None:
        required = {name: given[name] for name in _required(cls)}
        accepted: dict[str, object] = {}
        for name, value in given.items():
            try:
                cls(**(required | {name: value}))
            except Exception as reason:  # noqa: BLE001  # as above
                self._report_rejected((*key, name), reason)
            else:
                accepted[name] = value
        if len(accepted) == len(given):
            self._report_rejected(key, error)
        try:
            return cls(**accepted) if len(accepted) < len(given) else cls(**required)
        except Exception:  # noqa: BLE001  # reported above
            return None

    def _check_keys(self, fields: _Fields, key: Key, code: Mapping[str, object]) -> None:
        for tree, is_code in ((value_at(self.layers.file.values, key), False), (code, True)):
            if tree is MISSING:
                continue
            if not isinstance(tree, Mapping):
                if key not in self.shorts:
                    self._report_wrong(key, "must be a table", tree, self.layers.file.location(key))
                continue
            for name in tree:
                if name not in fields and (key or name not in _SECTIONS_OF_OTHERS):
                    own = (*key, str(name))
                    source = self.code_source(own) if is_code else self.layers.file.location(own)
                    known = {".".join((*key, field)) for field in fields}
                    self.problems.unknown(own, source, known, is_section=isinstance(tree[name], Mapping))

    # -- secrets in problems

    def _report_wrong(self, key: Key, must: str, value: object, source: str, fix: str = "") -> None:
        if must == "must be a table":
            fix = how_to_write_table(key, source)
        self.problems.wrong(key, must, "a secret" if self._is_secret(key) else repr(value), source, fix)

    def _report_rejected(self, key: Key, reason: Exception) -> None:
        value = self.values.get(self._label(key))
        text = self._refusal(key, reason)
        default = self._shown_default(key)
        fix = how_to_write(key, "an accepted value", value.source, default) if value is not None else ""
        self.problems.rejected(key, text, value.source if value is not None else "", fix)

    def _refusal(self, key: Key, reason: Exception) -> str:
        # The validator of a section has seen all of its values, and may quote any of them.
        is_hidden = self._holds_secrets(key) and not isinstance(reason, SettingRefused)
        return f"it was refused with {type(reason).__name__}" if is_hidden else str(reason)

    def _shown_default(self, key: Key) -> str:
        default = self.defaults.get(key)
        return "" if default is None or self._is_secret(key) else as_written(default)


def _required(cls: type) -> set[str]:
    return {field.alias or field.name for field in attrs.fields(cls) if field.init and field.default is attrs.NOTHING}


def _default_of(field: attrs.Attribute[Any]) -> object:
    default: Any = field.default
    if default is attrs.NOTHING:
        return None
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time
        return default.factory() if not default.takes_self else None
    return default
