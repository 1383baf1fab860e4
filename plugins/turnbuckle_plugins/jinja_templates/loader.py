"""Find templates in folders, and remember the names in each of them, for the checks at startup."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Final, final

import attrs
from jinja2 import Environment, FileSystemLoader, Template as CompiledTemplate, nodes

__all__ = ["FolderLoader", "NamedTemplate", "TemplateFacts", "short_path"]

# Large folders without templates.
_SKIPPED: Final = frozenset({"__pycache__", "node_modules"})

_TAGS: Final = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)


def short_path(path: str | Path) -> str:
    """Return a path, relative to the current folder where that is shorter."""
    return str(path).removeprefix(os.getcwd() + os.sep)


@attrs.frozen
class NamedTemplate:
    """A name in a template that is known at startup: of another template, or of a route.

    Attributes:
        name: the name.
        line: line of the tag or call.
    """

    name: str
    line: int


@attrs.frozen(kw_only=True)
class TemplateFacts:
    """The facts about one template that its source shows.

    Attributes:
        path: path of its file.
        parent: name of the template that it extends; "" for none, or for a name that is computed.
        templates: the templates that it extends, includes or imports by a literal name.
        routes: the routes that it names in ``url_for("...")``.
        blocks: names of its blocks.
    """

    path: str
    parent: str
    templates: tuple[NamedTemplate, ...]
    routes: tuple[NamedTemplate, ...]
    blocks: frozenset[str]


@final
class FolderLoader(FileSystemLoader):
    """Loads templates from the first of several folders that has them.

    Jinja's loader refuses names with ``..``, so that no name leads out of the folders.

    Args:
        folders: the folders.

    Attributes:
        facts: the facts about each template that was loaded, by name.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        super().__init__([str(folder) for folder in folders])
        self.facts: Final[dict[str, TemplateFacts]] = {}

    def load(
        self, environment: Environment, name: str, globals: MutableMapping[str, object] | None = None
    ) -> CompiledTemplate:
        """Return the compiled template, and store the facts about it."""
        source, path, is_current = self.get_source(environment, name)
        tree = environment.parse(source, name, path)
        # The tree is read first, because the compilation changes it.
        self.facts[name] = _facts(tree, path)
        code = environment.compile(tree, name, path)
        return environment.template_class.from_code(environment, code, dict(globals or {}), is_current)

    def names_by_folder(self, suffixes: Sequence[str]) -> Mapping[Path, Sequence[str]]:
        """Return the names of the templates with some suffixes for each folder; hidden files are left out."""
        folders = [Path(folder) for folder in self.searchpath]
        return {folder: sorted(_names_in(folder, tuple(suffixes))) for folder in folders}


def _names_in(folder: Path, suffixes: tuple[str, ...]) -> Iterator[str]:
    for at, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _SKIPPED]
        for file in files:
            if file.lower().endswith(suffixes) and not file.startswith("."):
                yield Path(at, file).relative_to(folder).as_posix()


def _facts(tree: nodes.Template, path: str) -> TemplateFacts:
    # One walk, because the walk takes a quarter of the time of parsing.
    found = list(tree.find_all((*_TAGS, nodes.Call, nodes.Block)))
    # A tag inside of a condition may be meant for another case, so only one at the top is certain.
    extends = [tag.template for tag in tree.body if isinstance(tag, nodes.Extends)]
    parent = extends[0].value if extends and isinstance(extends[0], nodes.Const) else ""
    return TemplateFacts(
        path=path,
        parent=parent if isinstance(parent, str) else "",
        templates=tuple(named for node in found if isinstance(node, _TAGS) for named in _named_in(node)),
        routes=tuple(named for node in found if isinstance(node, nodes.Call) for named in _route_in(node)),
        blocks=frozenset(node.name for node in found if isinstance(node, nodes.Block)),
    )


def _named_in(tag: nodes.Node) -> Iterator[NamedTemplate]:
    # A list of names asks for the first that exists, and 'ignore missing' for none if it does not.
    template: object = getattr(tag, "template", None)
    if isinstance(template, nodes.Const) and isinstance(template.value, str) and not _may_be_missing(tag):
        yield NamedTemplate(template.value, tag.lineno)


def _may_be_missing(tag: nodes.Node) -> bool:
    return isinstance(tag, nodes.Include) and tag.ignore_missing


def _route_in(call: nodes.Call) -> Iterator[NamedTemplate]:
    is_url = isinstance(call.node, nodes.Name) and call.node.name == "url_for"
    first = call.args[0] if call.args else None
    if is_url and isinstance(first, nodes.Const) and isinstance(first.value, str):
        yield NamedTemplate(first.value, call.lineno)
