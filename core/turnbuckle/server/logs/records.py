"""Queued log records: a line of the access log, or of any other logger. They contain only text and numbers.

A record is made where it was logged: the message is formatted while its arguments still have their values, and the id
of the request is only known there.
"""

from __future__ import annotations

import logging
import traceback
from typing import Final, final

import attrs

from turnbuckle.server.logs.escapes import escape_field, escape_quoted
from turnbuckle.server.model.monitor import Outcome
from turnbuckle.web.request.request_id import current_request_id

__all__ = ["AccessEntry", "LogLine", "log_line_of"]

_MAX_MESSAGE: Final = 8192
_MAX_TRACEBACK: Final = 32768


@final
@attrs.define(eq=False, kw_only=True)
class LogLine:
    """One record of a logger.

    Attributes:
        time: seconds since the epoch.
        level: name of the level.
        logger: name of the logger.
        message: formatted, but not escaped.
        request_id: id of the request that was being served; "" for none.
        exception: the traceback, and the stack if it was requested; "" for none.
    """

    time: float
    level: str
    logger: str
    message: str
    request_id: str = ""
    exception: str = ""

    @property
    def size(self) -> int:
        """The number of characters of the message and the exception."""
        return len(self.message) + len(self.exception)


@final
@attrs.define(eq=False, kw_only=True)
class AccessEntry:
    """One line of the access log; ``str()`` returns the line, escaped.

    Attributes:
        client: address and port, ``"unix"``, or another name of the client.
        method: as received; "" if no request was parsed, and so are the fields below that come from a request.
        target: as received; without its query if queries are not logged.
        version: such as ``"HTTP/1.1"``, ``"HTTP/1.0"`` or ``"HTTP/2"``.
        status: the status that was sent; 0 if none was.
        content_bytes: bytes of content that were sent.
        seconds: from the end of the head to the end of the response.
        request_id: "" if the request has none.
        outcome: see ``Outcome``.
        reason: why a request was refused; "" if unknown.
        host: value of the Host field.
        referer: value of the Referer field; without its query if queries are not logged.
        user_agent: value of the User-Agent field.
        route: pattern of the matched route; "" for none.
        time: of the end, in seconds since the epoch.
    """

    client: str
    method: str = ""
    target: str = ""
    version: str = ""
    status: int
    content_bytes: int
    seconds: float | None = None
    request_id: str = ""
    outcome: Outcome
    reason: str = ""
    host: str = ""
    referer: str = ""
    user_agent: str = ""
    route: str = ""
    time: float

    def __str__(self) -> str:
        line = escape_quoted(f"{self.method} {self.target} {self.version}" if self.method else "")
        took = "-" if self.seconds is None else f"{self.seconds * 1000:.1f}ms"
        client, request_id = escape_field(self.client), escape_field(self.request_id)
        start = f"{client} {line} {self.status or '-'} {self.content_bytes} {took} {request_id}"
        return f"{start} {self.outcome} {escape_quoted(self.reason)}" if self.reason else f"{start} {self.outcome}"


def log_line_of(record: logging.LogRecord) -> LogLine:
    """Return the queued form of a record; a malformed record raises nothing."""
    given = record.__dict__.get("request_id")
    return LogLine(
        time=record.created,
        level=record.levelname,
        logger=record.name,
        message=_shorten(_message(record), _MAX_MESSAGE),
        request_id=given if isinstance(given, str) and given != "-" else current_request_id(),
        exception=_shorten(_exception(record), _MAX_TRACEBACK),
    )


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001  # arguments that do not fit, or that have no text
        return f"{record.msg!s:.1000} (its arguments cannot be shown: {type(error).__name__})"


def _exception(record: logging.LogRecord) -> str:
    parts = [record.exc_text] if record.exc_text else []
    try:
        if record.exc_info and not parts:
            parts.append("".join(traceback.format_exception(*record.exc_info)))
        if record.stack_info:
            parts.append(record.stack_info)
    except Exception as error:  # noqa: BLE001  # an exception that has no text
        parts.append(f"(the traceback cannot be shown: {type(error).__name__})")
    return "\n".join(part.rstrip("\n") for part in parts)


def _shorten(text: str, max_length: int) -> str:
    """Return the text, with its middle left out if it is too long: the ends of a traceback matter most."""
    if len(text) <= max_length:
        return text
    half = max_length // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"
