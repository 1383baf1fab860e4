"""Which methods there are, and which a path answers (RFC 9110, sections 9.1, 9.3.2, 9.3.7 and 10.2.1).

HEAD follows GET unless a route of its own takes it. OPTIONS is allowed wherever anything is: without a route
for it the router raises ``MethodNotAllowed`` as for any other method, and the core answers from ``allowed``.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from turnbuckle.errors import RouteError

# token = 1*tchar (RFC 9110, section 5.6.2), without the lower-case letters: methods are case-sensitive and
# "get" is a slip.
_METHOD: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Z]+")

# The IANA registry of methods, but for PRI, which is none, and CONNECT, which is for proxies (section 9.3.6).
_REGISTRY: Final = (
    "ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL"
    " MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PROPFIND PROPPATCH PUT QUERY REBIND REPORT SEARCH"
    " TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL"
)
REGISTERED_METHODS: Final = frozenset(_REGISTRY.split())


def check_methods(methods: Collection[str]) -> None:
    """Refuse what cannot be the methods of a route.

    Raises:
        RouteError: there are none, or one is not an upper-case token.
    """
    if not methods:
        raise RouteError("a route needs a method")
    for method in sorted(methods):
        if not _METHOD.fullmatch(method):
            raise RouteError(f"a method is an upper-case token, not {method!r}")


def serves(methods: Collection[str], method: str) -> bool:
    """Say whether a route with ``methods`` answers ``method``, with no regard to OPTIONS."""
    return method in methods or (method == "HEAD" and "GET" in methods)


def allowed_methods(methods: Collection[str]) -> frozenset[str]:
    """Return what ``Allow`` names for a path whose routes have ``methods``; nothing if there are none."""
    if not methods:
        return frozenset()
    implied = {"OPTIONS", "HEAD"} if "GET" in methods else {"OPTIONS"}
    return frozenset(methods) | implied
