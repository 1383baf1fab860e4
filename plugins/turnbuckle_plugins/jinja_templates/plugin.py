"""The plugin: it makes the templates of an app or scope once, and offers them in three ways."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, cast, final
from weakref import WeakValueDictionary

from turnbuckle import Component, Diagnostic, Lifespan, Plan, PlannedScope, Plugin, PluginInfo, ResponseType, Setup
from turnbuckle_plugins.jinja_templates.checks import check_sources, check_templates
from turnbuckle_plugins.jinja_templates.config import DEFAULT_FOLDERS, JinjaTemplatesConfig, folder_of
from turnbuckle_plugins.jinja_templates.rendering import (
    TEMPLATES,
    Templates,
    TemplatesFactory,
    TemplatesLifespan,
    TemplatesRenderer,
)
from turnbuckle_plugins.jinja_templates.template import ContextProcessor, Template, TemplateHooks, TemplateParts

__all__ = ["JinjaTemplatesPlugin"]


@final
class JinjaTemplatesPlugin(Plugin[JinjaTemplatesConfig]):
    """Render the templates that handlers return, with Jinja.

    Args:
        folders: folders of templates; they replace the default of the settings, and precede other folders there.
        globals: values by name, for all templates.
        filters: functions by name.
        tests: functions by name.
        context_processors: functions, async or not, that take the request and return more variables.
    """

    info = PluginInfo(name="jinja_templates")
    hookspecs = TemplateHooks

    def __init__(
        self,
        *folders: str | os.PathLike[str],
        globals: Mapping[str, object] | None = None,
        filters: Mapping[str, Callable[..., object]] | None = None,
        tests: Mapping[str, Callable[..., object]] | None = None,
        context_processors: Iterable[ContextProcessor] = (),
    ) -> None:
        self._own: Final = TemplateParts(
            folders=folders,
            globals=globals or {},
            filters=filters or {},
            tests=tests or {},
            context_processors=context_processors,
        )
        # The hooks of one run of startup get the same setup, and share the templates.
        self._made: tuple[Setup[JinjaTemplatesConfig], Templates] | None = None
        self._all_made: Final[WeakValueDictionary[int, Templates]] = WeakValueDictionary()

    def provide_response_types(self, setup: Setup[JinjaTemplatesConfig]) -> list[ResponseType]:
        """Return the response type of ``Template``."""
        return [ResponseType(Template, TemplatesRenderer(self._templates(setup)), "text/html")]

    def provide_components(self, setup: Setup[JinjaTemplatesConfig]) -> list[Component]:
        """Return the component of the kind ``templates``; a scope has only the resource."""
        return [] if setup.scope else [Component("templates", "jinja", TemplatesFactory(self._templates(setup)))]

    def provide_lifespans(self, setup: Setup[JinjaTemplatesConfig]) -> list[Lifespan]:
        """Return the lifespan that provides the resource ``TEMPLATES``."""
        name = f"templates of {setup.scope}" if setup.scope else "templates"
        return [Lifespan(name, TemplatesLifespan(self._templates(setup)), provides=TEMPLATES)]

    def review_plan(self, plan: Plan) -> Iterator[Diagnostic]:
        """Report the problems of templates, and of their names in the source of handlers."""
        functions: dict[int, list[object]] = {}
        for scope in plan.root.walk():
            for templates in _templates_of(scope):
                # Another instance of the plugin, in another scope, reviews its own templates.
                if self._all_made.get(id(templates)) is not templates:
                    continue
                if id(templates) not in functions:
                    yield from check_templates(templates, plan, self.info.name)
                functions.setdefault(id(templates), []).extend(_functions_of(scope))
        for key, found in functions.items():
            yield from check_sources(self._all_made[key], found, self.info.name)

    def _templates(self, setup: Setup[JinjaTemplatesConfig]) -> Templates:
        made = self._made
        if made is not None and made[0] is setup:
            return made[1]
        provided = cast("Iterable[TemplateParts]", setup.ask("provide_templates", setup=setup))
        templates = Templates(
            folders=self._folders(setup.config),
            config=setup.config,
            own=self._own,
            provided=_checked(provided),
            debug=setup.debug,
        )
        self._made = (setup, templates)
        self._all_made[id(templates)] = templates
        return templates

    def _folders(self, config: JinjaTemplatesConfig) -> tuple[Path, ...]:
        own = self._own.folders
        # The default is for apps that name no folder.
        if own and config.folders == DEFAULT_FOLDERS:
            return own
        return tuple(dict.fromkeys([*own, *map(folder_of, config.folders)]))


def _templates_of(scope: PlannedScope) -> Iterator[Templates]:
    renders = [entry.record.render for entry in scope.response_types if entry.record.type is Template]
    yield from (render.templates for render in renders if isinstance(render, TemplatesRenderer))


def _functions_of(scope: PlannedScope) -> Iterator[object]:
    """Yield the handlers, error handlers and middleware of a scope."""
    yield from (planned.route.handler for planned in scope.routes)
    yield from (entry.record.handler for entry in scope.error_handlers)
    for entry in scope.middleware:
        # A record that @middleware made has the function in its factory.
        yield getattr(entry.record.factory, "function", entry.record.factory)


def _checked(provided: Iterable[TemplateParts]) -> tuple[TemplateParts, ...]:
    """Return the additions of plugins, and refuse a name that two plugins give to different things.

    Raises:
        TypeError: a record is no ``TemplateParts``.
        ValueError: two plugins add a global, filter or test of the same name.
    """
    parts = tuple(provided)
    for kind in ("globals", "filters", "tests"):
        seen: dict[str, object] = {}
        for part in parts:
            if not isinstance(part, TemplateParts):
                raise TypeError(f"provide_templates returned {part!r:.60}, which is no TemplateParts")
            for name, value in getattr(part, kind).items():
                if seen.setdefault(name, value) is not value:
                    error = ValueError(f"two plugins add {kind[:-1]} {name!r}: {seen[name]!r} and {value!r}")
                    error.add_note("fix: rename one of them; the app's own take precedence over both")
                    raise error
    return parts
