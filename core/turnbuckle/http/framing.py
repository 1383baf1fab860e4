"""Decide where the content of a request ends, and whether the connection may persist after the request.

Pure: the result depends only on the head; content is never read. The core's parser and the guard of all other parsers
both use this module, so one set of rules decides how a request is framed.

Where the RFC allows a server either to repair or to refuse a message, this module refuses it, because request smuggling
begins with two interpretations of one message.

Sources: RFC 9112, sections 3.2, 6.1, 6.3, 9.3; RFC 9110, sections 7.2, 7.6.1, 7.8, 8.6, 10.1.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import RequestHead
from turnbuckle.http.grammar import CONTENT_LENGTH, is_authority

__all__ = ["FRAMING_FIELDS", "body_length", "read_framing"]

FRAMING_FIELDS: Final = frozenset(
    {b"connection", b"content-length", b"expect", b"host", b"transfer-encoding", b"upgrade"}
)
"""The fields that decide how a message is framed, or whether and how the connection continues."""

# A number of nineteen digits may overflow a signed 64-bit integer in another implementation on the path.
_MAX_LENGTH_DIGITS: Final = 18


def body_length(codings: Sequence[bytes], lengths: Sequence[bytes]) -> int | None:
    """Return the number of bytes of content that follow, or None if the content is chunked.

    Args:
        codings: the values of all ``Transfer-Encoding`` field lines, in order.
        lengths: the values of all ``Content-Length`` field lines, in order.

    Raises:
        ProtocolError: 501 for a coding before ``chunked``; 400 if the last coding is not ``chunked``, if the length is
            malformed, repeated or has more than 18 digits, and if both fields are present.
    """
    if codings:
        if lengths:
            # Section 6.1 lets a server reject this; two answers is how smuggling starts.
            raise ProtocolError("both Transfer-Encoding and Content-Length present")
        _check_codings(codings)
        return None
    if not lengths:
        return 0
    if len(lengths) > 1:
        raise ProtocolError("Content-Length present more than once")
    if CONTENT_LENGTH.fullmatch(lengths[0]) is None:
        raise ProtocolError(f"Content-Length of {lengths[0][:40]!r} is not a number")
    digits = lengths[0].lstrip(b"0")
    if len(digits) > _MAX_LENGTH_DIGITS:
        # This number is far beyond any limit on content, so it is malformed (400) rather than too large (413).
        raise ProtocolError(f"Content-Length of {len(digits)} digits exceeds {_MAX_LENGTH_DIGITS}")
    return int(digits or b"0")


def _check_codings(values: Sequence[bytes]) -> None:
    # bytes.lower() changes only ASCII letters; str.lower() would turn the Kelvin sign into a k.
    names = [name.strip(b" \t").lower() for value in values for name in value.split(b",")]
    if names == [b"chunked"]:
        return
    # If chunked is not the last coding, the end of the content is unknown: 400, even if all codings are known.
    if b"" in names or names[-1] != b"chunked" or names.count(b"chunked") > 1:
        raise ProtocolError("Transfer-Encoding is not a list that ends in one chunked")
    raise ProtocolError(f"transfer coding {names[0][:40]!r} is not implemented", status=501)


def read_framing(head: RequestHead, framing_fields: Iterable[tuple[bytes, bytes]]) -> None:
    """Set the attributes of a ``RequestHead`` that follow from its framing fields.

    Args:
        head: the request line and header section, as parsed.
        framing_fields: its fields whose names are in ``FRAMING_FIELDS``, in order.

    Raises:
        ProtocolError: 400 if Host is missing, repeated, empty or malformed; otherwise as ``body_length``.
    """
    values: dict[bytes, list[bytes]] = {}
    for name, value in framing_fields:
        values.setdefault(name, []).append(value)
    _check_host(values.get(b"host", ()), head.minor_version)
    codings = values.get(b"transfer-encoding", ())
    if codings and head.minor_version == 0:
        # Section 6.1: the framing is faulty, because an HTTP/1.0 sender may not understand the coding it forwards.
        raise ProtocolError("Transfer-Encoding in an HTTP/1.0 request")
    head.content_length = body_length(codings, values.get(b"content-length", ()))
    options = _options(values.get(b"connection", ()))
    head.keep_alive = b"close" not in options and (head.minor_version > 0 or b"keep-alive" in options)
    if head.minor_version == 0:
        # A server ignores Expect and Upgrade in HTTP/1.0 (RFC 9110, sections 10.1.1 and 7.8).
        return
    # Section 10.1.1 allows 417 for an unknown expectation. It is ignored here, so that the request is served.
    head.expects_continue = head.content_length != 0 and b"100-continue" in _options(values.get(b"expect", ()))
    if b"upgrade" in options:
        head.upgrade = b", ".join(values.get(b"upgrade", ()))


def _check_host(hosts: Sequence[bytes], minor_version: int) -> None:
    if not hosts and minor_version > 0:
        raise ProtocolError("no Host field")
    if len(hosts) > 1:
        raise ProtocolError("Host present more than once")
    # Section 3.3 lets a server reject an empty Host if the scheme requires an authority, as http does.
    if hosts and not is_authority(hosts[0]):
        raise ProtocolError(f"Host of {hosts[0][:40]!r} is not a host with an optional port")


def _options(values: Iterable[bytes]) -> frozenset[bytes]:
    return frozenset(option.strip(b" \t").lower() for value in values for option in value.split(b","))
