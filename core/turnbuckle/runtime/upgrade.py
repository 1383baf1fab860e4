"""Hand requests that offer another protocol to the plugin that speaks it (RFC 9110, section 7.8).

An app without such plugins has nothing of this around it; with them, a request that offers nothing pays for one look at
an attribute.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping

from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.types import Handler

__all__ = ["compile_switch", "offered"]


def compile_switch(protocols: Mapping[str, Handler], dispatch: Handler) -> Handler:
    """Return the innermost handler of an app in which plugins speak other protocols.

    Args:
        protocols: what answers, by token of the ``Upgrade`` field in lower case.
        dispatch: what answers requests that offer none of them.
    """

    def switch(request: Request) -> Awaitable[Response]:
        if upgrade := request.head.upgrade:
            for token in offered(upgrade):
                if token in protocols:
                    return protocols[token](request)
        return dispatch(request)

    return switch


def offered(upgrade: bytes) -> Iterator[str]:
    """Yield the tokens of an ``Upgrade`` field in lower case, in the order of the client's preference."""
    # protocol = protocol-name ["/" protocol-version]: a plugin may speak one
    # version or all of them.
    for each in upgrade.decode("latin-1").lower().split(","):
        token = each.strip(" \t")
        yield token
        yield token.partition("/")[0]
