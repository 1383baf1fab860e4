"""The application: a scope with a name, settings and a plan.

An app only stores declarations; ``startup/`` resolves them. An app that was resolved cannot be changed.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Never

import attrs

from turnbuckle.diagnostics import Origin, Sourced
from turnbuckle.errors import AppFrozen
from turnbuckle.records import Middleware, MiddlewareChain
from turnbuckle.startup.collect.coerce import options_of, without_of
from turnbuckle.startup.collect.options import check_options
from turnbuckle.startup.model.declaration import Declaration
from turnbuckle.startup.model.locations import caller_location

if TYPE_CHECKING:
    from turnbuckle.plan import Plan
    from turnbuckle.routing.converters import Converter, ConverterFactory
    from turnbuckle.server.model.application import Application
    from turnbuckle.startup.compile.resolution import Resolution
    from turnbuckle.startup.model.sources import SettingsSources

from turnbuckle.scope import Scope

__all__ = ["App"]

_OPTIONS: Final = (
    "plugins",
    "settings",
    "parser",
    "router",
    "middleware",
    "debug",
    "lifespan",
    "converters",
    "config",
    "guards",
    "options",
    "chain",
    "without",
)

_log: Final = logging.getLogger("turnbuckle.server")


class App(Scope):
    """An application: its routes, and the parts that handle their requests.

    Args:
        name: name for logs and messages.
        plugins: names, classes or instances of plugins; ``(plugin, {...})`` adds settings.
        settings: settings by section, or the path of a ``turnbuckle.toml``.
        parser: a name, a class or factory, a ``ParserProvider``, or an object with ``parse_into(request, buffer)``.
        router: a name, a router, a class or factory, a ``RouterProvider``, or an object with ``get_handler(path)``.
        middleware: records or ``async def m(request, call_next)``, outermost first.
        debug: show tracebacks to clients; never in production. None leaves the decision to the settings.
        lifespan: an ``async def`` that yields once, between startup and shutdown.
        converters: converters of path parameters by name, which add to or replace the built-in ones.
        guards: functions that are called before the handlers of all routes; see ``Route.guards``.
        options: values that plugins read for all routes; see ``Route.options``.
        chain: name of the middleware chain that requests run through, such as ``"web"``; or a ``MiddlewareChain``.
        without: names of middleware that requests do not run through, although a plugin or the chain provides it.
        config: an attrs class for the app's own settings in the section ``app``; ``request.config(cls)`` and the
            ``setup.config`` of its lifespans return the instance.
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
        config: type | None = None,
        guards: Iterable[Callable[..., object]] = (),
        options: Mapping[str, object] | None = None,
        chain: str | MiddlewareChain | None = None,
        without: str | Iterable[str] = (),
        **unknown: Never,
    ) -> None:
        check_options("App", unknown, _OPTIONS)
        self.name: Final = name
        self._phase = ""
        self._resolution: Resolution | None = None
        self._hosted: Callable[..., Awaitable[None]] | None = None
        super().__init__(None, "", "")
        self._parser = None if parser is None else Sourced(parser, self._origin)
        self._settings: Final = Path(settings) if isinstance(settings, str) else settings
        self._debug: Final = debug
        self._converters: Final = _mapping_of(converters)
        self._config: Final = config
        self._options = options_of({"options": options or {}})
        self._chain = self._chosen({"chain": chain})
        self._without = without_of({"without": without})
        self._add_parts(plugins, middleware, router, guards)
        if lifespan is not None:
            self.lifespan(lifespan)

    @property
    def plan(self) -> Plan:
        """The plan that was resolved last; resolved from the code only if the app is not resolved yet."""
        return self._resolved().plan

    def resolve(self, sources: SettingsSources | None = None) -> Plan:
        """Resolve all parts of the app into a plan; the app cannot be changed afterwards.

        Args:
            sources: sources of settings and plugins beside the code. If None, only the code counts, so that tests
                depend on neither the environment nor files.

        Raises:
            StartupError: with all problems.
        """
        from turnbuckle.startup.pipeline import resolve

        # From now on, a change is too late, for example in a hook.
        self._phase = "being resolved"
        try:
            with _paused_collection():
                self._resolution = resolve(self.declaration(), sources)
        finally:
            self._phase = "resolved"
        return self._resolution.plan

    def compile(
        self, sources: SettingsSources | None = None, *, supply: Mapping[Any, object] | None = None
    ) -> Application:
        """Resolve the app, and return the compiled application for a server.

        Args:
            sources: see ``resolve``. If None, the last resolution counts, if there is one.
            supply: values, or functions that supply them, which replace suppliers and resources by type; for tests. If
                it is not None, even if empty, the app itself and its plan keep their own suppliers and settings.

        Raises:
            StartupError: with all problems.
        """
        from turnbuckle.startup.compile.compiler import compile_resolution

        if supply is not None:
            return self._compiled_with(supply, sources)
        if sources is not None:
            self.resolve(sources)
        resolution = self._resolved()
        with _paused_collection():
            self._resolution, application = compile_resolution(resolution)
        return application

    def run(self, sources: SettingsSources | None = None, **unknown: Never) -> None:
        """Serve the app in this process, at the address of its settings, until a signal stops it.

        Args:
            sources: sources of settings and plugins beside the code; the current folder and the environment of the
                process if None.

        Raises:
            RuntimeError: an event loop is running in this thread, as in a notebook.
            StartupError: with all problems.
            ListenError: the server cannot listen on a socket.
            LifespanError: a lifespan failed.
            TLSError: the TLS settings cannot be used.
        """
        check_options("app.run", unknown, ("sources",))
        from turnbuckle.startup.compile.serving import run_with_settings
        from turnbuckle.startup.model.sources import SettingsSources

        _check_no_loop()
        application = self.compile(sources or SettingsSources.of_project())
        settings = self.plan.settings
        if settings.workers.are_supervised:
            # A worker process imports the app by its name, which only the command line knows.
            _log.warning("serving with one process: workers need 'turnbuckle serve'")
        run_with_settings(application, settings)

    def _compiled_with(self, supply: Mapping[Any, object], sources: SettingsSources | None) -> Application:
        from turnbuckle.startup.compile.compiler import compile_resolution
        from turnbuckle.startup.pipeline import resolve

        origin = Origin(plugin="app", location=caller_location())
        declaration = attrs.evolve(self.declaration(), supply=Sourced(dict(supply), origin))
        self._phase = "being resolved"
        try:
            return compile_resolution(resolve(declaration, sources))[1]
        finally:
            self._phase = "resolved"

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Serve a request, a WebSocket or a lifespan of an ASGI host, as ``turnbuckle_plugins.asgi.asgi(app)`` does.

        Args:
            scope: what the host knows about it.
            receive: waits for the next message of the host.
            send: passes a message to the host.
        """
        if self._hosted is None:
            # An app that is never on such a host does not import the module.
            self._hosted = import_module("turnbuckle_plugins.asgi").asgi(self)
        await self._hosted(scope, receive, send)

    def declaration(self) -> Declaration:
        """Return all declarations so far as a frozen record."""
        return Declaration(
            name=self.name,
            root=self.declare(),
            origin=self._origin,
            parser=self._parser,
            settings=self._settings,
            debug=self._debug,
            converters=self._converters,
            config=self._config,
        )

    def _resolved(self) -> Resolution:
        if self._resolution is None:
            self.resolve()
        assert self._resolution is not None
        return self._resolution

    def _owner(self) -> App:
        return self

    def _check_open(self, action: str) -> None:
        if self._phase:
            raise AppFrozen(self.name, action, self._phase)


@contextmanager
def _paused_collection() -> Iterator[None]:
    """Pause the collection of cyclic garbage.

    Startup makes objects that stay, and each pass visits them all: with 100,000 routes that is half of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _check_no_loop() -> None:
    # Imported here, so that importing an app does not import asyncio.
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "app.run() starts an event loop, but one is running already, as in a notebook: "
        "write 'async with HTTPServer(app.compile(), port=8000) as server:' instead"
    )


def _mapping_of(converters: object) -> Mapping[str, object]:
    if converters is None or isinstance(converters, Mapping):
        return dict(converters or {})
    raise TypeError(f"converters are a mapping from names to converters, not {converters!r:.60}")
