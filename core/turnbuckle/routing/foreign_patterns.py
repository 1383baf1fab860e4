"""Find the parameters of other frameworks in a pattern, such as ``<int:id>`` and ``:id``.

Here they would be plain text, and no client would ever request it. A path that contains such a text on purpose has its
first character as an escape, such as ``%3A``.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

import attrs

__all__ = ["ForeignSyntax", "foreign_literal", "foreign_parameter"]

# The names of converters elsewhere, with the converter here.
_CONVERTERS: Final = {
    "string": "str",
    "str": "str",
    "default": "str",
    "slug": "str",
    "any": "str",
    "integer": "int",
    "int": "int",
    "number": "int",
    "num": "int",
    "float": "float",
    "uuid": "uuid",
    "guid": "uuid",
    "date": "date",
    "path": "path",
    "filepath": "path",
}
_ANGLES: Final = re.compile(r"<(?:(\w+)(?:\([^/]*?\))?:)?(\w+)(?:[:=][^>/]*)?>")
_COLON: Final = re.compile(r"(?<=/):(\w+)")
_STAR: Final = re.compile(r"(?<=/)\*+(\w*)(?=/|$)")
_SQUARES: Final = re.compile(r"(?<=/)\[+(\.\.\.)?(\w+)\]+")
_EXPRESSION: Final = re.compile(r"\(\?P<(\w+)>|\(\?:|\\[dDwWsS]|\[\^?\w-\w\]|\.\*|\.\+")
_OPTIONAL: Final = re.compile(r"\{(\w+)(?::\w+)?(?:\?|=[^}/]*)\}")
_SPANNING: Final = re.compile(r"\{(?:\*{1,2}(\w+)|(\w+)(?:\*|\.\.\.|:\.[*+]|:\*))\}")
_INLINE: Final = re.compile(r"\{(\w+):(?!\w+[}(])([^{}/]*(?:\{\d+(?:,\d*)?\}[^{}/]*)*)\}")
_SPACES: Final = re.compile(r"\{\s*(\w+)\s*(?::\s*(\w+)\s*)?\}")
_DOUBLE: Final = re.compile(r"\{\{(\w+)\}\}")
_SWAPPED: Final = re.compile(r"\{(\w+):(\w+)\}")
_DIGITS: Final = frozenset({r"\d+", "[0-9]+", r"\d*", r"[\d]+"})


@attrs.frozen
class ForeignSyntax:
    """A parameter of another framework in a pattern.

    Attributes:
        text: the parameter as written.
        fix: the right spelling.
    """

    text: str
    fix: str


def foreign_literal(pattern: str, position: int) -> ForeignSyntax | None:
    """Return the foreign parameter at a position outside of braces, or None.

    Args:
        pattern: the whole pattern.
        position: where a literal begins.
    """
    literal = re.compile(r"[^{}]*").match(pattern, position)
    end = literal.end() if literal is not None else len(pattern)
    if found := _EXPRESSION.search(pattern, position, end):
        name = found[1] or "name"
        fix = f"'{{{name}:re(...)}}' for an expression, or enable the plugin regex_router"
        return ForeignSyntax(found[0], fix)
    if found := _ANGLES.search(pattern, position):
        kind, name = found[1], found[2]
        if kind not in _CONVERTERS and name in _CONVERTERS and kind:
            kind, name = name, kind  # as in <id:int>
        return _foreign(found, _parameter(name, kind), end)
    if found := _COLON.match(pattern, position):
        return ForeignSyntax(found[0], f"'{{{found[1]}}}', or '%3A' for a colon")
    if found := _STAR.match(pattern, position):
        return ForeignSyntax(found[0], f"'{{{found[1] or 'rest'}:path}}', or '%2A' for an asterisk")
    if found := _SQUARES.match(pattern, position):
        return ForeignSyntax(found[0], f"'{_parameter(found[2], 'path' if found[1] else None)}'")
    return None


def foreign_parameter(pattern: str, position: int, converters: Collection[str]) -> ForeignSyntax | None:
    """Return the foreign parameter in braces at a position, or None.

    Args:
        pattern: the whole pattern.
        position: where a brace opens.
        converters: the names of the converters.
    """
    if found := _OPTIONAL.match(pattern, position):
        return ForeignSyntax(found[0], f"two routes, one with '{{{found[1]}}}' and one without")
    if found := _SPANNING.match(pattern, position):
        return ForeignSyntax(found[0], f"'{{{found[1] or found[2]}:path}}'")
    if (found := _DOUBLE.match(pattern, position)) or (found := _SPACES.match(pattern, position)):
        kind = found[2] if found.re is _SPACES else None
        fix = f"{{{found[1]}:{kind}}}" if kind else f"{{{found[1]}}}"
        return ForeignSyntax(found[0], f"'{fix}'") if fix != found[0] else _swapped(found[0], converters)
    if found := _INLINE.match(pattern, position):
        kind = "int" if found[2] in _DIGITS else f"re({found[2]})"
        return ForeignSyntax(found[0], f"'{{{found[1]}:{kind}}}'") if found[2] else None
    return None


def _swapped(text: str, converters: Collection[str]) -> ForeignSyntax | None:
    found = _SWAPPED.fullmatch(text)
    if found is None or found[2] in converters or found[1] not in converters:
        return None
    return ForeignSyntax(text, f"'{{{found[2]}:{found[1]}}}'")


def _foreign(found: re.Match[str], parameter: str, end: int) -> ForeignSyntax | None:
    return ForeignSyntax(found[0], f"'{parameter}', or '%3C' for '<'") if found.start() < end else None


def _parameter(name: str, kind: str | None) -> str:
    known = _CONVERTERS.get(kind or "str", "str")
    return f"{{{name}}}" if known == "str" else f"{{{name}:{known}}}"
