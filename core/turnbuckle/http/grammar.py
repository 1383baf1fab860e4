"""The grammar of HTTP/1.1 as compiled regular expressions over bytes, one for each ABNF rule, which is quoted above it.

Every expression takes linear time: no alternative overlaps its neighbour, so no input causes backtracking.

Sources: RFC 9110, sections 5 and 7.2; RFC 9112, sections 2 to 7; RFC 3986, sections 2 and 3.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

__all__ = [
    "CHUNK_LINE",
    "CONTENT_LENGTH",
    "FIELD_VALUE",
    "FIELD_VALUE_BYTES",
    "FORBIDDEN_IN_HEAD",
    "ORIGIN_FORM",
    "REQUEST_LINE",
    "TARGET_BYTE",
    "TCHAR",
    "TOKEN",
    "is_authority",
    "is_target",
    "is_token",
]

# tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
TCHAR: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"

# token = 1*tchar
TOKEN: Final = re.compile(TCHAR + rb"+")

# field-value = *field-content, with obs-text; surrounding whitespace is not part of the value.
FIELD_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")

# All bytes that a field-value may contain. A value is valid if nothing remains after translate() deletes them; this is
# faster than matching FIELD_VALUE.
FIELD_VALUE_BYTES: Final = bytes(byte for byte in range(256) if byte == 0x09 or (byte >= 0x20 and byte != 0x7F))

# request-line = method SP request-target SP HTTP-version
# HTTP-version = HTTP-name "/" DIGIT "." DIGIT
# The target has its own rules below; here it is any text between two single spaces.
REQUEST_LINE: Final = re.compile(rb"(" + TCHAR + rb"+) ([!-~]+) HTTP/([0-9])\.([0-9])")

# Bytes that are not allowed in a head: controls, a CR without LF, an LF without CR (RFC 9112, section 2.2).
FORBIDDEN_IN_HEAD: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?=[^\n])")

# Content-Length = 1*DIGIT. int() itself would also accept b"+5", b" 5 " and b"1_0".
CONTENT_LENGTH: Final = re.compile(rb"[0-9]+")

# chunk     = chunk-size [ chunk-ext ] CRLF
# chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
# Sixteen digits are enough for every size below 2^64; leading zeros count.
_QUOTED_STRING: Final = rb'"(?:[\t\x20!\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"'
CHUNK_LINE: Final = re.compile(
    rb"([0-9A-Fa-f]{1,16})((?:[ \t]*;[ \t]*"
    + TCHAR
    + rb"+(?:[ \t]*=[ \t]*(?:"
    + TCHAR
    + rb"+|"
    + _QUOTED_STRING
    + rb"))?)*)"
)

# origin-form    = absolute-path [ "?" query ]
# Allowed are the characters of pchar, "/" and "?", and also  [ ] ^ ` { | }  because the WHATWG URL standard, which
# browsers follow, does not escape them. "#", quotes, angle brackets, backslashes and all non-ASCII bytes are refused.
TARGET_BYTE: Final = rb"[!$-;=?-\[\]^_`a-z{|}~]"
ORIGIN_FORM: Final = re.compile(rb"/" + TARGET_BYTE + rb"*")

# absolute-form  = absolute-URI, with the scheme http or https
_ABSOLUTE_FORM: Final = re.compile(rb"[Hh][Tt][Tt][Pp][Ss]?://([^/?]*)(?:[/?]" + TARGET_BYTE + rb"*)?")

# reg-name = *( unreserved / pct-encoded / sub-delims );  port = *DIGIT, here at most five
# The name must not be empty, because http and https require a host (RFC 9110, section 4.2.1). A comma is refused: no
# host on the internet has one, but an intermediary that joins two Host lines leaves one, and a request has one Host.
_REG_NAME: Final = rb"(?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})+"
_AUTHORITY: Final = re.compile(rb"(?:" + _REG_NAME + rb"|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{0,5}))?")


def is_token(text: bytes) -> bool:
    """Return whether the text is a token (RFC 9110, section 5.6.2)."""
    return TOKEN.fullmatch(text) is not None


def is_authority(text: bytes) -> bool:
    """Return whether the text is ``uri-host [ ":" port ]``, a valid value of Host (RFC 9110, section 7.2)."""
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        return False
    literal, port = found.groups()
    if literal is not None:
        try:
            ipaddress.IPv6Address(literal.decode("ascii"))
        except ValueError:
            return False
    return not port or int(port) <= 65535


def is_target(method: bytes, target: bytes) -> bool:
    """Return whether the target has a form that the method allows (RFC 9112, section 3.2).

    An empty authority is refused, both in absolute-form and for CONNECT (RFC 9110, section 4.2.1).
    """
    if method == b"CONNECT":
        _, colon, port = target.rpartition(b":")
        return bool(colon and port) and is_authority(target)
    if ORIGIN_FORM.fullmatch(target) is not None:
        return True
    if target == b"*":
        return method == b"OPTIONS"
    found = _ABSOLUTE_FORM.fullmatch(target)
    return found is not None and is_authority(found[1])
