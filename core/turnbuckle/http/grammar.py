"""The grammar of HTTP/1.1 as compiled expressions over octets, one for each ABNF rule, the rule quoted above it.

Every expression is linear: no alternative overlaps its neighbour, so no input makes it backtrack.

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
    "FIELD_VALUE_OCTETS",
    "FORBIDDEN_IN_HEAD",
    "REQUEST_LINE",
    "TOKEN",
    "is_authority",
    "is_target",
    "is_token",
]

# tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
_TCHAR: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"

# token = 1*tchar
TOKEN: Final = re.compile(_TCHAR + rb"+")

# field-value = *field-content, with obs-text; the whitespace around it is not part of it.
FIELD_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")

# The same octets, to be deleted from a value: what is left must not be there. Faster than a match.
FIELD_VALUE_OCTETS: Final = bytes(octet for octet in range(256) if octet == 0x09 or (octet >= 0x20 and octet != 0x7F))

# request-line = method SP request-target SP HTTP-version
# HTTP-version = HTTP-name "/" DIGIT "." DIGIT
# The target is checked by its own rules; here it is what stands between two single spaces.
REQUEST_LINE: Final = re.compile(rb"(" + _TCHAR + rb"+) ([!-~]+) HTTP/([0-9])\.([0-9])")

# Octets that no head may hold: controls, a CR without its LF, an LF without its CR (RFC 9112, section 2.2).
FORBIDDEN_IN_HEAD: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?=[^\n])")

# Content-Length = 1*DIGIT. int() alone would also take b"+5", b" 5 " and b"1_0".
CONTENT_LENGTH: Final = re.compile(rb"[0-9]+")

# chunk     = chunk-size [ chunk-ext ] CRLF
# chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
# Sixteen digits hold every size below 2^64; zeros in front count.
_QUOTED_STRING: Final = rb'"(?:[\t\x20!\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"'
CHUNK_LINE: Final = re.compile(
    rb"([0-9A-Fa-f]{1,16})((?:[ \t]*;[ \t]*"
    + _TCHAR
    + rb"+(?:[ \t]*=[ \t]*(?:"
    + _TCHAR
    + rb"+|"
    + _QUOTED_STRING
    + rb"))?)*)"
)

# origin-form    = absolute-path [ "?" query ]
# The octets are those of pchar, "/" and "?", and besides them  [ ] ^ ` { | }  which the URL standard of browsers leaves
# unescaped. A fragment, a quote, an angle bracket or a backslash stays refused, and so is all that is not ASCII.
_TARGET_OCTETS: Final = rb"[!$-;=?-\[\]^_`a-z{|}~]*"
_ORIGIN_FORM: Final = re.compile(rb"/" + _TARGET_OCTETS)

# absolute-form  = absolute-URI, of a scheme that is served here
_ABSOLUTE_FORM: Final = re.compile(rb"[Hh][Tt][Tt][Pp][Ss]?://([^/?]*)(?:[/?]" + _TARGET_OCTETS + rb")?")

# reg-name = *( unreserved / pct-encoded / sub-delims );  port = *DIGIT, and no more than can be a port
# Not empty, for the schemes of http require a host (RFC 9110, section 4.2.1). And without the comma, which no host on
# the internet has: it is what somebody on the way leaves who joined two Host lines, and two are one too many.
_REG_NAME: Final = rb"(?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})+"
_AUTHORITY: Final = re.compile(rb"(?:" + _REG_NAME + rb"|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{0,5}))?")


def is_token(octets: bytes) -> bool:
    """Tell whether the octets are a token (RFC 9110, section 5.6.2)."""
    return TOKEN.fullmatch(octets) is not None


def is_authority(octets: bytes) -> bool:
    """Tell whether the octets are ``uri-host [ ":" port ]`` with a host, the value of Host (RFC 9110, section 7.2)."""
    found = _AUTHORITY.fullmatch(octets)
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
    """Tell whether the target has a form that the method may use (RFC 9112, section 3.2).

    The empty authority is refused in absolute-form and for CONNECT (RFC 9110, section 4.2.1).
    """
    if method == b"CONNECT":
        _, colon, port = target.rpartition(b":")
        return bool(colon and port) and is_authority(target)
    if _ORIGIN_FORM.fullmatch(target) is not None:
        return True
    if target == b"*":
        return method == b"OPTIONS"
    found = _ABSOLUTE_FORM.fullmatch(target)
    return found is not None and is_authority(found[1])
