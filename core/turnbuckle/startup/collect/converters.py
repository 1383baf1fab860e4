"""Check the converters of path parameters that an app adds to the built-in ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, cast

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.errors import RouteError
from turnbuckle.routing.converters import BUILTIN_CONVERTERS, Converter, Converters
from turnbuckle.startup.model.declaration import Declaration
from turnbuckle.startup.model.diagnostics import Diagnostics, format_error

__all__ = ["checked_converters"]

_NAME: Final = re.compile(r"[^\W\d]\w*")


def checked_converters(declaration: Declaration, diagnostics: Diagnostics) -> Converters:
    """Return the built-in converters and the converters of an app; report unusable ones, and leave them out."""
    if not declaration.converters:
        return BUILTIN_CONVERTERS
    known: dict[str, Any] = dict(BUILTIN_CONVERTERS)
    for name, value in declaration.converters.items():
        if fault := _fault_of(name, value):
            _cannot_be_used(name, fault, declaration.origin, diagnostics)
        else:
            known[name] = value if isinstance(value, Converter) else _CheckedFactory(cast("Any", value))
    return known


def _fault_of(name: object, value: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return "its name cannot be used in a pattern"
    if isinstance(value, type) and issubclass(value, Converter):
        return "it is the class, not an instance"
    if not isinstance(value, Converter) and not callable(value):
        return f"it is {value!r:.60}"
    return ""


def _cannot_be_used(name: object, fault: str, origin: Origin, diagnostics: Diagnostics) -> None:
    diagnostics.add(
        "TB427",
        f"converter {name!r} of the app cannot be used: {fault}",
        origin,
        why="a pattern names it, as in '{x:name}'; a function makes one from the text in parentheses",
        fix='write converters={"name": Converter(regex=..., convert=..., format=...)}',
    )


@attrs.frozen
class _CheckedFactory:
    """A factory of converters whose errors become errors of the pattern that names the converter."""

    make: Callable[[str], object]

    def __call__(self, arguments: str) -> Converter:
        try:
            made = self.make(arguments)
        except RouteError:
            raise
        except Exception as error:
            raise RouteError(f"the converter for {arguments!r} cannot be made: {format_error(error)}") from error
        if not isinstance(made, Converter):
            raise RouteError(f"the converter for {arguments!r} is {made!r:.60}, which is no Converter")
        return made
