"""Render an exception for a developer: traceback, source lines and the request.

Used only with debug on. The page shows data from the client, so everything is escaped, credentials are omitted, and the
page allows no scripts.
"""

from __future__ import annotations

import linecache
import re
import traceback
from collections.abc import Iterator
from html import escape
from typing import Final

from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import HTML, Response, Text

__all__ = ["debug_response"]

_CONTEXT_LINES: Final = 3
_MAX_FRAMES: Final = 50
_SECRET: Final = re.compile(
    r"auth|cookie|token|secret|passw|passphrase|session|csrf|xsrf|jwt|signature|credential"
    r"|(api|access|private|secret|encryption)[-_]?key",
    re.IGNORECASE,
)
_REDACTED: Final = "[redacted]"
_FIELDS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 0; color: #1d2330; background: #f5f6f8 }
header { background: #8c1d2f; color: #fff; padding: 1.5rem 2rem } h1 { margin: 0; font-size: 1.4rem }
main { padding: 1rem 2rem; max-width: 70rem } h2 { font-size: 1.05rem; margin: 1.5rem 0 .5rem }
pre { background: #fff; border: 1px solid #dde0e6; border-radius: 6px; padding: .6rem; overflow-x: auto }
pre, code, td { font: 13px/1.5 ui-monospace, monospace } mark { background: #ffe3b3; display: block }
table { border-collapse: collapse } td { padding: .1rem 1rem .1rem 0; vertical-align: top; word-break: break-all }
"""


def debug_response(request: Request, exception: BaseException) -> Response:
    """Return the page, or plain text if the client does not accept HTML."""
    report = traceback.TracebackException.from_exception(exception, limit=-_MAX_FRAMES)
    if "text/html" in request.headers.get("accept", "").lower():
        return HTML("".join(_page(request, report)), 500, _FIELDS)
    return Text("".join(report.format()), 500, _FIELDS)


def _page(request: Request, report: traceback.TracebackException) -> Iterator[str]:
    title = escape("".join(report.format_exception_only()).strip())
    yield f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield f"<style>{_STYLE}</style></head><body><header><h1>{title}</h1>"
    yield f"<p>{escape(request.method)} {escape(request.target)}</p></header><main>"
    yield from _chain(report)
    yield from _table("Request", _request_rows(request))
    yield from _table("Headers", _header_rows(request))
    yield "</main></body></html>\n"


def _chain(report: traceback.TracebackException) -> Iterator[str]:
    cause = report.__cause__
    context = None if report.__suppress_context__ else report.__context__
    if previous := cause or context:
        yield from _chain(previous)
        yield f"<p>{'was the direct cause of' if cause else 'and while that was handled'}:</p>"
    yield f"<h2>{escape(''.join(report.format_exception_only()).strip())}</h2>"
    for frame in report.stack:
        yield from _frame(frame)


def _frame(frame: traceback.FrameSummary) -> Iterator[str]:
    number = frame.lineno or 0
    yield f"<div><code>{escape(frame.filename)}:{number}</code> in <code>{escape(frame.name)}</code><pre>"
    for line in range(max(1, number - _CONTEXT_LINES), number + _CONTEXT_LINES + 1):
        if source := linecache.getline(frame.filename, line):
            text = f"{line:5} {escape(source.rstrip())}"
            yield f"<mark>{text}</mark>" if line == number else f"{text}\n"
    yield "</pre></div>"


def _request_rows(request: Request) -> Iterator[tuple[str, str]]:
    yield "method", request.method
    yield "target", request.target
    yield "client", repr(request.client)
    yield "route", request.route.describe() if request.route is not None else "none"
    yield "path parameters", repr(dict(request.path_params))


def _header_rows(request: Request) -> Iterator[tuple[str, str]]:
    for name, value in request.headers.items():
        yield name, _REDACTED if _SECRET.search(name) else value


def _table(title: str, rows: Iterator[tuple[str, str]]) -> Iterator[str]:
    yield f"<h2>{title}</h2><table>"
    for name, value in rows:
        yield f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>"
    yield "</table>"
