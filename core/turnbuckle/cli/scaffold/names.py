"""Validate the name of a new project, and derive other names from it."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Mapping
from typing import Final

import attrs

__all__ = ["BadName", "ProjectNames"]

_PLUGIN: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_APP: Final = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
# With longer names, lines of the templates would be too long.
_MAX_LENGTH: Final = 27


class BadName(ValueError):
    """The name is not allowed for a project."""


@attrs.frozen(kw_only=True)
class ProjectNames:
    """The names of a project and its parts.

    Attributes:
        name: the name that the user gave.
        folder: the new folder, which is also the name of the distribution.
        package: the import package.
        cls: the class of the plugin, without "Plugin" at its end.
    """

    name: str
    folder: str
    package: str
    cls: str

    @classmethod
    def of_plugin(cls, name: str, kind: str) -> ProjectNames:
        """Return the names for a plugin of a kind.

        Raises:
            BadName: a plugin cannot have this name.
        """
        _check(name, _PLUGIN, "lower-case words joined by underscores")
        if keyword.iskeyword(name) or name in {"app", "plugins", "turnbuckle"}:
            raise BadName(f"{name!r} cannot be the name of a plugin, because it has another meaning")
        words = name.split("_")
        # MyRouter, not MyRouterRouter.
        bare = words[:-1] if words[1:] and words[-1] == kind else words
        return cls(
            name=name,
            folder="turnbuckle-" + "-".join(words),
            package=f"turnbuckle_{name}",
            cls="".join(word.capitalize() for word in bare),
        )

    @classmethod
    def of_app(cls, name: str) -> ProjectNames:
        """Return the names for an app.

        Raises:
            BadName: an app cannot have this name.
        """
        _check(name, _APP, "lower-case words joined by dashes or underscores")
        if name in {"turnbuckle", "tests", "main"} or name in sys.stdlib_module_names:
            raise BadName(f"{name!r} cannot be the name of an app, because a module has this name")
        return cls(name=name, folder=name, package="main", cls="App")

    def values(self) -> Mapping[str, str]:
        """Return the values that templates can use."""
        return attrs.asdict(self)


def _check(name: str, allowed: re.Pattern[str], what: str) -> None:
    if not allowed.fullmatch(name):
        near = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_0123456789")
        hint = f"; did you mean {near!r}?" if allowed.fullmatch(near) else ""
        raise BadName(f"{name!r} does not consist of {what}{hint}")
    if len(name) > _MAX_LENGTH:
        raise BadName(
            f"a name of {len(name)} characters exceeds {_MAX_LENGTH}: lines of the written files would be too long for"
            " ruff; use a shorter name, and rename the project afterwards"
        )
