"""Limit failed attempts to log in, without locking out the owner of an account.

Three limits hold for an attempt: of its address for this account, of its address for all accounts, and of all addresses
for this account. The last one stops an attack from many addresses. It does not hold for an address from which the user
of the account has logged in before, so such an attack does not lock the user out.

Each limit is a leaky bucket: an attempt adds a drop, a success takes it out again, and a drop leaks every
``seconds / attempts``. An attempt counts before its password is checked, so that attempts at the same time count. The
memory is bounded: the buckets that were not used for the longest time are dropped. An IPv6 address counts as its /64
network, because a client usually has all of it.
"""

from __future__ import annotations

import ipaddress
import math
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, final

from turnbuckle import Request, TooManyRequests

__all__ = ["Throttle"]

_PER_ADDRESS: Final = 5
_PER_ACCOUNT: Final = 10
_MAX_ACCOUNT: Final = 256


@final
class _Buckets:
    """Leaky buckets by key: of each, the time at which it is empty.

    Args:
        capacity: drops that a bucket holds.
        seconds: time in which a full bucket becomes empty.
        entries: maximum number of buckets.
    """

    __slots__ = ("_empty_at", "_entries", "_interval", "_seconds")

    def __init__(self, capacity: int, seconds: float, entries: int) -> None:
        self._seconds: Final = seconds
        self._interval: Final = seconds / capacity
        self._entries: Final = entries
        self._empty_at: Final[OrderedDict[object, float]] = OrderedDict()

    def wait(self, key: object, now: float) -> float:
        """Return the seconds until the bucket has room for a drop."""
        if key not in self._empty_at:
            return 0.0
        # A full bucket stays while it is used, so that an attacker cannot make room for further attempts.
        self._empty_at.move_to_end(key)
        return self._empty_at[key] + self._interval - self._seconds - now

    def add(self, key: object, now: float) -> None:
        self._empty_at[key] = max(self._empty_at.get(key, 0.0), now) + self._interval
        self._empty_at.move_to_end(key)
        if len(self._empty_at) > self._entries:
            self._empty_at.popitem(last=False)

    def take(self, key: object) -> None:
        if key in self._empty_at:
            self._empty_at[key] -= self._interval


@final
class Throttle:
    """Limits for failed attempts. One worker process has one; several workers count separately.

    Args:
        attempts: failed attempts of an address for an account in ``seconds``; an address has 5 times as many for all
            accounts, and an account 10 times as many from unknown addresses.
        seconds: see above.
        entries: maximum number of addresses, and of accounts, that are remembered.
        clock: seconds since any moment.
    """

    __slots__ = ("_by_account", "_by_address", "_by_pair", "_clock", "_entries", "_known")

    def __init__(self, attempts: int, seconds: float, entries: int, clock: Callable[[], float]) -> None:
        self._by_pair: Final = _Buckets(attempts, seconds, entries)
        self._by_address: Final = _Buckets(attempts * _PER_ADDRESS, seconds, entries)
        self._by_account: Final = _Buckets(attempts * _PER_ACCOUNT, seconds, entries)
        self._known: Final[OrderedDict[tuple[str, str], None]] = OrderedDict()
        self._entries: Final = entries
        self._clock: Final = clock

    def attempt(self, request: Request, account: str) -> None:
        """Count an attempt for an account; call it before the password is checked.

        Raises:
            TooManyRequests: 429 with ``Retry-After``: too many attempts failed; the attempt must not be made.
        """
        now = self._clock()
        counted = self._counted(request, account)
        wait = max(buckets.wait(key, now) for buckets, key in counted)
        if wait > 0:
            raise TooManyRequests("too many failed logins", headers={"Retry-After": str(math.ceil(wait))}, problem={})
        for buckets, key in counted:
            buckets.add(key, now)

    def succeeded(self, request: Request, account: str) -> None:
        """Take back the attempt, which was no failure, and remember that the address belongs to the account."""
        self.withdraw(request, account)
        pair = _address(request), _account(account)
        self._known[pair] = None
        self._known.move_to_end(pair)
        if len(self._known) > self._entries:
            self._known.popitem(last=False)

    def withdraw(self, request: Request, account: str) -> None:
        """Take back the attempt, because it was not made, for example after a failure of the database."""
        for buckets, key in self._counted(request, account):
            buckets.take(key)

    def _counted(self, request: Request, account: str) -> list[tuple[_Buckets, object]]:
        address, name = _address(request), _account(account)
        counted: list[tuple[_Buckets, object]] = [(self._by_pair, (address, name)), (self._by_address, address)]
        if (address, name) not in self._known:
            counted.append((self._by_account, name))
        return counted


def _account(name: str) -> str:
    """Return the key of an account, without the differences that a store of users may ignore, and of bounded size."""
    return unicodedata.normalize("NFKC", name[:_MAX_ACCOUNT]).casefold().strip()[:_MAX_ACCOUNT]


def _address(request: Request) -> str:
    client = request.client
    if client is None:
        return "unix"
    try:
        address = ipaddress.ip_address(client[0].partition("%")[0])
    except ValueError:
        return client[0]
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped is not None else str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)
