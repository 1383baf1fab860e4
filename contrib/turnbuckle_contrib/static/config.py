"""The settings of the plugin, and the meaning of a folder in them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Final

import attrs

from turnbuckle import MutableHeaders

__all__ = ["CODINGS", "StaticConfig", "folder_of"]

CODINGS: Final[Mapping[str, str]] = MappingProxyType({"br": ".br", "zstd": ".zst", "gzip": ".gz"})
"""The suffixes of precompressed files by content coding; the first of equally accepted codings is preferred."""


def _is_prefix(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value and (not value.startswith("/") or value.endswith("/")):
        raise ValueError(f"{attribute.name} must start with a slash and not end with one, not {value!r}")


def _are_prefixes(instance: object, attribute: attrs.Attribute[Mapping[str, str]], value: Mapping[str, str]) -> None:
    for prefix in value:
        if len(prefix) < 2 or not prefix.startswith("/") or prefix.endswith("/"):
            raise ValueError(f"{attribute.name} are folders by prefix, such as '/media', not {prefix!r}")


def _is_file_name(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value.startswith("/") or set(value) & set("\\\0"):
        raise ValueError(f"{attribute.name} is a path in the folder, such as 'index.html', not {value!r}")


def _are_codings(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for coding in value:
        if coding not in CODINGS:
            raise ValueError(f"{coding!r} is none of the codings {', '.join(CODINGS)}")


def _may_be_sent(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    MutableHeaders({"Cache-Control": value})


def _are_types(instance: object, attribute: attrs.Attribute[Mapping[str, str]], value: Mapping[str, str]) -> None:
    for suffix, content_type in value.items():
        if not suffix.startswith(".") or suffix != suffix.lower():
            raise ValueError(f"{attribute.name} are types by suffix in lower case, such as '.wasm', not {suffix!r}")
        MutableHeaders({"Content-Type": content_type})


def _is_size(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if value < 0:
        raise ValueError(f"{attribute.name} is a number of bytes, not {value!r}")


def _read_only(mapping: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(mapping))


@attrs.frozen(kw_only=True)
class StaticConfig:
    """Settings of the plugin.

    Attributes:
        folders: the folder, from the current folder, or ``"package:folder"``; of several, the first that has a file
            takes precedence.
        prefix: prefix of the paths if the plugin is enabled for the whole app; a scope has its own prefix.
        name: name of the route, for ``url_for`` and ``static_url``.
        mounts: further folders by prefix, such as ``{"/media": "media"}``; the name of each route is its prefix without
            the first slash.
        index: the file that is sent for a folder; "" for none.
        fallback: the file that is sent to a browser that opens a page that no file has, such as "index.html" of an app
            that runs in the browser; "" for none.
        listing: whether a folder without an index is answered with a list of its files.
        precompressed: codings of the compressed files that lie beside a file, such as ``app.css.br``.
        cache_control: value of Cache-Control; "" for none. URLs of ``static_url`` may be cached for a year.
        immutable: patterns of paths that never change their content, such as "assets/*", as build tools make them.
        dotfiles: names with a dot at their start that are served; all other ones are not.
        content_types: content types by suffix, beside the usual ones.
        untrusted: whether users have made the files: browsers then run no scripts in them.
        memory: total size in bytes of the small files that are kept in the memory of each worker.
        memory_file: size in bytes of the largest file that is kept in memory.
    """

    folders: str | tuple[str, ...] = "static"
    prefix: str = attrs.field(default="/static", validator=_is_prefix)
    name: str = attrs.field(default="static", validator=attrs.validators.min_len(1))
    mounts: Mapping[str, str] = attrs.field(factory=dict, converter=_read_only, validator=_are_prefixes)
    index: str = attrs.field(default="index.html", validator=_is_file_name)
    fallback: str = attrs.field(default="", validator=_is_file_name)
    listing: bool = False
    precompressed: tuple[str, ...] = attrs.field(default=tuple(CODINGS), converter=tuple, validator=_are_codings)
    cache_control: str = attrs.field(default="no-cache", validator=_may_be_sent)
    immutable: tuple[str, ...] = ()
    dotfiles: tuple[str, ...] = (".well-known",)
    content_types: Mapping[str, str] = attrs.field(factory=dict, converter=_read_only, validator=_are_types)
    untrusted: bool = False
    memory: int = attrs.field(default=16 * 1024 * 1024, validator=_is_size)
    memory_file: int = attrs.field(default=64 * 1024, validator=_is_size)


def folder_of(name: str | os.PathLike[str]) -> str:
    """Return the absolute path of a folder in the settings.

    Raises:
        ValueError: its package or the folder does not exist.
    """
    text = os.fspath(name)
    package, colon, inner = text.partition(":")
    is_package = bool(colon) and package.replace(".", "").isidentifier() and len(package) > 1
    path = Path(_package_folder(package), inner) if is_package else Path(text)
    if not path.is_dir():
        error = ValueError(f"{text!r} is no folder; its path is {path.absolute()}")
        error.add_note("fix: create it, or correct the folders of the plugin; they are relative to the current folder")
        raise error
    return str(path.absolute())


def _package_folder(package: str) -> str:
    try:
        # The package itself is not imported.
        spec = find_spec(package)
    except ModuleNotFoundError:
        spec = None
    locations = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not locations:
        error = ValueError(f"there is no package {package!r}, in which files could be")
        error.add_note(f"fix: correct the name, or install the distribution that has {package!r}")
        raise error
    return locations[0]
