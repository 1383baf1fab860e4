"""The known methods, and the methods that a path supports (RFC 9110, sections 9.1, 9.3.2, 9.3.7 and 10.2.1).

GET includes HEAD unless a separate route has it. OPTIONS is allowed for every path that has a route: if no route has
it, the router raises ``MethodNotAllowed`` as for any other method, and the core answers from ``allowed``.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from turnbuckle.errors import RouteError

# token = 1*tchar (RFC 9110, section 5.6.2), without lower-case letters: methods are case-sensitive, and "get" is
# a mistake.
_METHOD: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Z]+")

# The IANA registry of methods, except PRI, which is not a real method, and CONNECT, which is for proxies (section
# 9.3.6).
_REGISTRY: Final = (
    "ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL"
    " MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PROPFIND PROPPATCH PUT QUERY REBIND REPORT SEARCH"
    " TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL"
)
REGISTERED_METHODS: Final = frozenset(_REGISTRY.split())

WEBSOCKET: Final = "WEBSOCKET"
"""The only method of routes for WebSockets; no request has it, because a WebSocket begins with a GET."""


def check_methods(methods: Collection[str]) -> None:
    """Validate the methods of a route.

    Raises:
        RouteError: there is no method, or a method is not an upper-case token.
    """
    if not methods:
        error = RouteError("a route needs a method")
        error.fix = 'write its methods, such as methods=["GET"]'
        raise error
    for method in sorted(methods):
        if not _METHOD.fullmatch(method):
            error = RouteError(f"a method must be an upper-case token, not {method!r}")
            names = [part for part in re.split(r"[^A-Za-z]+", method) if part] or ["GET"]
            error.fix = "write methods=[" + ", ".join(f'"{name.upper()}"' for name in names) + "]"
            raise error


def serves(methods: Collection[str], method: str) -> bool:
    """Return whether a route with ``methods`` handles ``method``; OPTIONS is not treated specially."""
    return method in methods or (method == "HEAD" and "GET" in methods)


def allowed_methods(methods: Collection[str]) -> frozenset[str]:
    """Return the methods in ``Allow`` for a path whose routes have ``methods``; none if there are none."""
    if not methods:
        return frozenset()
    implied = {"OPTIONS", "HEAD"} if "GET" in methods else {"OPTIONS"}
    return frozenset(methods) | implied
