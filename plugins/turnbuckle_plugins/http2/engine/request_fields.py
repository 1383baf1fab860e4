"""Turn the fields of a request into its head, and check them (RFC 9113, section 8).

A request that breaks one of these rules is malformed: its stream is reset with PROTOCOL_ERROR (section 8.1.1). The
server then checks the head as for HTTP/1.1: target, Host, Content-Length and limits.

Sources: RFC 9113, sections 8.1.1, 8.2 and 8.3; RFC 8441, section 4; RFC 9218, section 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, final

import attrs

from turnbuckle_plugins.http2.engine.errors import StreamFault
from turnbuckle_plugins.http2.engine.frames import ErrorCode

__all__ = ["RequestFields", "check_request", "check_trailers", "make_request", "parse_length"]

# field-name = token, in lower case (section 8.2.1)
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
# field-value without surrounding whitespace; CR, LF, NUL and other controls are refused
_VALUE: Final = re.compile(rb"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?")
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
# The value of a pseudo-header field has no whitespace; the server checks its form.
_PSEUDO_VALUE: Final = re.compile(rb"[!-~]*")
_METHOD: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

_OF_CONNECTION: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade", b"http2-settings"}
)
_PSEUDO: Final = frozenset({b":method", b":scheme", b":authority", b":path", b":protocol"})
_SCHEMES: Final = frozenset({b"http", b"https"})


@final
@attrs.define(eq=False)
class RequestFields:
    """The head of a request.

    Attributes:
        method: the method.
        target: ``:path``; the authority for a CONNECT without ``:protocol``.
        fields: the fields without pseudo-header fields; Host is first if there was an ``:authority``.
        content_length: the announced bytes of content; None if there is no Content-Length.
        protocol: ``:protocol`` of an extended CONNECT, else empty.
        priority: the value of the Priority field; None without one.
        expects_continue: whether the client waits for 100 before it sends content.
        is_checked: whether the server has accepted a request with this head before; a decoder can return the same
            object again.
    """

    method: bytes
    target: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    content_length: int | None
    protocol: bytes
    priority: bytes | None
    expects_continue: bool
    is_checked: bool = False


def make_request(pairs: Iterable[tuple[bytes, bytes]]) -> RequestFields:
    """Return the head of a request.

    Args:
        pairs: the decoded fields in order, pseudo-header fields first.

    Raises:
        StreamFault: PROTOCOL_ERROR, because the request is malformed.
    """
    pseudo: dict[bytes, bytes] = {}
    fields: list[tuple[bytes, bytes]] = []
    special: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        if name[:1] == b":":
            _add_pseudo(pseudo, name, value, is_late=bool(fields or special))
            continue
        _check_field(name, value)
        if name in _SPECIAL:
            special.setdefault(name, []).append(value)
            if name in _SEPARATE:
                continue
        fields.append((name, value))
    protocol = pseudo.get(b":protocol", b"")
    method, target = _method_and_target(pseudo)
    host = _host(pseudo.get(b":authority"), special.get(b"host", []))
    if host is not None:
        fields.insert(0, (b"host", host))
    if cookies := special.get(b"cookie"):
        # Clients split Cookie to compress it better (section 8.2.3).
        fields.append((b"cookie", b"; ".join(cookies)))
    length = _content_length(special.get(b"content-length", []))
    priorities = special.get(b"priority")
    priority = None if priorities is None else b",".join(priorities)
    expects_continue = any(value.lower() == b"100-continue" for value in special.get(b"expect", ()))
    return RequestFields(method, target, tuple(fields), length, protocol, priority, expects_continue)


_SEPARATE: Final = frozenset({b"host", b"cookie"})
_SPECIAL: Final = _SEPARATE | {b"content-length", b"expect", b"priority"}


def check_trailers(pairs: Sequence[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    """Return the trailer fields of a request.

    Raises:
        StreamFault: PROTOCOL_ERROR for a pseudo-header field or a malformed field (section 8.1).
    """
    for name, value in pairs:
        if name[:1] == b":":
            raise _malformed(f"pseudo-header field {name[:40]!r} in trailers")
        _check_field(name, value)
    return tuple(pairs)


def check_request(request: RequestFields) -> None:
    """Check the target and the host of a request (section 8.3.1).

    Raises:
        StreamFault: PROTOCOL_ERROR, because the request is malformed.
    """
    if request.method == b"CONNECT" and not request.protocol:
        return
    if request.target[:1] != b"/" and (request.target != b"*" or request.method != b"OPTIONS"):
        raise _malformed(":path does not begin with a slash")
    if not request.fields or request.fields[0][0] != b"host":
        raise _malformed("neither :authority nor Host")


def parse_length(value: bytes) -> int:
    """Return the number in a Content-Length.

    Raises:
        StreamFault: it is malformed.
    """
    if _LENGTH.fullmatch(value) is None:
        raise _malformed("Content-Length is malformed")
    return int(value)


def _malformed(reason: str) -> StreamFault:
    return StreamFault(ErrorCode.PROTOCOL_ERROR, reason)


def _add_pseudo(pseudo: dict[bytes, bytes], name: bytes, value: bytes, *, is_late: bool) -> None:
    if name not in _PSEUDO:
        raise _malformed(f"pseudo-header field {name[:40]!r} is not defined for requests")
    if is_late:
        raise _malformed(f"pseudo-header field {name!r} after a field")
    if name in pseudo:
        raise _malformed(f"pseudo-header field {name!r} appears twice")
    if _PSEUDO_VALUE.fullmatch(value) is None:
        raise _malformed(f"value of {name!r} is malformed")
    pseudo[name] = value


def _check_field(name: bytes, value: bytes) -> None:
    if _NAME.fullmatch(name) is None:
        raise _malformed(f"field name {name[:40]!r} is malformed")
    if _VALUE.fullmatch(value) is None:
        raise _malformed(f"value of field {name[:40]!r} is malformed")
    if name in _OF_CONNECTION:
        raise _malformed(f"field {name!r} belongs to a connection of HTTP/1.1")
    if name == b"te" and value.lower() != b"trailers":
        raise _malformed("TE is not 'trailers'")


def _method_and_target(pseudo: dict[bytes, bytes]) -> tuple[bytes, bytes]:
    method, path, scheme = pseudo.get(b":method"), pseudo.get(b":path"), pseudo.get(b":scheme")
    if method is None or _METHOD.fullmatch(method) is None:
        raise _malformed(":method is missing or malformed")
    if method == b"CONNECT" and b":protocol" not in pseudo:
        authority = pseudo.get(b":authority")
        if scheme is not None or path is not None or not authority:
            # Section 8.5.
            raise _malformed("CONNECT has :scheme or :path, or no :authority")
        return method, authority
    if scheme not in _SCHEMES:
        raise _malformed(":scheme is missing, or neither http nor https")
    if path is None:
        raise _malformed(":path is missing")
    if b":protocol" in pseudo and (method != b"CONNECT" or not pseudo[b":protocol"]):
        raise _malformed(":protocol without CONNECT")
    return method, path


def _host(authority: bytes | None, hosts: list[bytes]) -> bytes | None:
    if len(hosts) > 1:
        raise _malformed("Host appears twice")
    if authority is None:
        return hosts[0] if hosts else None
    if not authority or b"@" in authority:
        # Section 8.3.1: no userinfo, and never empty for http and https.
        raise _malformed(":authority is empty or has userinfo")
    if hosts and hosts[0].lower() != authority.lower():
        raise _malformed("Host differs from :authority")
    return authority


def _content_length(values: list[bytes]) -> int | None:
    if not values:
        return None
    if len(values) > 1:
        raise _malformed("Content-Length appears twice")
    return parse_length(values[0])
