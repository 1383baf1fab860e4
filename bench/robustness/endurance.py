"""Send a million requests and measure the memory of the server: `python -m bench.robustness.endurance [N]`.

The requests are of many kinds, sent in pipelines on connections that are replaced from time to time. After a tenth of
the requests, the resident memory must not grow. (Linux only.)
"""

import argparse
import socket
import sys
import tempfile
import time
from typing import Final

from bench.cpu import resident_bytes
from bench.robustness.faults import APP, TIMEOUT, Leak, describe, held, serving

CONNECTIONS: Final = 16
SAMPLES: Final = 20
REQUESTS: Final = (
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /items/%d?q=%d HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nCookie: session=%d\r\nUser-Agent: endurance/%d\r\n\r\n",
    b"GET /missing/%d HTTP/1.1\r\nHost: a\r\nX-Field-%d: value\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world",
    b"POST /pieces HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"GET /thread HTTP/1.1\r\nHost: a\r\n\r\n",
    b"DELETE /items/%d HTTP/1.1\r\nHost: a\r\n\r\n",
)
# In one pipeline: few enough for the buffers of the sockets, so that neither end waits for the other.
AT_ONCE: Final = 21
# Pipelines on one connection before it is replaced.
PIPELINES: Final = 50
MAX_GROWTH: Final = 2 * 1024 * 1024


def main() -> int:
    """Print samples of the memory; return 1 if it grew."""
    parser = argparse.ArgumentParser(prog="bench.robustness.endurance", description=__doc__)
    parser.add_argument("requests", type=int, nargs="?", default=1_000_000, metavar="N")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="uvloop")
    args = parser.parse_args()
    print(f"{args.requests} requests, {args.loop}")
    try:
        _run(args.requests, args.loop)
    except Leak as leak:
        print(f"bench: {leak}", file=sys.stderr)
        return 1
    return 0


def _run(requests: int, loop: str) -> None:
    with tempfile.TemporaryFile() as log, serving(APP, log, {"TURNBUCKLE_SERVER_LOOP": loop}) as (process, port):
        began = time.monotonic()
        samples = []
        for number in range(SAMPLES):
            sent = (number + 1) * requests // SAMPLES
            _send(port, requests // SAMPLES, first=sent)
            samples.append(resident_bytes(process.pid))
            print(f"  {sent:>9} requests: {samples[-1] / 1024 / 1024:.2f} MiB", flush=True)
        print(f"  {requests / (time.monotonic() - began):.0f} requests a second")
        if (now := held(port)) is None:
            raise Leak("the server does not answer")
        print(f"  held    {describe(now)}")
    baseline = samples[max(1, SAMPLES // 10)]
    if (growth := samples[-1] - baseline) > MAX_GROWTH:
        raise Leak(f"resident memory grew by {growth} bytes")
    print(f"  flat: {growth / 1024:+.0f} KiB since the first tenth")


def _send(port: int, count: int, first: int) -> None:
    """Send `count` different requests, and read the answers."""
    clients = [_connect(port) for _ in range(CONNECTIONS)]
    for number in range(0, count, AT_ONCE):
        place = number // AT_ONCE % CONNECTIONS
        if number // AT_ONCE // CONNECTIONS % PIPELINES == PIPELINES - 1:
            clients[place].close()
            clients[place] = _connect(port)
        _exchange(clients[place], first + number)
    for client in clients:
        client.close()


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)


def _exchange(client: socket.socket, number: int) -> None:
    kinds = (REQUESTS[number % len(REQUESTS)] for number in range(AT_ONCE))
    client.sendall(b"".join(kind.replace(b"%d", b"%d" % number) for kind in kinds))
    answered = b""
    while answered.count(b"HTTP/1.1 ") < AT_ONCE:
        piece = client.recv(65536)
        if not piece:
            raise Leak(f"the server closed a connection after {answered!r}")
        answered += piece


if __name__ == "__main__":
    sys.exit(main())
