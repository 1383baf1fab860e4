"""Define the timeouts of a server and its connections.

Every wait of the server is bounded by one of them. Deadlines are totals: receiving a byte does not extend them.

Sources: RFC 9110, sections 15.5.9 (408) and 15.6.4 (503); RFC 9112, section 9.5.
"""

from __future__ import annotations

from typing import Final

import attrs

from turnbuckle.http.limits import deadline

__all__ = ["Timeouts"]

_BEFORE_ROUTING: Final = "it ends before the head is complete, and the route is not known before that"
_BETWEEN_REQUESTS: Final = "it applies to a connection while it serves no request"
_SERVER: Final = "it applies to the whole server"
_RATE: Final = "bytes per second, 0 for none"
_TESTS: Final = "server/connection/test_deadlines.py::"


@attrs.frozen(kw_only=True)
class Timeouts:
    """Deadlines in seconds, unless noted otherwise; 0 turns a deadline off.

    Attributes:
        handshake: the TLS handshake, from accept to its end; after that the connection is cut off.
        first_byte: from accept or the handshake to the first byte; after that the connection is closed. If it is set,
            ``head`` begins with that byte.
        head: from accept or the handshake, or from the first byte of a later request, to the end of the head; after
            that 408.
        content: the time in total that a handler waits for content, in addition to the time that ``content_rate``
            grants; after that 408.
        content_rate: the minimum rate of content in bytes per second: each received byte extends ``content`` by its
            share of a second.
        handler: from the head to the response; after that 503.
        total: from the head until the peer has read the whole response; after that 503 if nothing was sent, else the
            connection is aborted.
        after_response: for each function of ``request.after_response``; after that it is cancelled.
        write: the interval in which a peer must read at least ``write_rate`` bytes per second of the sent data; else
            the connection is aborted.
        write_rate: the minimum rate of reading in bytes per second, on average over ``write`` seconds.
        idle: between two requests; after that the connection is closed.
        lifetime: the age of a connection; the response to the first request that begins later is the last one.
        drain_content: bytes of unread content that are read and dropped to keep a connection open; if there are more,
            it is closed.
        last_request: the time for idle connections to send a last request when the server begins to stop; it is
            answered. After that they are closed.
        linger: the time that a closed connection goes on reading, so that the peer can read the last response.
        startup: the time to enter each lifespan; after that the start fails.
        shutdown: the time for requests to finish when the server stops, and then to leave each lifespan.
        stream_shutdown: the time for streams without a Content-Length to end when the server stops; a handler learns of
            it from ``request.stopping()``.
    """

    handshake: float = deadline(
        10.0,
        beyond="connection aborted",
        test="server/tls/test_handshake.py::test_handshake_that_stalls_is_cut_by_its_deadline",
        fixed=_BEFORE_ROUTING,
    )
    first_byte: float = deadline(
        0.0,
        beyond="connection closed",
        test=_TESTS + "test_connection_that_says_nothing_is_closed",
        fixed=_BEFORE_ROUTING,
    )
    head: float = deadline(
        15.0, beyond="408", test=_TESTS + "test_head_that_trickles_is_due_all_the_same", fixed=_BEFORE_ROUTING
    )
    content: float = deadline(30.0, beyond="408", test=_TESTS + "test_content_that_does_not_come_is_timed_out")
    content_rate: int = deadline(500, beyond="408", unit=_RATE, test=_TESTS + "test_content_that_trickles_is_timed_out")
    handler: float = deadline(0.0, beyond="503", test=_TESTS + "test_handler_that_takes_too_long_is_answered_for")
    total: float = deadline(
        0.0, beyond="503, or connection aborted", test=_TESTS + "test_request_has_so_much_time_in_all"
    )
    after_response: float = deadline(
        300.0,
        beyond="cancelled",
        test="server/lifespan/test_response_work.py::test_work_that_takes_too_long_is_cancelled",
    )
    write: float = deadline(
        30.0, beyond="connection aborted", test=_TESTS + "test_response_that_is_not_taken_is_cut_off"
    )
    write_rate: int = deadline(
        250,
        beyond="connection aborted",
        unit=_RATE,
        test=_TESTS + "test_peer_that_reads_slowly_but_steadily_gets_it_all",
    )
    idle: float = deadline(
        30.0,
        beyond="connection closed",
        test=_TESTS + "test_idle_connection_is_closed_without_a_word",
        fixed=_BETWEEN_REQUESTS,
    )
    lifetime: float = deadline(
        0.0,
        beyond="connection closed after the response",
        test=_TESTS + "test_connection_that_is_too_old_ends_with_the_next_response",
        fixed=_BETWEEN_REQUESTS,
    )
    drain_content: int = deadline(
        65536,
        beyond="connection closed after the response",
        unit="bytes",
        test="server/connection/test_content.py::test_unread_content_of_unknown_or_great_length_ends_the_connection",
    )
    last_request: float = deadline(
        1.0,
        beyond="connection closed",
        test="server/connection/test_connection.py::test_drain_closes_an_idle_connection_that_sends_no_last_request",
        fixed=_SERVER,
    )
    linger: float = deadline(
        2.0, beyond="connection closed", test=_TESTS + "test_lingering_has_an_end", fixed=_BETWEEN_REQUESTS
    )
    startup: float = deadline(
        30.0,
        beyond="the start fails",
        test="server/lifespan/test_lifespans.py::test_lifespan_that_is_not_entered_in_time_is_cancelled_and_named",
        fixed=_SERVER,
    )
    shutdown: float = deadline(
        30.0,
        beyond="connections aborted",
        test="server/run/test_server.py::test_stop_cuts_off_what_does_not_finish_in_time",
        fixed=_SERVER,
    )
    stream_shutdown: float = deadline(
        5.0, beyond="connection aborted", test=_TESTS + "test_endless_stream_has_a_moment_to_end_when_the_server_stops"
    )
