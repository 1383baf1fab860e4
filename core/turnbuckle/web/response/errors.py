"""Convert exceptions into responses: with the app's error handlers, or else with status and reason phrase.

An unexpected exception is logged to ``turnbuckle.error``. The client sees none of it, unless debug is on.
"""

from __future__ import annotations

import errno
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import ConnectionLost, HTTPError, NotModified, ProtocolError
from turnbuckle.http.status import reason_phrase
from turnbuckle.schema.json_encoding import encode_json
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.debug_page import debug_response
from turnbuckle.web.response.error_hints import add_hint
from turnbuckle.web.response.response import Response, Text
from turnbuckle.web.response.response_types import BUILTIN_TYPES, Renderer, Unrendered, compile_renderer

__all__ = ["ErrorTable"]

# The disk, the quota or the file is full, so the content of the request cannot be stored (RFC 4918, section 11.5).
_STORAGE_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_NO_HANDLERS: Final[Mapping[type[Exception], Callable[..., object]]] = MappingProxyType({})

_LOG: Final = SafeLogger("turnbuckle.error")


@final
class ErrorTable:
    """Error handlers by exception type: the exact type takes precedence, then the nearest base.

    Args:
        handlers: the error handler of the app and its plugins for each exception type.
        debug: whether clients see tracebacks.
        render: converts the return value of an error handler into a response.
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
        """Return the response for an exception. This method never raises, even if an error handler does."""
        if isinstance(exception, NotModified):
            return self._http_response(request, exception)
        request.exception = exception
        if isinstance(exception, TypeError | AttributeError):
            add_hint(exception)
        handler = self._find(type(exception))
        if handler is None:
            return self._default_response(request, exception)
        try:
            result = handler(request, exception)
            response = self._render(await result if inspect.isawaitable(result) else result, handler)
            return await response.finish(request) if type(response) is Unrendered else response
        except Exception as failure:  # noqa: BLE001 - the last place that can send a response
            if failure is not exception and failure.__context__ is None:
                failure.__context__ = exception
            return self._default_response(request, failure)

    def _find(self, kind: type) -> Callable[..., object] | None:
        return next((self._handlers[base] for base in kind.__mro__ if base in self._handlers), None)

    def _default_response(self, request: Request, exception: Exception) -> Response:
        match exception:
            case HTTPError():
                return self._http_response(request, exception)
            case ProtocolError():
                return _plain(exception.status)
            case ConnectionLost():
                # No client will read this response. Its status tells middleware, for example metrics, that the client
                # caused the failure.
                return _plain(400)
        _LOG.error("%s %r failed", request.method, request.raw_path, exc_info=exception)
        if self._debug:
            return debug_response(request, exception)
        return _plain(507 if isinstance(exception, OSError) and exception.errno in _STORAGE_FULL else 500)

    def _http_response(self, request: Request, error: HTTPError | NotModified) -> Response:
        try:
            if isinstance(error, NotModified):
                return Response(status=304, headers=error.headers)
            if error.problem is not None:
                return _problem_details(error, error.problem)
            return Text(error.detail or reason_phrase(error.status), error.status, error.headers)
        except (TypeError, ValueError):
            _LOG.exception("%s %r failed with headers that cannot be sent", request.method, request.raw_path)
            return _plain(500)


def _problem_details(error: HTTPError, members: Mapping[str, object]) -> Response:
    # RFC 9457, section 3.
    title = reason_phrase(error.status)
    content = {"type": "about:blank", "title": title, "status": error.status, "detail": error.detail or title}
    return Response(
        encode_json({**content, **members}), error.status, error.headers, content_type="application/problem+json"
    )


def _plain(status: int) -> Response:
    return Text(reason_phrase(status), status)
