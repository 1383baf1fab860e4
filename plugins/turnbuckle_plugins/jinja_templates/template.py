"""The value that a handler returns for a template, and the parts that plugins add to all templates."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, TypeAlias, final

import attrs

from turnbuckle import Request, Setup, hookspec

__all__ = ["ContextProcessor", "Template", "TemplateHooks", "TemplateParts"]

ContextProcessor: TypeAlias = Callable[[Request], object]
"""A function, async or not, that takes the request and returns variables for every template as a mapping."""

HeaderPairs: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
_Values: TypeAlias = Mapping[str, object]


@final
class Template:
    """A template to render, as the return value of a handler.

    The plugin turns it into a response after the handler has returned, and before any middleware sees the response.

    Args:
        name: name of the template: its path in a folder of templates, with slashes.
        context: variables of the template; for names that are arguments here, such as ``status``.
        block: name of a block; only this block is rendered.
        status: status of the response.
        headers: fields of the response.
        content_type: by default, it follows from the suffix of the name.
        variables: variables of the template; they take precedence over ``context``.

    Raises:
        TypeError: the name is no text.
    """

    __slots__ = ("block", "content_type", "context", "headers", "name", "status")

    def __init__(  # all but the name and the context by name
        self,
        name: str,
        context: Mapping[str, object] | None = None,
        /,
        *,
        block: str = "",
        status: int = 200,
        headers: HeaderPairs | None = None,
        content_type: str | None = None,
        **variables: object,
    ) -> None:
        if not isinstance(name, str):
            raise TypeError(
                f"a template is named by a text, not by {type(name).__qualname__}; write Template('page.html', ...), "
                "without the request"
            )
        self.name: Final = name
        self.context: Final[Mapping[str, object]] = {**context, **variables} if context else variables
        self.block: Final = block
        self.status: Final = status
        self.headers: Final = headers
        self.content_type: Final = content_type

    def __repr__(self) -> str:
        # The values of variables are omitted, because they may be secret.
        block = f", block={self.block!r}" if self.block else ""
        return f"Template({self.name!r}{block}{''.join(f', {name}=...' for name in self.context)})"


def _as_folders(value: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> tuple[Path, ...]:
    # A single folder is an easy slip for a tuple with one folder.
    folders = (value,) if isinstance(value, str | os.PathLike) else value
    return tuple(Path(folder).absolute() for folder in folders)


def _as_processors(value: Iterable[ContextProcessor] | ContextProcessor) -> tuple[ContextProcessor, ...]:
    return (value,) if callable(value) else tuple(value)


def _copy(value: _Values) -> _Values:
    return dict(value)


def _are_functions(instance: object, attribute: attrs.Attribute[_Values], value: _Values) -> None:
    for name, function in value.items():
        if not callable(function):
            raise TypeError(f"{attribute.name}[{name!r}] is {function!r:.60}, which is no function")


@attrs.frozen(kw_only=True)
class TemplateParts:
    """Additions to all templates of an app or scope; the hook ``provide_templates`` returns such records.

    Attributes:
        folders: folders of templates. A template of the app with the same name takes precedence.
        globals: values by name, also in macros of imported templates.
        filters: functions by name, for ``{{ value|name }}``.
        tests: functions by name, for ``{% if value is name %}``.
        context_processors: functions that return more variables for each request.
    """

    folders: tuple[Path, ...] = attrs.field(default=(), converter=_as_folders)
    globals: Mapping[str, object] = attrs.field(factory=dict, converter=_copy)
    filters: Mapping[str, object] = attrs.field(factory=dict, converter=_copy, validator=_are_functions)
    tests: Mapping[str, object] = attrs.field(factory=dict, converter=_copy, validator=_are_functions)
    context_processors: tuple[ContextProcessor, ...] = attrs.field(default=(), converter=_as_processors)


class TemplateHooks:
    """The hooks of the plugin, for other plugins."""

    @hookspec
    def provide_templates(self, setup: Setup) -> Iterable[TemplateParts]:
        """Return additions; with ``@hookimpl(optionalhook=True)`` it works without the plugin as well."""
        return ()
