"""Every spelling of an address becomes one, from whichever source."""

from __future__ import annotations

import pytest

from turnbuckle.http.addresses import canonical_address
from turnbuckle.http.proxy_protocol import ProxyHeaderParser

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


@pytest.mark.parametrize("source", ["::ffff:127.0.0.1", "::FFFF:7F00:0001", "0:0:0:0:0:FFFF:7F00:1"])
def test_proxy_line_has_the_spelling_of_ipv4(source: str) -> None:
    header = ProxyHeaderParser().feed(f"PROXY TCP6 {source} ::1 1 2\r\n".encode())
    assert header is not None
    assert (header.source, header.destination) == (("127.0.0.1", 1), ("::1", 2))


def test_binary_proxy_header_has_the_spelling_of_ipv4() -> None:
    mapped = bytes(10) + b"\xff\xff\x7f\0\0\1"
    data = b"\r\n\r\n\0\r\nQUIT\n\x21\x21" + (36).to_bytes(2, "big") + mapped + mapped + b"\0\1\0\2"
    header = ProxyHeaderParser().feed(data)
    assert header is not None
    assert (header.source, header.destination) == (("127.0.0.1", 1), ("127.0.0.1", 2))
