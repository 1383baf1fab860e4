"""Find the client that a request counts for.

A host usually controls a whole /64 network of IPv6, so such a network counts as one client. The values of header fields
and users are hashed, because a field such as ``X-API-Key`` may be a secret, and because clients choose its length.
"""

from __future__ import annotations

import hashlib
import inspect
import ipaddress
import logging
from functools import lru_cache
from typing import Final, final

from turnbuckle import HTTPError, Request, canonical_address
from turnbuckle_contrib.rate_limit.rules import Rule

__all__ = ["Keys"]

_NETWORK_BITS: Final = 64

_log: Final = logging.getLogger("turnbuckle.rate_limit")


@final
class Keys:
    """The keys of one app. It logs once that clients have no address."""

    def __init__(self) -> None:
        self._has_logged = False

    def plain(self, request: Request, rule: Rule) -> str | None:
        """Return the key of an address, or of a header field; None if the request has no address.

        A request without the field counts for its address.
        """
        by = rule.by
        if isinstance(by, str) and by.startswith("header "):
            value = request.headers.get(by[len("header ") :])
            if value is not None:
                return _hashed("h", value)
        client = request.client
        if client is None:
            self._log_once()
            return None
        return _network(client[0])

    async def key(self, request: Request, rule: Rule) -> str | None:
        """Return the key by any rule; None if the rule does not apply to the request."""
        if rule.by == "user":
            # The package is there, but its import is not free.
            from turnbuckle_contrib.auth import current_user

            try:
                user = await current_user(request)
            except HTTPError:
                # Wrong credentials count for the address. The handler answers them.
                user = None
            return self.plain(request, rule) if user is None else _hashed("u", user.id)
        if callable(rule.by):
            found = rule.by(request)
            found = await found if inspect.isawaitable(found) else found
            return None if found is None else _hashed("f", str(found))
        return self.plain(request, rule)

    def _log_once(self) -> None:
        if not self._has_logged:
            self._has_logged = True
            _log.warning(
                "a client has no address, so rate limits by address do not apply to it; "
                "behind a proxy on a Unix socket, enable the plugin proxy_headers"
            )


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    """Return the address, or the /64 network of an IPv6 address."""
    known = canonical_address(address)
    if ":" not in known:
        return known
    try:
        return str(ipaddress.IPv6Network((known, _NETWORK_BITS), strict=False))
    except ValueError:
        return known


def _hashed(kind: str, value: str) -> str:
    return f"{kind}:{hashlib.blake2b(value.encode('utf-8', 'replace'), digest_size=16).hexdigest()}"
