"""What a hook, a factory or a lifespan may know about the app that is being started."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import attrs

from turnbuckle.errors import ResourceUnavailable
from turnbuckle.routing.converters import BUILTIN, Converters

if TYPE_CHECKING:
    from turnbuckle.diagnostics import ResourceKey
    from turnbuckle.server.model.application import BackgroundFunction, OnFailure
    from turnbuckle.settings import Settings
    from turnbuckle.web.resources import Resources

__all__ = ["Setup"]

T = TypeVar("T")


def _no_components(kind: str) -> object:
    raise LookupError(f"no component of kind {kind!r}: components exist once the plan is compiled")


def _no_answers(hook: str, **arguments: object) -> tuple[object, ...]:
    raise LookupError(f"hook {hook!r} cannot be called here: hooks are called while records are collected")


def _no_background(function: BackgroundFunction, *, name: str, on_failure: OnFailure) -> None:
    raise LookupError(f"background task {name!r} cannot begin here: tasks belong to a lifespan, which is given a setup")


@attrs.frozen(kw_only=True)
class Setup:
    """The view of an app that is handed to hooks and factories, at startup only.

    Attributes:
        settings: the settings of the server and the app.
        config: the plugin's own settings, an instance of ``info.config``; None if it has no such class.
        plugin: name of the plugin that is being asked, or ``"app"`` for what the app wrote down itself.
        app_name: name of the app.
        debug: whether tracebacks may be shown to clients.
        scope: prefix of the scope that the plugin is enabled in, "" for the whole app.
        converters: kinds of path parameters by name, the built-in ones and those of the app; for routers.
    """

    settings: Settings
    config: object = attrs.field(default=None, repr=False)
    plugin: str = "app"
    app_name: str = "app"
    debug: bool = False
    scope: str = ""
    converters: Converters = attrs.field(default=BUILTIN, repr=False, eq=False)
    _components: Callable[[str], object] = attrs.field(default=_no_components, repr=False, eq=False)
    _resources: Resources | None = attrs.field(default=None, repr=False, eq=False)
    _background: Callable[..., None] = attrs.field(default=_no_background, repr=False, eq=False)
    _answers: Callable[..., tuple[object, ...]] = attrs.field(default=_no_answers, repr=False, eq=False)

    def component(self, kind: str) -> object:
        """Return the one component of a kind, made on first use; for factories and lifespans.

        Raises:
            LookupError: no enabled plugin provides that kind, or it is too early to ask.
        """
        return self._components(kind)

    def resource(self, key: ResourceKey[T]) -> T:
        """Return what a lifespan provides under a key; for lifespans, and for middleware while it serves.

        Raises:
            ResourceUnavailable: nothing provides it here, or what does is not entered, or it is too early to ask.
        """
        if self._resources is None:
            text = f"{key} cannot be reached here: hooks are called while records are collected, before any lifespan"
            raise ResourceUnavailable(text, key.name, "not started")
        return self._resources.get(key, self.scope)

    def background(self, function: BackgroundFunction, *, name: str = "", on_failure: OnFailure = "restart") -> None:
        """Run a task in the background as long as the lifespan that is given this setup is entered.

        It begins when the lifespan has yielded, and is cancelled before what stands behind the yield.

        Args:
            function: an ``async def`` without arguments.
            name: for the log; that of the function when empty.
            on_failure: what becomes of it when it raises: ``"restart"`` begins again after a pause of 1 s, then 2 s, up
                to 60 s; ``"log"`` leaves it at a line in the log; ``"stop"`` stops the server.

        Raises:
            LookupError: this setup was given to no lifespan.
            RuntimeError: the lifespan is being left.
        """
        self._background(function, name=name or getattr(function, "__name__", ""), on_failure=on_failure)

    def ask(self, hook: str, /, **arguments: object) -> tuple[object, ...]:
        """Call a hook that a plugin has defined, and return every record that the others return, in dependency order.

        Raises:
            LookupError: there is no such hook, or it is too late to ask.
        """
        return self._answers(hook, **arguments)
