"""Check all templates at startup: they parse, and the templates, blocks and routes that they name exist.

Each problem has the file and the line. The templates stay compiled, so the first request does not wait for them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import jinja2

from turnbuckle import Diagnostic, Origin, Plan
from turnbuckle_plugins.jinja_templates.config import DEFAULT_FOLDERS, folder_of
from turnbuckle_plugins.jinja_templates.loader import TemplateFacts, short_path
from turnbuckle_plugins.jinja_templates.rendering import Templates, did_you_mean, nearest
from turnbuckle_plugins.jinja_templates.source_names import SourceName, names_in_source

__all__ = ["check_sources", "check_templates"]

_UNKNOWN_FUNCTION: Final = re.compile(r"No (filter|test) named '([^']+)'")


@attrs.frozen
class _Check:
    """Checks the templates of an app or scope.

    Attributes:
        templates: the templates.
        plugin: name of the plugin, for the origins of problems.
    """

    templates: Templates
    plugin: str

    def run(self, routes: Collection[str]) -> Iterator[Diagnostic]:
        """Yield the problems of the folders and of all templates.

        Args:
            routes: the names of all routes.
        """
        yield from self._folders()
        names = self.templates.loader.names_by_folder(self.templates.config.suffixes)
        yield from self._named_twice(names)
        pending = list(dict.fromkeys(name for found in names.values() for name in found))
        checked = set(pending)
        for name in pending:
            yield from self._load(name)
            facts = self.templates.loader.facts.get(name)
            for named in facts.templates if facts is not None else ():
                if not self._exists(named.name):
                    yield self._missing(named.name, f"template {name!r}", self._at(facts, named.line))
                elif named.name not in checked:
                    # Its suffix is not in the settings.
                    checked.add(named.name)
                    pending.append(named.name)
            if facts is not None:
                yield from self._routes(name, facts, routes)

    def source(self, named: SourceName) -> Iterator[Diagnostic]:
        """Yield the problem of a template or block that the source of the app names, if it does not exist."""
        at = Origin(plugin="app", location=named.location)
        if not self._exists(named.name):
            yield self._missing(named.name, "the app", at)
            return
        if named.name not in self.templates.loader.facts:
            yield from self._load(named.name)
        blocks = set(self._blocks(named.name))
        if named.block and named.block not in blocks and self._is_complete(named.name):
            near = nearest(named.block, blocks)
            yield Diagnostic(
                level="error",
                code="TB802",
                text=f"template {named.name!r} has no block {named.block!r}{did_you_mean(near)}",
                why=f"neither it nor a template that it extends has the block; there are {_listed(blocks)}",
                fix=f"write block={near!r}" if near else "correct the name, or add the block to the template",
                origins=(at,),
            )

    def _folders(self) -> Iterator[Diagnostic]:
        # A plugin may need the templates of other plugins only, so the default folder may be missing.
        is_default = self.templates.config.folders == DEFAULT_FOLDERS
        may_be_missing = [folder_of(name) for name in DEFAULT_FOLDERS] if is_default else []
        for folder in map(Path, self.templates.loader.searchpath):
            if not folder.is_dir() and folder not in may_be_missing:
                yield Diagnostic(
                    level="error",
                    code="TB803",
                    text=f"{short_path(folder)!r} is no folder",
                    why=f"templates are searched in it; its path is {folder}",
                    fix="create it, or correct the folders of the plugin; they are relative to the current folder",
                    origins=(Origin(plugin=self.plugin),),
                )

    def _named_twice(self, names: Mapping[Path, Sequence[str]]) -> Iterator[Diagnostic]:
        own = {name for folder in self.templates.folders for name in names.get(folder, ())}
        first: dict[str, Path] = {}
        for part in self.templates.provided:
            for folder in part.folders:
                for name in names.get(folder, ()):
                    if first.setdefault(name, folder) != folder and name not in own:
                        yield self._hidden(name, first[name], folder)

    def _hidden(self, name: str, first: Path, folder: Path) -> Diagnostic:
        return Diagnostic(
            level="warning",
            code="TB804",
            text=f"two plugins have a template {name!r}",
            why=f"folder {short_path(first)} takes precedence over folder {short_path(folder)}",
            fix="begin the names of a plugin's templates with a folder that has the name of the plugin",
            origins=(self._origin(folder / name, 0), self._origin(first / name, 0)),
        )

    def _load(self, name: str) -> Iterator[Diagnostic]:
        try:
            self.templates.environment.get_template(name)
        except jinja2.TemplateSyntaxError as error:
            message = (error.message or "").rstrip(".")
            text = f"template {error.name or name!r} cannot be parsed: {message}{self._hint(error)}"
            why = "the request that needs it would be answered with 500"
            yield self._problem(text, why, self._origin(error.filename or name, error.lineno))
        except UnicodeDecodeError as error:
            path = self._path(name)
            line = error.object.count(b"\n", 0, error.start) + 1
            text = f"template {name!r} cannot be parsed: it is not UTF-8"
            why = f"byte {error.start} is {error.object[error.start]:#04x}"
            yield self._problem(text, why, self._origin(path, line))

    def _problem(self, text: str, why: str, at: Origin) -> Diagnostic:
        fix = f"correct {at.location}; text in braces that Jinja must not read belongs between raw and endraw tags"
        return Diagnostic(level="error", code="TB801", text=text, why=why, fix=fix, origins=(at,))

    def _hint(self, error: jinja2.TemplateSyntaxError) -> str:
        found = _UNKNOWN_FUNCTION.search(error.message or "")
        if found is None:
            return ""
        environment = self.templates.environment
        return did_you_mean(nearest(found[2], environment.filters if found[1] == "filter" else environment.tests))

    def _missing(self, name: str, what: str, at: Origin) -> Diagnostic:
        folders = ", ".join(short_path(folder) for folder in self.templates.loader.searchpath)
        near = nearest(name, self._known())
        return Diagnostic(
            level="error",
            code="TB802",
            text=f"{what} names template {name!r}, which does not exist{did_you_mean(near)}",
            why=f"the folders of templates are {folders}",
            fix=f"write {near!r}, or create the template" if near else "correct the name, or create the template",
            origins=(at,),
        )

    def _routes(self, name: str, facts: TemplateFacts, routes: Collection[str]) -> Iterator[Diagnostic]:
        for named in facts.routes:
            if named.name not in routes:
                near = nearest(named.name, routes)
                yield Diagnostic(
                    level="warning",
                    code="TB805",
                    text=f"template {name!r} links to route {named.name!r}, which does not exist{did_you_mean(near)}",
                    why="url_for raises an error for it, and the request is answered with 500",
                    fix=f"write url_for({near!r}, ...)" if near else "correct the name, or give the route this name=",
                    origins=(self._at(facts, named.line),),
                )

    # -- names

    def _known(self) -> set[str]:
        found = self.templates.loader.names_by_folder(self.templates.config.suffixes)
        return {name for names in found.values() for name in names}

    def _exists(self, name: str) -> bool:
        try:
            self.templates.loader.get_source(self.templates.environment, name)
        except jinja2.TemplateNotFound:
            return False
        except UnicodeDecodeError:
            pass
        return True

    def _path(self, name: str) -> str:
        folders = map(Path, self.templates.loader.searchpath)
        return next((str(folder / name) for folder in folders if (folder / name).is_file()), name)

    def _chain(self, name: str) -> Iterator[TemplateFacts]:
        seen: set[str] = set()
        while name not in seen and name in self.templates.loader.facts:
            seen.add(name)
            facts = self.templates.loader.facts[name]
            yield facts
            name = facts.parent

    def _blocks(self, name: str) -> Iterator[str]:
        for facts in self._chain(name):
            yield from facts.blocks

    def _is_complete(self, name: str) -> bool:
        """Return whether all templates that a template extends are known."""
        chain = list(self._chain(name))
        return bool(chain) and not chain[-1].parent

    def _at(self, facts: TemplateFacts | None, line: int) -> Origin:
        return self._origin(facts.path if facts is not None else "", line)

    def _origin(self, path: str | Path, line: int) -> Origin:
        is_own = any(Path(path).is_relative_to(folder) for folder in self.templates.folders)
        location = f"{short_path(path)}:{line}" if line else short_path(path)
        return Origin(plugin="app" if is_own else self.plugin, location=location)


def check_templates(templates: Templates, plan: Plan, plugin: str) -> Iterator[Diagnostic]:
    """Yield the problems of all templates of an app or scope.

    Args:
        templates: the templates.
        plan: the plan, which has the names of routes.
        plugin: name of the plugin.
    """
    routes = {planned.route.name or getattr(planned.route.handler, "__name__", "") for planned, _ in plan.routes()}
    yield from _Check(templates, plugin).run(routes)


def check_sources(templates: Templates, handlers: Iterable[object], plugin: str) -> Iterator[Diagnostic]:
    """Yield the problems of the templates that the modules of some handlers name."""
    check = _Check(templates, plugin)
    for named in names_in_source(handlers):
        yield from check.source(named)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
