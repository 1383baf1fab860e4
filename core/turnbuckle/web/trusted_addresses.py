"""The addresses of trusted proxies. Pure; looked up once for each hop of a request."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, TypeAlias, final

from turnbuckle.http.addresses import parse_address

__all__ = ["TrustedAddresses"]

_Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"

_UNIX: Final = "unix"

# A server usually has only a few proxies, so their addresses are cached.
_CACHE_SIZE: Final = 1024


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
        networks = tuple(ipaddress.ip_network(entry) for entry in self._entries if entry != _UNIX)
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


def _is_in(address: str, networks: tuple[_Network, ...]) -> bool:
    try:
        found = parse_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)
