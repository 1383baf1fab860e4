"""Tests of ``turnbuckle.http.proxy_protocol``: valid headers at every split, and malformed headers."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, strategies as st

from turnbuckle.errors import ProtocolError
from turnbuckle.http.proxy_protocol import ProxyHeader, ProxyHeaderParser

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
NOTHING = ProxyHeader()
V4 = ProxyHeader(is_known=True, source=("192.0.2.1", 56324), destination=("198.51.100.2", 443))
V6 = ProxyHeader(is_known=True, source=("2001:db8::1", 1), destination=("2001:db8::2", 65535))


def binary(command: int, family: int, content: bytes, *, size: int | None = None) -> bytes:
    length = len(content) if size is None else size
    return SIGNATURE + bytes((command, family)) + length.to_bytes(2, "big") + content


def ends(source: str, destination: str, *ports: int) -> bytes:
    addresses = b"".join(ipaddress.ip_address(address).packed for address in (source, destination))
    return addresses + b"".join(port.to_bytes(2, "big") for port in ports)


FOUR = ends("192.0.2.1", "198.51.100.2", 56324, 443)
SIX = ends("2001:db8::1", "2001:db8::2", 1, 65535)
TLV = b"\x01\x00\x02h2" + b"\x04\x00\x00"
LONGEST = b"PROXY UNKNOWN " + b"f" * 91 + b"\r\n"

VALID = [
    pytest.param(b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", V4, id="text-4"),
    pytest.param(b"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", V6, id="text-6"),
    pytest.param(b"PROXY TCP6 2001:0DB8:0::1 2001:db8::2 1 65535\r\n", V6, id="text-6-long"),
    pytest.param(b"PROXY UNKNOWN\r\n", NOTHING, id="text-unknown"),
    pytest.param(b"PROXY UNKNOWN 192.0.2.1 x y z\r\n", NOTHING, id="text-unknown-with-more"),
    pytest.param(LONGEST, NOTHING, id="text-longest"),
    pytest.param(binary(0x21, 0x11, FOUR), V4, id="binary-4"),
    pytest.param(binary(0x21, 0x12, FOUR), V4, id="binary-4-datagram"),
    pytest.param(binary(0x21, 0x21, SIX), V6, id="binary-6"),
    pytest.param(binary(0x21, 0x22, SIX), V6, id="binary-6-datagram"),
    pytest.param(binary(0x21, 0x11, FOUR + TLV), V4, id="binary-with-extensions"),
    pytest.param(binary(0x21, 0x11, FOUR + b"\xff" * 8000), V4, id="binary-with-much"),
    pytest.param(binary(0x21, 0x31, b"/run/a".ljust(108, b"\0") * 2), ProxyHeader(is_known=True), id="binary-unix"),
    pytest.param(binary(0x21, 0x00, b""), NOTHING, id="binary-unspecified"),
    pytest.param(binary(0x21, 0x00, TLV), NOTHING, id="binary-unspecified-with-extensions"),
    pytest.param(binary(0x20, 0x00, b""), NOTHING, id="binary-local"),
    pytest.param(binary(0x20, 0x11, FOUR), NOTHING, id="binary-local-with-addresses"),
    pytest.param(binary(0x20, 0xFF, b"x"), NOTHING, id="binary-local-with-anything"),
]


@pytest.mark.parametrize("trailing", [b"", b"GET / HTTP/1.1\r\n", b"\r\n\r\n" * 100])
@pytest.mark.parametrize(("received", "header"), VALID)
def test_header_is_read_whole(received: bytes, header: ProxyHeader, trailing: bytes) -> None:
    parser = ProxyHeaderParser()
    assert parser.feed(received + trailing) == header
    assert parser.trailing == trailing


@pytest.mark.parametrize(("received", "header"), VALID)
def test_header_is_read_byte_by_byte(received: bytes, header: ProxyHeader) -> None:
    parser = ProxyHeaderParser()
    for byte in received[:-1]:
        assert parser.feed(bytes([byte])) is None
    assert parser.feed(received[-1:]) == header
    assert parser.trailing == b""


@pytest.mark.parametrize(("received", "header"), VALID)
def test_header_is_read_at_every_split(received: bytes, header: ProxyHeader) -> None:
    for split in range(1, min(len(received), 300)):
        parser = ProxyHeaderParser()
        assert parser.feed(received[:split]) is None
        assert parser.feed(received[split:] + b"GET") == header
        assert parser.trailing == b"GET"


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(b"GET / HTTP/1.1\r\n", id="http"),
        pytest.param(b"\x16\x03\x01", id="tls"),
        pytest.param(b"PROXX", id="other-word"),
        pytest.param(b"proxy TCP4", id="lower-case"),
        pytest.param(b" PROXY", id="space-before"),
        pytest.param(b"\r\n\r\n\0\r\nQUIT\r", id="signature-broken-late"),
        pytest.param(b"\r\n\r\nX", id="signature-broken"),
        pytest.param(b"PROXY \r\n", id="empty"),
        pytest.param(b"PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n", id="family"),
        pytest.param(b"PROXY UNKNOWNX\r\n", id="unknown-x"),
        pytest.param(b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", id="one-port"),
        pytest.param(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", id="space-at-the-end"),
        pytest.param(b"PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", id="two-spaces"),
        pytest.param(b"PROXY TCP4 192.0.2.1\t192.0.2.2 1 2\r\n", id="tab"),
        pytest.param(b"PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n", id="no-address"),
        pytest.param(b"PROXY TCP4 192.0.02.1 192.0.2.2 1 2\r\n", id="octal"),
        pytest.param(b"PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n", id="short-address"),
        pytest.param(b"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", id="6-in-4"),
        pytest.param(b"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", id="4-in-6"),
        pytest.param(b"PROXY TCP6 fe80::1%eth0 2001:db8::2 1 2\r\n", id="zone"),
        pytest.param(b"PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n", id="large-port"),
        pytest.param(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 99999\r\n", id="large-destination-port"),
        pytest.param(b"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", id="zero-before"),
        pytest.param(b"PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", id="plus"),
        pytest.param(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n\r\n", id="bare-lf"),
        pytest.param(b"PROXY UNKNOWN a\rb\r\n", id="bare-cr"),
        pytest.param(b"PROXY UNKNOWN " + b"f" * 92 + b"\r\n", id="text-too-long"),
        pytest.param(b"PROXY UNKNOWN " + b"f" * 200, id="text-without-end"),
        pytest.param(binary(0x11, 0x11, FOUR), id="version-1"),
        pytest.param(binary(0x31, 0x11, FOUR), id="version-3"),
        pytest.param(binary(0x22, 0x11, FOUR), id="command"),
        pytest.param(binary(0x21, 0x10, FOUR), id="transport-unspecified"),
        pytest.param(binary(0x21, 0x13, FOUR), id="transport"),
        pytest.param(binary(0x21, 0x41, FOUR), id="binary-family"),
        pytest.param(binary(0x21, 0x11, FOUR[:-1]), id="binary-4-short"),
        pytest.param(binary(0x21, 0x21, FOUR), id="4-as-6"),
        pytest.param(binary(0x21, 0x31, b"x" * 215), id="unix-short"),
        pytest.param(binary(0x21, 0x11, b"", size=8193), id="binary-too-long"),
        pytest.param(binary(0x20, 0x00, b"", size=65535), id="local-too-long"),
    ],
)
def test_malformed_header_is_refused_at_every_split(received: bytes) -> None:
    with pytest.raises(ProtocolError):
        ProxyHeaderParser().feed(received)
    assert _feed(received, list(range(len(received)))) == ("refused", b"")


def _feed(received: bytes, cuts: list[int]) -> tuple[object, bytes]:
    parser = ProxyHeaderParser()
    header = None
    before = 0
    for cut in sorted({min(cut, len(received)) for cut in cuts} | {len(received)}):
        try:
            header = parser.feed(received[before:cut])
        except ProtocolError:
            return "refused", b""
        if header is not None:
            return header, parser.trailing + received[cut:]
        before = cut
    return header, b""


@given(
    st.one_of(
        st.binary(max_size=60),
        st.binary(max_size=60).map(lambda rest: b"PROXY TCP4 " + rest + b"\r\n"),
        st.binary(min_size=1, max_size=60).map(lambda rest: SIGNATURE + rest),
        st.builds(binary, st.sampled_from([0x20, 0x21]), st.integers(0, 255), st.binary(max_size=300)),
    ),
    st.lists(st.integers(0, 400), max_size=6),
)
def test_header_is_the_same_at_any_split(received: bytes, cuts: list[int]) -> None:
    assert _feed(received, cuts) == _feed(received, [])


@given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 65535), st.integers(0, 65535), st.binary(max_size=50))
def test_both_versions_give_the_same_header(
    source: IPAddress, destination: IPAddress, source_port: int, port: int, trailing: bytes
) -> None:
    if source.version != destination.version:
        destination = source
    family = 0x11 if source.version == 4 else 0x21
    text = f"PROXY TCP{source.version} {source} {destination} {source_port} {port}\r\n".encode()
    received = ends(str(source), str(destination), source_port, port)
    expected = ProxyHeader(is_known=True, source=(str(source), source_port), destination=(str(destination), port))
    for whole in (text, binary(0x21, family, received)):
        parser = ProxyHeaderParser()
        assert parser.feed(whole + trailing) == expected
        assert parser.trailing == trailing
