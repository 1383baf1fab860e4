"""Count who is in, and decide who else may come: connections in all, those of one address, and requests at a time.

Whoever is not let in gets an answer, as a client that hears nothing does not know whether to wait. But an answer takes
a socket for a moment longer, and a flood must not be answered: beyond a few at a time they are cut off without a word.
"""

from __future__ import annotations

import enum
import ipaddress
import math
from typing import Final, final

from turnbuckle.server.model.capacity import Capacity
from turnbuckle.server.model.fd_limit import most_open_files
from turnbuckle.web.peer import Peer

__all__ = ["Admission", "Standing"]

# Connections that were not let in and are told so, at a time.
_MAX_TOLD: Final = 32

# What one subscriber of a network has of IPv6 is a /64 at least: an address says nothing about who is behind it.
_IPV6_PREFIX: Final = 64

_OVERLOADED: Final = 503
_TOO_MANY: Final = 429

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Standing(enum.Enum):
    """What is counted of a connection."""

    OUTSIDE = "outside"
    """Nothing."""
    INSIDE = "inside"
    """It was let in."""
    TOLD = "told"
    """It was not let in, and takes a socket until it has been told so."""


@final
class Admission:
    """What is counted for one server.

    Attributes:
        capacity: how much it takes on.
        requests: that handlers work on.
    """

    __slots__ = ("_by_address", "_exempt", "_inside", "_most", "_told", "capacity", "requests")

    def __init__(self, capacity: Capacity) -> None:
        self.capacity: Final = capacity
        self.requests = 0
        self._most: Final = capacity.connections or _most_by_files()
        self._exempt: Final = tuple(ipaddress.ip_network(each, strict=False) for each in capacity.exempt)
        self._by_address: Final[dict[str, int]] = {}
        self._inside = 0
        self._told = 0

    def enter(self, peer: Peer) -> int:
        """Count one more connection.

        Returns:
            0, or the status to turn it away with; it is not counted then.
        """
        if self._inside >= self._most:
            return _OVERLOADED
        if self.capacity.connections_per_address:
            key = self._key(peer)
            count = self._by_address.get(key, 0)
            if key and count >= self.capacity.connections_per_address:
                return _TOO_MANY
            if key:
                self._by_address[key] = count + 1
        self._inside += 1
        return 0

    def leave(self, peer: Peer, standing: Standing) -> None:
        """Count a connection no more."""
        match standing:
            case Standing.INSIDE:
                self._inside -= 1
                self._uncount(peer)
            case Standing.TOLD:
                self._told -= 1
            case Standing.OUTSIDE:
                pass

    def _uncount(self, peer: Peer) -> None:
        if not self._by_address:
            return
        key = self._key(peer)
        count = self._by_address.pop(key, 0)
        if count > 1:
            self._by_address[key] = count - 1

    def turn_away(self) -> Standing:
        """Say whether one that was not let in is told so, and count it if it is."""
        if self._told >= _MAX_TOLD:
            return Standing.OUTSIDE
        self._told += 1
        return Standing.TOLD

    def begin_request(self) -> bool:
        """Count one more request, if there may be one more; ``end_request`` ends that."""
        if self.requests >= self.capacity.concurrent_requests:
            return False
        self.requests += 1
        return True

    def end_request(self) -> None:
        """Learn that a handler has ended."""
        self.requests -= 1

    def _key(self, peer: Peer) -> str:
        """Return what connections are counted by; "" for a peer that is not counted."""
        try:
            address = ipaddress.ip_address(peer.client[0] if peer.client is not None else "")
        except ValueError:
            # A Unix socket has no addresses.
            return ""
        if isinstance(address, ipaddress.IPv6Address):
            address = address.ipv4_mapped or address
        if any(address in network for network in self._exempt):
            return ""
        if address.version == 4:
            return str(address)
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))


def _most_by_files() -> float:
    files = most_open_files()
    return files - files // 8 if files else math.inf
