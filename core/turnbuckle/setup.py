"""The view of an app that hooks, factories and lifespans get during startup."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, cast

import attrs

from turnbuckle.diagnostics import ResourceKey, not_a_key
from turnbuckle.errors import ResourceUnavailable
from turnbuckle.routing.converters import BUILTIN_CONVERTERS, Converters

if TYPE_CHECKING:
    # Type checkers know typing_extensions without its installation. With the default, plain ``Setup`` is complete.
    from typing_extensions import TypeVar

    from turnbuckle.server.model.application import BackgroundFunction, OnFailure
    from turnbuckle.server.model.monitor import MonitoredServer, ResponseEnd, ServerFigures
    from turnbuckle.settings import Settings
    from turnbuckle.web.resources import Resources

    ConfigT_co = TypeVar("ConfigT_co", default=object, covariant=True)
else:
    from typing import TypeVar

    ConfigT_co = TypeVar("ConfigT_co", covariant=True)

__all__ = ["Setup"]

T = TypeVar("T")


def _no_components(kind: str) -> object:
    error = LookupError(f"no component of kind {kind!r}: components exist only after the plan is compiled")
    error.add_note("why: hooks are called before components are made")
    error.add_note(f"fix: call setup.component({kind!r}) in a factory or a lifespan")
    raise error


def _no_hook_calls(hook: str, **arguments: object) -> tuple[object, ...]:
    raise LookupError(f"hook {hook!r} cannot be called here: hooks are called while records are collected")


def _no_background(function: BackgroundFunction, *, name: str, on_failure: OnFailure) -> None:
    error = LookupError(f"background task {name!r} cannot be started here: it needs the setup that a lifespan is given")
    error.add_note("why: hooks and factories are called before the server has an event loop")
    error.add_note("fix: call setup.background() in a lifespan, with the setup that is passed to the lifespan")
    raise error


@attrs.frozen(kw_only=True)
class Setup(Generic[ConfigT_co]):
    """The view of an app that is passed to hooks, factories and lifespans.

    ``Setup[UploadsConfig]`` is the setup of a ``Plugin[UploadsConfig]``, whose ``config`` has this type.

    Attributes:
        settings: the settings of the server and the app.
        config: the settings of the plugin, or of the app for its own declarations, as an instance of their class; None
            if there is no such class.
        plugin: name of the plugin that is called, or ``"app"`` for declarations of the app itself.
        app_name: name of the app.
        debug: whether clients may see tracebacks.
        scope: prefix of the scope that the plugin is enabled in; "" for the whole app.
        is_scoped: whether the plugin is enabled in a scope, which may have no prefix.
        converters: converters of path parameters by name, built-in ones and the app's; for routers.
    """

    settings: Settings
    config: ConfigT_co = attrs.field(default=cast("Any", None), repr=False)
    plugin: str = "app"
    app_name: str = "app"
    debug: bool = False
    scope: str = ""
    is_scoped: bool = False
    converters: Converters = attrs.field(default=BUILTIN_CONVERTERS, repr=False, eq=False)
    _components: Callable[[str], object] = attrs.field(default=_no_components, repr=False, eq=False)
    _resources: Resources | None = attrs.field(default=None, repr=False, eq=False)
    _background: Callable[..., None] = attrs.field(default=_no_background, repr=False, eq=False)
    _call_hook: Callable[..., tuple[object, ...]] = attrs.field(default=_no_hook_calls, repr=False, eq=False)

    def component(self, kind: str) -> object:
        """Return the component of a kind, which is made once, at startup; for factories and lifespans.

        Raises:
            LookupError: no enabled plugin provides the kind, or the plan is not compiled yet.
        """
        return self._components(kind)

    def resource(self, key: ResourceKey[T]) -> T:
        """Return the resource with a key; for lifespans, and for middleware while it handles requests.

        Raises:
            ResourceUnavailable: no lifespan provides the resource in this scope, its lifespan is not entered, or no
                lifespan has started yet.
        """
        if not isinstance(key, ResourceKey):
            raise not_a_key(key)
        if self._resources is None:
            text = f"{key} is not available here: hooks are called before any lifespan is entered"
            error = ResourceUnavailable(text, key.name, "not started")
            error.add_note("why: a lifespan provides the resource when the server starts")
            error.add_note("fix: call setup.resource() in a lifespan, or request.resource() in a handler or middleware")
            raise error
        return self._resources.get(key, self.scope)

    def background(self, function: BackgroundFunction, *, name: str = "", on_failure: OnFailure = "restart") -> None:
        """Run a background task while the lifespan that received this setup is entered.

        The task starts when the lifespan has yielded, and is cancelled before the lifespan continues after the yield.

        Args:
            function: an ``async def`` without arguments.
            name: name for the log; the name of the function if empty.
            on_failure: the reaction if the task raises: ``"restart"`` runs it again after a pause of 1 s, then 2 s, up
                to 60 s; ``"log"`` only logs the failure; ``"stop"`` stops the server.

        Raises:
            LookupError: this setup was not passed to a lifespan.
            RuntimeError: the lifespan is being left.
        """
        self._background(function, name=name or getattr(function, "__name__", ""), on_failure=on_failure)

    def monitor(self, observe: Callable[[ResponseEnd], object]) -> Callable[[], ServerFigures]:
        """Call a function at the end of each response and each refused request, until the server has stopped.

        Each request then costs a few calls more. The function must be quick, because it is called on the event loop;
        its exceptions are logged.

        Args:
            observe: the function.

        Returns:
            A function that returns the present figures of the server.

        Raises:
            LookupError: this setup was not passed to a lifespan.
        """
        server = cast("MonitoredServer | None", self._resources.server if self._resources is not None else None)
        if server is None:
            error = LookupError("setup.monitor() needs a server, which does not exist yet")
            error.add_note("fix: call setup.monitor() in a lifespan, with the setup that is passed to the lifespan")
            raise error
        server.observe(observe)
        return server.figures

    def ask(self, hook: str, /, **arguments: object) -> tuple[object, ...]:
        """Call a hook that a plugin has defined, and return the records of all plugins, in dependency order.

        An argument ``setup`` is replaced by the setup of each called plugin, which has its own settings.

        In a hook that returns records, the plugins of the same scope are called. In ``review_plan``, the plugins of all
        other scopes are called as well; the plugin that calls it keeps the setup of an earlier hook for that.

        Raises:
            LookupError: there is no such hook, or this is the setup of a factory or lifespan.
        """
        return self._call_hook(hook, **arguments)
