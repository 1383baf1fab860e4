"""The parts of the application and of the server that requests use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, final

from turnbuckle.http.limits import JSON_LIMIT
from turnbuckle.web.content.json import STANDARD_JSON, JSONCodec
from turnbuckle.web.peer import LazyEvent
from turnbuckle.web.resources import Resources

__all__ = ["AppContext", "ServerExchange"]


class ServerExchange(Protocol):
    """The server's record of a request and its response."""

    @property
    def use_timeouts(self) -> Callable[..., None]:
        """Replaces the request's deadlines by the given ``Timeouts``."""


@final
class AppContext:
    """The parts of an application that its requests use.

    Attributes:
        resources: the values that lifespans provide.
        json: decodes JSON content.
        json_limit: bytes of JSON content, unless the route overrides the limit.
        stopping: set once the server begins to stop.
    """

    __slots__ = ("json", "json_limit", "resources", "stopping")

    def __init__(
        self,
        resources: Resources,
        json: JSONCodec = STANDARD_JSON,
        json_limit: int = JSON_LIMIT,
        stopping: LazyEvent | None = None,
    ) -> None:
        self.resources: Final = resources
        self.json: Final = json
        self.json_limit: Final = json_limit
        self.stopping: Final = stopping or LazyEvent()
