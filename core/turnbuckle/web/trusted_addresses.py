"""The spelling of addresses, and the trusted ones. Pure; looked up once for each hop of a request.

A client can be known by its socket, by a PROXY header, or by a forwarding field, and each of them may spell the address
differently: in capitals, with zeros, as an IPv4-mapped IPv6 address, or with a zone. Limits, logs and comparisons need
one spelling, so every source passes through ``canonical_address``.

Source: RFC 5952 (text of IPv6 addresses).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, TypeAlias, final

__all__ = ["Network", "TrustedAddresses", "canonical_address", "parse_address", "parse_network"]

Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"
"""A network of addresses, or one address."""

_UNIX: Final = "unix"

# ::ffff:0:0/96 has the IPv4-mapped addresses (RFC 4291, section 2.5.5.2).
_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")

# A server usually has only a few proxies, so their addresses are cached.
_CACHE_SIZE: Final = 1024


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


def parse_network(text: str, *, strict: bool = True) -> Network:
    """Return a network, or an address as a network: IPv4 for a network of IPv4-mapped IPv6 addresses, without a zone.

    Args:
        text: the address, which a slash and the length of the prefix may follow.
        strict: whether an address with bits after the prefix is an error.

    Raises:
        ValueError: the text is neither a network nor an address.
    """
    address, slash, size = text.partition("/")
    network = ipaddress.ip_network(address.partition("%")[0] + slash + size, strict=strict)
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        mapped = ipaddress.IPv4Address(int(network.network_address) & 0xFFFFFFFF)
        return ipaddress.IPv4Network((mapped, network.prefixlen - _MAPPED.prefixlen))
    return network


def canonical_address(text: str) -> str:
    """Return the one spelling of an address; text that is not an address is returned unchanged."""
    if ":" not in text:
        # The most common case: sockets spell IPv4 addresses in one way.
        return text
    try:
        return str(parse_address(text))
    except ValueError:
        return text


@final
class TrustedAddresses:
    """A set of trusted networks.

    Args:
        entries: addresses such as ``"192.0.2.1"``, networks such as ``"10.0.0.0/8"``, and ``"unix"`` for all clients of
            a Unix socket.

    Raises:
        ValueError: an entry is neither an address nor a network nor ``"unix"``.
    """

    __slots__ = ("_entries", "_has_unix", "_trusts")

    def __init__(self, entries: Iterable[str]) -> None:
        self._entries: Final = tuple(entries)
        self._has_unix: Final = _UNIX in self._entries
        networks = tuple(parse_network(entry) for entry in self._entries if entry != _UNIX)
        self._trusts: Final = lru_cache(_CACHE_SIZE)(lambda address: _is_in(address, networks))

    def __repr__(self) -> str:
        return f"TrustedAddresses({list(self._entries)})"

    def __bool__(self) -> bool:
        return bool(self._entries)

    def trusts(self, client: tuple[str, int] | None) -> bool:
        """Return whether a client, given by address and port, is trusted; None means a client of a Unix socket."""
        return self._trusts(client[0]) if client is not None else self._has_unix

    def trusts_address(self, address: str) -> bool:
        """Return whether an address without a port is trusted. Text that is not an address is not trusted."""
        return self._trusts(address)


def _is_in(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        found = parse_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)
