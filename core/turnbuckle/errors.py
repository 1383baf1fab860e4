"""Name everything that can go wrong, once.

::

    TurnbuckleError
    ├── StartupError             an ExceptionGroup of Problem: why nothing was served
    ├── LifespanError            a lifespan failed when it was entered: nothing was served
    ├── ResourceUnavailable      a resource that is asked for is not there (yet); also a LookupError
    ├── BackgroundTaskError      a background task failed that the app cannot do without: the server stopped
    ├── ListenError              a socket that cannot be listened on; also an OSError
    ├── TLSError                 a certificate or a key that cannot be used: nothing was served
    ├── AppFrozen                an app was changed after it was resolved; also a RuntimeError
    ├── Problem                  one coded finding about how an app is put together (TB...)
    ├── RouteError               a route pattern that cannot be used; also a ValueError
    │   └── RouteConflict        two routes that claim the same requests
    ├── ProtocolError(status)    the peer broke HTTP; the connection answers and closes
    ├── ConnectionLost           the peer went away; also a ConnectionError
    └── HTTPError(status)        raised by handlers and middleware to answer with a status
        ├── BadRequest (400)  Unauthorized (401)  Forbidden (403)  NotFound (404)
        ├── MethodNotAllowed(allowed) (405)  Conflict (409)  Gone (410)  ContentTooLarge (413)
        ├── UnsupportedMediaType (415)  UnprocessableContent (422)  TooManyRequests (429)
        └── InternalServerError (500)  ServiceUnavailable (503)

Facts are attributes. Nothing of an exception reaches a client but its status, reason phrase, and for ``HTTPError`` the
detail and headers that its author chose to send.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Final, Protocol

from turnbuckle.diagnostics import Diagnostic, Origin

__all__ = [
    "AppFrozen",
    "BackgroundTaskError",
    "BadRequest",
    "Conflict",
    "ConnectionLost",
    "ContentTooLarge",
    "Forbidden",
    "Gone",
    "HTTPError",
    "InternalServerError",
    "LifespanError",
    "ListenError",
    "MethodNotAllowed",
    "NotFound",
    "Problem",
    "ProtocolError",
    "ResourceUnavailable",
    "RouteConflict",
    "RouteError",
    "ServiceUnavailable",
    "StartupError",
    "TLSError",
    "TooManyRequests",
    "TurnbuckleError",
    "Unauthorized",
    "UnprocessableContent",
    "UnsupportedMediaType",
]


class TurnbuckleError(Exception):
    """The root of every exception that Turnbuckle defines."""


class LifespanError(TurnbuckleError):
    """A lifespan raised when it was entered; what it raised is the cause.

    Attributes:
        name: of the lifespan.
        plugin: the plugin that it comes from; ``"app"`` or "" if the app has it from nowhere else.
        place: ``file:line`` of the lifespan, or "" when unknown.
    """

    def __init__(self, name: str, cause: Exception, plugin: str = "", place: str = "") -> None:
        of_plugin = f" of plugin {plugin!r}" if plugin not in {"", "app"} else ""
        at = f" ({place})" if place else ""
        super().__init__(f"lifespan {name!r}{of_plugin}{at} failed: {type(cause).__name__}: {cause}")
        self.name: Final = name
        self.plugin: Final = plugin
        self.location: Final = place


class ResourceUnavailable(TurnbuckleError, LookupError):
    """A resource was asked for that is not there.

    Attributes:
        name: of its key.
        phase: how far the app is.
    """

    def __init__(self, message: str, name: str, phase: str) -> None:
        super().__init__(message)
        self.name: Final = name
        self.phase: Final = phase


class BackgroundTaskError(TurnbuckleError):
    """A background task failed that was started with ``on_failure="stop"``.

    What the task raised is the cause.
    """

    def __init__(self, task: str, cause: BaseException) -> None:
        super().__init__(f"{task} failed: {type(cause).__name__}: {cause}")
        self.__cause__ = cause


class ListenError(TurnbuckleError, OSError):
    """A socket that cannot be listened on; ``errno`` says why where the system did."""

    def __init__(self, message: str, errno: int | None = None) -> None:
        super().__init__(message)
        self.errno = errno


class TLSError(TurnbuckleError):
    """The settings of TLS, or the files that they name, cannot be used."""


class AppFrozen(TurnbuckleError, RuntimeError):
    """An app was changed after it was resolved; ``phase`` says how far it is."""

    def __init__(self, app_name: str, action: str, phase: str) -> None:
        super().__init__(f"cannot {action}: app {app_name!r} is already {phase}; write it down before")
        self.phase: Final = phase


class Problem(TurnbuckleError):
    """One finding about how an app is put together, with its code, place and remedy in ``diagnostic``."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(str(diagnostic))
        self.diagnostic: Final = diagnostic


class StartupError(TurnbuckleError, ExceptionGroup[Problem]):
    """Every problem that stops an app from starting, shown together; ``problems`` holds them in order.

    ``warnings`` are findings that would not have stopped it, and may be where a problem comes from.
    """

    def __new__(cls, problems: Sequence[Problem], warnings: Sequence[Diagnostic] = ()) -> StartupError:
        """Return a group of the problems, of which there is at least one."""
        count = len(problems)
        noun = "problem stops" if count == 1 else "problems stop"
        return super().__new__(cls, f"{count} {noun} the start", problems)

    def __init__(self, problems: Sequence[Problem], warnings: Sequence[Diagnostic] = ()) -> None:
        super().__init__(f"{len(problems)} problems", problems)
        self.warnings: Final = tuple(warnings)

    @property
    def problems(self) -> Sequence[Problem]:
        """The problems, in the order in which they were found."""
        return self.exceptions  # type: ignore[return-value]  # the constructor admits nothing but Problem

    def derive(self, excs: Sequence[Problem], /) -> StartupError:  # type: ignore[override]  # narrower on purpose
        """Return a group of the same kind, as ``except*`` needs it."""
        return StartupError(excs, self.warnings)


class RouteError(TurnbuckleError, ValueError):
    """A route pattern or set of converters that cannot be used."""


class ConflictingRoute(Protocol):
    """A route, as far as ``RouteConflict`` needs it; ``Route`` is one."""

    @property
    def name(self) -> str:
        """Return the name of the route, or ""."""

    @property
    def origin(self) -> Origin | None:
        """Return where the route was written, or None when unknown."""

    def describe(self) -> str:
        """Return methods, host, path and location in one line, for messages."""


class RouteConflict(RouteError):
    """Two routes claim the same requests; ``first`` and ``second`` hold both, with their origins where known."""

    def __init__(self, first: ConflictingRoute, second: ConflictingRoute, reason: str) -> None:
        super().__init__(f"{second.describe()} conflicts with {first.describe()}: {reason}")
        self.first: Final = first
        self.second: Final = second
        self.reason: Final = reason


class ProtocolError(TurnbuckleError, ValueError):
    """The peer sent something that is not HTTP as RFC 9112 has it.

    ``status`` is what the client is answered with before the connection is closed (RFC 9112, from section 2.2 on).
    """

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status: Final = status


class ConnectionLost(TurnbuckleError, ConnectionError):
    """The peer went away before the exchange was complete."""


class HTTPError(TurnbuckleError):
    """Answer the request with ``status``.

    Args:
        status: a final status code, 400 to 599.
        detail: text for the client; the reason phrase is sent when it is empty.
        headers: fields to add to the response, such as ``{"Retry-After": "5"}``.
    """

    default_status: ClassVar[int] = 500

    def __init__(
        self, status: int | None = None, detail: str = "", *, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status: Final = self.default_status if status is None else status
        if not 400 <= self.status <= 599:
            raise ValueError(f"an HTTPError needs a status from 400 to 599, not {self.status!r}")
        super().__init__(self.status, detail)
        self.detail: Final = detail
        self.headers: Final = dict(headers or {})

    def __str__(self) -> str:
        return f"{self.status} {self.detail}".rstrip()


class _StatusError(HTTPError):
    """An HTTPError whose class decides its status."""

    def __init__(self, detail: str = "", *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(self.default_status, detail, headers=headers)


class BadRequest(_StatusError):
    """400: the request cannot be understood."""

    default_status = 400


class Unauthorized(_StatusError):
    """401: credentials are missing or wrong; send ``WWW-Authenticate`` in ``headers`` (RFC 9110, section 15.5.2)."""

    default_status = 401


class Forbidden(_StatusError):
    """403: understood, and refused."""

    default_status = 403


class NotFound(_StatusError):
    """404: nothing is here."""

    default_status = 404


class MethodNotAllowed(_StatusError):
    """405: the target exists but not for this method; ``allowed`` becomes the ``Allow`` field."""

    default_status = 405

    def __init__(self, allowed: Collection[str], detail: str = "") -> None:
        self.allowed: Final = tuple(sorted(set(allowed)))
        super().__init__(detail, headers={"Allow": ", ".join(self.allowed)})


class Conflict(_StatusError):
    """409: the request conflicts with the present state of the target."""

    default_status = 409


class Gone(_StatusError):
    """410: it was here, and will not come back."""

    default_status = 410


class ContentTooLarge(_StatusError):
    """413: the content is larger than the limit in force."""

    default_status = 413


class UnsupportedMediaType(_StatusError):
    """415: the content is in a format that the handler does not take."""

    default_status = 415


class UnprocessableContent(_StatusError):
    """422: well-formed content that says something impossible."""

    default_status = 422


class TooManyRequests(_StatusError):
    """429: the client sent too many requests in a given time."""

    default_status = 429


class InternalServerError(_StatusError):
    """500: the server failed."""

    default_status = 500


class ServiceUnavailable(_StatusError):
    """503: not now; send ``Retry-After`` in ``headers`` where it is known."""

    default_status = 503
