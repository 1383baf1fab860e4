"""Add a note to exceptions of handlers whose messages do not name the mistake.

Used on the way of an error only. Python prints the note below the message, in logs and on the debug page.
"""

from __future__ import annotations

import inspect
import linecache
import re
import traceback
from typing import Final

from turnbuckle.web.foreign_names import keyword_hint

__all__ = ["add_hint"]

_METHODS: Final = r"\brequest\.(json|form|text|read|stream)\b"
_NOT_CALLED: Final = re.compile(r"\brequest\.(json|form|text|read|stream|config)\b(?!\s*\()")
_NOT_AWAITED: Final = re.compile(_METHODS + r"\s*\(")
_OF_METHODS: Final = re.compile(
    r"'method' object is not|object method can't be used in 'await'|of type 'method'|'(?:method|function)' object has"
)
_OF_COROUTINES: Final = re.compile(r"'coroutine' object|of type 'coroutine'|not coroutine$|type coroutine is not")

# Attributes of the request that are plain values here: the line that misuses them, and the hint.
_VALUES: Final = (
    (
        re.compile(r"\brequest\.query(?:\[\s*['\"]|\.(?:get|getlist|get_all|items|keys|values|to_dict)\b)"),
        "request.query is the text of the query: request.query_params has the parameters",
    ),
    (
        re.compile(r"\brequest\.url\.\w"),
        "request.url is text: request.scheme, request.host, request.path and request.query have its parts",
    ),
    (
        re.compile(r"\brequest\.(?:client|peer\.client)\.(?:host|port|ip|address)\b"),
        "request.client is an address and a port, or None on a Unix socket: write request.client[0]",
    ),
    (
        re.compile(r"\brequest\.(?:headers|cookies|query_params|path_params)\("),
        "it is a mapping: write square brackets, or .get(name)",
    ),
)
_OF_VALUES: Final = re.compile(
    r"string indices must be integers|'(?:str|tuple|NoneType)' object has no attribute|object is not callable"
)


def add_hint(error: Exception) -> None:
    """Add a note to an exception, if its mistake is a known one.

    Known are a method of the request that was not called or not awaited, an attribute of the request that is an object
    in another framework, and a keyword that another framework uses.
    """
    hint = _hint(error)
    if hint and hint not in getattr(error, "__notes__", ()):
        error.add_note(hint)


def _hint(error: Exception) -> str:
    message = str(error)
    if isinstance(error, TypeError) and (hint := keyword_hint(error)):
        return hint
    if _OF_METHODS.search(message) and (found := _NOT_CALLED.search(_line_of(error))):
        return f"request.{found[1]} is a method: write {_call_of(found[1])}"
    if _OF_COROUTINES.search(message):
        found = _NOT_AWAITED.search(_line_of(error))
        if found is not None and not _is_async(error):
            return f"a plain 'def' cannot await: write request.sync.{found[1]}(), or 'async def'"
        return f"'await' is missing: write {_call_of(found[1])}" if found is not None else "'await' is missing"
    if _OF_VALUES.search(message):
        line = _line_of(error)
        return next((hint for misuse, hint in _VALUES if misuse.search(line)), "")
    return ""


def _call_of(method: str) -> str:
    if method == "config":
        return "request.config(cls) with the class in App(config=cls)"
    return "request.stream() with 'async for'" if method == "stream" else f"(await request.{method}())"


def _is_async(error: Exception) -> bool:
    frames = list(traceback.walk_tb(error.__traceback__))
    return bool(frames and frames[-1][0].f_code.co_flags & inspect.CO_COROUTINE)


def _line_of(error: Exception) -> str:
    """Return the source line that raised an exception."""
    frames = list(traceback.walk_tb(error.__traceback__))
    if not frames:
        return ""
    frame, number = frames[-1]
    return linecache.getline(frame.f_code.co_filename, number, frame.f_globals)
