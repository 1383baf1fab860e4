"""Say how long a connection waits for each thing, and how much it reads to be polite.

Every wait of the server is bounded by one of these. Deadlines are totals: an octet that trickles in does not move them.

Sources: RFC 9110, sections 15.5.9 (408) and 15.6.4 (503); RFC 9112, section 9.5.
"""

from __future__ import annotations

from typing import Final

import attrs

from turnbuckle.http.limit_field import deadline

__all__ = ["Timeouts"]

_BEFORE: Final = "it runs before a head is complete, and only a whole head tells the route"
_BETWEEN: Final = "it concerns a connection while no request is served on it"
_SERVER: Final = "it concerns the server as a whole"
_RATE: Final = "bytes per second, 0 for none"
_DEADLINES: Final = "server/connection/test_deadlines.py::"


@attrs.frozen(kw_only=True)
class Timeouts:
    """Deadlines in seconds; 0 turns one off.

    Attributes:
        handshake: of TLS, from accept to its end; beyond it the connection is cut.
        first_byte: from accept or the handshake to the first octet; beyond it the connection is closed. Where it is
            set, ``head`` begins with that octet.
        head: from accept or the handshake, or from the first octet of a later request, to the end of the head; beyond
            it 408.
        content: how long, in total, a handler waits for content beyond what ``content_rate`` grants; beyond it 408.
        content_rate: bytes per second that content must come at: each byte received grants its share of a second.
        handler: from the head to the response; beyond it 503.
        total: from the head to the end of the response, taken by the peer; beyond it 503 if nothing was sent, else the
            connection is aborted.
        write: for a peer to take at least ``write_rate`` bytes per second of what is sent; beyond it the connection is
            aborted.
        write_rate: bytes per second, on average over ``write`` seconds.
        idle: between two requests; beyond it the connection is closed.
        lifetime: of a connection; the response to the first request that begins beyond it is the last one.
        drain_content: bytes of unread content that are read and dropped to keep a connection; beyond it it is closed.
        last_request: for idle connections to send a request once the server was told to stop: it is answered, and the
            last one. After that they are closed.
        linger: how long a closed connection still reads, so that the peer gets to see the last response.
        startup: for each lifespan to be entered; beyond it the start fails.
        shutdown: for requests to finish once the server was told to stop, then for each lifespan to be left.
    """

    handshake: float = deadline(
        10.0,
        beyond="connection aborted",
        test="server/tls/test_handshake.py::test_handshake_that_stalls_is_cut_by_its_deadline",
        fixed=_BEFORE,
    )
    first_byte: float = deadline(
        0.0,
        beyond="connection closed",
        test=_DEADLINES + "test_connection_that_says_nothing_is_closed",
        fixed=_BEFORE,
    )
    head: float = deadline(
        15.0, beyond="408", test=_DEADLINES + "test_head_that_trickles_is_due_all_the_same", fixed=_BEFORE
    )
    content: float = deadline(30.0, beyond="408", test=_DEADLINES + "test_content_that_does_not_come_is_timed_out")
    content_rate: int = deadline(
        500, beyond="408", unit=_RATE, test=_DEADLINES + "test_content_that_trickles_is_timed_out"
    )
    handler: float = deadline(0.0, beyond="503", test=_DEADLINES + "test_handler_that_takes_too_long_is_answered_for")
    total: float = deadline(
        0.0, beyond="503, or connection aborted", test=_DEADLINES + "test_request_has_so_much_time_in_all"
    )
    write: float = deadline(
        30.0, beyond="connection aborted", test=_DEADLINES + "test_response_that_is_not_taken_is_cut_off"
    )
    write_rate: int = deadline(
        250,
        beyond="connection aborted",
        unit=_RATE,
        test=_DEADLINES + "test_peer_that_reads_slowly_but_steadily_gets_it_all",
    )
    idle: float = deadline(
        30.0,
        beyond="connection closed",
        test=_DEADLINES + "test_idle_connection_is_closed_without_a_word",
        fixed=_BETWEEN,
    )
    lifetime: float = deadline(
        0.0,
        beyond="connection closed after the response",
        test=_DEADLINES + "test_connection_that_is_too_old_ends_with_the_next_response",
        fixed=_BETWEEN,
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
        2.0, beyond="connection closed", test=_DEADLINES + "test_lingering_has_an_end", fixed=_BETWEEN
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
