"""Collect the problems of a start, so that all of them are reported at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

import attrs

from turnbuckle.diagnostics import Diagnostic, Level, Origin
from turnbuckle.errors import Problem, StartupError

__all__ = [
    "Diagnostics",
    "HandlerFault",
    "candidates",
    "did_you_mean",
    "format_error",
    "nearest",
    "quarantine_diagnostic",
]

ValueT = TypeVar("ValueT")

_MAX_LISTED: Final = 20


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the known name that is most similar to a name, or "" if none is similar enough."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, sorted(known), n=1, cutoff=cutoff)), "")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the known name that is most similar to a name, or ""."""
    near = nearest(name, known)
    return f"; did you mean {near!r}?" if near else ""


def candidates(name: str, known: Iterable[str]) -> str:
    """Return the suggestion for a name, or else the known names, as the end of a message."""
    names = sorted(set(known))
    if near := did_you_mean(name, names):
        return near
    if not names:
        return "; there are none"
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return f"; there are {', '.join(names[:_MAX_LISTED])}{more}"


def format_error(error: BaseException) -> str:
    """Return the type and the message of an exception."""
    # Validators of attrs add the compared objects to their message; they are omitted.
    is_verbose = type(error) in {TypeError, ValueError} and len(error.args) > 1 and isinstance(error.args[0], str)
    return f"{type(error).__name__}: {error.args[0] if is_verbose else error}"


def quarantine_diagnostic(plugin: str, error: Diagnostic) -> Diagnostic:
    """Return the warning that an optional plugin is left out for an error."""
    text = f"optional plugin {plugin!r} is left out: {error.code} {error.text}"
    return attrs.evolve(error, level="warning", code="TB110", text=text)


@attrs.frozen
class HandlerFault:
    """A mistake of a handler, without its route.

    Attributes:
        text: the mistake; its subject is the handler.
        why: the rule that is violated.
        fix: the right spelling.
        code: the code of the problem.
        level: ``"warning"`` if the handler may work all the same.
        origins: origins of further functions concerned, such as the supplier of a parameter.
    """

    text: str
    why: str
    fix: str
    code: str = attrs.field(default="TB415", kw_only=True)
    level: Level = attrs.field(default="error", kw_only=True)
    origins: tuple[Origin, ...] = attrs.field(default=(), kw_only=True)


@attrs.define
class Diagnostics:
    """The diagnostics of one resolution, in the order in which they were found; all stages add to it.

    Attributes:
        entries: all diagnostics so far.
    """

    entries: list[Diagnostic] = attrs.field(factory=list)

    def add(
        self,
        code: str,
        text: str,
        *origins: Origin,
        why: str = "",
        fix: str = "",
        level: Level = "error",
    ) -> None:
        """Add one diagnostic, by default an error."""
        self.entries.append(Diagnostic(level=level, code=code, text=text, why=why, fix=fix, origins=origins))

    def quarantine(self, since: int, plugin: str) -> bool:
        """Turn the errors of an optional plugin into warnings.

        Args:
            since: number of entries before the step that may have added errors.
            plugin: name of the plugin.

        Returns:
            Whether there were any errors, so that the plugin must be left out.
        """
        added = self.entries[since:]
        for index, diagnostic in enumerate(added, since):
            if diagnostic.level == "error":
                self.entries[index] = quarantine_diagnostic(plugin, diagnostic)
        return any(diagnostic.level == "error" for diagnostic in added)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that stop the start."""
        return tuple(diagnostic for diagnostic in self.entries if diagnostic.level == "error")

    @property
    def others(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that do not stop the start."""
        return tuple(diagnostic for diagnostic in self.entries if diagnostic.level != "error")

    def raise_errors(self) -> None:
        """Raise all errors together.

        Raises:
            StartupError: there is at least one.
        """
        if self.errors:
            warnings = [diagnostic for diagnostic in self.others if diagnostic.level == "warning"]
            raise StartupError([Problem(diagnostic) for diagnostic in self.errors], warnings)
