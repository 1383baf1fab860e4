"""A well-behaved client: send a request every 50 ms until the input ends, then print the latencies as JSON.

It is a separate process, `python -m bench.probe PORT`, so that the other measurements do not delay it.
"""

import json
import select
import socket
import statistics
import sys
import time
from typing import Final

EVERY: Final = 0.05
TIMEOUT: Final = 5.0
REQUEST: Final = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


def main() -> None:
    """Send requests, each on a new connection."""
    port = int(sys.argv[1])
    latencies: list[float] = []
    lateness: list[float] = []
    failures: list[str] = []
    while _goes_on():
        began = time.perf_counter()
        time.sleep(EVERY)
        asked = time.perf_counter()
        # The delay that the machine adds to any wait, independent of the server.
        lateness.append(asked - began - EVERY)
        try:
            ask(port)
        except OSError as error:
            failures.append(str(error))
        latencies.append(time.perf_counter() - asked)
    figures = {
        "requests": len(latencies),
        "failed": len(failures),
        "median": statistics.median(latencies) * 1000,
        "max": max(latencies) * 1000,
        "late": max(lateness) * 1000,
    }
    print(json.dumps(figures))


def ask(port: int) -> None:
    """Send one request.

    Raises:
        OSError: The answer is not 200.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
        connection.sendall(REQUEST)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise OSError(f"answered {answer[:40]!r}")


def _goes_on() -> bool:
    return not select.select([sys.stdin], [], [], 0)[0]


if __name__ == "__main__":
    main()
