"""Show how to write a response instead of a tuple such as ``(body, status)`` or ``(body, status, headers)``.

Other frameworks take such tuples. Here a tuple has no response: type checkers could not tell one from an array of JSON,
and a response is one value everywhere else. So each message about a tuple has the exact line to write.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from turnbuckle.web.response.response import Response

__all__ = ["line_for_expression", "line_for_tuple"]

# Beyond it, a name stands for the value.
_MAX_SHOWN: Final = 80

_RESPONSES: Final = frozenset({"Response", "JSON", "HTML", "Text"})


def line_for_tuple(value: tuple[object, ...]) -> str:
    """Return the line that returns a response instead of a tuple; "" if the tuple has another shape."""
    shape = _shape_of(value[1:])
    if shape is None or hasattr(value, "_fields"):
        return ""
    status, headers = shape
    body = value[0]
    if isinstance(body, Response):
        return f"return the response only, and write response.status = {status}" if status else ""
    is_text = isinstance(body, str | bytes | bytearray | memoryview)
    shown = "" if body is None or body == "" else _shown(body)
    is_html = isinstance(body, str) and body.lstrip().startswith("<")
    name = "HTML" if is_html else "Response" if is_text or not shown else "JSON"
    return _line(name, shown, status, headers)


def line_for_expression(node: ast.Tuple) -> str:
    """Return the line that returns a response instead of the tuple in a ``return``; "" if it has another shape."""
    shape = _shape_in_source(node.elts[1:])
    if shape is None:
        return ""
    status, headers = shape
    body = node.elts[0]
    if isinstance(body, ast.Call) and isinstance(body.func, ast.Name) and body.func.id in _RESPONSES:
        return _with_keywords(body, status, headers)
    text = body.value if isinstance(body, ast.Constant) else None
    if isinstance(body, ast.JoinedStr):
        text = ast.unparse(body)[2:]
    is_empty = isinstance(body, ast.Constant) and body.value in (None, "")
    is_html = isinstance(text, str) and text.lstrip().startswith("<")
    name = "HTML" if is_html else "Response" if isinstance(text, str | bytes) or is_empty else "JSON"
    return _line(name, "" if is_empty else ast.unparse(body), status, headers)


def _shape_of(rest: Sequence[object]) -> tuple[str, str] | None:
    """Return status and headers as they are written; "" for one that is missing."""
    match rest:
        case (int() as status,) if _is_status(status):
            return str(int(status)), ""
        case (headers,) if _are_headers(headers):
            return "", _shown(headers, "headers")
        case (int() as status, headers) if _is_status(status) and _are_headers(headers):
            return str(int(status)), _shown(headers, "headers")
    return None


def _is_status(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599


def _are_headers(value: object) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and all(isinstance(pair, tuple) for pair in value))


def _shown(value: object, name: str = "value") -> str:
    """Return a value as it is written in code, or a name if it is long or has no such form."""
    text = repr(value)
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return name
    return text if len(text) <= _MAX_SHOWN else name


def _shape_in_source(rest: Sequence[ast.expr]) -> tuple[str, str] | None:
    match rest:
        case (status,) if _is_status_in_source(status):
            return _status_text(status), ""
        case (ast.Dict() as headers,):
            return "", ast.unparse(headers)
        case (status, headers) if _is_status_in_source(status) and not isinstance(headers, ast.Starred):
            return _status_text(status), ast.unparse(headers)
    return None


def _is_status_in_source(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return _is_status(node.value)
    text = ast.unparse(node).lower()
    return isinstance(node, ast.Name | ast.Attribute) and ("status" in text or text.endswith("code"))


def _status_text(node: ast.expr) -> str:
    text = ast.unparse(node)
    member = text.rpartition("HTTPStatus.")[2]
    return str(int(HTTPStatus[member])) if member in HTTPStatus.__members__ else text


def _with_keywords(call: ast.Call, status: str, headers: str) -> str:
    """Return the line that returns a response that the tuple calls, with the status and the headers of the tuple."""
    present = {keyword.arg for keyword in call.keywords} | set(("", "status", "headers")[1 : len(call.args)])
    given = {"status": status, "headers": headers}
    added = [f"{name}={value}" for name, value in given.items() if value and name not in present]
    arguments = [*map(ast.unparse, call.args), *map(ast.unparse, call.keywords), *added]
    return f"return {ast.unparse(call.func)}({', '.join(arguments)})"


def _line(name: str, body: str, status: str, headers: str) -> str:
    keywords = [f"{name}={value}" for name, value in (("status", status), ("headers", headers)) if value]
    return f"return {name}({', '.join([body, *keywords] if body else keywords)})"
