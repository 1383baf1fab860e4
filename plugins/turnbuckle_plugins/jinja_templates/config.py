"""The settings of the plugin, and the meaning of a template's suffix."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Final, Literal

import attrs

__all__ = ["DEFAULT_FOLDERS", "JinjaTemplatesConfig", "content_type_of", "folder_of", "is_escaped"]

DEFAULT_FOLDERS: Final = ("templates",)
"""The folders of templates if neither the settings nor the app name any."""

# These suffixes only mark a template; the suffix before them names its format.
_TEMPLATE_SUFFIXES: Final = frozenset({".j2", ".jinja", ".jinja2"})
_MARKUP_SUFFIXES: Final = frozenset({".html", ".htm", ".xhtml", ".xml", ".svg", ".rss", ".atom"})
_HTML: Final = "text/html; charset=utf-8"
_TEXT: Final = "text/plain; charset=utf-8"
_CONTENT_TYPES: Final = {
    ".atom": "application/atom+xml",
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".rss": "application/rss+xml",
    ".svg": "image/svg+xml",
    ".txt": _TEXT,
    ".xhtml": "application/xhtml+xml",
    ".xml": "application/xml",
}


def _are_suffixes(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for suffix in value:
        if not suffix.startswith(".") or suffix != suffix.lower():
            raise ValueError(f"{attribute.name} are suffixes in lower case, such as '.txt', not {suffix!r}")


def _are_no_markup(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    _are_suffixes(instance, attribute, value)
    if markup := sorted(_MARKUP_SUFFIXES.intersection(value)):
        raise ValueError(f"{attribute.name} must not have {markup[0]!r}: values in markup are always escaped")


@attrs.frozen(kw_only=True)
class JinjaTemplatesConfig:
    """Settings of the plugin.

    Attributes:
        folders: folders of templates, from the current folder, or ``"package:folder"``; the first that has a template
            takes precedence.
        suffixes: of the files that are parsed at startup; other files are parsed if a template or a handler names them.
        unescaped: suffixes of templates whose values are not escaped; all other templates are escaped.
        undefined: "strict" makes a variable that does not exist an error; "lenient" prints it as empty text.
        asynchronous: await coroutines that templates call, and iterate over async iterators; templates are rendered in
            two thirds of the time without.
        auto_reload: read a template again when its file has changed; in debug mode only if None.
        trim_blocks: remove the line break after a block tag.
        lstrip_blocks: remove the blanks before a block tag.
        extensions: extensions of Jinja, such as "jinja2.ext.do".
    """

    folders: tuple[str, ...] = DEFAULT_FOLDERS
    suffixes: tuple[str, ...] = attrs.field(
        default=(".html", ".htm", ".xhtml", ".xml", ".svg", ".txt", ".j2", ".jinja", ".jinja2"),
        validator=_are_suffixes,
    )
    unescaped: tuple[str, ...] = attrs.field(default=(".txt", ".md", ".csv"), validator=_are_no_markup)
    undefined: Literal["strict", "lenient"] = "strict"
    asynchronous: bool = True
    auto_reload: bool | None = None
    trim_blocks: bool = False
    lstrip_blocks: bool = False
    extensions: tuple[str, ...] = ()


def folder_of(name: str) -> Path:
    """Return the absolute path of a folder in the settings.

    Raises:
        ValueError: its package does not exist.
    """
    package, colon, folder = name.partition(":")
    if not colon or not package.replace(".", "").isidentifier():
        return Path(name).absolute()
    try:
        spec = find_spec(package)
    except ModuleNotFoundError:
        spec = None
    if spec is None or not spec.submodule_search_locations:
        error = ValueError(f"folder {name!r} of templates: there is no package {package!r}")
        error.add_note(f"fix: correct the name, or install the distribution that has {package!r}")
        raise error
    return Path(spec.submodule_search_locations[0], folder).absolute()


def is_escaped(name: str | None, config: JinjaTemplatesConfig) -> bool:
    """Return whether the values in a template are escaped; a template without a name is."""
    return name is None or _suffix_of(name) not in config.unescaped


def content_type_of(name: str, config: JinjaTemplatesConfig) -> str:
    """Return the content type of a template by the suffix of its name.

    An unescaped template is never HTML by default: a value in it would run as a script.
    """
    return _CONTENT_TYPES.get(_suffix_of(name)) or (_HTML if is_escaped(name, config) else _TEXT)


def _suffix_of(name: str) -> str:
    suffixes = [suffix.lower() for suffix in PurePosixPath(name).suffixes]
    while suffixes and suffixes[-1] in _TEMPLATE_SUFFIXES:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""
