"""Recognize requests of programs on this machine, for pages that only these may read.

The address of the connection does not suffice. A proxy on this machine connects from a loopback address as well, but it
adds fields about its client. And a browser on this machine sends the requests of any site: if the name of the site
suddenly resolves to 127.0.0.1 (DNS rebinding), its scripts can read the responses. Such a request has the name of the
site in ``Host``, and never ``localhost`` or an address.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

__all__ = ["PROXY_FIELDS", "is_local_host"]

PROXY_FIELDS: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
"""Fields that proxies add to requests."""


def is_local_host(host: str, *, any_address: bool = False) -> bool:
    """Return whether a host stands for this machine: ``localhost``, a name below it, or a loopback address.

    Names below ``localhost`` resolve to loopback addresses only (RFC 6761, section 6.3). Text that is no host, such as
    the empty text of a request without Host, stands for no machine.

    Args:
        host: a host with or without a port, as in ``request.host``; an IPv6 address is in brackets.
        any_address: whether all other IP addresses count as well. No site can have them as its name.
    """
    host = host.lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name == "localhost" or name.endswith(".localhost"):
        return True
    # An IPv6 address without brackets is no host (RFC 3986, section 3.2.2).
    is_bracketed = name.startswith("[") and name.endswith("]")
    try:
        address = ip_address(name[1:-1] if is_bracketed else name)
    except ValueError:
        return False
    return is_bracketed == (address.version == 6) and (any_address or address.is_loopback)
