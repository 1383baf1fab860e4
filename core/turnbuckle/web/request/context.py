"""The parts of the application and of the server that requests use."""

from __future__ import annotations

import asyncio
from typing import Final, TypeVar, final

from turnbuckle.http.limits import JSON_LIMIT
from turnbuckle.web.content.codecs import Codecs
from turnbuckle.web.content.forms import FormLimits
from turnbuckle.web.content.json import STANDARD_JSON
from turnbuckle.web.peer import LazyEvent
from turnbuckle.web.resources import Resources

__all__ = ["AppContext", "config_of"]

T = TypeVar("T")

_JSON_ONLY: Final = Codecs(STANDARD_JSON)
_FORM_LIMITS: Final = FormLimits()


@final
class AppContext:
    """The parts of an application that its requests use.

    Attributes:
        resources: the values that lifespans provide.
        codecs: encode and decode content by its media type.
        json_limit: bytes of content that a codec decodes, unless the route overrides the limit.
        form_limits: limits of forms, unless a handler passes others.
        config: the app's own settings; None if it has none.
        loop: the event loop of the server; None if no server runs.
        stopping: set once the server begins to stop.
    """

    __slots__ = ("codecs", "config", "form_limits", "json_limit", "loop", "resources", "stopping")

    def __init__(  # noqa: PLR0913 - one argument for each attribute
        self,
        resources: Resources,
        codecs: Codecs = _JSON_ONLY,
        json_limit: int = JSON_LIMIT,
        stopping: LazyEvent | None = None,
        *,
        form_limits: FormLimits = _FORM_LIMITS,
        config: object = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.resources: Final = resources
        self.codecs: Final = codecs
        self.json_limit: Final = json_limit
        self.form_limits: Final = form_limits
        self.config: Final = config
        self.loop: Final = loop
        self.stopping: Final = stopping or LazyEvent()


def config_of(config: object, cls: type[T]) -> T:
    """Return the app's own settings as an instance of their class.

    Raises:
        LookupError: the app has no settings of this class.
    """
    if not isinstance(cls, type):
        raise TypeError(f"request.config takes the class of App(config=...), not {cls!r:.60}")
    if isinstance(config, cls):
        return config
    name = cls.__qualname__
    if config is None:
        raise LookupError(f"the app has no settings: write App(..., config={name})")
    raise LookupError(f"the settings of the app are of the class {type(config).__qualname__}, not of {name}")
