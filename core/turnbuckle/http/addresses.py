"""Spell the address of a client in one way, whichever source it has.

A client can be known by its socket, by a PROXY header, or by a forwarding field, and each of them may spell the address
differently: in capitals, with zeros, as an IPv4-mapped IPv6 address, or with a zone. Limits, logs and comparisons need
one spelling, so every source passes through ``canonical_address``.

Source: RFC 5952 (text of IPv6 addresses).
"""

from __future__ import annotations

import ipaddress

__all__ = ["canonical_address", "parse_address"]


def parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an address: IPv4 for an IPv4-mapped IPv6 address, and without a zone.

    A socket of both families reports IPv4 clients as IPv4-mapped addresses. A zone names an interface of this machine,
    and only some event loops report it.

    Raises:
        ValueError: the text is not an address.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def canonical_address(text: str) -> str:
    """Return the one spelling of an address; text that is not an address is returned unchanged."""
    if ":" not in text:
        # The most common case: sockets spell IPv4 addresses in one way.
        return text
    try:
        return str(parse_address(text))
    except ValueError:
        return text
