r"""Match the head of a request with one regular expression, written from the ABNF (RFC 9112, sections 3 and 5).

Two expressions read complete heads, and one finds the fields that decide something:

* ``whole`` matches every head whose request line and field lines are well-formed.
* ``common`` matches most heads that clients send: origin-form, HTTP/1.1, Host first, at most one Content-Length, and no
  other field that decides anything. Nothing has to be looked up or validated after a match.
* ``framing_fields`` finds the framing fields of a head that only ``whole`` matches.

None of them can backtrack: every repetition is possessive, so a head that does not match fails in linear time. The
number of field lines is a bounded repetition. The parser checks the other limits, because they are sums.

Two defects of the module ``re`` restrict the expressions. Before Python 3.11.5, a failed iteration of a possessive
group leaves the position within the line, so the expression after repeated lines must begin with ``(?<=\n)``; fewer
heads are then common. And a group must not be captured within a possessive repetition (fixed in Python 3.13.1).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from turnbuckle.http.framing import FRAMING_FIELDS
from turnbuckle.http.grammar import TARGET_BYTE, TCHAR

__all__ = ["HeadPatterns", "framing_fields", "head_patterns", "lines_pattern"]

_Pattern: TypeAlias = "re.Pattern[bytes]"


def _any_case(name: bytes) -> bytes:
    # The flag IGNORECASE would be slower, and would apply to everything.
    return re.sub(rb"[a-z]", lambda found: b"[%b%b]" % (found[0].upper(), found[0]), re.escape(name))


def _tchar_except(letters: bytes) -> bytes:
    r"""Return a class of the characters of a token without some letters, in both cases."""
    allowed = re.sub(rb"[%b]" % letters, b"", b"abcdefghijklmnopqrstuvwxyz")
    return rb"[!#$%&'*+\-.^_`|~0-9" + allowed + allowed.upper() + rb"]"


_DECISIVE_NAMES: Final = rb"(?:" + rb"|".join(_any_case(name) for name in sorted(FRAMING_FIELDS)) + rb"):"

# field-line  = field-name ":" OWS field-value OWS
# field-value = *( VCHAR / obs-text / SP / HTAB ), when the surrounding whitespace is included
_FIELD_LINE: Final = TCHAR + rb"++:[\t -~\x80-\xff]*+\r\n"
# Two ranges take less time than three, so the usual lines are those without a tab.
_VALUE: Final = rb":[ -~\x80-\xff]*+\r\n"

# Field lines that decide nothing, the usual ones first. Most names are known by their first letter.
_PLAIN_LINE: Final = rb"|".join(
    [
        _tchar_except(b"cehtu") + TCHAR + rb"*+" + _VALUE,
        rb"User-Agent" + _VALUE,
        rb"Cookie" + _VALUE,
        # The default of HTTP/1.1 (RFC 9112, section 9.3).
        rb"[Cc]onnection: [Kk]eep-[Aa]live\r\n",
        rb"Upgrade-" + TCHAR + rb"*+" + _VALUE,
        rb"Content-" + _tchar_except(b"l") + TCHAR + rb"*+" + _VALUE,
        rb"(?!" + _DECISIVE_NAMES + rb")" + _FIELD_LINE,
    ]
)

# Host = uri-host [ ":" port ]; without percent-encoding, without IPv6 literals, and the port is at most 59999. Other
# values are valid as well, but need more than this expression.
_HOST_LINE: Final = rb"[Hh]ost: ?+[A-Za-z0-9\-._~!$&'()*+;=]++(?::[0-5]?+[0-9]{0,4}+)?+\r\n"

_LENGTH_LINE: Final = rb"[Cc]ontent-[Ll]ength: ?+([0-9]{1,18}+)\r\n"

# request-line = method SP request-target SP HTTP-version CRLF. A method that begins with C may be CONNECT, which has
# its own form of target.
_COMMON_REQUEST_LINE: Final = (
    rb"([!#$%&'*+\-.^_`|~0-9ABD-Za-z]" + TCHAR + rb"*+) (/" + TARGET_BYTE + rb"*+) HTTP/1\.[1-9]"
)
_REQUEST_LINE: Final = rb"(" + TCHAR + rb"++) ([!-~]++) HTTP/1\.([0-9])"

# Nothing can match it.
_NEVER: Final = rb"(?!)"

# The value may have whitespace behind it.
_DECISIVE_FIELD: Final = re.compile(rb"\n(" + _DECISIVE_NAMES[:-1] + rb"):[ \t]*+([^\r]*+)")


class HeadPatterns(NamedTuple):
    r"""The expressions for one limit on the number of field lines.

    Attributes:
        common: groups: method, target, field lines, value of Content-Length or None.
        whole: groups: method, target, minor version, field lines.

    The field lines begin with the CRLF that ends the request line, so that each line follows a ``\n``.
    """

    common: _Pattern
    whole: _Pattern


@lru_cache(maxsize=16)
def head_patterns(field_count: int) -> HeadPatterns:
    """Return the expressions for heads of at most ``field_count`` field lines."""
    return HeadPatterns(
        re.compile(_COMMON_REQUEST_LINE + rb"(" + _common_lines(field_count) + rb")\r\n"),
        re.compile(_REQUEST_LINE + rb"(" + _whole_lines(field_count) + rb")(?<=\n)\r\n"),
    )


@lru_cache(maxsize=16)
def lines_pattern(field_count: int) -> _Pattern:
    """Return the expression for the well-formed field lines of a head, of which there are at most ``field_count``."""
    return re.compile(_whole_lines(field_count) + rb"(?<=\n)\Z")


def framing_fields(lines: bytes) -> list[tuple[bytes, bytes]]:
    """Return the framing fields in well-formed field lines, with lower-case names."""
    return [(name.lower(), value.rstrip(b" \t")) for name, value in _DECISIVE_FIELD.findall(lines)]


def _whole_lines(field_count: int) -> bytes:
    return rb"\r\n(?:%b){0,%d}+" % (_FIELD_LINE, field_count)


def _common_lines(field_count: int) -> bytes:
    if field_count < 2:
        return _NEVER
    # Host and Content-Length take two lines. The lines before and behind Content-Length share the rest, because one
    # repetition cannot count the lines of another. A head that exceeds a share is matched by ``whole``.
    behind = (field_count - 2) // 8
    lines = rb"(?:%b){0,%d}+(?<=\n)"
    others = lines % (_PLAIN_LINE, field_count - 2 - behind)
    others += rb"(?:%b)?+" % (_LENGTH_LINE + lines % (_PLAIN_LINE, behind))
    # Behind Host, a head that ends there does not try all kinds of lines.
    return rb"\r\n" + _HOST_LINE + rb"(?:(?=\r\n)|" + others + rb")"
