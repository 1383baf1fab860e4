"""Measure how much memory clients can make a server use: `python -m bench.robustness.memory`.

Each case has its own server. The figure is the peak resident memory of the server process; it does not include the
memory of the kernel for sockets.
"""

import argparse
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.launch import Launched, allow_files, launched

APP: Final = str(Path(__file__).parent / "apps" / "limits_app.py")
MIB: Final = 1024 * 1024
GIB_IN_MIB: Final = 1024
PIECE: Final = b"x" * 65536

IDLE_CONNECTIONS: Final = 10_000
TRICKLING_CONNECTIONS: Final = 1_000
# Number of times that four kilobytes are sent; in total almost the limit of a head.
TRICKLES: Final = 14
READ_SECONDS: Final = 15
TIMEOUT: Final = 60.0

# The client reads slowly and has a small receive buffer, so that its pace affects the server.
READ_A_SECOND: Final = 4 * MIB
RECEIVE_BUFFER: Final = 65536


@dataclass(frozen=True)
class Case:
    """One way to use memory.

    Args:
        name: The name for `--only`.
        title: The title in the table.
        run: Runs the case, and returns a description of the run.
        most: MiB that the case may add to the memory of the server at rest.
        options: Options of the server.
    """

    name: str
    title: str
    run: Callable[[Launched], str]
    most: float
    options: tuple[str, ...] = ()


def main() -> int:
    """Print the peak memory of each case; return 1 if a case exceeds its limit."""
    parser = argparse.ArgumentParser(prog="bench.robustness.memory", description=__doc__)
    names = [case.name for case in CASES]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="some of the cases")
    only = parser.parse_args().only
    allow_files(IDLE_CONNECTIONS + 500)
    print("case                                         at rest MiB  peak MiB  added  at most")
    return max(_measure(case) for case in CASES if case.name in only)


def _measure(case: Case) -> int:
    with launched(APP, *case.options) as server:
        at_rest = server.memory("VmRSS") / MIB
        description = case.run(server)
        peak = server.memory("VmHWM") / MIB
    is_good = peak - at_rest <= case.most
    print(
        f"{case.title:44} {at_rest:11.1f} {peak:9.1f} {peak - at_rest:6.1f} {case.most:8.0f}   "
        f"{'pass' if is_good else 'fail'}   {description}",
        flush=True,
    )
    return 0 if is_good else 1


def read_slowly(server: Launched) -> str:
    """Read a response of 1 GiB at some megabytes a second."""
    taken = 0
    with _connection(server, RECEIVE_BUFFER) as connection:
        connection.sendall(b"GET /stream/%d HTTP/1.1\r\nHost: a\r\n\r\n" % GIB_IN_MIB)
        for _ in range(READ_SECONDS):
            until = taken + READ_A_SECOND
            while taken < until:
                taken += len(connection.recv(65536))
            time.sleep(1.0)
    return f"{taken // MIB} MiB read in {READ_SECONDS} s"


def upload(server: Launched) -> str:
    """Send 1 GiB; the app writes it to disk."""
    began = time.monotonic()
    length = GIB_IN_MIB * MIB
    with _connection(server) as connection:
        connection.sendall(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length)
        for _ in range(length // len(PIECE)):
            connection.sendall(PIECE)
        answer = connection.recv(65536)
    if not answer.endswith(b"%d" % length):
        raise OSError(f"the upload was answered {answer!r}")
    return f"sent in {time.monotonic() - began:.0f} s"


def stay_idle(server: Launched) -> str:
    """Keep many connections open after one request on each."""
    with ExitStack() as stack:
        connections = [stack.enter_context(_connection(server)) for _ in range(IDLE_CONNECTIONS)]
        for connection in connections:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            connection.recv(65536)
        time.sleep(2.0)
        kept = sum(_is_open(connection) for connection in connections)
    return f"{kept} open"


def trickle(server: Launched) -> str:
    """Send endless heads on many connections, some kilobytes a second on each."""
    with ExitStack() as stack:
        connections = [stack.enter_context(_connection(server)) for _ in range(TRICKLING_CONNECTIONS)]
        for connection in connections:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        line = b"X-Slow: " + b"a" * 1000 + b"\r\n"
        for _ in range(TRICKLES):
            for connection in connections:
                connection.sendall(line * 4)
            time.sleep(0.2)
        # This last request is answered after the server has read the input before it.
        with _connection(server) as last:
            last.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            last.recv(65536)
        time.sleep(1.0)
        kept = sum(_is_open(connection) for connection in connections)
    return f"{len(line) * 4 * TRICKLES // 1024} KiB sent on each, {kept} open"


def _connection(server: Launched, receive_buffer: int = 0) -> socket.socket:
    connection = socket.socket()
    connection.settimeout(TIMEOUT)
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.connect(("127.0.0.1", server.port))
    return connection


def _is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True


CASES: Final = (
    Case("reader", "slow reader of a stream of 1 GiB", read_slowly, 8),
    Case("upload", "upload of 1 GiB to disk", upload, 8),
    Case(
        "idle",
        f"{IDLE_CONNECTIONS} idle connections",
        stay_idle,
        80,
        ("--set", "timeouts.idle=600", "--set", "timeouts.head=600"),
    ),
    # Each connection stores its incomplete head of up to 64 KiB, and a copy while it is parsed.
    Case(
        "trickle",
        f"{TRICKLING_CONNECTIONS} connections whose heads trickle",
        trickle,
        160,
        ("--set", "timeouts.head=120"),
    ),
)


if __name__ == "__main__":
    sys.exit(main())
