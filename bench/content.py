"""Measure the CPU time of forms, events and pages: `python -m bench.content` (part of `make bench`)."""

import argparse
import os
import selectors
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.cpu import cpu_seconds, pinned, two_cores
from bench.servers import APPS, Running, Server, ServerFailed, running
from bench.table import aligned
from bench.transfer import MIB, TIMEOUT, WrongAnswer, ask

ROUNDS: Final = 3
TURNBUCKLE: Final = "turnbuckle"
_OPTIONS: Final = ("--parser", "h1", "--log-level", "warning", "--port", "PORT")
SERVERS: Final = (
    Server(TURNBUCKLE, "Turnbuckle", ("-m", "turnbuckle", "serve", str(APPS / "content_turnbuckle.py"), *_OPTIONS)),
    Server("aiohttp", "aiohttp", (str(APPS / "content_aiohttp.py"), "PORT")),
    Server("starlette", "Starlette on uvicorn", (str(APPS / "content_starlette.py"), "PORT")),
)
_CLIENTS: Final = 1_000
_EVENTS: Final = 20


@dataclass(frozen=True)
class Case:
    """One kind of content.

    Args:
        name: The name for `--case`.
        title: The title of the column.
        run: Asks a port for it, and returns how often it had it.
    """

    name: str
    title: str
    run: Callable[[int], int]


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
    parser = argparse.ArgumentParser(prog="bench.content", description=__doc__)
    names = [case.name for case in CASES]
    parser.add_argument("--case", nargs="+", choices=names, default=names, help="only these")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    cases = [case for case in CASES if case.name in options.case]
    print("\nforms, events and pages: server CPU, µs for each")
    core, _ = two_cores()
    targets: list[Running] = []
    with ExitStack() as stack:
        for server in SERVERS:
            try:
                targets.append(stack.enter_context(running(server, core, path="/ready")))
            except ServerFailed as failure:
                print(f"  {failure}")
        measured = {case.name: _measure(targets, case, options.rounds) for case in cases}
    print("\n".join(_table(cases, targets, measured)))
    return 0


def _measure(targets: Sequence[Running], case: Case, rounds: int) -> dict[str, float]:
    """Return the median of the µs by the names of the servers; the first round does not count."""
    samples: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for target in targets:
            sample = _sample(target, case)
            samples.setdefault(target.server.name, []).extend([sample] if number else [])
    return {name: median(figures) for name, figures in samples.items()}


def _sample(target: Running, case: Case) -> float:
    _, core = two_cores()
    before = cpu_seconds(target.pid)
    with pinned(core):
        count = case.run(target.port)
    return (cpu_seconds(target.pid) - before) * 1e6 / count


def _table(cases: Sequence[Case], targets: Sequence[Running], measured: dict[str, dict[str, float]]) -> list[str]:
    lines = [
        (f"  {target.server.title}", *(f"{measured[case.name][target.server.name]:.0f}" for case in cases))
        for target in targets
    ]
    ratios = ("  Turnbuckle ÷ the better one", *(_ratio(measured[case.name]) for case in cases))
    return aligned(("server", *(case.title for case in cases)), [*lines, ratios])


def _ratio(micros: dict[str, float]) -> str:
    others = [figure for name, figure in micros.items() if name != TURNBUCKLE]
    return f"{micros[TURNBUCKLE] / min(others):.2f}" if TURNBUCKLE in micros and others else ""


if __name__ == "__main__":
    sys.exit(main())
