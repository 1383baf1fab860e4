"""Test applications, servers and parts of either, in memory and without a wall clock.

``Client`` talks to an application through the server's real connection and parser. ``Connection`` is its raw side: any
octets, in any pieces, with half-close, reset and slow reading. ``FakeClock`` is the time of both. What ends in
``Conformance`` is a suite of tests for plugins of one kind (``turnbuckle.testing.conformance``). The pytest plugin
``turnbuckle`` provides the fixtures ``turnbuckle_client``, ``plan_snapshot`` and ``turnbuckle_project``; because pytest
loads it in every run, names are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from turnbuckle.testing.client.client import Client
    from turnbuckle.testing.client.connection import Connection
    from turnbuckle.testing.client.cookie_jar import CookieJar, StoredCookie
    from turnbuckle.testing.client.errors import IncompleteResponse, MalformedResponse, ServerFault
    from turnbuckle.testing.client.raw_exchange import RawExchange
    from turnbuckle.testing.client.request_encoder import RequestOptions
    from turnbuckle.testing.client.response import ClientResponse, ResponseFacts, StreamedResponse
    from turnbuckle.testing.conformance import (
        LifespanConformance,
        MiddlewareConformance,
        ParserConformance,
        PluginConformance,
        ResponseTypeConformance,
        RouterConformance,
    )
    from turnbuckle.testing.hot_hooks import assert_no_hot_hooks
    from turnbuckle.testing.problems import expect_problems
    from turnbuckle.testing.project import Finished, Project
    from turnbuckle.testing.snapshots import PlanSnapshot
    from turnbuckle.testing.transport.fake_clock import FakeClock
    from turnbuckle.testing.transport.memory_peer import MemoryPeer
    from turnbuckle.testing.transport.memory_transport import MemoryTransport

_SUITES: Final = (
    "LifespanConformance MiddlewareConformance ParserConformance PluginConformance ResponseTypeConformance"
    " RouterConformance"
)
_MODULES: Final = {
    "client.client": "Client",
    "client.response": "ClientResponse ResponseFacts StreamedResponse",
    "conformance": _SUITES,
    "client.connection": "Connection",
    "client.cookie_jar": "CookieJar StoredCookie",
    "client.errors": "IncompleteResponse MalformedResponse ServerFault",
    "transport.fake_clock": "FakeClock",
    "hot_hooks": "assert_no_hot_hooks",
    "transport.memory_peer": "MemoryPeer",
    "transport.memory_transport": "MemoryTransport",
    "problems": "expect_problems",
    "project": "Finished Project",
    "client.raw_exchange": "RawExchange",
    "client.request_encoder": "RequestOptions",
    "snapshots": "PlanSnapshot",
}
_HOMES: Final = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = [
    "Client",
    "ClientResponse",
    "Connection",
    "CookieJar",
    "FakeClock",
    "Finished",
    "IncompleteResponse",
    "LifespanConformance",
    "MalformedResponse",
    "MemoryPeer",
    "MemoryTransport",
    "MiddlewareConformance",
    "ParserConformance",
    "PlanSnapshot",
    "PluginConformance",
    "Project",
    "RawExchange",
    "RequestOptions",
    "ResponseFacts",
    "ResponseTypeConformance",
    "RouterConformance",
    "ServerFault",
    "StoredCookie",
    "StreamedResponse",
    "assert_no_hot_hooks",
    "expect_problems",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(globals().keys() | _HOMES.keys())
