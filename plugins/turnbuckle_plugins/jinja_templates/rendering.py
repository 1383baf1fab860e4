"""Render templates: the component ``templates``, and the response type of ``Template``."""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, final

import attrs
import jinja2

from turnbuckle import Request, ResourceKey, Response, Setup
from turnbuckle_plugins.jinja_templates.config import JinjaTemplatesConfig, content_type_of
from turnbuckle_plugins.jinja_templates.environment import REQUEST, make_environment
from turnbuckle_plugins.jinja_templates.fragments import Fragment, make_fragment
from turnbuckle_plugins.jinja_templates.loader import FolderLoader, short_path
from turnbuckle_plugins.jinja_templates.template import Template, TemplateParts

__all__ = [
    "TEMPLATES",
    "Templates",
    "TemplatesFactory",
    "TemplatesLifespan",
    "TemplatesRenderer",
    "did_you_mean",
    "nearest",
]

_UNDEFINED: Final = re.compile(r"'(\w+)' is undefined")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is most similar to a name, or "" if none is."""
    return next(iter(get_close_matches(name, sorted(known), n=1)), "")


def did_you_mean(near: str, start: str = "; ") -> str:
    """Return ``; did you mean 'x'?``, or "" for no name."""
    return f"{start}did you mean {near!r}?" if near else ""


@final
@attrs.frozen
class Templates:
    """The templates of an app or scope: the component of the kind ``templates``, and the resource ``TEMPLATES``.

    Attributes:
        folders: the folders of the app.
        config: the settings of the plugin.
        own: the additions of the app.
        provided: the additions of plugins, in dependency order.
        debug: whether changed files are read again.
        loader: finds the templates.
        environment: the environment of Jinja.
    """

    folders: tuple[Path, ...]
    config: JinjaTemplatesConfig
    own: TemplateParts
    provided: tuple[TemplateParts, ...]
    debug: bool = False
    loader: FolderLoader = attrs.field(init=False, eq=False, repr=False)
    environment: jinja2.Environment = attrs.field(init=False, eq=False, repr=False)
    _fragments: dict[tuple[str, str], Fragment] = attrs.field(factory=dict, init=False, eq=False, repr=False)

    @loader.default
    def _make_loader(self) -> FolderLoader:
        folders = [*self.folders, *(folder for part in self.provided for folder in part.folders)]
        return FolderLoader(list(dict.fromkeys(folders)))

    @environment.default
    def _make_environment(self) -> jinja2.Environment:
        return make_environment(self.loader, self.config, (*self.provided, self.own), debug=self.debug)

    def __reduce__(self) -> tuple[Callable[..., Templates], tuple[object, ...]]:
        """Pickle the origin of the environment, which has functions without a name."""
        return Templates, (self.folders, self.config, self.own, self.provided, self.debug)

    async def render_text(
        self,
        name: str,
        context: Mapping[str, object] | None = None,
        /,
        *,
        request: Request | None = None,
        block: str = "",
        **variables: object,
    ) -> str:
        """Return the output of a template, such as the text of a mail.

        Args:
            name: name of the template.
            context: variables; for names that are arguments here.
            request: the request, for ``url_for`` and context processors.
            block: name of a block; only this block is rendered.
            variables: variables; they take precedence over ``context``.

        Raises:
            jinja2.TemplateError: the template does not exist, or fails.
        """
        return await self._render(name, {**(context or {}), **variables}, request, block)

    def render_text_sync(
        self,
        name: str,
        context: Mapping[str, object] | None = None,
        /,
        *,
        request: Request | None = None,
        block: str = "",
        **variables: object,
    ) -> str:
        """Return the same as ``render_text``, for a plain ``def``.

        Raises:
            RuntimeError: the template waits for something, which only ``render_text`` can.
        """
        return _run(self._render(name, {**(context or {}), **variables}, request, block))

    async def respond(self, template: Template, request: Request) -> Response:
        """Return the response for a template, as for a handler that returns it; for middleware, and to set cookies.

        Raises:
            jinja2.TemplateError: the template does not exist, or fails.
        """
        text = await self._render(template.name, template.context, request, template.block)
        content_type = template.content_type or content_type_of(template.name, self.config)
        return Response(text, template.status, template.headers, content_type)

    async def _render(self, name: str, context: Mapping[str, object], request: Request | None, block: str) -> str:
        token = REQUEST.set(request)
        variables: dict[str, object] = {}
        try:
            if request is not None:
                variables = await self._variables(request)
            variables |= context
            environment = self.environment
            template = environment.get_template(name)
            if block:
                return await self._render_block(template, block, variables)
            return await template.render_async(variables) if environment.is_async else template.render(variables)
        except Exception as error:
            self._add_notes(error, variables)
            raise
        finally:
            REQUEST.reset(token)

    async def _variables(self, request: Request) -> dict[str, object]:
        variables: dict[str, object] = {"request": request}
        for part in (*self.provided, self.own):
            for processor in part.context_processors:
                found = processor(request)
                found = await found if inspect.isawaitable(found) else found
                if not isinstance(found, Mapping):
                    raise TypeError(f"context processor {processor!r:.80} returned {found!r:.60}, which is no mapping")
                variables.update(found)
        return variables

    async def _render_block(self, template: jinja2.Template, block: str, variables: dict[str, object]) -> str:
        name = template.name or ""
        fragment = self._fragments.get((name, block))
        if fragment is None or fragment.template is not template:
            # A changed file is a new template.
            fragment = self._fragments[name, block] = make_fragment(self.environment, self.loader, name, block)
        try:
            return await fragment.render(variables)
        except Exception:  # noqa: BLE001  # Jinja adds the lines of the template, and raises it again
            self.environment.handle_exception()

    def _add_notes(self, error: Exception, variables: Mapping[str, object]) -> None:
        """Add the line of the template to an exception, and names that are similar to an unknown one."""
        paths = {facts.path: name for name, facts in self.loader.facts.items()}
        frames = [
            (frame.f_code.co_filename, line)
            for frame, line in traceback.walk_tb(error.__traceback__)
            if frame.f_code.co_filename in paths
        ]
        if frames:
            path, line = frames[-1]
            _add_note(error, f"in template {paths[path]!r} ({short_path(path)}:{line})")
        if isinstance(error, jinja2.UndefinedError) and (unknown := _UNDEFINED.match(str(error))):
            _add_note(error, did_you_mean(nearest(unknown[1], {*variables, *self.environment.globals}), ""))
        elif isinstance(error, jinja2.TemplateNotFound):
            _add_note(error, did_you_mean(nearest(str(error.name), self.loader.facts), ""))


def _add_note(error: Exception, note: str) -> None:
    if note and note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def _run(rendering: Coroutine[Any, Any, str]) -> str:
    """Run a coroutine that waits for nothing."""
    try:
        rendering.send(None)
    except StopIteration as stop:
        return str(stop.value)
    rendering.close()
    raise RuntimeError("the template waits for something; write 'await templates.render_text(...)' in an 'async def'")


TEMPLATES: Final = ResourceKey("templates", Templates)
"""The key of the templates as a resource: ``request.resource(TEMPLATES)``."""


@attrs.frozen
class TemplatesRenderer:
    """The function of the response type; unlike a method, it is equal to the function of another run of startup."""

    templates: Templates

    async def __call__(self, template: Template, request: Request) -> Response:
        """Return the response for a template."""
        return await self.templates.respond(template, request)


@attrs.frozen
class TemplatesFactory:
    """The factory of the component."""

    templates: Templates

    def __call__(self, setup: Setup) -> Templates:
        """Return the component."""
        return self.templates


@attrs.frozen
class TemplatesLifespan:
    """The factory of the lifespan that provides the resource."""

    templates: Templates

    def __call__(self, setup: Setup) -> AbstractAsyncContextManager[Templates]:
        """Return a context manager that yields the templates."""
        return _entered(self.templates)


@asynccontextmanager
async def _entered(templates: Templates) -> AsyncIterator[Templates]:
    yield templates
