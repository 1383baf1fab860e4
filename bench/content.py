"""Measure the CPU time of forms, events and pages: `python -m bench.content` (part of `make bench`)."""

import os
import selectors
import socket
import sys
from contextlib import ExitStack
from typing import Final

from bench.comparison import Case, compare, compared_servers, options_parser
from bench.transfer import MIB, TIMEOUT, WrongAnswer, ask

_CLIENTS: Final = 1_000
_EVENTS: Final = 20


def _forms(port: int, count: int = 20) -> int:
    """Upload a file of 1 MiB in a multipart form."""
    boundary, file = b"bench-4f1c0a77e2", os.urandom(MIB)
    part = b'Content-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: application/octet-stream'
    content = b"--%b\r\n%b\r\n\r\n%b\r\n--%b--\r\n" % (boundary, part, file, boundary)
    head = b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=%b\r\n" % boundary
    request = head + b"Content-Length: %d\r\n\r\n" % len(content) + content
    for answer in ask(port, [request] * count):
        if int(answer) != MIB:
            raise WrongAnswer(repr(answer[:80]))
    return count


def _pages(port: int, count: int = 300) -> int:
    """Render a page of 50 rows; no two pages are alike."""
    requests = [b"GET /page/%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(1000, 1000 + count)]
    for number, page in enumerate(ask(port, requests), start=1000):
        if b"<h1>Notes of %d</h1>" % number not in page or page.count(b"&lt;") != 50:
            raise WrongAnswer(repr(page[:80]))
    return count


def _events(port: int) -> int:
    """Read the events of a thousand clients at a time."""
    found, request = 0, b"GET /events/%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % _EVENTS
    with selectors.DefaultSelector() as selector, ExitStack() as stack:
        for _ in range(_CLIENTS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT))
            client.sendall(request)
            selector.register(client, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(TIMEOUT)
            if not ready:
                raise WrongAnswer(f"after {found} events, no more came")
            for key, _ in ready:
                data = key.fileobj.recv(65536)  # type: ignore[union-attr]  # it is a socket
                # An event, or its end, may be cut by a read, but its name is in one piece in practice.
                found += data.count(b"data: event")
                if not data:
                    selector.unregister(key.fileobj)
    if found < 0.99 * _CLIENTS * _EVENTS:
        raise WrongAnswer(f"{found} events instead of {_CLIENTS * _EVENTS}")
    return found


CASES: Final = (
    Case("form", "1 MiB in a form", _forms),
    Case("events", f"event to {_CLIENTS:,} clients", _events),
    Case("page", "page of 50 rows", _pages),
)


def main() -> int:
    """Print a table; the columns are the cases."""
    options = options_parser("content", __doc__, CASES).parse_args()
    print("\nforms, events and pages: server CPU, µs for each")
    cases = [case for case in CASES if case.name in options.case]
    print("\n".join(compare(compared_servers("content"), cases, options.rounds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
