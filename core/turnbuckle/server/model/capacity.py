"""Say how much a server takes on at a time, and what one connection may ask of it.

Sources: RFC 9110, sections 10.2.3 (Retry-After) and 15.6.4 (503); RFC 6585, section 4 (429); RFC 9112, section 9.3.2
(pipelining).
"""

from __future__ import annotations

import ipaddress
from typing import Final

import attrs

from turnbuckle.http.limit_field import limit

__all__ = ["Capacity"]

_SERVER: Final = "it concerns the server as a whole"
_CONNECTION: Final = "it concerns a connection, whatever routes its requests are for"
_TESTS: Final = "server/model/test_capacity.py::"


def _are_networks(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for each in value:
        ipaddress.ip_network(each, strict=False)


@attrs.frozen(kw_only=True)
class Capacity:
    """How much the server takes on at a time, and one connection may ask of it.

    Attributes:
        connections: open at a time; further ones are answered 503 and closed. 0: seven eighths of the files that the
            process may have open, so that some are left for the app.
        connections_per_address: open at a time from one IPv4 address or one /64 of IPv6; further ones are answered 429
            and closed. 0: any number. Behind a proxy all come from its address: name it in ``exempt``.
        exempt: addresses and networks that ``connections_per_address`` does not count, such as "10.0.0.0/8".
        requests_per_connection: the response to the last one announces the end of the connection. 0: any number.
        concurrent_requests: that handlers work on at a time; further ones are answered 503. 0: any number.
        pipeline: bytes that a connection holds of later requests while one is served; beyond it nothing more is read.
        retry_after: seconds after which those who were answered 503 or 429 may try again; 0 does not say.
    """

    connections: int = limit(
        0,
        beyond="503, connection closed",
        unit="connections",
        test=_TESTS + "test_connections_are_bounded",
        fixed=_SERVER,
    )
    connections_per_address: int = limit(
        0,
        beyond="429, connection closed",
        unit="connections",
        test=_TESTS + "test_connections_of_one_address_are_bounded",
        fixed=_CONNECTION,
    )
    exempt: tuple[str, ...] = attrs.field(default=(), validator=_are_networks)
    requests_per_connection: int = limit(
        0,
        beyond="connection closed after the response",
        unit="requests",
        test=_TESTS + "test_last_request_of_a_connection_announces_its_end",
        fixed=_CONNECTION,
    )
    concurrent_requests: int = limit(
        0, beyond="503", unit="requests", test=_TESTS + "test_requests_at_a_time_are_bounded", fixed=_SERVER
    )
    pipeline: int = limit(
        65536,
        beyond="reading stops",
        test=_TESTS + "test_pipeline_is_read_no_further_than_its_bound",
        fixed=_CONNECTION,
    )
    retry_after: int = attrs.field(default=5, validator=attrs.validators.ge(0))
