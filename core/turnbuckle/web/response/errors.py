"""Answer for what went wrong: by the app's own error handlers, else by status and reason phrase.

Nothing of an unexpected exception reaches the client, unless debug is on; it goes to the log ``turnbuckle.error``.
"""

from __future__ import annotations

import errno
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import ConnectionLost, HTTPError, ProtocolError
from turnbuckle.http.status import reason_phrase
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.debug_page import debug_response
from turnbuckle.web.response.response import Response, Text
from turnbuckle.web.response.response_types import BUILTIN_TYPES, Renderer, compile_renderer

__all__ = ["ErrorTable"]

# No space is left on the disk, for us, or in this file: what was sent cannot be stored (RFC 4918, section 11.5).
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_NO_HANDLERS: Final[Mapping[type[Exception], Callable[..., object]]] = MappingProxyType({})

_LOG: Final = SafeLogger("turnbuckle.error")


@final
class ErrorTable:
    """Error handlers by exception type: the exact type goes first, then the nearest base.

    Args:
        handlers: the error handler of the app and its plugins for each exception type.
        debug: show tracebacks to clients.
        render: turns what an error handler returns into a response.
    """

    __slots__ = ("_debug", "_handlers", "_render")

    def __init__(
        self,
        handlers: Mapping[type[Exception], Callable[..., object]] = _NO_HANDLERS,
        debug: bool = False,
        *,
        render: Renderer | None = None,
    ) -> None:
        self._handlers: Final[Mapping[type, Callable[..., object]]] = dict(handlers)
        self._debug: Final = debug
        self._render: Final = render or compile_renderer({kind: render_kind for kind, render_kind, _ in BUILTIN_TYPES})

    async def respond(self, request: Request, exception: Exception) -> Response:
        """Return the response for an exception; whatever an error handler does, this never raises one."""
        request.exception = exception
        handler = self._find(type(exception))
        if handler is None:
            return self._answer(request, exception)
        try:
            result = handler(request, exception)
            return self._render(await result if inspect.isawaitable(result) else result, handler)
        except Exception as failure:  # noqa: BLE001 - the last place that can still answer
            if failure is not exception and failure.__context__ is None:
                failure.__context__ = exception
            return self._answer(request, failure)

    def _find(self, kind: type) -> Callable[..., object] | None:
        return next((self._handlers[base] for base in kind.__mro__ if base in self._handlers), None)

    def _answer(self, request: Request, exception: Exception) -> Response:
        match exception:
            case HTTPError():
                return self._answer_http_error(request, exception)
            case ProtocolError():
                return _plain(exception.status)
            case ConnectionLost():
                # Nobody is left to read it; 400 says whose doing it was to middleware that counts.
                return _plain(400)
        _LOG.error("%s %r failed", request.method, request.raw_path, exc_info=exception)
        if self._debug:
            return debug_response(request, exception)
        return _plain(507 if isinstance(exception, OSError) and exception.errno in _FULL else 500)

    def _answer_http_error(self, request: Request, error: HTTPError) -> Response:
        try:
            return Text(error.detail or reason_phrase(error.status), error.status, error.headers)
        except ValueError:
            _LOG.exception("%s %r failed with headers that cannot be sent", request.method, request.raw_path)
            return _plain(500)


def _plain(status: int) -> Response:
    return Text(reason_phrase(status), status)
