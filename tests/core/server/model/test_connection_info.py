"""Every spelling of an address becomes one, from whichever source."""

from __future__ import annotations

import asyncio

import pytest

from turnbuckle.http.proxy_protocol import ProxyHeaderParser
from turnbuckle.server.model.connection_info import DIRECT, ConnectionInfo, describe_peer
from turnbuckle.web.peer import LazyEvent
from turnbuckle.web.trusted_addresses import canonical_address

_SPELLINGS = [
    ("127.0.0.1", "127.0.0.1"),
    ("::ffff:127.0.0.1", "127.0.0.1"),
    ("::FFFF:7f00:1", "127.0.0.1"),
    ("0:0:0:0:0:ffff:127.0.0.1", "127.0.0.1"),
    ("2001:DB8:0:0::1", "2001:db8::1"),
    ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
    ("fe80::1%eth0", "fe80::1"),
    ("::1", "::1"),
    ("", ""),
    ("not:an:address", "not:an:address"),
]


@pytest.mark.parametrize(("text", "expected"), _SPELLINGS)
def test_address_has_one_spelling(text: str, expected: str) -> None:
    assert canonical_address(text) == expected


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"PROXY TCP6 ::ffff:127.0.0.1 ::1 1 2\r\n", id="text"),
        pytest.param(b"PROXY TCP6 0:0:0:0:0:FFFF:7F00:1 ::1 1 2\r\n", id="capitals"),
        pytest.param(
            b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24" + bytes(10) + b"\xff\xff\x7f\0\0\1" + bytes(15) + b"\1\0\1\0\2",
            id="binary",
        ),
    ],
)
def test_proxy_header_has_the_spelling_of_ipv4(header: bytes) -> None:
    found = ProxyHeaderParser().feed(header)
    assert found is not None
    info = ConnectionInfo(is_proxied=found.is_known, client=found.source, server=found.destination)
    peer = describe_peer(asyncio.Transport(), info, LazyEvent())
    assert (peer.client, peer.server) == (("127.0.0.1", 1), ("::1", 2))


def test_dual_stack_socket_has_the_spelling_of_ipv4() -> None:
    names = {"peername": ("::FFFF:192.0.2.1", 5, 0, 0), "sockname": ("fe80::1%eth0", 80, 0, 2)}
    peer = describe_peer(asyncio.Transport(names), DIRECT, LazyEvent())
    assert (peer.client, peer.server) == (("192.0.2.1", 5), ("fe80::1", 80))
