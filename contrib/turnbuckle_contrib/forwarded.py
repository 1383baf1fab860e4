"""Read the forwarding fields of a request, as far as trusted proxies wrote them. Pure.

Every proxy appends the address of its peer. Reading therefore starts at the right, with the value of the connected
proxy, and ends at the first address that is not trusted: the client. Values further to the left were sent by the
client, may be forged, and are ignored.

Sources: RFC 7239 (Forwarded). X-Forwarded-* has no standard and is read as nginx, HAProxy and large load balancers
write it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from turnbuckle import Headers, TrustedAddresses, canonical_address

__all__ = ["Forwarded", "read_forwarded", "read_x_forwarded"]

# token, quoted-string, forwarded-pair and its end (RFC 9110, section 5.6; RFC 7239, section 4).
_PAIR: Final = re.compile(
    r"[ \t]*(?:(?P<name>[!#$%&'*+\-.^_`|~0-9A-Za-z]+)="
    r"(?:(?P<token>[!#$%&'*+\-.^_`|~0-9A-Za-z]+)"
    r'|"(?P<quoted>(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*)")[ \t]*)?'
    r"(?P<end>[;,]|\Z)"
)
_ESCAPED: Final = re.compile(r"\\(.)")

# node = nodename [ ":" node-port ] (RFC 7239, section 6)
_NODE: Final = re.compile(
    r"(?:(?P<hidden>unknown|_[0-9A-Za-z._-]+)|(?P<four>[0-9.]+)|\[(?P<six>[0-9A-Fa-f:.]+)\])"
    r"(?::(?:(?P<port>[0-9]{1,5})|_[0-9A-Za-z._-]+))?",
    re.IGNORECASE,
)
_HOST: Final = re.compile(r"(?P<name>[0-9A-Za-z._-]{1,255}|\[[0-9A-Fa-f:.]+\])(?P<port>:[0-9]{1,5})?")
_PREFIX: Final = re.compile(r"(?:/[0-9A-Za-z._~!$&'()*+;=:@%-]+)+")
# Some proxies write the scheme of the protocol to which the connection is upgraded.
_SCHEMES: Final = {"": "", "http": "http", "https": "https", "ws": "http", "wss": "https"}
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}


@attrs.frozen(kw_only=True)
class Forwarded:
    """The values of the forwarding fields.

    Attributes:
        client: address of the client and port, 0 for no port; None if the proxies hide it.
        scheme: ``"http"``, ``"https"``, or "" if no scheme is given.
        host: host and port, or "".
        prefix: the prefix that a proxy removed from the path, or "".
    """

    client: tuple[str, int] | None
    scheme: str = ""
    host: str = ""
    prefix: str = ""


def read_x_forwarded(headers: Headers, client: tuple[str, int] | None, trusted: TrustedAddresses) -> Forwarded:
    """Return the values of ``X-Forwarded-For``, ``-Proto``, ``-Host``, ``-Port`` and ``-Prefix``.

    Of all fields except the first, the last value counts, which the connected proxy has written or passed on.

    Args:
        headers: the headers of the request.
        client: address of the connected peer, which is trusted.
        trusted: further trusted addresses.

    Raises:
        ValueError: a value that counts is malformed.
    """
    for element in _elements(headers, "x-forwarded-for"):
        client = _x_node(element)
        if client is None or not trusted.trusts_address(client[0]):
            break
    scheme = _scheme(_last(headers, "x-forwarded-proto"))
    host = _last(headers, "x-forwarded-host")
    port = _last(headers, "x-forwarded-port")
    if port:
        host = _with_port(host or headers.get("host", ""), port, scheme)
    return Forwarded(client=client, scheme=scheme, host=_checked_host(host), prefix=_prefix(headers))


def read_forwarded(headers: Headers, client: tuple[str, int] | None, trusted: TrustedAddresses) -> Forwarded:
    """Return the values of ``Forwarded``; scheme and host come from the element of the client.

    Args:
        headers: the headers of the request.
        client: address of the connected peer, which is trusted.
        trusted: further trusted addresses.

    Raises:
        ValueError: a field is malformed. The whole field counts, because a proxy appends to the client's text, and an
            open quotation mark there swallows the text after it.
    """
    pairs: Mapping[str, str] = {}
    for pairs in _forwarded_elements(headers):
        if "for" not in pairs:
            # This proxy hides the address of its peer, so no trusted proxy confirms the values to the left.
            client = None
            break
        client = _node(pairs["for"])
        if client is None or not trusted.trusts_address(client[0]):
            break
    return Forwarded(client=client, scheme=_scheme(pairs.get("proto", "")), host=_checked_host(pairs.get("host", "")))


# -- X-Forwarded-*


def _elements(headers: Headers, name: str) -> Iterator[str]:
    """Yield the elements of a list from last to first, without empty elements."""
    for line in reversed(headers.get_list(name)):
        for part in reversed(line.split(",")):
            if element := part.strip(" \t"):
                yield element


def _last(headers: Headers, name: str) -> str:
    return next(_elements(headers, name), "")


def _x_node(element: str) -> tuple[str, int] | None:
    # An IPv6 address often has no brackets here, and then it has no port.
    return _node(f"[{element}]" if element.count(":") > 1 and not element.startswith("[") else element)


def _with_port(host: str, port: str, scheme: str) -> str:
    if not re.fullmatch("[0-9]{1,5}", port):
        raise ValueError(f"malformed port {port!r}")
    found = _HOST.fullmatch(host)
    if found is None or found["port"]:
        # A port in the host takes precedence.
        return host
    return host if port == _DEFAULT_PORTS.get(scheme) else f"{host}:{port}"


def _prefix(headers: Headers) -> str:
    prefix = _last(headers, "x-forwarded-prefix").rstrip("/")
    # In a relative URL, two slashes would begin another host.
    if prefix and not _PREFIX.fullmatch(prefix):
        raise ValueError(f"malformed prefix {prefix!r}")
    return prefix


# -- Forwarded


def _forwarded_elements(headers: Headers) -> Iterator[Mapping[str, str]]:
    for line in reversed(headers.get_list("forwarded")):
        yield from reversed(_parse_line(line))


def _parse_line(line: str) -> list[Mapping[str, str]]:
    elements: list[Mapping[str, str]] = []
    pairs: dict[str, str] = {}
    at = 0
    while True:
        found = _PAIR.match(line, at)
        if found is None:
            raise ValueError(f"malformed Forwarded at {line[at : at + 20]!r}")
        if found["name"]:
            _add_pair(pairs, found)
        if found["end"] != ";":
            if pairs:
                elements.append(pairs)
            pairs = {}
        if not found["end"]:
            return elements
        at = found.end()


def _add_pair(pairs: dict[str, str], found: re.Match[str]) -> None:
    name = found["name"].lower()
    if name in pairs:
        raise ValueError(f"parameter {name!r} appears twice in one element of Forwarded")
    pairs[name] = found["token"] or _ESCAPED.sub(r"\1", found["quoted"] or "")


# -- both


def _node(text: str) -> tuple[str, int] | None:
    """Return address and port of a node; None if they are hidden."""
    found = _NODE.fullmatch(text)
    if found is None:
        raise ValueError(f"malformed address {text!r}")
    if found["hidden"]:
        return None
    address = found["four"] or found["six"]
    port = int(found["port"] or 0)
    if (found["six"] is None) is not (ipaddress.ip_address(address).version == 4) or port > 65535:
        raise ValueError(f"malformed address {text!r}")
    return canonical_address(address), port


def _scheme(text: str) -> str:
    scheme = _SCHEMES.get(text.lower())
    if scheme is None:
        raise ValueError(f"scheme {text!r} is not supported")
    return scheme


def _checked_host(host: str) -> str:
    if not host:
        return ""
    found = _HOST.fullmatch(host)
    if found is None or int((found["port"] or ":0")[1:]) > 65535:
        raise ValueError(f"malformed host {host!r}")
    if found["name"].startswith("["):
        ipaddress.IPv6Address(found["name"][1:-1])
    return host
