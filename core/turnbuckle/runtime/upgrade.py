"""Pass requests that offer another protocol to the plugin for that protocol (RFC 9110, section 7.8).

An app without such plugins does not have this handler. In an app with such plugins, a request that offers no protocol
costs one attribute access more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping

from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.types import Handler

__all__ = ["compile_upgrade", "offered_protocols"]


def compile_upgrade(protocols: Mapping[str, Handler], dispatch: Handler) -> Handler:
    """Return the innermost handler of an app with plugins for other protocols.

    Args:
        protocols: the handlers of the protocols, by token of the ``Upgrade`` field in lower case.
        dispatch: the handler for requests that offer none of them.
    """

    def switch(request: Request) -> Awaitable[Response]:
        if upgrade := request.head.upgrade:
            for token in offered_protocols(upgrade):
                if token in protocols:
                    return protocols[token](request)
        return dispatch(request)

    return switch


def offered_protocols(upgrade: bytes) -> Iterator[str]:
    """Yield the tokens of an ``Upgrade`` field in lower case, in the order of the client's preference."""
    # protocol = protocol-name ["/" protocol-version]: a plugin may support one version or all of them.
    for element in upgrade.decode("latin-1").lower().split(","):
        token = element.strip(" \t")
        yield token
        yield token.partition("/")[0]
