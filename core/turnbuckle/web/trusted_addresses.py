"""Say whose word counts: the addresses of proxies that are trusted. Pure; asked once for each hop."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, TypeAlias, final

__all__ = ["TrustedAddresses"]

_Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"

_UNIX: Final = "unix"

# The same few proxies ask again and again.
_REMEMBERED: Final = 1024


@final
class TrustedAddresses:
    """A set of networks.

    Args:
        entries: addresses such as ``"192.0.2.1"``, networks such as ``"10.0.0.0/8"``, and ``"unix"`` for whoever
            connects to a Unix socket.

    Raises:
        ValueError: one of them is none of these.
    """

    __slots__ = ("_entries", "_has_unix", "_trusts")

    def __init__(self, entries: Iterable[str]) -> None:
        self._entries: Final = tuple(entries)
        self._has_unix: Final = _UNIX in self._entries
        networks = tuple(ipaddress.ip_network(each) for each in self._entries if each != _UNIX)
        self._trusts: Final = lru_cache(_REMEMBERED)(lambda address: _is_in(address, networks))

    def __repr__(self) -> str:
        return f"TrustedAddresses({list(self._entries)})"

    def __bool__(self) -> bool:
        return bool(self._entries)

    def trusts(self, client: tuple[str, int] | None) -> bool:
        """Tell whether one end of a connection is trusted; None is the client of a Unix socket."""
        return self._trusts(client[0]) if client is not None else self._has_unix

    def trusts_address(self, address: str) -> bool:
        """Tell whether an address without a port is; what is no address is not."""
        return self._trusts(address)


def _is_in(address: str, networks: tuple[_Network, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    # What a socket of both families says of a client of IPv4.
    found = (found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None) or found
    return any(found in network for network in networks)
