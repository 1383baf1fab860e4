"""Bound what one message may hold, so that no peer decides how much memory it takes.

Sources: RFC 9112, sections 3 and 5 (a server must be ready for long lines and may refuse them with 414 and 431), and
RFC 9110, section 5.4.
"""

from __future__ import annotations

import attrs

__all__ = ["Limits"]


def _positive(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{attribute.name} must be a whole number of at least 0, not {value!r}")


@attrs.frozen(kw_only=True)
class Limits:
    """How large each part of a request may be, in octets unless said otherwise.

    Attributes:
        request_line: method, target and version with their separators; beyond it 414 (400 for a method that long).
        field_line: one field line without its CRLF; beyond it 431.
        header_section: all field lines with their CRLFs; beyond it 431.
        field_count: number of field lines in the header section; beyond it 431.
        content: decoded content of one request; beyond it 413.
        chunk_line: chunk size with its extensions, one line; beyond it 400.
        chunk_extensions: all chunk extensions of one message; beyond it 400.
        trailer_section: all trailer field lines of one message; beyond it 431.
        trailer_count: number of trailer field lines; beyond it 431.
    """

    request_line: int = attrs.field(default=8192, validator=_positive)
    field_line: int = attrs.field(default=16384, validator=_positive)
    header_section: int = attrs.field(default=65536, validator=_positive)
    field_count: int = attrs.field(default=128, validator=_positive)
    content: int = attrs.field(default=16 * 1024 * 1024, validator=_positive)
    chunk_line: int = attrs.field(default=256, validator=_positive)
    chunk_extensions: int = attrs.field(default=4096, validator=_positive)
    trailer_section: int = attrs.field(default=8192, validator=_positive)
    trailer_count: int = attrs.field(default=32, validator=_positive)
