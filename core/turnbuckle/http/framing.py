"""Decide where a request's content ends, and whether the connection may persist after it.

Pure: the same head in, the same answer out; content is never looked at. The core's parser and the guard in front of
every other parser both ask here, so that one set of rules decides what a request is.

Where the RFC leaves a choice between repairing and refusing, this module refuses: two readings of one message are how
request smuggling starts.

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
"""The fields that decide how a message is framed or what becomes of the connection."""

# Nineteen digits may exceed what a signed 64-bit reader elsewhere on the path can hold.
_LENGTH_DIGITS: Final = 18


def body_length(codings: Sequence[bytes], lengths: Sequence[bytes]) -> int | None:
    """Return the number of content octets that follow, or None if the content is chunked.

    Args:
        codings: the values of all ``Transfer-Encoding`` field lines, in order.
        lengths: the values of all ``Content-Length`` field lines, in order.

    Raises:
        ProtocolError: 501 for a coding before ``chunked``; 400 for codings of which the last is not ``chunked``, for a
            length that is malformed, repeated or beyond 18 digits, and for both fields together.
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
    if len(digits) > _LENGTH_DIGITS:
        # No limit that somebody may set is near: this is no content that is too large, but a number that is none.
        raise ProtocolError(f"Content-Length of {len(digits)} digits exceeds {_LENGTH_DIGITS}")
    return int(digits or b"0")


def _check_codings(values: Sequence[bytes]) -> None:
    # bytes.lower() touches ASCII alone; str.lower() would fold the Kelvin sign into a k.
    names = [name.strip(b" \t").lower() for value in values for name in value.split(b",")]
    if names == [b"chunked"]:
        return
    # Where chunked is not the last, nothing tells where the content ends: 400, whether or not the codings are known.
    if b"" in names or names[-1] != b"chunked" or names.count(b"chunked") > 1:
        raise ProtocolError("Transfer-Encoding is not a list that ends in one chunked")
    raise ProtocolError(f"transfer coding {names[0][:40]!r} is not implemented", status=501)


def read_framing(head: RequestHead, framing_fields: Iterable[tuple[bytes, bytes]]) -> None:
    """Fill in all that ``RequestHead`` derives from its framing fields.

    Args:
        head: what a parser made of the request line and header section.
        framing_fields: those of its fields whose names are in ``FRAMING_FIELDS``, in order.

    Raises:
        ProtocolError: 400 for a Host that is missing, repeated, empty or malformed; else as ``body_length``.
    """
    values: dict[bytes, list[bytes]] = {}
    for name, value in framing_fields:
        values.setdefault(name, []).append(value)
    _check_host(values.get(b"host", ()), head.minor_version)
    codings = values.get(b"transfer-encoding", ())
    if codings and head.minor_version == 0:
        # Section 6.1: framing by an HTTP/1.0 sender that may not know what it forwards is faulty.
        raise ProtocolError("Transfer-Encoding in an HTTP/1.0 request")
    head.content_length = body_length(codings, values.get(b"content-length", ()))
    options = _options(values.get(b"connection", ()))
    head.keep_alive = b"close" not in options and (head.minor_version > 0 or b"keep-alive" in options)
    if head.minor_version == 0:
        # A server ignores Expect and Upgrade in HTTP/1.0 (RFC 9110, sections 10.1.1 and 7.8).
        return
    # An expectation that nobody knows is ignored, where section 10.1.1 allows 417: a request is better answered.
    head.expects_continue = head.content_length != 0 and b"100-continue" in _options(values.get(b"expect", ()))
    if b"upgrade" in options:
        head.upgrade = b", ".join(values.get(b"upgrade", ()))


def _check_host(hosts: Sequence[bytes], minor_version: int) -> None:
    if not hosts and minor_version > 0:
        raise ProtocolError("no Host field")
    if len(hosts) > 1:
        raise ProtocolError("Host present more than once")
    # Section 3.3 lets a server reject an empty one where the scheme, as that of http, requires an authority.
    if hosts and not is_authority(hosts[0]):
        raise ProtocolError(f"Host of {hosts[0][:40]!r} is not a host with an optional port")


def _options(values: Iterable[bytes]) -> frozenset[bytes]:
    return frozenset(option.strip(b" \t").lower() for value in values for option in value.split(b","))
