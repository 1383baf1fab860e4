"""The records of the plugin: its settings, and security schemes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import attrs

from turnbuckle import HTTPError, Plan

__all__ = ["Amend", "JSONObject", "OpenAPIConfig", "SecurityScheme"]

JSONObject: TypeAlias = dict[str, Any]
"""An object of the document."""

Amend: TypeAlias = Callable[[JSONObject, Plan], Mapping[str, object]]
"""Returns a merge patch (RFC 7396) for the document that it is given."""


def _is_path(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value and (not value.startswith("/") or value.endswith("/") or set(value) & set("{}?#")):
        raise ValueError(f"{attribute.name} must start with a slash and be a plain path, not {value!r}")


def _is_url(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for url in value:
        if not url.startswith("/") and urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"{attribute.name} are URLs such as https://api.example.com, or paths, not {url!r}")


def _read_only(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(mapping))


@attrs.frozen(kw_only=True)
class OpenAPIConfig:
    """Settings of the plugin.

    Attributes:
        path: path of the document; "" serves no document.
        docs: path of the page; "" serves no page.
        title: title of the API; the name of the app if empty.
        version: version of the API.
        description: text about the API in CommonMark.
        servers: URLs of the API; by default the server that serves the document.
        tags: descriptions of tags; they also determine the order of tags.
        info: further members of the object ``info``, such as ``contact`` and ``license``.
        below: the document has the routes below this path; by default the routes of the scope that the plugin is
            enabled in.
        assets: folder with the files of Swagger UI; by default the files of the installed package.
    """

    path: str = attrs.field(default="/openapi.json", validator=_is_path)
    docs: str = attrs.field(default="/docs", validator=_is_path)
    title: str = ""
    version: str = attrs.field(default="0.1.0", validator=attrs.validators.min_len(1))
    description: str = ""
    servers: tuple[str, ...] = attrs.field(default=(), converter=tuple, validator=_is_url)
    tags: Mapping[str, str] = attrs.field(factory=dict, converter=_read_only)
    info: Mapping[str, Any] = attrs.field(factory=dict, converter=_read_only)
    below: str = ""
    assets: Path | None = None


def _as_tuple(value: object) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str | type) else (value,)


@attrs.frozen(kw_only=True)
class SecurityScheme:
    """A way in which clients prove who they are, and the operations that require it.

    An operation requires it if one of the parts below takes part in its requests, or if ``everywhere`` is set.

    Attributes:
        name: name in the document.
        definition: the Security Scheme Object, such as ``{"type": "http", "scheme": "bearer"}``.
        types: types of parameters of handlers, such as ``User``.
        guards: functions in ``guards=[...]``.
        middleware: names of middleware.
        everywhere: whether all operations require it.
        scopes: for OAuth 2 and OpenID Connect, the scopes that are required.
        errors: errors of requests that are refused.
        group: schemes of one group are alternatives: an operation requires one of them.
    """

    # OpenAPI 3.1.0, section 4.8.7.
    name: str = attrs.field(validator=attrs.validators.matches_re(r"[A-Za-z0-9._-]+"))
    definition: Mapping[str, object]
    types: tuple[object, ...] = attrs.field(default=(), converter=_as_tuple)
    guards: tuple[object, ...] = attrs.field(default=(), converter=_as_tuple)
    middleware: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)
    everywhere: bool = False
    scopes: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)
    errors: tuple[type[HTTPError] | int, ...] = attrs.field(default=(401,), converter=_as_tuple)
    group: str = ""
