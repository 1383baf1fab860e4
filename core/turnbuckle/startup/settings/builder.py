"""Build classes of settings from layers, and remember where each value came from.

Every mistake is noted with its key and source, and the default taken in its stead: all of them are told at once.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.plan import Overruled, SettingValue
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean, format_error
from turnbuckle.startup.model.locations import place_of
from turnbuckle.startup.model.plugin_records import LoadedPlugin
from turnbuckle.startup.settings.convert import describe_type, fit, fit_entries, fit_text, is_table
from turnbuckle.startup.settings.layers import Layers

__all__ = ["Configurator", "Key"]

SettingsT = TypeVar("SettingsT")
Key = tuple[str, ...]


class _Missing(enum.Enum):
    MISSING = "MISSING"


_MISSING: Final = _Missing.MISSING
_Fields = dict[str, "attrs.Attribute[Any]"]


@attrs.frozen
class _Given:
    # Text that is a mapping has entries of a table, which join those that were given before.
    value: object
    source: str
    is_text: bool = False


@attrs.define
class Configurator:
    """Builds the settings of one resolution, class by class, from the same layers.

    Attributes:
        layers: what was given.
        diagnostics: where mistakes are noted.
        values: all settings so far with their sources, by dotted key.
        scope: prefix of the scope that a plugin is configured for; its settings are told apart by it.
        shorts: by the key of a section, that of the setting in it that a lone value for the section stands for.
        secrets: keys of the settings and sections whose values are not to be printed.
        beside: keys that the code gives beside the plugin they are for, with where it does.
    """

    layers: Layers
    diagnostics: Diagnostics
    values: dict[str, SettingValue] = attrs.field(factory=dict)
    scope: str = ""
    shorts: dict[Key, Key] = attrs.field(factory=dict)
    secrets: set[Key] = attrs.field(factory=set)
    beside: dict[Key, str] = attrs.field(factory=dict)

    def build(self, cls: type[SettingsT], key: Key, code: Mapping[str, object]) -> SettingsT | None:
        """Return an instance of a class of settings; None when it cannot be made at all.

        Args:
            cls: an attrs class.
            key: path of its section; () for the settings as a whole.
            code: what the code gives for this section.
        """
        fields = self._fields(cls, key)
        if fields is None:
            return None
        self._check_keys(fields, key, code)
        given: dict[str, object] = {}
        for name, field in fields.items():
            value = self._field(field, (*key, name), _under(code, name), fields)
            if value is not _MISSING:
                given[name] = value
        return self._make(cls, key, given)

    def plugin(self, plugin: LoadedPlugin) -> object:
        """Return the settings of a plugin; None if it takes none, or if they cannot be made."""
        key = ("plugin", plugin.name)
        code = {**_tree(_tree(self.layers.code.get("plugin")).get(plugin.name)), **plugin.config}
        if plugin.requested_by is not None:
            self.beside = {
                (*key, str(name)): f"plugin settings at {plugin.requested_by.location}" for name in plugin.config
            }
        if plugin.info.config is not None:
            return self.build(plugin.info.config, key, code)
        if code or _dig(self.layers.file.values, key) is not _MISSING:
            self.diagnostics.add(
                "TB209",
                f"plugin {plugin.name!r} takes no settings",
                attrs.evolve(
                    plugin.origin, location=self._said_at(code, key) if code else self.layers.file.location(key)
                ),
                plugin.origin,
                why="its info names no class of settings as config",
                fix="remove them",
            )
        return None

    def leftovers(self, known_plugins: frozenset[str]) -> None:
        """Note settings that no class has claimed, once all classes were built."""
        for flag, text in self.layers.flags.items():
            if flag not in self.layers.used:
                self._unknown(flag, text.source, self.values)
        for variable, text in self.layers.environ.items():
            if variable not in self.layers.used:
                known = {"TURNBUCKLE_" + _variable(tuple(each.split("."))) for each in self.values}
                self.diagnostics.add(
                    "TB206",
                    f"variable {text.source[1:]!r} names no setting{did_you_mean(text.source[1:], known)}",
                    level="warning",
                    why="variables that begin with TURNBUCKLE_ are settings",
                    fix="remove it, or correct its name",
                )
        for name in _tree(self.layers.file.values.get("plugin")):
            if name not in known_plugins:
                self.diagnostics.add(
                    "TB208",
                    f"settings for plugin {name!r}, which is not enabled{did_you_mean(name, known_plugins)}",
                    Origin(plugin="app", location=self.layers.file.location(("plugin", name))),
                    why="nobody reads them",
                    fix=f'add "{name}" to plugins.enabled, or remove the section',
                    level="warning",
                )

    # -- one field

    def _field(self, field: attrs.Attribute[Any], key: Key, code: object, siblings: Iterable[str]) -> object:
        if field.metadata.get("secret"):
            self.secrets.add(key)
        if attrs.has(field.type):  # type: ignore[arg-type]  # field types are resolved
            if short := field.metadata.get("short"):
                self.shorts[key] = (*key, short)
                code = code if code is _MISSING or isinstance(code, Mapping) else {short: code}
            if code is not _MISSING and not isinstance(code, Mapping):
                self._wrong(key, "must be a table", code, self._code_source(key))
            section = self.build(cast("type[object]", field.type), key, _tree(code))
            return _MISSING if section is None else section
        given = list(self._given(key, code, siblings if is_table(field.type) else None))
        value: object = _MISSING
        source = "default"
        if given:
            source = given[-1].source
            value = self._fit(given, field, key)
            self._note_overruled(key, given)
        shown = _default_of(field) if value is _MISSING else value
        overruled = tuple(Overruled(each.value, each.source) for each in given[:-1])
        self.values[self._label(key)] = SettingValue(
            key=".".join(key), value=shown, source=source, secret=self._is_secret(key), overruled=overruled
        )
        return value

    def _label(self, key: Key) -> str:
        dotted = ".".join(key)
        return f"{dotted} in scope {self.scope}" if self.scope else dotted

    def _is_secret(self, key: Key) -> bool:
        return any(key[:size] in self.secrets for size in range(1, len(key) + 1))

    def _holds_secrets(self, key: Key) -> bool:
        return self._is_secret(key) or any(each[: len(key)] == key for each in self.secrets)

    def _given(self, key: Key, code: object, siblings: Iterable[str] | None) -> Iterator[_Given]:
        # A lone value for the section may stand for this setting; the whole name says more, and comes later.
        keys = (key[:-1], key) if self.shorts.get(key[:-1]) == key else (key,)
        for each in keys:
            value = _dig(self.layers.file.values, each)
            if value is not _MISSING and not (each != key and isinstance(value, Mapping)):
                yield _Given(value, self.layers.file.location(each))
        for variable in map(_variable, keys):
            if variable in self.layers.environ:
                self.layers.used.add(variable)
                text = self.layers.environ[variable]
                yield _Given(text.text, text.source, is_text=True)
        if siblings is not None:
            yield from self._entries_of_variables(key, siblings)
        for each in keys:
            if each in self.layers.flags:
                self.layers.used.add(each)
                text = self.layers.flags[each]
                yield _Given(text.text, text.source, is_text=True)
        if siblings is not None:
            yield from self._entries_of_flags(key)
        if code is not _MISSING:
            yield _Given(code, self._code_source(key))

    def _entries_of_variables(self, key: Key, siblings: Iterable[str]) -> Iterator[_Given]:
        start = _variable(key) + "_"
        others = tuple(f"{_variable((*key[:-1], name))}_" for name in siblings if name != key[-1])
        for variable, text in self.layers.environ.items():
            is_of_another = any(each.startswith(start) and f"{variable}_".startswith(each) for each in others)
            if variable.startswith(start) and not is_of_another:
                self.layers.used.add(variable)
                yield _Given({variable.removeprefix(start).lower(): text.text}, text.source, is_text=True)

    def _entries_of_flags(self, key: Key) -> Iterator[_Given]:
        for flag, text in self.layers.flags.items():
            if flag[:-1] == key:
                self.layers.used.add(flag)
                yield _Given({flag[-1]: text.text}, text.source, is_text=True)

    def _fit(self, given: list[_Given], field: attrs.Attribute[Any], key: Key) -> object:
        try:
            return _fitted(given, field.type)
        except Exception:  # noqa: BLE001  # a plugin's own converter may raise anything
            self._wrong(key, f"must be {describe_type(field.type)}", given[-1].value, given[-1].source)
            return _MISSING

    def _note_overruled(self, key: Key, given: list[_Given]) -> None:
        # A file is where defaults of an installation live; who sets a variable or a flag expects it to count.
        for loser in given[:-1]:
            if loser.is_text and not given[-1].is_text:
                self.diagnostics.add(
                    "TB207",
                    f"{'.'.join(key)} from {loser.source} has no effect",
                    Origin(plugin="app", location=given[-1].source),
                    why="what the code says wins over files, environment and command line",
                    fix="remove it from the code, or leave it there",
                    level="warning",
                )

    # -- a class

    def _fields(self, cls: type, key: Key) -> _Fields | None:
        try:
            if not attrs.has(cls) or not isinstance(cls, type):
                raise TypeError("it is no attrs class")
            attrs.resolve_types(cls)
            if shared := [each.name for each in attrs.fields(cls) if isinstance(each.default, list | dict | set)]:
                raise TypeError(f"the default of {shared[0]!r} is one object for all apps: write factory=...")
            return {field.alias or field.name: field for field in attrs.fields(cls) if field.init}
        except Exception as error:  # noqa: BLE001  # annotations are evaluated, which may raise anything
            self.diagnostics.add(
                "TB210",
                f"the settings of {'.'.join(key)!r} cannot be read from {cls!r}: {format_error(error)}",
                Origin(plugin=key[-1] if key else "app", location=place_of(cls)),
                why="settings are an attrs class, whose annotations must be known at run time",
                fix="decorate it with attrs.frozen, and import what its annotations name",
            )
            return None

    def _make(self, cls: type[SettingsT], key: Key, given: dict[str, object]) -> SettingsT | None:
        missing = _required(cls) - given.keys()
        for name in sorted(missing):
            self._missing((*key, name), place_of(cls))
        if missing:
            return None
        try:
            return cls(**given)
        except Exception as error:  # noqa: BLE001  # validators may raise anything
            return self._make_without_culprits(cls, key, given, error)

    def _make_without_culprits(
        self, cls: type[SettingsT], key: Key, given: dict[str, object], error: Exception
    ) -> SettingsT | None:
        required = {name: given[name] for name in _required(cls)}
        good: dict[str, object] = {}
        for name, value in given.items():
            try:
                cls(**(required | {name: value}))
            except Exception as reason:  # noqa: BLE001  # as above
                self._rejected((*key, name), reason)
            else:
                good[name] = value
        if len(good) == len(given):
            self._rejected(key, error)
        try:
            return cls(**good) if len(good) < len(given) else cls(**required)
        except Exception:  # noqa: BLE001  # noted above
            return None

    def _check_keys(self, fields: _Fields, key: Key, code: Mapping[str, object]) -> None:
        for tree, is_code in ((_dig(self.layers.file.values, key), False), (code, True)):
            if tree is _MISSING:
                continue
            if not isinstance(tree, Mapping):
                if key in self.shorts:
                    continue
                self._wrong(key, "must be a table", tree, self.layers.file.location(key))
                continue
            for name in tree:
                if name not in fields and (key or name != "plugin"):
                    own = (*key, str(name))
                    place = self._code_source(own) if is_code else self.layers.file.location(own)
                    self._unknown(own, place, {".".join((*key, each)) for each in fields})

    def _code_source(self, key: Key) -> str:
        return self.beside.get(key[:3], self.layers.code_source)

    def _said_at(self, code: Mapping[str, object], key: Key) -> str:
        return self._code_source((*key, str(next(iter(code)))))

    # -- diagnostics

    def _unknown(self, key: Key, source: str, known: Mapping[str, object] | set[str]) -> None:
        dotted = ".".join(key)
        self.diagnostics.add(
            "TB201",
            f"unknown setting {dotted!r}{did_you_mean(dotted, known)}",
            Origin(plugin=_owner(key), location=source),
            why="a setting that nobody reads would have no effect, and nobody would notice",
            fix="correct its name, or remove it",
        )

    def _missing(self, key: Key, place: str) -> None:
        self.diagnostics.add(
            "TB204",
            f"setting {'.'.join(key)!r} is missing and has no default",
            Origin(plugin=_owner(key), location=place),
            why="the class of these settings gives it no default",
            fix=f"give it in turnbuckle.toml, or as $TURNBUCKLE_{_variable(key)}",
        )

    def _wrong(self, key: Key, must: str, value: object, source: str) -> None:
        shown = "a secret" if self._is_secret(key) else repr(value)
        self.diagnostics.add(
            "TB202",
            f"setting {'.'.join(key)!r} {must}, not {shown}",
            Origin(plugin=_owner(key), location=source),
            why="the class of these settings says so",
            fix="correct the value",
        )

    def _rejected(self, key: Key, reason: Exception) -> None:
        value = self.values.get(self._label(key))
        # What refuses a section has seen all of it, and may quote any part.
        text = f"it was refused with {type(reason).__name__}" if self._holds_secrets(key) else str(reason)
        self.diagnostics.add(
            "TB202",
            f"setting {'.'.join(key)!r}: {text}",
            Origin(plugin=_owner(key), location=value.source if value is not None else ""),
            why="the class of these settings refuses it",
            fix="correct the value",
        )


def _owner(key: Key) -> str:
    return key[1] if len(key) > 1 and key[0] == "plugin" else "app"


def _variable(key: Key) -> str:
    return "_".join(key).upper().replace("-", "_").replace("__", "_")


def _fitted(given: Sequence[_Given], kind: Any) -> object:
    last = given[-1]
    if not last.is_text:
        return fit(last.value, kind)
    if isinstance(last.value, Mapping):
        before = _fitted(given[:-1], kind) if len(given) > 1 else {}
        return fit_entries(last.value, _tree(before), kind)
    return fit_text(str(last.value), kind)


def _dig(tree: object, key: Key) -> object:
    for part in key:
        if not isinstance(tree, Mapping) or part not in tree:
            return _MISSING
        tree = tree[part]
    return tree


def _under(code: Mapping[str, object], name: str) -> object:
    return code.get(name, _MISSING)


def _tree(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _required(cls: type) -> set[str]:
    return {each.alias or each.name for each in attrs.fields(cls) if each.init and each.default is attrs.NOTHING}


def _default_of(field: attrs.Attribute[Any]) -> object:
    default: Any = field.default
    if default is attrs.NOTHING:
        return None
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time
        return default.factory() if not default.takes_self else None
    return default
