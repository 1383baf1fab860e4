"""What a hook, a factory or a lifespan may know about the app that is being started."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from turnbuckle.startup.settings import Settings

__all__ = ["Setup"]


def _no_components(kind: str) -> object:
    raise LookupError(f"no component of kind {kind!r}: components exist once the plan is compiled")


def _no_answers(hook: str, **arguments: object) -> tuple[object, ...]:
    raise LookupError(f"hook {hook!r} cannot be called here: hooks are called while records are collected")


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
    """

    settings: Settings
    config: object = None
    plugin: str = "app"
    app_name: str = "app"
    debug: bool = False
    scope: str = ""
    _components: Callable[[str], object] = attrs.field(default=_no_components, repr=False, eq=False)
    _answers: Callable[..., tuple[object, ...]] = attrs.field(default=_no_answers, repr=False, eq=False)

    def component(self, kind: str) -> object:
        """Return the one component of a kind, made on first use; for factories and lifespans.

        Raises:
            LookupError: no enabled plugin provides that kind, or it is too early to ask.
        """
        return self._components(kind)

    def ask(self, hook: str, /, **arguments: object) -> tuple[object, ...]:
        """Call a hook that a plugin has defined, and return every record that the others return, in dependency order.

        Raises:
            LookupError: there is no such hook, or it is too late to ask.
        """
        return self._answers(hook, **arguments)
