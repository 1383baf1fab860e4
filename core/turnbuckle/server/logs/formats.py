"""Write lines of a log, as text and as JSON.

In both a record is told by where its line begins: in text each line of a traceback stands behind a mark that no record
begins with, in JSON a record is one line. Neither holds a character that steers a terminal.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from turnbuckle.server.logs.escapes import escape_field, escape_message
from turnbuckle.server.logs.records import AccessEntry, LogLine

__all__ = ["Render", "render_json", "render_text", "renderer"]

Render: TypeAlias = Callable[[LogLine | AccessEntry], str]
"""Returns the text of a record, with the end of its last line."""

_ACCESS: Final = "turnbuckle.access"
_MARK: Final = "\n  | "

_to_json: Final = json.JSONEncoder(separators=(", ", ": ")).encode


def renderer(format: Literal["text", "json"]) -> Render:
    """Return what writes records in a format."""
    return render_json if format == "json" else render_text


def render_text(record: LogLine | AccessEntry) -> str:
    """Return a line for people, and the traceback below it."""
    if isinstance(record, AccessEntry):
        return f"{_time(record.time)} INFO    {_ACCESS}: {record}\n"
    name = escape_message(record.logger) + (f" [{escape_field(record.request_id)}]" if record.request_id else "")
    line = f"{_time(record.time)} {record.level:<7} {name}: {escape_message(record.message)}"
    below = record.exception.split("\n") if record.exception else ()
    return "".join((line, *(_MARK + escape_message(each) for each in below), "\n"))


def render_json(record: LogLine | AccessEntry) -> str:
    """Return a line that is one JSON object, in ASCII; what is not known is null."""
    data = _access_data(record) if isinstance(record, AccessEntry) else _line_data(record)
    # Of ASCII this is the one control character that JSON lets stand.
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
        "octets": entry.octets,
        "seconds": None if entry.seconds is None else round(entry.seconds, 6),
        "request_id": _paired(entry.request_id) or None,
        "outcome": entry.outcome,
        "reason": _paired(entry.reason) or None,
        "host": entry.host or None,
        "referer": entry.referer or None,
        "user_agent": entry.user_agent or None,
        "route": _paired(entry.route) or None,
    }


def _line_data(line: LogLine) -> dict[str, object]:
    return {
        "time": _time(line.time),
        "level": line.level.lower(),
        "logger": _paired(line.logger),
        "message": _paired(line.message),
        "request_id": _paired(line.request_id) or None,
        "exception": _paired(line.exception) or None,
    }


def _paired(text: str) -> str:
    """Return a text without lone surrogates, which Python's JSON lets pass and other readers do not."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _time(seconds: float) -> str:
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
