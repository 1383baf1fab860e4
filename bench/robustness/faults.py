"""Break many connections in many ways, then check the server for leaks: `python -m bench.robustness.faults [N]`.

The server is a separate process with short deadlines. Tasks, file descriptors, and connection and request objects that
it has afterwards and did not have before are leaks. (Linux only.)
"""

import argparse
import http.client
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from bench.robustness.faulty_clients import Step, steps
from bench.servers import free_port

APP: Final = Path(__file__).parent / "apps" / "faults_app.py"
AT_ONCE: Final = 300
# This share of the connections runs before the first count, because the allocator keeps buffers for a peak.
WARM_UP: Final = 0.2
# Longer than any deadline below; objects that exist after that time are leaked.
TIMEOUT: Final = 30.0
DEADLINES: Final = {"head": 2, "content": 2, "handler": 5, "write": 2, "idle": 2, "linger": 1, "shutdown": 5}
MAX_GROWTH: Final = 48 * 1024 * 1024

Held = dict[str, int]

# The connection and the request that ask for the counts, and one task each for them and for the server.
AT_REST: Final = {"HTTPConnection": 1, "Request": 1, "tasks": 2}


class Leak(Exception):
    """The server has leaked objects, or does not answer."""


def main() -> int:
    """Print the figures; return 1 for a leak."""
    parser = argparse.ArgumentParser(prog="bench.robustness.faults", description=__doc__)
    parser.add_argument("connections", type=int, nargs="?", default=100_000, metavar="N")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="uvloop")
    parser.add_argument("--cancel", action="store_true", help="with server.cancel_on_disconnect")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(f"{args.connections} faulty connections, {args.loop}, cancel_on_disconnect={args.cancel}, seed {args.seed}")
    try:
        _run(args.connections, args.seed, args.loop, args.cancel)
    except Leak as leak:
        print(f"bench: {leak}", file=sys.stderr)
        return 1
    return 0


def _run(connections: int, seed: int, loop: str, cancels: bool) -> None:
    draw = random.Random(seed)
    environment = {
        "TURNBUCKLE_SERVER_LOOP": loop,
        "TURNBUCKLE_SERVER_CANCEL_ON_DISCONNECT": str(cancels).lower(),
        **{f"TURNBUCKLE_TIMEOUTS_{name.upper()}": str(seconds) for name, seconds in DEADLINES.items()},
    }
    with tempfile.TemporaryFile() as log, serving(APP, log, environment) as (process, port):
        # Some connections first, for late imports and memory that the allocator keeps.
        break_connections(port, int(connections * WARM_UP), draw)
        before = wait_until_settled(port, None)
        print(f"  before  {describe(before)}", flush=True)
        began = time.monotonic()
        break_connections(port, connections, draw)
        took = time.monotonic() - began
        after = wait_until_settled(port, before)
        print(f"  after   {describe(after)}", flush=True)
        print(f"  {connections / took:.0f} connections a second, {took:.0f} s", flush=True)
        _check(before, after, port)
        process.send_signal(signal.SIGTERM)
        _check_log(log, process.wait(TIMEOUT))
    print("  nothing leaked")


def _check(before: Held, after: Held, port: int) -> None:
    grown = {name: count - before[name] for name, count in after.items() if count > before[name]}
    if (growth := grown.pop("resident", 0)) > MAX_GROWTH:
        raise Leak(f"resident memory grew by {growth} bytes")
    if grown:
        raise Leak(f"leaked: {grown}")
    if states := left_sockets(port):
        raise Leak(f"open sockets are left: {states}")


def _check_log(log: IO[bytes], status: int) -> None:
    log.seek(0)
    lines = log.read().decode("utf-8", "replace").splitlines()
    print(f"  exit status {status}, {len(lines)} lines in the log")
    for line in lines[:5]:
        print(f"    {line}")
    if status:
        raise Leak(f"the server ended with status {status}")
    if any("Traceback" in line or "Error" in line for line in lines):
        raise Leak("the log has errors:\n" + "\n".join(lines[:40]))


@contextmanager
def serving(app: Path, log: IO[bytes], environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Serve an app in a process during the block; yield the process and its port."""
    port = free_port()
    argv = [sys.executable, "-m", "turnbuckle", "serve", str(app), "--log-level", "warning", "--port", str(port)]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=log, env=os.environ | environment)
    try:
        end = time.monotonic() + TIMEOUT
        while held(port) is None:
            if process.poll() is not None or time.monotonic() > end:
                log.seek(0)
                raise Leak(f"the server did not start: {log.read().decode()}")
            time.sleep(0.05)
        yield process, port
    finally:
        process.kill()
        process.wait()


def break_connections(port: int, count: int, draw: random.Random) -> None:
    """Open `count` connections, some at a time, and run their steps in random order."""
    open_clients: list[tuple[socket.socket, Iterator[Step]]] = []
    opened = 0
    while opened < count or open_clients:
        if opened < count and len(open_clients) < AT_ONCE:
            open_clients.append((_connect(port, draw), steps(draw)))
            opened += 1
            if len(open_clients) < AT_ONCE and draw.random() < 0.5:
                continue
        chosen = draw.randrange(len(open_clients))
        if not _take_step(*open_clients[chosen]):
            open_clients[chosen] = open_clients[-1]
            open_clients.pop()


def _connect(port: int, draw: random.Random) -> socket.socket:
    client = socket.socket()
    client.settimeout(TIMEOUT)
    # From many addresses of this machine, because a used port of an address is not free again at once.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.bind((f"127.0.{draw.randrange(1, 250)}.{draw.randrange(1, 250)}", 0))
    client.connect(("127.0.0.1", port))
    client.setblocking(False)
    return client


def _take_step(client: socket.socket, todo: Iterator[Step]) -> bool:
    """Run the next step of a client; return False after the last one."""
    # The server may have closed the connection, or the buffer of the socket may be full.
    with suppress(OSError):
        next(todo, socket.socket.close)(client)
    return client.fileno() != -1


def held(port: int) -> Held | None:
    """Return the counts of the server; None if it does not answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/held", headers={"Connection": "close"})
        answer: Held = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return answer


def wait_until_settled(port: int, before: Held | None) -> Held:
    """Return the counts of the server as soon as they are not above `before`, or after all deadlines.

    Raises:
        Leak: the server does not answer.
    """
    at_most = before or AT_REST
    end = time.monotonic() + TIMEOUT
    while (now := held(port)) is not None:
        if all(now[name] <= count for name, count in at_most.items() if name != "resident") or time.monotonic() > end:
            return now
        time.sleep(0.5)
    raise Leak("the server does not answer")


def left_sockets(port: int) -> dict[str, int]:
    """Return the sockets that remain open, by state.

    The server closes the connection of the last request for the counts only after its answer.
    """
    end = time.monotonic() + TIMEOUT
    while (states := sockets_of(port)) and time.monotonic() < end:
        time.sleep(0.05)
    return states


def sockets_of(port: int) -> dict[str, int]:
    """Return the sockets of the server by state, without listening and closed ones."""
    names = {"01": "established", "04": "fin-wait-1", "05": "fin-wait-2", "08": "close-wait", "09": "last-ack"}
    found: dict[str, int] = {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        if local.endswith(f":{port:04X}") and state in names:
            found[names[state]] = found.get(names[state], 0) + 1
    return found


def describe(now: Held) -> str:
    """Return the counts as a line of text."""
    numbers = " ".join(f"{name} {count}" for name, count in now.items() if name != "resident")
    return f"{numbers} resident {now['resident'] / 1024 / 1024:.1f} MiB"


if __name__ == "__main__":
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    sys.exit(main())
