"""Limits on the parts of one message, so that a peer cannot decide how much memory a message takes.

``limit()`` and ``deadline()`` declare a limit as the field of a settings class, together with the facts that
documentation shows: tables and explanations of limits are generated from these facts. Enforcing a limit is the task of
other modules.

Sources: RFC 9112, sections 3 and 5 (a server must be able to handle long lines and may refuse them with 414 and 431),
and RFC 9110, section 5.4.
"""

from __future__ import annotations

import math
from typing import Final, TypeVar

import attrs

__all__ = ["JSON_LIMIT", "LIMIT_INFO", "LimitInfo", "Limits", "deadline", "limit", "limit_info"]

LIMIT_INFO: Final = "limit_info"
"""The key of a ``LimitInfo`` in the metadata of a field."""

NumberT = TypeVar("NumberT", int, float)


@attrs.frozen(kw_only=True)
class LimitInfo:
    """The facts about a setting that limits something.

    Attributes:
        unit: unit of the value.
        beyond: what happens beyond the limit: a status, or a few words.
        test: ``path::name`` of the test that demonstrates it, relative to ``tests/core``.
        fixed: why routes and scopes cannot override the setting; "" if they can.
    """

    unit: str
    beyond: str
    test: str
    fixed: str = ""


def limit(default: int, *, beyond: str, test: str, unit: str = "bytes", fixed: str = "") -> int:
    """Return a field for a whole number of at least 0; the other arguments are the attributes of ``LimitInfo``."""
    info = LimitInfo(unit=unit, beyond=beyond, test=test, fixed=fixed)
    field: int = attrs.field(default=default, validator=_check_whole_number, metadata={LIMIT_INFO: info})
    return field


def deadline(
    default: NumberT, *, beyond: str, test: str, unit: str = "seconds, 0 for none", fixed: str = ""
) -> NumberT:
    """Return a field for a number of at least 0; the other arguments are the attributes of ``LimitInfo``."""
    info = LimitInfo(unit=unit, beyond=beyond, test=test, fixed=fixed)
    field: NumberT = attrs.field(default=default, validator=_check_duration, metadata={LIMIT_INFO: info})
    return field


def limit_info(field: attrs.Attribute[object]) -> LimitInfo | None:
    """Return the facts about a field, or None if the field is not a limit."""
    info = field.metadata.get(LIMIT_INFO)
    return info if isinstance(info, LimitInfo) else None


def _check_whole_number(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{attribute.name} must be a whole number of at least 0, not {value!r}")


def _check_duration(instance: object, attribute: attrs.Attribute[NumberT], value: NumberT) -> None:
    if isinstance(value, bool) or not 0 <= value < math.inf:
        raise ValueError(f"{attribute.name} must be a number of at least 0, not {value!r}")


JSON_LIMIT: Final = 4 * 1024 * 1024
"""The default of ``Limits.json``."""

_HEAD: Final = "it applies while the head is read, and the route is only known from a complete head"
_FRAMING: Final = "it applies in the parser of the connection, which does not know the routes"
_PARSER: Final = "http/test_parser.py::test_parser_keeps_limits"
_CHUNKS: Final = "http/test_chunked.py::test_chunked_reader_keeps_limits"


@attrs.frozen(kw_only=True)
class Limits:
    """How large each part of a request may be, in bytes unless stated otherwise.

    Attributes:
        request_line: method, target and version with their separators; beyond it 414 (400 if the method is that long).
        field_line: one field line without its CRLF; beyond it 431.
        header_section: all field lines with their CRLFs; beyond it 431.
        field_count: number of field lines in the header section; beyond it 431.
        content: decoded content of one request; beyond it 413.
        json: content that is decoded as JSON or by another codec, or one line of NDJSON; its values need many times its
            size in memory; beyond it 413. It has no effect above ``content``.
        chunk_line: chunk size with its extensions, one line; beyond it 400.
        chunk_extensions: all chunk extensions of one message; beyond it 400.
        chunk_count: number of chunks of one message; beyond it 400. Only the core's own parser enforces it.
        trailer_section: all trailer field lines of one message; beyond it 431.
        trailer_count: number of trailer field lines; beyond it 431.
    """

    request_line: int = limit(8192, beyond="414", test=_PARSER, fixed=_HEAD)
    field_line: int = limit(16384, beyond="431", test=_PARSER, fixed=_HEAD)
    header_section: int = limit(65536, beyond="431", test=_PARSER, fixed=_HEAD)
    field_count: int = limit(128, beyond="431", unit="lines", test=_PARSER, fixed=_HEAD)
    content: int = limit(
        16 * 1024 * 1024,
        beyond="413",
        test="server/connection/test_content.py::test_announced_content_beyond_the_limit_is_refused_before_it_is_sent",
    )
    json: int = limit(JSON_LIMIT, beyond="413", test="web/request/test_request.py::test_json_has_a_limit")
    chunk_line: int = limit(256, beyond="400", test=_CHUNKS, fixed=_FRAMING)
    chunk_extensions: int = limit(4096, beyond="400", test=_CHUNKS, fixed=_FRAMING)
    chunk_count: int = limit(262144, beyond="400", unit="chunks", test=_CHUNKS, fixed=_FRAMING)
    trailer_section: int = limit(8192, beyond="431", test=_CHUNKS, fixed=_FRAMING)
    trailer_count: int = limit(32, beyond="431", unit="lines", test=_CHUNKS, fixed=_FRAMING)
