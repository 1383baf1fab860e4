"""All exceptions that Turnbuckle defines.

::

    TurnbuckleError
    ├── StartupError             an ExceptionGroup of Problem: the app did not start
    ├── LifespanError            a lifespan failed when it was entered: the app did not start
    ├── ResourceUnavailable      a resource is not available (yet); also a LookupError
    ├── BackgroundTaskError      a required background task failed: the server stopped
    ├── ListenError              the server cannot listen on a socket; also an OSError
    ├── TLSError                 a certificate or a key cannot be used: the app did not start
    ├── AppFrozen                an app was changed after it was resolved; also a RuntimeError
    ├── Problem                  one coded error in the composition of an app (TB...)
    ├── RouteError               a route pattern cannot be used; also a ValueError
    │   └── RouteConflict        two routes claim the same requests
    ├── ProtocolError(status)    the peer violated HTTP; the connection answers and closes
    ├── ConnectionLost           the peer disconnected; also a ConnectionError
    ├── NotModified              ends a handler with 304: the client has the content already
    └── HTTPError(status)        raised by handlers and middleware to answer with a status
        ├── BadRequest (400)
        │   └── MissingKey           a query parameter, form field, cookie or header is missing; also a KeyError
        ├── Unauthorized (401)  Forbidden (403)  NotFound (404)
        ├── MethodNotAllowed(allowed) (405)  NotAcceptable(available) (406)  Conflict (409)  Gone (410)
        ├── PreconditionFailed (412)  ContentTooLarge (413)  UnsupportedMediaType (415)
        ├── UnprocessableContent (422)  TooManyRequests (429)
        ├── InvalidInput (422)   parameters of a handler do not fit; 400, 413 or 415 if the content cannot be read
        └── InternalServerError (500)  ServiceUnavailable (503)

Facts are attributes. A client sees only the status and the reason phrase of an exception and, for an ``HTTPError``, the
detail and the headers that its author chose to send.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Final, Literal, Protocol, TypeAlias

import attrs

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
    "InputFault",
    "InputPart",
    "InternalServerError",
    "InvalidInput",
    "LifespanError",
    "ListenError",
    "MethodNotAllowed",
    "MissingKey",
    "NotAcceptable",
    "NotFound",
    "NotModified",
    "PreconditionFailed",
    "Problem",
    "ProtocolError",
    "ResourceUnavailable",
    "RouteConflict",
    "RouteError",
    "ServiceUnavailable",
    "SettingRefused",
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
    """A lifespan raised an exception when it was entered; that exception is the cause.

    Attributes:
        name: name of the lifespan.
        plugin: name of the plugin that provides it; ``"app"`` or "" for a lifespan of the app itself.
        location: ``file:line`` of the lifespan, or "" when unknown.
    """

    def __init__(self, name: str, cause: Exception, plugin: str = "", location: str = "") -> None:
        of_plugin = f" of plugin {plugin!r}" if plugin not in {"", "app"} else ""
        at = f" ({location})" if location else ""
        super().__init__(f"lifespan {name!r}{of_plugin}{at} failed: {type(cause).__name__}: {cause}")
        self.name: Final = name
        self.plugin: Final = plugin
        self.location: Final = location


class ResourceUnavailable(TurnbuckleError, LookupError):
    """A resource is not available.

    Attributes:
        name: name of its key.
        phase: phase of the app, such as ``"starting"``.
    """

    def __init__(self, message: str, name: str, phase: str) -> None:
        super().__init__(message)
        self.name: Final = name
        self.phase: Final = phase


class BackgroundTaskError(TurnbuckleError):
    """A background task that was started with ``on_failure="stop"`` failed; its exception is the cause."""

    def __init__(self, task: str, cause: BaseException) -> None:
        super().__init__(f"{task} failed: {type(cause).__name__}: {cause}")
        self.__cause__ = cause


class ListenError(TurnbuckleError, OSError):
    """The server cannot listen on a socket; ``errno`` is the error of the system, if there is one."""

    def __init__(self, message: str, errno: int | None = None) -> None:
        super().__init__(message)
        self.errno = errno


class TLSError(TurnbuckleError):
    """The TLS settings, or the files that they name, cannot be used."""


class AppFrozen(TurnbuckleError, RuntimeError):
    """An app was changed after it was resolved; ``phase`` is the phase of the app."""

    def __init__(self, app_name: str, action: str, phase: str) -> None:
        super().__init__(f"cannot {action}: app {app_name!r} is already {phase}; do it before that")
        self.phase: Final = phase


class Problem(TurnbuckleError):
    """One error in the composition of an app; ``diagnostic`` has its code, its locations and its fix."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(str(diagnostic))
        self.diagnostic: Final = diagnostic


class StartupError(TurnbuckleError, ExceptionGroup[Problem]):
    """All problems that prevent an app from starting; ``problems`` has them in the order in which they were found.

    ``warnings`` are diagnostics that do not prevent the start but may explain a problem.
    """

    def __new__(cls, problems: Sequence[Problem], warnings: Sequence[Diagnostic] = ()) -> StartupError:
        """Return a group of the problems; there must be at least one."""
        count = len(problems)
        noun = "problem stops" if count == 1 else "problems stop"
        return super().__new__(cls, f"{count} {noun} the start", problems)

    def __init__(self, problems: Sequence[Problem], warnings: Sequence[Diagnostic] = ()) -> None:
        super().__init__(f"{len(problems)} problems", problems)
        self.warnings: Final = tuple(warnings)

    @property
    def problems(self) -> Sequence[Problem]:
        """The problems, in the order in which they were found."""
        return self.exceptions  # type: ignore[return-value]  # the constructor accepts only Problem

    def derive(self, excs: Sequence[Problem], /) -> StartupError:  # type: ignore[override]  # narrower on purpose
        """Return a group of the same type, for ``except*``."""
        return StartupError(excs, self.warnings)


class RouteError(TurnbuckleError, ValueError):
    """A route pattern or a converter cannot be used.

    Attributes:
        fix: the change that makes it usable; "" if it is not known.
    """

    fix: str = ""


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
    """The peer sent a message that violates RFC 9112.

    ``status`` is the status of the response that is sent before the connection is closed (RFC 9112, section 2.2 and
    following).
    """

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status: Final = status


class ConnectionLost(TurnbuckleError, ConnectionError):
    """The peer disconnected before the exchange was complete."""


class NotModified(TurnbuckleError):
    """End a handler with 304: the client has the content already. ``Request.check_preconditions`` raises it.

    It is no error, so error handlers do not receive it.

    Args:
        headers: the fields of the response, such as ``ETag`` (RFC 9110, section 15.4.5).
    """

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        super().__init__("304 Not Modified")
        self.headers: Final = dict(headers or {})


class HTTPError(TurnbuckleError):
    """Answer the request with ``status``.

    Args:
        status: a final status code, 400 to 599.
        detail: text for the client; if it is empty, the reason phrase is sent.
        headers: header fields to add to the response, such as ``{"Retry-After": "5"}``.
        problem: members of Problem Details (RFC 9457), such as ``{"type": "https://example.com/sold-out"}``, beside
            ``title``, ``status`` and ``detail``. With a mapping, even an empty one, the answer is Problem Details
            instead of text, unless an error handler of the app makes it.
    """

    default_status: ClassVar[int] = 500

    def __init__(
        self,
        status: int | None = None,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        problem: Mapping[str, object] | None = None,
    ) -> None:
        self.status: Final = self.default_status if status is None else status
        if not isinstance(self.status, int):
            raise TypeError(
                f"the first argument of {type(self).__name__} is a status, not a text; "
                f"write detail={self.status!r}, or derive from a class with a status, such as BadRequest"
            )
        if not 400 <= self.status <= 599:
            raise ValueError(f"an HTTPError needs a status from 400 to 599, not {self.status!r}")
        if not isinstance(detail, str):
            raise TypeError(
                f"the detail of {type(self).__name__} is a text, not {type(detail).__name__}; "
                f"for JSON, return JSON(value, status={self.status})"
            )
        super().__init__(self.status, detail)
        self.detail: Final = detail
        self.headers: Final = dict(headers or {})
        self.problem: Final = None if problem is None else dict(problem)

    def __str__(self) -> str:
        return f"{self.status} {self.detail}".rstrip()


class _StatusError(HTTPError):
    """An HTTPError with the status of its class."""

    def __init__(
        self,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        problem: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(self.default_status, detail, headers=headers, problem=problem)


class BadRequest(_StatusError):
    """400: the request cannot be understood."""

    default_status = 400


class MissingKey(BadRequest, KeyError):
    """400: the request lacks a query parameter, form field, file, cookie or header that the handler reads.

    Attributes:
        key: its name.
    """

    def __init__(self, kind: str, key: object) -> None:
        super().__init__(f"{kind} {key!r:.100} is missing")
        self.key: Final = key


class Unauthorized(_StatusError):
    """401: credentials are missing or wrong; send ``WWW-Authenticate`` in ``headers`` (RFC 9110, section 15.5.2)."""

    default_status = 401


class Forbidden(_StatusError):
    """403: the request is understood, but refused."""

    default_status = 403


class NotFound(_StatusError):
    """404: the target has no resource."""

    default_status = 404


class MethodNotAllowed(_StatusError):
    """405: the target does not support the method; ``allowed`` becomes the ``Allow`` field."""

    default_status = 405

    def __init__(self, allowed: Collection[str], detail: str = "") -> None:
        self.allowed: Final = tuple(sorted(set(allowed)))
        super().__init__(detail, headers={"Allow": ", ".join(self.allowed)})


class NotAcceptable(_StatusError):
    """406: the client accepts none of the representations; ``available`` lists them (RFC 9110, section 15.5.7)."""

    default_status = 406

    def __init__(
        self, available: Collection[str], detail: str = "", *, headers: Mapping[str, str] | None = None
    ) -> None:
        self.available: Final = tuple(available)
        super().__init__(detail or f"available: {', '.join(self.available)}", headers=headers)


class Conflict(_StatusError):
    """409: the request conflicts with the current state of the target."""

    default_status = 409


class Gone(_StatusError):
    """410: the resource was removed permanently."""

    default_status = 410


class PreconditionFailed(_StatusError):
    """412: the resource is not in the state that the request expects."""

    default_status = 412


class ContentTooLarge(_StatusError):
    """413: the content exceeds the limit."""

    default_status = 413


class UnsupportedMediaType(_StatusError):
    """415: the handler does not accept the format of the content (RFC 9110, section 15.5.16).

    Args:
        detail: text for the client.
        accept: the media types that are accepted; they become the ``Accept`` field.
        accept_encoding: the content codings that are accepted; they become the ``Accept-Encoding`` field.
        headers: further header fields.
    """

    default_status = 415

    def __init__(
        self,
        detail: str = "",
        *,
        accept: Collection[str] = (),
        accept_encoding: Collection[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.accept: Final = tuple(accept)
        self.accept_encoding: Final = tuple(accept_encoding)
        fields = {"Accept": ", ".join(self.accept), "Accept-Encoding": ", ".join(self.accept_encoding)}
        given = {name: value for name, value in fields.items() if value}
        super().__init__(detail, headers={**given, **(headers or {})})


class UnprocessableContent(_StatusError):
    """422: the content is well-formed, but its values are invalid."""

    default_status = 422


InputPart: TypeAlias = Literal["path", "query", "header", "cookie", "form", "body"]
"""The parts of a request that parameters are read from."""


@attrs.frozen(kw_only=True)
class InputFault:
    """One reason why a request is not accepted. It never has the value, which may be a secret.

    Attributes:
        part: the part of the request.
        name: name of the query parameter, header, cookie or form field; "" for the content.
        pointer: JSON pointer into the value (RFC 6901); "" for the whole value.
        reason: in plain English, such as ``expected int``.
    """

    part: InputPart
    reason: str
    name: str = ""
    pointer: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the fault as it is sent to the client."""
        sent: dict[str, str] = {"in": self.part}
        if self.name:
            sent["parameter"] = self.name
        if self.pointer or not self.name:
            sent["pointer"] = self.pointer
        return {**sent, "detail": self.reason}


class InvalidInput(HTTPError):
    """The parameters of a handler do not fit the request; answered as Problem Details (RFC 9457).

    The status is 422; it is 400 if content cannot be decoded, 413 if it is too large, and 415 if it has another type.

    Attributes:
        faults: the faults of all parameters.
    """

    default_status = 422

    def __init__(
        self,
        faults: Sequence[InputFault],
        status: int | None = None,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        # The member "errors" is an extension, as in RFC 9457, section 3.
        problem = {"errors": [fault.as_json() for fault in faults]}
        super().__init__(status, detail or _describe_faults(faults), headers=headers, problem=problem)
        self.faults: Final = tuple(faults)


def _describe_faults(faults: Sequence[InputFault]) -> str:
    return "1 part of the request is invalid" if len(faults) == 1 else f"{len(faults)} parts of the request are invalid"


class TooManyRequests(_StatusError):
    """429: the client sent too many requests in a period of time."""

    default_status = 429


class InternalServerError(_StatusError):
    """500: the server failed."""

    default_status = 500


class ServiceUnavailable(_StatusError):
    """503: the server cannot handle the request now; send ``Retry-After`` in ``headers`` if the delay is known."""

    default_status = 503


class SettingRefused(ValueError):
    """A validator refuses the value of a setting; the message does not contain the value.

    The problem has the message of any other ``ValueError`` only if the setting is no secret.
    """
