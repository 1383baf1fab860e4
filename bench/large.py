"""Measure the CPU time per MiB of large content: `python -m bench.large` (part of `make bench`)."""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from bench.cpu import cpu_seconds, pinned, two_cores
from bench.servers import APPS, Running, Server, ServerFailed, running
from bench.table import aligned
from bench.transfer import MIB, receive, send

AT_MOST: Final = 0.7
ROUNDS: Final = 3
TURNBUCKLE: Final = "turnbuckle"
_OPTIONS: Final = ("--parser", "h1", "--log-level", "warning", "--port", "PORT")
SERVERS: Final = (
    Server(TURNBUCKLE, "Turnbuckle", ("-m", "turnbuckle", "serve", str(APPS / "large_turnbuckle.py"), *_OPTIONS)),
    Server("aiohttp", "aiohttp", (str(APPS / "large_aiohttp.py"), "PORT")),
    Server("starlette", "Starlette on uvicorn", (str(APPS / "large_starlette.py"), "PORT")),
    Server("floor", "floor (bare uvloop Protocol)", (str(APPS / "large_floor.py"), "PORT")),
    Server("nginx", "nginx (the limit for files)", (str(APPS / "nginx.py"), "PORT")),
)


@dataclass(frozen=True)
class Case:
    """One kind of large content.

    Args:
        name: The name for `--case`.
        title: The title of the column.
        run: Transfers it from or to a port, and returns the number of bytes.
        without: The name of the server that cannot do it.
    """

    name: str
    title: str
    run: Callable[[int], int]
    without: str = "nginx"


def _files(name: str, count: int, size: int) -> Callable[[int], int]:
    return lambda port: receive(port, f"/{name}", count, size)


CASES: Final = (
    Case("file", "1 MiB file", _files("mib", 100, MIB), without="floor"),
    Case("large-file", "1 GiB file", _files("gib", 1, 1024 * MIB), without="floor"),
    Case("upload", "100 MiB upload", lambda port: send(port, "/upload", 100 * MIB)),
    Case("stream", "10 MiB in pieces", lambda port: receive(port, "/stream/160", 10, 10 * MIB)),
)


def main() -> int:
    """Print a table; the columns are the cases."""
    parser = argparse.ArgumentParser(prog="bench.large", description=__doc__)
    names = [case.name for case in CASES]
    parser.add_argument("--case", nargs="+", choices=names, default=names, help="only these")
    servers = [server.name for server in SERVERS]
    parser.add_argument("--only", nargs="+", choices=servers, default=servers, help="only these servers")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    cases = [case for case in CASES if case.name in options.case]
    print("\nlarge content: server CPU, µs per MiB")
    with files() as folder, ExitStack() as stack:
        chosen = [server for server in SERVERS if server.name in options.only]
        targets = _start(stack, chosen, {"BENCH_FILES": str(folder)})
        measured = {case.name: _measure(targets, case, options.rounds) for case in cases}
    print("\n".join(_table(cases, targets, measured)))
    return 0


@contextmanager
def files() -> Iterator[Path]:
    """Make the files to serve, in a folder that is removed after the block."""
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir="/var/tmp"))
    try:
        (folder / "mib").write_bytes(os.urandom(MIB))
        with open(folder / "gib", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 1024 * MIB)
        (folder / "ready").write_bytes(b"yes")
        yield folder
    finally:
        shutil.rmtree(folder)


def _start(stack: ExitStack, servers: Sequence[Server], variables: dict[str, str]) -> list[Running]:
    core, _ = two_cores()
    targets = []
    for server in servers:
        try:
            targets.append(stack.enter_context(running(server, core, path="/ready", variables=variables)))
        except ServerFailed as failure:
            print(f"  {failure}")
    return targets


def _measure(targets: Sequence[Running], case: Case, rounds: int) -> dict[str, float]:
    """Return the median of µs per MiB by the names of the servers; the first round does not count."""
    samples: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for target in targets:
            if target.server.name != case.without:
                sample = _sample(target, case)
                samples.setdefault(target.server.name, []).extend([sample] if number else [])
    return {name: median(figures) for name, figures in samples.items()}


def _sample(target: Running, case: Case) -> float:
    _, core = two_cores()
    before = cpu_seconds(target.pid)
    with pinned(core):
        size = case.run(target.port)
    return (cpu_seconds(target.pid) - before) * 1e6 / (size / MIB)


def _table(cases: Sequence[Case], targets: Sequence[Running], measured: dict[str, dict[str, float]]) -> list[str]:
    lines = [
        (f"  {target.server.title}", *(_figure(measured[case.name].get(target.server.name)) for case in cases))
        for target in targets
    ]
    title = f"  Turnbuckle ÷ the better Python, at most {AT_MOST}"
    verdicts = (title, *(_verdict(measured[case.name]) for case in cases))
    return aligned(("server", *(case.title for case in cases)), [*lines, verdicts])


def _figure(micros: float | None) -> str:
    return "" if micros is None else f"{micros:.0f}"


def _verdict(micros: dict[str, float]) -> str:
    others = [micros[name] for name in ("aiohttp", "starlette") if name in micros]
    if TURNBUCKLE not in micros or not others:
        return ""
    ratio = micros[TURNBUCKLE] / min(others)
    return f"{ratio:.2f} {'pass' if ratio <= AT_MOST else 'fail'}"


if __name__ == "__main__":
    sys.exit(main())
