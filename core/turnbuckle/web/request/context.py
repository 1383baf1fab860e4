"""The parts of the application and of the server that requests use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar, final

from turnbuckle.http.limits import JSON_LIMIT
from turnbuckle.web.content.codecs import Codecs
from turnbuckle.web.content.forms import FormLimits
from turnbuckle.web.content.json import STANDARD_JSON
from turnbuckle.web.peer import LazyEvent
from turnbuckle.web.resources import Resources

if TYPE_CHECKING:
    from turnbuckle.routing.records import Route

__all__ = ["AppContext", "FindRoute", "UrlBuilder", "config_of", "no_route"]

T = TypeVar("T")

FindRoute: TypeAlias = "Callable[..., Route | None]"
"""``find_route(request)`` returns the route that a request will be dispatched to."""

UrlBuilder: TypeAlias = Callable[..., str]
"""``url_builder(name, **path_params)`` returns the path of a named route."""

_JSON_ONLY: Final = Codecs(STANDARD_JSON)
_FORM_LIMITS: Final = FormLimits()


def no_route(_request: object) -> Route | None:
    """Return None: the request does not belong to a compiled app."""
    return None


@final
class AppContext:
    """The parts of an application that its requests use.

    Attributes:
        resources: the values that lifespans provide.
        codecs: encode and decode content by its media type.
        json_limit: bytes of content that a codec decodes, unless the route overrides the limit.
        form_limits: limits of forms, unless a handler passes others.
        config: the app's own settings; None if it has none.
        find_route: finds the route of a request before it is dispatched.
        url_builder: builds the paths of named routes; None without an app.
        loop: the event loop of the server; None if no server runs.
        stopping: set once the server begins to stop.
    """

    __slots__ = (
        "codecs",
        "config",
        "find_route",
        "form_limits",
        "json_limit",
        "loop",
        "resources",
        "stopping",
        "url_builder",
    )

    def __init__(  # noqa: PLR0913 - one argument for each attribute
        self,
        resources: Resources,
        codecs: Codecs = _JSON_ONLY,
        json_limit: int = JSON_LIMIT,
        stopping: LazyEvent | None = None,
        *,
        form_limits: FormLimits = _FORM_LIMITS,
        config: object = None,
        find_route: FindRoute = no_route,
        url_builder: UrlBuilder | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.resources: Final = resources
        self.codecs: Final = codecs
        self.json_limit: Final = json_limit
        self.form_limits: Final = form_limits
        self.config: Final = config
        self.find_route: Final = find_route
        self.url_builder: Final = url_builder
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
