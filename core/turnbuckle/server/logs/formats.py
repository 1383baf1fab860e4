"""Render log records as text and as JSON.

The beginning of a line shows where a record begins. In text, each line of a traceback follows a mark that no record
begins with; in JSON, a record is one line. Neither contains a character that controls a terminal.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from turnbuckle.server.logs.escapes import escape_field, escape_message
from turnbuckle.server.logs.records import AccessEntry, LogLine

__all__ = ["LineRenderer", "render_json", "render_text", "renderer_for"]

LineRenderer: TypeAlias = Callable[[LogLine | AccessEntry], str]
"""Return the text of a record, with a line end at its end."""

_ACCESS: Final = "turnbuckle.access"
_CONTINUATION: Final = "\n  | "

_to_json: Final = json.JSONEncoder(separators=(", ", ": ")).encode


def renderer_for(format: Literal["text", "json"]) -> LineRenderer:
    """Return the function that renders records in a format."""
    return render_json if format == "json" else render_text


def render_text(record: LogLine | AccessEntry) -> str:
    """Return one line for people, followed by the traceback if there is one."""
    if isinstance(record, AccessEntry):
        return f"{_time(record.time)} INFO    {_ACCESS}: {record}\n"
    name = escape_message(record.logger) + (f" [{escape_field(record.request_id)}]" if record.request_id else "")
    line = f"{_time(record.time)} {record.level:<7} {name}: {escape_message(record.message)}"
    traceback = record.exception.split("\n") if record.exception else ()
    return "".join((line, *(_CONTINUATION + escape_message(traceback_line) for traceback_line in traceback), "\n"))


def render_json(record: LogLine | AccessEntry) -> str:
    """Return a line with one JSON object, in ASCII; unknown values are null."""
    data = _access_data(record) if isinstance(record, AccessEntry) else _line_data(record)
    # DEL is the only ASCII control character that JSON does not escape.
    return _to_json(data).replace("\x7f", "\\u007f") + "\n"


def _access_data(entry: AccessEntry) -> dict[str, object]:
    return {
        "time": _time(entry.time),
        "level": "info",
        "logger": _ACCESS,
        "client": entry.client,
        "method": entry.method or None,
        "target": entry.target or None,
        "version": entry.version or None,
        "status": entry.status or None,
        "bytes": entry.content_bytes,
        "seconds": None if entry.seconds is None else round(entry.seconds, 6),
        "request_id": _without_lone_surrogates(entry.request_id) or None,
        "outcome": entry.outcome,
        "reason": _without_lone_surrogates(entry.reason) or None,
        "host": entry.host or None,
        "referer": entry.referer or None,
        "user_agent": entry.user_agent or None,
        "route": _without_lone_surrogates(entry.route) or None,
    }


def _line_data(line: LogLine) -> dict[str, object]:
    return {
        "time": _time(line.time),
        "level": line.level.lower(),
        "logger": _without_lone_surrogates(line.logger),
        "message": _without_lone_surrogates(line.message),
        "request_id": _without_lone_surrogates(line.request_id) or None,
        "exception": _without_lone_surrogates(line.exception) or None,
    }


def _without_lone_surrogates(text: str) -> str:
    """Escape lone surrogates, which Python's JSON encoder passes and other readers reject."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _time(seconds: float) -> str:
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
