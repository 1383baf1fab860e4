"""Render a single block of a template, as pages need that replace a part of themselves.

The output around the block is not made, so its variables need not exist. The assignments, imports and macros at the top
of the template run, because the block may use them. If only a template that it extends has the block, the tops of both
run. ``super()`` works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, Final, cast

import attrs
import jinja2
from jinja2 import nodes
from jinja2.runtime import Context

from turnbuckle_plugins.jinja_templates.loader import FolderLoader

__all__ = ["Fragment", "make_fragment"]

# The statements at the top of a template that make no output, and that blocks depend on.
_DEFINITIONS: Final = (nodes.Assign, nodes.AssignBlock, nodes.Import, nodes.FromImport, nodes.Macro, nodes.ExprStmt)


@attrs.frozen
class Fragment:
    """A block of a template.

    Attributes:
        template: the template, which makes the context.
        block: name of the block.
        parents: the templates that it extends, nearest first.
        tops: the definitions at the top of the template, and of its parents up to the first that has the block.
    """

    template: jinja2.Template
    block: str
    parents: tuple[jinja2.Template, ...]
    tops: tuple[jinja2.Template, ...]

    async def render(self, variables: MutableMapping[str, object]) -> str:
        """Return the output of the block."""
        context = self._context(variables)
        if not self.template.environment.is_async:
            for top in self.tops:
                list(top.root_render_func(context))
            return "".join(self._function(context)(context))
        for top in self.tops:
            async for _ in _async(top.root_render_func)(context):
                pass
        return "".join([piece async for piece in _async(self._function(context))(context)])

    def _context(self, variables: MutableMapping[str, object]) -> Context:
        context = self.template.new_context(cast("dict[str, Any]", variables))
        for parent in self.parents:
            for name, function in parent.blocks.items():
                context.blocks.setdefault(name, []).append(function)
        return context

    def _function(self, context: Context) -> Callable[[Context], Iterator[str]]:
        return context.blocks[self.block][0]


def make_fragment(environment: jinja2.Environment, loader: FolderLoader, name: str, block: str) -> Fragment:
    """Return a block of a template.

    Raises:
        jinja2.TemplateNotFound: the template, or one that it extends, does not exist.
        LookupError: neither the template nor one that it extends has the block.
    """
    chain = [name]
    while parent := _facts_of(environment, loader, chain[-1]).parent:
        if parent in chain:
            break
        chain.append(parent)
    owners = [index for index, member in enumerate(chain) if block in loader.facts[member].blocks]
    if not owners:
        known = sorted({found for member in chain for found in loader.facts[member].blocks})
        raise LookupError(f"template {name!r} has no block {block!r}; its blocks: {', '.join(known) or 'none'}")
    templates = [environment.get_template(member) for member in chain]
    tops = [_top(environment, loader, member) for member in chain[: owners[0] + 1]]
    return Fragment(templates[0], block, tuple(templates[1:]), tuple(tops))


def _facts_of(environment: jinja2.Environment, loader: FolderLoader, name: str) -> Any:
    environment.get_template(name)
    return loader.facts[name]


def _top(environment: jinja2.Environment, loader: FolderLoader, name: str) -> jinja2.Template:
    source, path, _ = loader.get_source(environment, name)
    tree = environment.parse(source, name, path)
    body: list[nodes.Node] = [node for node in tree.body if isinstance(node, _DEFINITIONS)]
    top = nodes.Template(body, lineno=1).set_environment(environment)
    code = environment.compile(cast("nodes.Template", top), name, path)
    return environment.template_class.from_code(environment, code, environment.make_globals(None))


def _async(function: object) -> Any:
    # The functions of an environment with async rendering are async generators, which its annotations do not say.
    return function
