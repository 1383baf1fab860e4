"""The application: a scope with a name, settings and a plan.

An app only holds what a user declares; ``startup/`` decides what it adds up to. Once an app is resolved, its lists are
closed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from turnbuckle.diagnostics import Sourced
from turnbuckle.errors import AppFrozen
from turnbuckle.records import Middleware
from turnbuckle.startup.model.declaration import Declaration

if TYPE_CHECKING:
    from turnbuckle.plan import Plan
    from turnbuckle.routing.converters import Converter, ConverterFactory
    from turnbuckle.server.model.application import Application
    from turnbuckle.startup.model.sources import SettingsSources

from turnbuckle.scope import Scope

__all__ = ["App"]

_log: Final = logging.getLogger("turnbuckle.server")


class App(Scope):
    """An application: what it serves, and the parts that serve it.

    Args:
        name: for logs and messages.
        plugins: names, classes or instances of plugins; ``(plugin, {...})`` gives one its settings.
        settings: settings by section, or the path of a ``turnbuckle.toml``.
        parser: a name, a class or factory, a ``ParserProvider``, or an object with ``parse_into(request, buffer)``.
        router: a name, a router, a class or factory, a ``RouterProvider``, or an object with ``get_handler(path)``.
        middleware: records or ``async def m(request, call_next)``, outermost first.
        debug: show tracebacks to clients; never in production. None leaves it to the settings.
        lifespan: an ``async def`` that yields once, run around all serving.
        converters: kinds of path parameters by name, beside the built-in ones or in place of them.
    """

    def __init__(  # noqa: PLR0913  # all but the name by name
        self,
        name: str = "app",
        *,
        plugins: Iterable[object] = (),
        settings: Mapping[str, object] | str | Path | None = None,
        parser: object = None,
        router: object = None,
        middleware: Iterable[Middleware | Callable[..., object]] = (),
        debug: bool | None = None,
        lifespan: Callable[..., object] | None = None,
        converters: Mapping[str, Converter | ConverterFactory] | None = None,
    ) -> None:
        self.name: Final = name
        self._phase = ""
        self._plan: Plan | None = None
        super().__init__(None, "", "")
        self._parser = None if parser is None else Sourced(parser, self._origin)
        self._settings: Final = Path(settings) if isinstance(settings, str) else settings
        self._debug: Final = debug
        self._converters: Final = _mapping_of(converters)
        self._fill(plugins, middleware, router)
        if lifespan is not None:
            self.lifespan(lifespan)

    @property
    def plan(self) -> Plan:
        """The plan that was resolved last; resolved from what code says, if that has not happened yet."""
        return self._plan if self._plan is not None else self.resolve()

    def resolve(self, sources: SettingsSources | None = None) -> Plan:
        """Decide on every part of the app, and close its lists.

        Args:
            sources: where settings and plugins come from, beside the code; without it only the code counts, so that
                tests see neither the environment nor files.

        Raises:
            StartupError: with every problem that was found.
        """
        from turnbuckle.startup.pipeline import resolve

        # What is added by now, by a hook for example, comes too late.
        self._phase = "being resolved"
        try:
            self._plan = resolve(self.declaration(), sources)
        finally:
            self._phase = "resolved"
        return self._plan

    def compile(self, sources: SettingsSources | None = None) -> Application:
        """Resolve, and make what a server runs.

        Raises:
            StartupError: with every problem that was found.
        """
        from turnbuckle.startup.compile.compiler import compile_plan

        self._plan, application = compile_plan(self.resolve(sources) if sources is not None else self.plan)
        return application

    def run(self, sources: SettingsSources | None = None) -> None:
        """Serve the app until the process is told to stop, where its settings say, with this process alone.

        Args:
            sources: where settings and plugins come from, beside the code; the current folder and the environment of
                the process when None.

        Raises:
            StartupError: with every problem that was found.
            ListenError: a socket cannot be listened on.
            LifespanError: a lifespan failed.
            TLSError: connections cannot be secured.
        """
        from turnbuckle.startup.compile.serving import run_as_set
        from turnbuckle.startup.model.sources import SettingsSources

        application = self.compile(sources or SettingsSources.of_project())
        settings = self.plan.settings
        if settings.workers.are_supervised:
            # The process of a worker has to find the app by its name, and only the command line has one.
            _log.warning("serving with one process: workers want 'turnbuckle serve'")
        run_as_set(application, settings)

    def declaration(self) -> Declaration:
        """Return all that was written down so far, frozen."""
        return Declaration(
            name=self.name,
            root=self.declare(),
            origin=self._origin,
            parser=self._parser,
            settings=self._settings,
            debug=self._debug,
            converters=self._converters,
        )

    def _owner(self) -> App:
        return self

    def _check_open(self, action: str) -> None:
        if self._phase:
            raise AppFrozen(self.name, action, self._phase)


def _mapping_of(converters: object) -> Mapping[str, object]:
    if converters is None or isinstance(converters, Mapping):
        return dict(converters or {})
    raise TypeError(f"converters are a mapping from names to converters, not {converters!r:.60}")
