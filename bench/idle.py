"""Measure the memory of an idle keep-alive connection: `python -m bench.idle` (part of `make bench`)."""

import argparse
import socket
import sys
import time
from contextlib import ExitStack
from typing import Final

from bench.cpu import resident_bytes, two_cores
from bench.launch import allow_files
from bench.servers import NAMES, SERVERS, TURNBUCKLE, Running, Server, ServerFailed, running

CONNECTIONS: Final = 1000
USUAL: Final = ("turnbuckle", "floor", "uvicorn-httptools", "granian-rsgi", "starlette", "aiohttp")
WARM_UP: Final = 20
AT_MOST_KIB: Final = 6.0
# Long enough for a server's periodic work to run once over the new connections.
SETTLE_SECONDS: Final = 1.5
REQUEST: Final = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n"


def main() -> int:
    """Print the memory per idle connection of each server; name the servers that could not be measured."""
    parser = argparse.ArgumentParser(prog="bench.idle", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=USUAL, metavar="SERVER", help=", ".join(NAMES))
    only = parser.parse_args().only
    allow_files(CONNECTIONS + 200)
    print(f"memory per idle keep-alive connection ({CONNECTIONS} open, one request made on each):")
    for server in SERVERS:
        if server.name in only:
            try:
                print(_line(server, kib_per_connection(server)), flush=True)
            except ServerFailed as failure:
                print(f"  {failure}", flush=True)
    return 0


def kib_per_connection(server: Server) -> float:
    """Return the growth of a new server's resident memory per connection, in KiB."""
    core, _ = two_cores()
    with running(server, core) as target, ExitStack() as stack:
        # Some connections first, closed again, so that late imports and first buffers do not count.
        for _ in range(WARM_UP):
            _connection(target).close()
        time.sleep(SETTLE_SECONDS)
        before = resident_bytes(target.pid)
        for _ in range(CONNECTIONS):
            stack.enter_context(_connection(target))
        time.sleep(SETTLE_SECONDS)
        return (resident_bytes(target.pid) - before) / CONNECTIONS / 1024


def _connection(target: Running) -> socket.socket:
    """Open a connection, and complete one request on it."""
    connection = socket.create_connection(("127.0.0.1", target.port), timeout=10)
    connection.sendall(REQUEST)
    answer = b""
    while not answer.endswith(b"Hello, World!"):
        piece = connection.recv(4096)
        if not piece:
            raise ServerFailed(f"{target.server.title} closed a keep-alive connection after {answer!r}")
        answer += piece
    return connection


def _line(server: Server, kib: float) -> str:
    line = f"  {server.title:30} {kib:6.1f} KiB"
    if server is not TURNBUCKLE:
        return line
    return f"{line}   at most {AT_MOST_KIB:.1f}: {'pass' if kib <= AT_MOST_KIB else 'fail'}"


if __name__ == "__main__":
    sys.exit(main())
