"""Read the header that a proxy sends before anything else: the PROXY protocol of HAProxy, versions 1 and 2.

Sans-I/O: octets in, a header out once it is complete. The header says nothing that can be checked; whether to believe
it is for the caller to decide before it is read.

Source: the PROXY protocol, versions 1 and 2 (haproxy.org, doc/proxy-protocol.txt).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final, TypeAlias, final

import attrs

from turnbuckle.errors import ProtocolError

__all__ = ["ProxyHeader", "ProxyHeaderParser"]

_End: TypeAlias = tuple[str, int]

_TEXT: Final = b"PROXY "
# Section 2.1: the longest line, with its CRLF.
_TEXT_SIZE: Final = 107
_LINE: Final = re.compile(
    rb"PROXY (?:(?P<unknown>UNKNOWN)(?: [^\r\n]*)?"
    rb"|TCP(?P<family>[46]) (?P<source>[0-9A-Fa-f.:]+) (?P<destination>[0-9A-Fa-f.:]+)"
    rb" (?P<source_port>0|[1-9][0-9]{0,4}) (?P<destination_port>0|[1-9][0-9]{0,4}))"
)

_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED_SIZE: Final = 16
# Addresses and what extensions (TLV) come behind them. The longest in use carry a certificate.
_MOST: Final = 8192
_LOCAL: Final = 0x20
_PROXY: Final = 0x21

# Octets of one address, by the octet that tells family and transport; 0 where addresses mean nothing to us.
_ADDRESS_SIZES: Final = {0x00: 0, 0x11: 4, 0x12: 4, 0x21: 16, 0x22: 16, 0x31: 108, 0x32: 108}
_UNIX: Final = frozenset({0x31, 0x32})


@attrs.frozen(kw_only=True)
class ProxyHeader:
    """What a proxy tells of a connection.

    Attributes:
        is_known: whether it tells anything; if not, the connection is the proxy's own, or of a kind that it cannot
            describe, and its ends are those that the system tells.
        source: address and port of the client; None if it has none, as on a Unix socket.
        destination: address and port that the client connected to; None as above.
    """

    is_known: bool = False
    source: _End | None = None
    destination: _End | None = None


_NOTHING_KNOWN: Final = ProxyHeader()


@final
class ProxyHeaderParser:
    """Reads one header.

    Attributes:
        trailing: once the header is complete, what came behind it.
    """

    __slots__ = ("_octets", "trailing")

    def __init__(self) -> None:
        self._octets = b""
        self.trailing = b""

    def feed(self, data: bytes) -> ProxyHeader | None:
        """Take octets; return the header once it is complete.

        Raises:
            ProtocolError: this is no such header.
        """
        self._octets += data
        if _may_begin(self._octets, _SIGNATURE):
            return self._read_binary()
        if _may_begin(self._octets, _TEXT):
            return self._read_text()
        raise ProtocolError("the connection does not begin with a header of the PROXY protocol")

    def _read_text(self) -> ProxyHeader | None:
        line, end, trailing = self._octets[:_TEXT_SIZE].partition(b"\r\n")
        if not end:
            if len(line) == _TEXT_SIZE:
                raise ProtocolError(f"PROXY line exceeds {_TEXT_SIZE} bytes")
            return None
        found = _LINE.fullmatch(line)
        if found is None:
            raise ProtocolError(f"malformed PROXY line {line!r}")
        self.trailing = trailing + self._octets[_TEXT_SIZE:]
        return _NOTHING_KNOWN if found["unknown"] else _of_text(found)

    def _read_binary(self) -> ProxyHeader | None:
        octets = self._octets
        if len(octets) < _FIXED_SIZE:
            return None
        command, family, size = octets[12], octets[13], int.from_bytes(octets[14:16], "big")
        if command not in (_LOCAL, _PROXY):
            raise ProtocolError(f"PROXY version and command {command:#04x} are unknown")
        if size > _MOST:
            raise ProtocolError(f"PROXY header of {size} bytes exceeds {_MOST}")
        if len(octets) < _FIXED_SIZE + size:
            return None
        self.trailing = octets[_FIXED_SIZE + size :]
        if command == _LOCAL:
            return _NOTHING_KNOWN
        return _of_binary(family, octets[_FIXED_SIZE : _FIXED_SIZE + size])


def _may_begin(octets: bytes, start: bytes) -> bool:
    return octets[: len(start)] == start[: len(octets)]


def _of_text(found: re.Match[bytes]) -> ProxyHeader:
    version = int(found["family"])
    ends = []
    for name in ("source", "destination"):
        port = int(found[f"{name}_port"])
        try:
            address = ipaddress.ip_address(found[name].decode("ascii"))
        except ValueError as error:
            raise ProtocolError(f"malformed PROXY address {found[name]!r}") from error
        if address.version != version or port > 0xFFFF:
            raise ProtocolError(f"malformed PROXY {name} {found[name]!r}, port {port}")
        ends.append((str(address), port))
    return ProxyHeader(is_known=True, source=ends[0], destination=ends[1])


def _of_binary(family: int, octets: bytes) -> ProxyHeader:
    size = _ADDRESS_SIZES.get(family)
    if size is None:
        raise ProtocolError(f"PROXY family {family:#04x} is unknown")
    if not size:
        return _NOTHING_KNOWN
    # Two addresses, then two ports, which Unix sockets have not.
    if len(octets) < 2 * size + (0 if family in _UNIX else 4):
        raise ProtocolError(f"PROXY header of {len(octets)} bytes is too short for its addresses")
    if family in _UNIX:
        return ProxyHeader(is_known=True)
    ports = octets[2 * size : 2 * size + 4]
    return ProxyHeader(
        is_known=True,
        source=(str(ipaddress.ip_address(octets[:size])), int.from_bytes(ports[:2], "big")),
        destination=(str(ipaddress.ip_address(octets[size : 2 * size])), int.from_bytes(ports[2:], "big")),
    )
