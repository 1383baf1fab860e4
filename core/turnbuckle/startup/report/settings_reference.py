"""Describe settings from their classes, for the generated reference and for ``turnbuckle why setting``."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import attrs

from turnbuckle.startup.report.formats import value_as_json
from turnbuckle.startup.settings.convert import describe_type

__all__ = [
    "SettingDescription",
    "SettingsSection",
    "sections_of",
    "setting_description",
    "settings_reference",
    "variable_of",
]

_ENTRY: Final = re.compile(r"(\w+): (.*)")
_HEAD: Final = """\
# Settings reference

Every setting, with its type, its default and its effect. `turnbuckle settings` prints this page from the classes that
hold the settings; `turnbuckle settings TARGET` adds the settings of the app's plugins. docs/use/settings.md describes
the sources of settings and their order.

A setting has the same name everywhere: `limits.content` is `content` under `[limits]` in `turnbuckle.toml`,
`TURNBUCKLE_LIMITS_CONTENT` in the environment, `--set limits.content=...` on the command line, and
`settings={"limits": {"content": ...}}` in code.
"""


@attrs.frozen(kw_only=True)
class SettingDescription:
    """The description of one setting.

    Attributes:
        key: for example ``"limits.content"``.
        takes: the valid values, in words.
        default: the default, about as in TOML; "" if the setting is required.
        text: the effect of the setting.
        secret: whether the value is never printed.
    """

    key: str
    takes: str
    default: str
    text: str
    secret: bool = False


@attrs.frozen(kw_only=True)
class SettingsSection:
    """The settings of one class, without the sections inside it."""

    key: str
    text: str
    settings: tuple[SettingDescription, ...]


def sections_of(cls: type, key: str = "") -> Iterator[SettingsSection]:
    """Yield the section of a settings class, and all sections inside it.

    Args:
        cls: an attrs class.
        key: key of the section; "" for all settings.
    """
    attrs.resolve_types(cls)
    texts = _attribute_texts(cls)
    fields = [field for field in attrs.fields(cls) if field.init]
    plain = [field for field in fields if not _is_section(field)]
    yield SettingsSection(
        key=key, text=_first_paragraph(cls), settings=tuple(_described(field, key, texts) for field in plain)
    )
    for field in fields:
        if _is_section(field):
            yield from sections_of(cast("type", field.type), _join(key, _name(field)))


def settings_reference(plugins: Mapping[str, type] | None = None, app: type | None = None) -> str:
    """Return the reference in Markdown.

    Args:
        plugins: the settings classes of plugins, by name of the plugin.
        app: the class of the app's own settings.
    """
    from turnbuckle.settings import Settings

    parts = [_HEAD, *map(_markdown, sections_of(Settings))]
    if app is not None:
        parts += map(_markdown, sections_of(app, "app"))
    for name, cls in sorted((plugins or {}).items()):
        parts += map(_markdown, sections_of(cls, f"plugin.{name}"))
    return "\n".join(parts)


def setting_description(cls: type, key: str, setting: str) -> SettingDescription | None:
    """Return the description of one setting of a class, or None if the class has no such setting."""
    descriptions = (description for section in sections_of(cls, key) for description in section.settings)
    return next((description for description in descriptions if description.key == setting), None)


def variable_of(key: str) -> str:
    """Return the name of the environment variable for a setting."""
    return "TURNBUCKLE_" + key.replace(".", "_").replace("-", "_").replace("__", "_").upper()


def _markdown(section: SettingsSection) -> str:
    title = f"## {section.key or 'General'}"
    rows = ["| setting | takes | default | |", "|---|---|---|---|"]
    rows += [
        f"| `{setting.key}` | {_cell(setting.takes)} "
        f"| {f'`{_cell(setting.default)}`' if setting.default else 'none: required'} "
        f"| {_cell(setting.text)}{'; secret, never printed' if setting.secret else ''} |"
        for setting in section.settings
    ]
    return "\n".join([title, "", section.text, "", *rows, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`")


def _described(field: attrs.Attribute[Any], key: str, texts: Mapping[str, str]) -> SettingDescription:
    return SettingDescription(
        key=_join(key, _name(field)),
        takes=describe_type(field.type),
        default=_default_text(field),
        text=texts.get(field.name, "").removesuffix("."),
        secret=bool(field.metadata.get("secret")),
    )


def _default_text(field: attrs.Attribute[Any]) -> str:
    default: Any = field.default
    if default is attrs.NOTHING:
        return ""
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time
        if default.takes_self:
            return "computed"
        default = default.factory()
    return json.dumps(value_as_json(default), ensure_ascii=False)


def _is_section(field: attrs.Attribute[Any]) -> bool:
    return isinstance(field.type, type) and attrs.has(field.type)


def _name(field: attrs.Attribute[Any]) -> str:
    return field.alias or field.name


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _first_paragraph(cls: type) -> str:
    text = inspect.cleandoc(cls.__doc__ or "") if not _is_made_by_attrs(cls) else ""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return paragraph.replace("``", "`")


def _is_made_by_attrs(cls: type) -> bool:
    return (cls.__doc__ or "").startswith("Method generated by attrs")


def _attribute_texts(cls: type) -> Mapping[str, str]:
    lines = inspect.cleandoc(cls.__doc__ or "").splitlines()
    start = lines.index("Attributes:") + 1 if "Attributes:" in lines else len(lines)
    texts: dict[str, str] = {}
    name = ""
    for line in lines[start:]:
        found = _ENTRY.fullmatch(line.strip()) if line.startswith("    ") and not line.startswith("     ") else None
        if line and not line.startswith(" "):
            break
        if found is not None:
            name = found[1]
            texts[name] = found[2]
        elif name:
            texts[name] = f"{texts[name]} {line.strip()}".strip()
    return texts
