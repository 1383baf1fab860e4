"""Define the limits on connections and requests of a server, and the limit on its open files.

Sources: RFC 9110, sections 10.2.3 (Retry-After) and 15.6.4 (503); RFC 6585, section 4 (429); RFC 9112, section 9.3.2
(pipelining).
"""

from __future__ import annotations

import math
import os
import sys
from contextlib import suppress
from typing import Final

import attrs

from turnbuckle.http.limits import limit
from turnbuckle.web.trusted_addresses import parse_network

__all__ = ["Capacity", "FileBudget", "divide_open_files", "open_file_limit", "raise_open_file_limit"]

_SERVER: Final = "it applies to the whole server"
_CONNECTION: Final = "it applies to a connection, and its requests may be for several routes"
_TESTS: Final = "server/model/test_capacity.py::"


def _are_networks(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for network in value:
        parse_network(network, strict=False)


@attrs.frozen(kw_only=True)
class Capacity:
    """Limits on the connections and requests that a server handles at a time.

    Attributes:
        connections: connections open at a time; further ones are answered 503 and closed. 0: as many as the files that
            the process may open allow, with an eighth of them, and at least 64 or half of them, left to the app.
        connections_per_address: connections open at a time from one IPv4 address or one IPv6 /64; further ones are
            answered 429 and closed. 0: any number. Behind a proxy, all connections have the proxy's address: add it to
            ``exempt``.
        exempt: addresses and networks that ``connections_per_address`` does not count, such as "10.0.0.0/8".
        requests_per_connection: requests on one connection; the response to the last one announces the end of the
            connection. 0: any number.
        concurrent_requests: requests that handlers work on at a time; further ones are answered 503. 0: any number.
        after_response: functions of ``request.after_response`` that wait or run at a time; requests that add further
            ones are answered 503. 0: any number.
        pipeline: bytes that a connection stores while it serves a request, of its content and of later requests;
            beyond that, reading stops. The last read is stored as a whole, and event loops read up to 256 KiB at once.
        retry_after: seconds in the Retry-After field of 503 and 429 responses; 0 omits the field.
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
    after_response: int = limit(
        1000,
        beyond="503",
        unit="functions",
        test="server/lifespan/test_response_work.py::test_functions_at_a_time_are_bounded",
        fixed=_SERVER,
    )
    pipeline: int = limit(
        65536,
        beyond="reading stops",
        test=_TESTS + "test_pipeline_is_read_no_further_than_its_bound",
        fixed=_CONNECTION,
    )
    retry_after: int = attrs.field(default=5, validator=attrs.validators.ge(0))


# The files that the app may open at least, unless that is more than half of those that are left.
_APP_FILES: Final = 64

# Sockets that are open for a moment only: rejected ones, and those accepted in one turn of the loop.
_MAX_REJECTIONS: Final = 32
_MAX_ACCEPTED: Final = 64

# The open files of a server at its start, where the system does not list them.
_USUAL_FILES: Final = 32


@attrs.frozen(kw_only=True)
class FileBudget:
    """How the files that a process may open are divided; each number is at least 1.

    Attributes:
        connections: connections that are served at a time; ``math.inf`` without a limit of open files.
        rejections: connections that are rejected with an answer at a time.
        accepted: connections that are accepted in one turn of the loop.
    """

    connections: float = math.inf
    rejections: int = _MAX_REJECTIONS
    accepted: int = _MAX_ACCEPTED


def divide_open_files() -> FileBudget:
    """Return the budget of this process, given its limit and the files that are open now."""
    limit = open_file_limit()
    if not limit:
        return FileBudget()
    left = max(limit - _open_files(), 0)
    app = max(left // 8, min(left // 2, _APP_FILES))
    rejections, accepted = min(_MAX_REJECTIONS, left // 8), min(_MAX_ACCEPTED, left // 8)
    return FileBudget(
        connections=max(1, left - app - rejections - accepted), rejections=max(1, rejections), accepted=max(1, accepted)
    )


def _open_files() -> int:
    for folder in ("/proc/self/fd", "/dev/fd"):
        with suppress(OSError):
            return len(os.listdir(folder))
    return _USUAL_FILES


def open_file_limit() -> int:
    """Return how many files the process may have open; 0 if there is no limit or it is not known."""
    if sys.platform == "win32":
        return 0
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 0 if soft == resource.RLIM_INFINITY else soft


def raise_open_file_limit() -> None:
    """Raise the limit of open files as far as the system allows: each connection is an open file.

    The low default limit protects programs that use ``select``, which asyncio does not.
    """
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # Some systems report a hard limit that they do not grant.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
