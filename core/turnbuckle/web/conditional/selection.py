"""Choose what answers a request: the whole response of the app, some ranges of it, or 304, 412 or 416.

This happens after all middleware, so it applies to the fields and the content that are really sent. It applies to
responses with an ETag, a Last-Modified, or ``Accept-Ranges: bytes``. Only GET and HEAD are answered here: other methods
have changed something by now, and check their preconditions in the handler, with ``Request.check_preconditions``.

Sources: RFC 9110, sections 13.2, 14.2, 15.3.7, 15.4.5, 15.5.13 and 15.5.17.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from turnbuckle.http.dates import parse_date
from turnbuckle.http.status import reason_phrase
from turnbuckle.web.conditional.preconditions import failed_precondition, is_if_range_true
from turnbuckle.web.conditional.ranges import ByteRange, MultipartRanges, parse_ranges
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.file import File
from turnbuckle.web.response.file_body import FileBody
from turnbuckle.web.response.response import Response, ResponseBody

__all__ = ["selected_response", "selected_stream"]

# The start of a field line that may change the answer: If-Match and its relatives, and Range.
_MAY_SELECT: Final = re.compile(rb"\n(?:if-|range[ \t]*:)", re.IGNORECASE)

_OF_CONTENT: Final = frozenset(
    {
        "accept-ranges",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-length",
        "content-range",
        "content-type",
        "trailer",
    }
)
# Section 15.4.5: beside an ETag, it tells a cache nothing.
_OF_CONTENT_WITH_ETAG: Final = _OF_CONTENT | {"last-modified"}
# An error describes no content, and must not be stored as if it was the content.
_NOT_OF_ERRORS: Final = _OF_CONTENT | {"cache-control", "content-location", "etag", "expires", "last-modified"}
_NONCE: Final = "'nonce-"
_REPLACED_BY_RANGE: Final = frozenset({"content-length", "content-range", "trailer"})
_REPLACED_BY_RANGES: Final = _REPLACED_BY_RANGE | {"content-type"}


async def selected_stream(request: Request, response: Response) -> tuple[Response, ResponseBody]:
    """Return what ``selected_response`` returns, and the body to send, for a response whose body is a stream.

    A file whose content is to be sent is opened before the head is sent, so that the head describes the file that is
    sent, even if it has just been replaced. The opened body is a new object, so the response can be sent again.

    Raises:
        OSError: the file cannot be opened.
    """
    selected, body = selected_response(request, response), response.body
    if not isinstance(body, FileBody) or isinstance(selected.body, bytes) or request.method == "HEAD":
        return selected, selected.body
    opened = await body.opened()
    if opened.version != body.version and isinstance(response, File):
        response.refresh(opened.version)
    elif selected is response:
        return response, opened
    selected = selected_response(request, response, opened)
    if isinstance(selected.body, bytes):
        await opened.aclose()
    return selected, opened if selected is response else selected.body


def selected_response(request: Request, response: Response, opened: FileBody | None = None) -> Response:
    """Return the response that answers a request: the same one, or a new one with a part of its content or none.

    Args:
        request: the request.
        response: as the outermost middleware has returned it.
        opened: the body of the response, if it is a file and open.
    """
    if isinstance(response, File) and not isinstance(response.body, FileBody):
        _weaken(response)
    lines, method = request.head.lines, request.method
    if lines and not _MAY_SELECT.search(lines):
        # Nearly all requests. A look at the lines costs less than a look at the fields.
        return response
    if method not in {"GET", "HEAD"} or not 200 <= response.status <= 299:
        # Section 13.2.1: preconditions are ignored if the response without them is no success.
        return response
    headers = response.headers
    etag, date = headers.get("etag", ""), headers.get("last-modified")
    modified = None if date is None else parse_date(date)
    if etag or modified is not None:
        status = failed_precondition(method, request.headers, etag, modified)
        if status == 304:
            return _not_modified(response, has_etag=bool(etag))
        if status == 412:
            return _refusal(response, 412)
    if method == "GET" and response.status == 200 and is_if_range_true(request.headers, etag, modified):
        return _ranged(request, response, response.body if opened is None else opened)
    return response


def _weaken(response: File) -> None:
    """Change the fields of a file whose content was replaced by middleware: its ETag no longer stands for its bytes."""
    etag = response.headers.get("etag", "")
    if etag and not etag.startswith("W/"):
        response.headers.set("ETag", f"W/{etag}")
    response.headers.discard("Accept-Ranges")


def _not_modified(response: Response, *, has_etag: bool) -> Response:
    dropped = _OF_CONTENT_WITH_ETAG if has_etag else _OF_CONTENT
    fields = _fields_without(response, dropped)
    # A cache would replace the policy of the stored page by a policy with another nonce than the page has.
    return Response(b"", 304, [field for field in fields if _NONCE not in field[1]])


def _refusal(response: Response, status: int) -> Response:
    return Response(f"{reason_phrase(status)}\n", status, _fields_without(response, _NOT_OF_ERRORS))


def _fields_without(response: Response, names: frozenset[str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in response.fields() if name.lower() not in names]


def _ranged(request: Request, response: Response, body: ResponseBody) -> Response:
    """Return the ranges of a response that a request asks for, or the response (section 14.2)."""
    lines = request.headers.get_list("range")
    if len(lines) != 1 or not isinstance(body, bytes | FileBody):
        return response
    headers = response.headers
    size = len(body) if isinstance(body, bytes) else body.size
    if size is None or headers.get("accept-ranges") != "bytes" or "content-range" in headers:
        return response
    ranges = parse_ranges(lines[0], size)
    if ranges is None:
        return response
    if not ranges:
        refusal = _refusal(response, 416)
        refusal.headers.set("Content-Range", f"bytes */{size}")
        return refusal
    return _part(response, body, ranges[0], size) if len(ranges) == 1 else _parts(response, body, ranges, size)


def _part(response: Response, body: bytes | FileBody, bounds: ByteRange, size: int) -> Response:
    fields = _fields_without(response, _REPLACED_BY_RANGE)
    fields.append(("Content-Range", bounds.content_range(size)))
    fields.append(("Content-Length", str(bounds.stop - bounds.start)))
    part = body[slice(*bounds)] if isinstance(body, bytes) else body.part(*bounds)
    return Response(part, 206, fields)


def _parts(response: Response, body: bytes | FileBody, ranges: Sequence[ByteRange], size: int) -> Response:
    content = MultipartRanges(body, ranges, size, response.content_type or "")
    fields = _fields_without(response, _REPLACED_BY_RANGES)
    fields.append(("Content-Length", str(content.length)))
    return Response(content.join() if isinstance(body, bytes) else content, 206, fields, content.content_type)
