"""Measure WebSockets: echo, fan-out and idle connections: `python -m bench.websockets` (part of `make bench`)."""

import argparse
import base64
import os
import selectors
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from statistics import median
from typing import Final, cast

from bench.cpu import cpu_seconds, pinned, resident_bytes, two_cores
from bench.launch import allow_files
from bench.servers import APPS, Running, Server, ServerFailed, running, turnbuckle
from bench.table import aligned
from bench.transfer import TIMEOUT, WrongAnswer

ECHO_CLIENTS: Final = 64
ECHO_SECONDS: Final = 1.0
ROUNDS: Final = 5
LISTENERS: Final = 1000
BROADCASTS: Final = 30
IDLE: Final = 10_000
SETTLE_SECONDS: Final = 2.0
AT_MOST: Final = 0.7
AT_MOST_KIB: Final = 12.0

SERVERS: Final = (
    turnbuckle("websocket_turnbuckle.py"),
    Server("uvicorn-websockets", "uvicorn with websockets, bare ASGI", (str(APPS / "websocket_asgi.py"), "PORT")),
    Server("uvicorn-sansio", "uvicorn with websockets-sansio", (str(APPS / "websocket_asgi.py"), "PORT", "sansio")),
    Server("starlette", "Starlette on uvicorn", (str(APPS / "websocket_starlette.py"), "PORT")),
    Server("granian-asgi", "Granian (Rust), bare ASGI", (str(APPS / "websocket_granian.py"), "PORT")),
    Server("aiohttp", "aiohttp", (str(APPS / "websocket_aiohttp.py"), "PORT")),
)
NAMES: Final = tuple(server.name for server in SERVERS)

Measure = Callable[[Running], tuple[float, int]]

_PAYLOAD: Final = b"x" * 1024
# A mask of zeros leaves the payload as it is, and costs the server the same.
_MESSAGE: Final = b"\x81\xfe\x04\x00\x00\x00\x00\x00" + _PAYLOAD
_ANSWER: Final = b"\x81\x7e\x04\x00" + _PAYLOAD


def main() -> int:
    """Print a table of CPU time, and the memory of idle connections."""
    parser = argparse.ArgumentParser(prog="bench.websockets", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="SERVER", help=", ".join(NAMES))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--idle", type=int, default=IDLE, help="idle connections; 0 leaves this measurement out")
    options = parser.parse_args()
    allow_files(2 * options.idle + LISTENERS + 1000)
    servers = [server for server in SERVERS if server.name in options.only]
    print("\nWebSockets: server CPU, µs per message", flush=True)
    print("\n".join(_compared(servers, options.rounds)), flush=True)
    if options.idle:
        print(f"\nmemory per idle WebSocket ({options.idle:,} open, one message made on each):")
        for server in servers:
            print(_idle_line(server, options.idle), flush=True)
    return 0


def _compared(servers: Sequence[Server], rounds: int) -> list[str]:
    core, _ = two_cores()
    lines: dict[str, list[float]] = {server.name: [] for server in servers}
    for measure in (_echo, _fan_out):
        samples: dict[str, list[float]] = {server.name: [] for server in servers}
        with ExitStack() as stack:
            targets = [stack.enter_context(running(server, core, path="/ready")) for server in servers]
            for number in range(rounds + 1):
                for target in targets:
                    sample = _sample(target, measure)
                    samples[target.server.name].extend([sample] if number else [])
        for name, figures in samples.items():
            lines[name].append(median(figures))
    return _table(servers, lines)


def _sample(target: Running, measure: Measure) -> float:
    _, core = two_cores()
    with pinned(core):
        seconds, count = measure(target)
    return seconds * 1e6 / count


def _echo(target: Running) -> tuple[float, int]:
    """Send 1 KiB on each of 64 connections, and the next one after each answer; return CPU seconds and messages."""
    count = 0
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        clients = _connected(stack, target, "/echo", ECHO_CLIENTS)
        missing = dict.fromkeys(clients, len(_ANSWER))
        for client in clients:
            selector.register(client, selectors.EVENT_READ)
        before, end = cpu_seconds(target.pid), time.monotonic() + ECHO_SECONDS
        for client in clients:
            client.sendall(_MESSAGE)
        while time.monotonic() < end:
            for key, _ in selector.select(TIMEOUT):
                client = cast("socket.socket", key.fileobj)
                missing[client] -= len(client.recv(65536))
                if not missing[client]:
                    count += 1
                    missing[client] = len(_ANSWER)
                    client.sendall(_MESSAGE)
        return cpu_seconds(target.pid) - before, count


def _fan_out(target: Running) -> tuple[float, int]:
    """Publish messages, one after the other, to 1,000 connections; return CPU seconds and received messages."""
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        clients = _connected(stack, target, "/room", LISTENERS)
        for client in clients:
            selector.register(client, selectors.EVENT_READ)
        before = cpu_seconds(target.pid)
        for _ in range(BROADCASTS):
            clients[0].sendall(_MESSAGE)
            missing = len(_ANSWER) * LISTENERS
            while missing:
                ready = selector.select(TIMEOUT)
                if not ready:
                    raise WrongAnswer(f"{missing} bytes of a message did not arrive")
                for key, _ in ready:
                    missing -= len(cast("socket.socket", key.fileobj).recv(65536))
        return cpu_seconds(target.pid) - before, BROADCASTS * LISTENERS


def _connected(stack: ExitStack, target: Running, path: str, count: int) -> list[socket.socket]:
    """Open WebSockets, which `stack` closes."""
    clients: list[socket.socket] = []
    while len(clients) < count:
        # Many at a time: on a busy machine, each answer takes the time that the server waits for its core.
        opened = [_requested(stack, target, path) for _ in range(min(100, count - len(clients)))]
        for client in opened:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                piece = client.recv(4096)
                if not piece:
                    break
                head += piece
            if b" 101 " not in head:
                raise WrongAnswer(f"{target.server.title} answered {head!r}")
        clients += opened
    return clients


def _requested(stack: ExitStack, target: Running, path: str) -> socket.socket:
    client = stack.enter_context(socket.create_connection(("127.0.0.1", target.port), timeout=TIMEOUT))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = base64.b64encode(os.urandom(16)).decode()
    client.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    return client


def _table(servers: Sequence[Server], lines: Mapping[str, Sequence[float]]) -> list[str]:
    rows = [(f"  {server.title}", *(f"{figure:.1f}" for figure in lines[server.name])) for server in servers]
    ratios = ["", ""]
    if {"turnbuckle", "uvicorn-websockets"} <= lines.keys():
        ratio = lines["turnbuckle"][0] / lines["uvicorn-websockets"][0]
        ratios[0] = f"{ratio:.2f} {'pass' if ratio <= AT_MOST else 'fail'}"
    if {"turnbuckle", "starlette"} <= lines.keys():
        ratios[1] = f"{lines['turnbuckle'][1] / lines['starlette'][1]:.2f}"
    title = f"  Turnbuckle ÷ uvicorn with websockets (at most {AT_MOST}) and Starlette"
    columns = ("server", f"echo, {ECHO_CLIENTS} connections", f"fan-out to {LISTENERS:,}")
    return aligned(columns, [*rows, (title, *ratios)])


def _idle_line(server: Server, count: int) -> str:
    core, _ = two_cores()
    try:
        with running(server, core, path="/ready") as target, ExitStack() as stack:
            # Some connections first, closed again, so that late imports and first buffers do not count.
            with ExitStack() as first:
                _exchange(_connected(first, target, "/echo", 20))
            time.sleep(SETTLE_SECONDS)
            before = resident_bytes(target.pid)
            _exchange(_connected(stack, target, "/echo", count))
            time.sleep(SETTLE_SECONDS)
            kib = (resident_bytes(target.pid) - before) / count / 1024
    except (ServerFailed, WrongAnswer, OSError) as failure:
        return f"  {server.title:36} {failure}"
    verdict = f"   at most {AT_MOST_KIB:.1f}: {'pass' if kib <= AT_MOST_KIB else 'fail'}"
    return f"  {server.title:36} {kib:6.1f} KiB{verdict if server.name == 'turnbuckle' else ''}"


def _exchange(clients: Sequence[socket.socket]) -> None:
    for at in range(0, len(clients), 100):
        for client in clients[at : at + 100]:
            client.sendall(_MESSAGE)
        for client in clients[at : at + 100]:
            missing = len(_ANSWER)
            while missing:
                piece = client.recv(missing)
                if not piece:
                    raise WrongAnswer("the server closed a WebSocket")
                missing -= len(piece)


if __name__ == "__main__":
    sys.exit(main())
