"""Parse the places to listen on, as ``server.bind`` and ``--bind`` give them."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, final

import attrs

__all__ = ["Endpoint", "parse_endpoint"]

_FORMS: Final = "HOST:PORT, [IPV6]:PORT, unix:PATH or fd:NUMBER"
_HOST_AND_PORT: Final = re.compile(r"(\[[^\[\]]+\]|[^:\[\]/@]+):([0-9]{1,5})")
_URL: Final = re.compile(r"(?:https?|tcp)://(.*)", re.IGNORECASE)
_MAX_PORT: Final = 65535
# Descriptors have at most as many digits as a C int.
_DESCRIPTOR: Final = re.compile("[0-9]{1,9}")
_USUAL_PORT: Final = 8000


@final
@attrs.frozen(kw_only=True)
class Endpoint:
    """One place to listen on: hosts with a port, a Unix socket, or an inherited descriptor.

    Attributes:
        hosts: names or IP addresses, which share the port; empty for the other kinds.
        port: TCP port; 0 lets the system choose one.
        unix: path of a Unix socket, or ``@name`` for an abstract one; "" for the other kinds.
        fd: number of an inherited descriptor; None for the other kinds.
    """

    hosts: tuple[str, ...] = ()
    port: int = 0
    unix: str = ""
    fd: int | None = None


def parse_endpoint(text: str) -> Endpoint:
    """Return the place to listen on that a text names.

    Args:
        text: ``127.0.0.1:8000``, ``[::1]:8000``, ``localhost:8000``, ``unix:/run/app.sock``, ``unix:@name`` or
            ``fd:3``. As in other servers, ``//`` may follow ``unix:`` and ``fd:``.

    Raises:
        ValueError: it names none; the message says what to write.
    """
    kind, colon, rest = text.partition(":")
    if colon and kind in {"unix", "fd"}:
        return _special(kind, rest.removeprefix("//"), text)
    match = _HOST_AND_PORT.fullmatch(text)
    if match is None:
        raise ValueError(f"cannot listen on {text!r}: {_mistake(text)}")
    host, port = match[1], int(match[2])
    if port > _MAX_PORT:
        raise ValueError(f"cannot listen on {text!r}: port {port} exceeds {_MAX_PORT}")
    if host == "*":
        raise ValueError(f"cannot listen on {text!r}: {_every_interface(match[2])}")
    if host.startswith("[") and not _is_ipv6(host[1:-1]):
        raise ValueError(f"cannot listen on {text!r}: {host[1:-1]!r} is no IPv6 address")
    return Endpoint(hosts=(host,), port=port)


def _special(kind: str, value: str, text: str) -> Endpoint:
    if kind == "unix":
        if value in {"", "@"}:
            raise ValueError(f"cannot listen on {text!r}: the path is missing, as in 'unix:/run/app.sock'")
        return Endpoint(unix=value)
    if not _DESCRIPTOR.fullmatch(value):
        raise ValueError(f"cannot listen on {text!r}: the number of the descriptor is missing, as in 'fd:3'")
    return Endpoint(fd=int(value))


def _mistake(text: str) -> str:
    """Return the mistake in a text, and the right form."""
    if match := _URL.fullmatch(text):
        return f"write {match[1].rstrip('/')!r}, without a scheme; a certificate in [tls] makes it https"
    if text.startswith(("/", "./", "../", "@")):
        return f"write 'unix:{text}' for a Unix socket"
    if text.isascii() and text.isdecimal():
        return f"the host is missing, as in '127.0.0.1:{text}'"
    if text.startswith(":") and text[1:].isdecimal():
        return _every_interface(text[1:])
    host, _, port = text.rpartition(":")
    # "::1:8000" is an IPv6 address as well, but the port is more likely to be meant.
    if port.isdecimal() and _is_ipv6(host):
        return f"an IPv6 address has brackets, as in '[{host}]:{port}'"
    if _is_ipv6(text):
        return f"an IPv6 address has brackets, and a port follows, as in '[{text}]:{_USUAL_PORT}'"
    if text and not text.isspace() and (":" not in text or (text.startswith("[") and text.endswith("]"))):
        return f"the port is missing, as in '{text}:{_USUAL_PORT}'"
    return f"it is not one of {_FORMS}"


def _every_interface(port: str) -> str:
    return f"'0.0.0.0:{port}' and '[::]:{port}' listen on every interface, '127.0.0.1:{port}' only on this machine"


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
