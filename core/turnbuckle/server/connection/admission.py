"""Limit open connections, connections of one address, and concurrent requests.

A connection that is not admitted gets an answer, because a client without an answer does not know whether to wait. The
answer keeps a socket open for a moment longer, and a flood must not be answered: if more than a few connections are
being rejected at a time, further ones are cut off without an answer.
"""

from __future__ import annotations

import enum
import ipaddress
from typing import Final, final

from turnbuckle.server.model.capacity import Capacity, FileBudget, divide_open_files
from turnbuckle.web.peer import Peer
from turnbuckle.web.trusted_addresses import parse_address, parse_network

__all__ = ["Admission", "AdmissionStatus"]

# An IPv6 subscriber has at least a /64, so the last 64 bits of an address do not identify the subscriber.
_IPV6_PREFIX: Final = 64

_OVERLOADED: Final = 503
_TOO_MANY: Final = 429


class AdmissionStatus(enum.Enum):
    """How a connection is counted."""

    NOT_COUNTED = "not counted"
    """Neither as admitted nor as rejected."""
    ADMITTED = "admitted"
    """As an open connection, in all and of its address."""
    REJECTING = "rejecting"
    """As a connection that is being rejected with an answer."""


@final
class Admission:
    """The counters of one server.

    Args:
        capacity: the limits.

    Attributes:
        capacity: see above.
        files: how the files that the process may open are divided.
        requests: number of requests that handlers are working on.
        connections: number of admitted connections that are open.
        accepted: number of connections that were admitted since the start.
        rejected: number of connections that were not admitted, by the status to reject them with.
    """

    __slots__ = (
        "_by_address",
        "_exempt",
        "_max_connections",
        "_rejecting",
        "accepted",
        "capacity",
        "connections",
        "files",
        "rejected",
        "requests",
    )

    def __init__(self, capacity: Capacity) -> None:
        self.capacity: Final = capacity
        self.files: Final[FileBudget] = divide_open_files()
        self.requests = 0
        self.connections = self.accepted = 0
        self.rejected: Final = {_OVERLOADED: 0, _TOO_MANY: 0}
        self._max_connections: Final = capacity.connections or self.files.connections
        self._exempt: Final = tuple(parse_network(network, strict=False) for network in capacity.exempt)
        self._by_address: Final[dict[str, int]] = {}
        self._rejecting = 0

    def enter(self, peer: Peer) -> int:
        """Count a new connection if the limits allow it.

        Returns:
            0 if it is counted as admitted, else the status to reject it with.
        """
        if self.connections >= self._max_connections:
            self.rejected[_OVERLOADED] += 1
            return _OVERLOADED
        if self.capacity.connections_per_address:
            key = self._key(peer)
            count = self._by_address.get(key, 0)
            if key and count >= self.capacity.connections_per_address:
                self.rejected[_TOO_MANY] += 1
                return _TOO_MANY
            if key:
                self._by_address[key] = count + 1
        self.connections += 1
        self.accepted += 1
        return 0

    def leave(self, peer: Peer, status: AdmissionStatus) -> None:
        """Stop counting a connection that was counted as ``status``."""
        match status:
            case AdmissionStatus.ADMITTED:
                self.connections -= 1
                self._uncount(peer)
            case AdmissionStatus.REJECTING:
                self._rejecting -= 1
            case AdmissionStatus.NOT_COUNTED:
                pass

    def _uncount(self, peer: Peer) -> None:
        if not self._by_address:
            return
        key = self._key(peer)
        count = self._by_address.pop(key, 0)
        if count > 1:
            self._by_address[key] = count - 1

    def reject(self) -> AdmissionStatus:
        """Return REJECTING, and count it, if a rejected connection may be answered; else NOT_COUNTED."""
        if self._rejecting >= self.files.rejections:
            return AdmissionStatus.NOT_COUNTED
        self._rejecting += 1
        return AdmissionStatus.REJECTING

    def begin_request(self) -> bool:
        """Count one more request and return True, or return False if there are too many."""
        if self.requests >= self.capacity.concurrent_requests:
            return False
        self.requests += 1
        return True

    def end_request(self) -> None:
        """Stop counting a request that ``begin_request`` counted."""
        self.requests -= 1

    def _key(self, peer: Peer) -> str:
        """Return the address or network that a peer is counted by; "" for a peer that is not counted."""
        try:
            address = parse_address(peer.client[0] if peer.client is not None else "")
        except ValueError:
            # Unix sockets have no addresses.
            return ""
        if any(address in network for network in self._exempt):
            return ""
        if address.version == 4:
            return str(address)
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
