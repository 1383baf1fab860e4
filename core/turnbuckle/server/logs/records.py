"""Hold one record of any logger but the access log's, as it waits to be written: text alone, nothing that is in use.

What is made here is made where the record was logged: a message is put together while its arguments are what they
were, and the id of the request is only known there.
"""

from __future__ import annotations

import logging
import traceback
from typing import Final, Literal, TypeAlias, final

import attrs

from turnbuckle.server.logs.escapes import escape_field, escape_quoted
from turnbuckle.web.request.request_id import current_request_id

__all__ = ["AccessEntry", "LogLine", "Outcome", "log_line_of"]

Outcome: TypeAlias = Literal["complete", "refused", "broken", "disconnected"]
"""How a response ended: all of it was written; the connection itself answered with an error; it was cut off by the
server; the peer left before its end.
"""

_MAX_MESSAGE: Final = 8192
_MAX_TRACEBACK: Final = 32768


@final
@attrs.define(eq=False, kw_only=True)
class LogLine:
    """What is known of one record.

    Attributes:
        time: seconds since the epoch.
        level: name of it.
        logger: name of it.
        message: put together; not escaped.
        request_id: of the request that was served; "" for none.
        exception: the traceback, and the stack if one was asked for; "" for none.
    """

    time: float
    level: str
    logger: str
    message: str
    request_id: str = ""
    exception: str = ""

    @property
    def size(self) -> int:
        """Return the characters that it holds."""
        return len(self.message) + len(self.exception)


@final
@attrs.define(eq=False, kw_only=True)
class AccessEntry:
    """One line of the access log; as a string, the line itself, escaped.

    Attributes:
        client: address and port, ``"unix"``, or whatever stands for the client.
        method: as received; "" if no request was understood, as for all that follow.
        target: as received, without its query if queries are not logged.
        version: ``"HTTP/1.1"`` or ``"HTTP/1.0"``.
        status: that was sent; 0 if none was.
        octets: of content that were sent.
        seconds: from the end of the head to the end of the response.
        request_id: "" if the request has none.
        outcome: see ``Outcome``.
        reason: why a request was refused; "" if that is not known.
        host: of the Host field.
        referer: without its query if queries are not logged.
        user_agent: of the User-Agent field.
        route: pattern of the route that was found; "" for none.
        time: seconds since the epoch, at the end.
    """

    client: str
    method: str = ""
    target: str = ""
    version: str = ""
    status: int
    octets: int
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
        start = f"{client} {line} {self.status or '-'} {self.octets} {took} {request_id}"
        return f"{start} {self.outcome} {escape_quoted(self.reason)}" if self.reason else f"{start} {self.outcome}"


def log_line_of(record: logging.LogRecord) -> LogLine:
    """Return what is to be written of a record; whatever is wrong with the record, this raises nothing."""
    given = record.__dict__.get("request_id")
    return LogLine(
        time=record.created,
        level=record.levelname,
        logger=record.name,
        message=_without_middle(_message(record), _MAX_MESSAGE),
        request_id=given if isinstance(given, str) and given != "-" else current_request_id(),
        exception=_without_middle(_exception(record), _MAX_TRACEBACK),
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


def _without_middle(text: str, most: int) -> str:
    """Return a text that is not too long: of a traceback its ends say most."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"
