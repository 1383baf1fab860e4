"""Parse the header that a proxy sends at the start of a connection: HAProxy's PROXY protocol, versions 1 and 2.

Sans-I/O: the parser takes bytes and returns the header once it is complete. Nothing in the header can be verified, so
the caller has to decide whether the sender is trusted before it uses this parser.

Source: the PROXY protocol, versions 1 and 2 (haproxy.org, doc/proxy-protocol.txt).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final, TypeAlias, final

import attrs

from turnbuckle.errors import ProtocolError

__all__ = ["ProxyHeader", "ProxyHeaderParser"]

_Address: TypeAlias = tuple[str, int]

_TEXT_START: Final = b"PROXY "
# Section 2.1: the maximum size of the line, including its CRLF.
_MAX_LINE: Final = 107
_LINE: Final = re.compile(
    rb"PROXY (?:(?P<unknown>UNKNOWN)(?: [^\r\n]*)?"
    rb"|TCP(?P<family>[46]) (?P<source>[0-9A-Fa-f.:]+) (?P<destination>[0-9A-Fa-f.:]+)"
    rb" (?P<source_port>0|[1-9][0-9]{0,4}) (?P<destination_port>0|[1-9][0-9]{0,4}))"
)

_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED_SIZE: Final = 16
# The addresses and the extensions (TLVs) after them. The longest extensions in use carry a certificate.
_MAX_VARIABLE_SIZE: Final = 8192
_LOCAL: Final = 0x20
_PROXY: Final = 0x21

# The bytes of one address, by the byte that encodes family and transport; 0 if the addresses have no meaning.
_ADDRESS_SIZES: Final = {0x00: 0, 0x11: 4, 0x12: 4, 0x21: 16, 0x22: 16, 0x31: 108, 0x32: 108}
_UNIX: Final = frozenset({0x31, 0x32})


@attrs.frozen(kw_only=True)
class ProxyHeader:
    """The addresses of a connection, as a proxy reports them.

    Attributes:
        is_known: whether the header contains addresses. If not, the proxy made the connection for itself or cannot
            describe it, and the addresses of the socket apply.
        source: address and port of the client; None if there are none, as on a Unix socket.
        destination: address and port that the client connected to; None likewise.
    """

    is_known: bool = False
    source: _Address | None = None
    destination: _Address | None = None


_UNKNOWN: Final = ProxyHeader()


@final
class ProxyHeaderParser:
    """Parses one header.

    Attributes:
        trailing: once the header is complete, the bytes received after it.
    """

    __slots__ = ("_received", "trailing")

    def __init__(self) -> None:
        self._received = b""
        self.trailing = b""

    def feed(self, data: bytes) -> ProxyHeader | None:
        """Take received bytes, and return the header if it is complete.

        Raises:
            ProtocolError: the bytes are not the beginning of a valid header.
        """
        self._received += data
        if _may_start_with(self._received, _SIGNATURE):
            return self._read_binary()
        if _may_start_with(self._received, _TEXT_START):
            return self._read_text()
        raise ProtocolError("the connection does not begin with a PROXY protocol header")

    def _read_text(self) -> ProxyHeader | None:
        line, end, trailing = self._received[:_MAX_LINE].partition(b"\r\n")
        if not end:
            if len(line) == _MAX_LINE:
                raise ProtocolError(f"PROXY line exceeds {_MAX_LINE} bytes")
            return None
        found = _LINE.fullmatch(line)
        if found is None:
            raise ProtocolError(f"malformed PROXY line {line!r}")
        self.trailing = trailing + self._received[_MAX_LINE:]
        return _UNKNOWN if found["unknown"] else _header_from_text(found)

    def _read_binary(self) -> ProxyHeader | None:
        received = self._received
        if len(received) < _FIXED_SIZE:
            return None
        command, family, size = received[12], received[13], int.from_bytes(received[14:16], "big")
        if command not in (_LOCAL, _PROXY):
            raise ProtocolError(f"PROXY version and command {command:#04x} are unknown")
        if size > _MAX_VARIABLE_SIZE:
            raise ProtocolError(f"PROXY header of {size} bytes exceeds {_MAX_VARIABLE_SIZE}")
        if len(received) < _FIXED_SIZE + size:
            return None
        self.trailing = received[_FIXED_SIZE + size :]
        if command == _LOCAL:
            return _UNKNOWN
        return _header_from_binary(family, received[_FIXED_SIZE : _FIXED_SIZE + size])


def _may_start_with(received: bytes, start: bytes) -> bool:
    return received[: len(start)] == start[: len(received)]


def _header_from_text(found: re.Match[bytes]) -> ProxyHeader:
    version = int(found["family"])
    addresses = []
    for name in ("source", "destination"):
        port = int(found[f"{name}_port"])
        try:
            address = ipaddress.ip_address(found[name].decode("ascii"))
        except ValueError as error:
            raise ProtocolError(f"malformed PROXY address {found[name]!r}") from error
        if address.version != version or port > 0xFFFF:
            raise ProtocolError(f"malformed PROXY {name} {found[name]!r}, port {port}")
        addresses.append((str(address), port))
    return ProxyHeader(is_known=True, source=addresses[0], destination=addresses[1])


def _header_from_binary(family: int, addresses: bytes) -> ProxyHeader:
    size = _ADDRESS_SIZES.get(family)
    if size is None:
        raise ProtocolError(f"PROXY family {family:#04x} is unknown")
    if not size:
        return _UNKNOWN
    # Two addresses, then two ports, except for Unix sockets.
    if len(addresses) < 2 * size + (0 if family in _UNIX else 4):
        raise ProtocolError(f"PROXY header of {len(addresses)} bytes is too short for its addresses")
    if family in _UNIX:
        return ProxyHeader(is_known=True)
    ports = addresses[2 * size : 2 * size + 4]
    return ProxyHeader(
        is_known=True,
        source=(str(ipaddress.ip_address(addresses[:size])), int.from_bytes(ports[:2], "big")),
        destination=(str(ipaddress.ip_address(addresses[size : 2 * size])), int.from_bytes(ports[2:], "big")),
    )
