"""Measure how the cost of a request grows with its parts, and with the server: `python -m bench.growth`.

Part of `make bench`. Each table has the work, the server's CPU time, and the cost of each further unit of work; a cost
that rises with the work is flagged, because then the server does more than the work.
"""

import argparse
import http.client
import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from typing import Final

from bench.cpu import cpu_seconds, pinned, two_cores
from bench.launch import allow_files
from bench.load import CONNECTIONS, Sample, measure
from bench.servers import APPS, Running, Server, ServerFailed, running
from bench.table import aligned
from bench.transfer import WrongAnswer, receive, send

# 100,000 routes take some seconds.
START_SECONDS: Final = 180.0
# Of the interleaved rounds, the first does not count, and the least of the others is shown: work of other processes
# only adds to it.
ROUNDS: Final = 4
# The cost of each unit of work, compared with the step before; more is flagged.
AT_MOST: Final = 1.5
# The cost of a request where nothing about it changes, compared with the first step.
AT_MOST_CONSTANT: Final = 1.3
# The share of the first step's cost that may be noise.
NOISE: Final = 0.1
GET: Final = "GET {target} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n{fields}\r\n"
SIZES: Final = (100, 10_000, 100_000, 1_000_000, 10_000_000)


@dataclass(frozen=True)
class Start:
    """How a server is started: additions to its environment, and options."""

    variables: tuple[tuple[str, str], ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Series:
    """One table.

    Args:
        name: the name for `--only`.
        title: the title of the table, with the unit of the work.
        steps: the sizes of the work.
        sample: loads a server for one step, and returns its CPU time per request in microseconds.
        start: how the server of a step is started; by default, one server does all steps.
        is_constant: whether a request costs the same at every step.
        rounds: number of rounds; the first does not count.
    """

    name: str
    title: str
    steps: Sequence[int]
    sample: Callable[[Running, int], float]
    start: Callable[[int], Start] = lambda _: Start()
    is_constant: bool = False
    rounds: int = ROUNDS


def main() -> int:
    """Print the tables, and the names of those that grow faster than their work."""
    parser = argparse.ArgumentParser(prog="bench.growth", description=__doc__)
    names = [series.name for series in SERIES]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="only these tables")
    chosen = parser.parse_args().only
    allow_files(max(CONNECTION_STEPS) + 500)
    flagged = []
    print("\ngrowth: Turnbuckle's CPU time per request, µs")
    for series in SERIES:
        if series.name in chosen:
            try:
                micros = _measure(series)
            except (ServerFailed, WrongAnswer, OSError) as failure:
                print(f"\n{series.title}\n  not measured: {failure}")
                continue
            remarks = excess(series.steps, micros, series.is_constant)
            flagged += [series.name] if any(remarks) else []
            print("\n".join(_table(series, micros, remarks)), flush=True)
    print(f"\ngrowing faster than their work: {', '.join(flagged) or 'none'}")
    return 0


def excess(steps: Sequence[int], micros: Sequence[float], is_constant: bool) -> list[str]:
    """Return a remark for each step, which is empty where the cost grows no faster than the work."""
    if is_constant:
        # If a later step costs less again, the cost has not grown.
        return ["grows" if min(micros[at:]) > micros[0] * AT_MOST_CONSTANT else "" for at in range(len(steps))]
    remarks = ["", ""]
    for at in range(2, len(steps)):
        before = (micros[at - 1] - micros[0] + NOISE * micros[0]) / (steps[at - 1] - steps[0])
        now = (micros[at] - micros[0]) / (steps[at] - steps[0])
        remarks.append("grows faster than the work" if now > AT_MOST * before else "")
    return remarks


def _measure(series: Series) -> list[float]:
    """Return the microseconds of each step."""
    core, _ = two_cores()
    samples: list[list[float]] = [[] for _ in series.steps]
    with ExitStack() as stack:
        targets: dict[Start, Running] = {}
        for step in series.steps:
            start = series.start(step)
            if start not in targets:
                targets[start] = stack.enter_context(_running(start, core))
        for number in range(series.rounds):
            for at, step in enumerate(series.steps):
                sample = series.sample(targets[series.start(step)], step)
                samples[at] += [sample] if number else []
    return [min(figures) for figures in samples]


def _running(start: Start, core: int) -> AbstractContextManager[Running]:
    server = _server(start.options)
    return running(server, core, path="/ready", seconds=START_SECONDS, variables=dict(start.variables))


def _table(series: Series, micros: Sequence[float], remarks: Sequence[str]) -> list[str]:
    lines = []
    for at, step in enumerate(series.steps):
        more = (micros[at] - micros[at - 1]) / (step - series.steps[at - 1]) * 1000 if at else None
        lines.append((f"  {step:,}", f"{micros[at]:.1f}", _short(more), remarks[at]))
    return ["", *aligned((series.title, "µs/request", "ns for each more", ""), lines)]


def _short(nanos: float | None) -> str:
    if nanos is None:
        return ""
    return f"{nanos:.0f}" if abs(nanos) >= 10 else f"{nanos:.2f}"


# -- how a step is measured


def _server(options: tuple[str, ...]) -> Server:
    command = ("-m", "turnbuckle", "serve", str(APPS / "growth_app.py"), "--parser", "h1", "--log-level", "error")
    return Server("growth", "Turnbuckle", (*command, *options, "--port", "PORT"))


def _wrk(target: Running, template: str, bound: int = 0, seconds: int = 1, connections: int = CONNECTIONS) -> Sample:
    """Load a server with wrk.

    Args:
        template: the request; `%d` is a new number each time, and the first one is below `bound`, if that is given.
    """
    _, core = two_cores()
    sample = measure(target, template, core=core, seconds=seconds, bound=bound, connections=connections)
    if sample.errors:
        raise ServerFailed(f"{sample.errors} of {sample.requests} answers are errors")
    return sample


def _fields(target: Running, count: int) -> float:
    lines = "".join(f"X-Field-{number}: a-value-%d\r\n" for number in range(min(count - 1, 4)))
    lines += "".join(f"X-Field-{number}: a-value-of-usual-size\r\n" for number in range(4, count - 1))
    return _wrk(target, GET.format(target="/r1/1", fields=lines)).cpu_micros


def _segments(target: Running, count: int) -> float:
    path = "/" + "".join(f"s{number}/" for number in range(count - 1)) + "%d"
    return _wrk(target, GET.format(target=path, fields="")).cpu_micros


def _routes(target: Running, count: int) -> float:
    return _wrk(target, GET.format(target="/r%d/%d", fields=""), bound=count).cpu_micros


def _same(target: Running, count: int) -> float:
    return _wrk(target, GET.format(target="/r1/%d", fields="")).cpu_micros


def _connections(target: Running, count: int) -> float:
    """Measure while all connections are open, because opening them is other work."""
    # Of ten thousand connections at once, many are retried by the system after 1, 3 and 7 seconds.
    opening = 0.5 + count / 1300
    template = GET.format(target="/r1/%d", fields="")
    counter = http.client.HTTPConnection("127.0.0.1", target.port, timeout=20)
    counter.connect()
    with closing(counter), ThreadPoolExecutor(1) as pool:
        load = pool.submit(_wrk, target, template, seconds=int(opening + 4), connections=count)
        time.sleep(opening)
        began, before = _answered(counter), cpu_seconds(target.pid)
        time.sleep(1.5)
        answered, spent = _answered(counter) - began, cpu_seconds(target.pid) - before
        load.result()
    return spent * 1e6 / max(1, answered)


def _answered(counter: http.client.HTTPConnection) -> int:
    """Return the number of requests that the application has answered."""
    counter.request("GET", "/r1/1")
    number: int = json.loads(counter.getresponse().read())["number"]
    return number


def _content_in(path: str) -> Callable[[Running, int], float]:
    return lambda target, size: _transferred(target, size, lambda count: send(target.port, path, size, count))


def _content_out(path: str) -> Callable[[Running, int], float]:
    return lambda target, size: _transferred(
        target, size, lambda count: receive(target.port, f"{path}/{size}", count, size)
    )


def _transferred(target: Running, size: int, transfer: Callable[[int], int]) -> float:
    _, core = two_cores()
    count = max(4, min(500, 20_000_000 // size))
    before = cpu_seconds(target.pid)
    with pinned(core):
        transfer(count)
    return (cpu_seconds(target.pid) - before) * 1e6 / count


def _variable(name: str) -> Callable[[int], Start]:
    return lambda count: Start(variables=((name, str(count)),))


def _with_workers(count: int) -> Start:
    return Start(options=("--workers", str(count)))


CONNECTION_STEPS: Final = (64, 1_000, 10_000)
SERIES: Final = (
    Series("fields", "header fields", (1, 12, 50, 100), _fields),
    Series("segments", "path segments", (1, 5, 10, 20), _segments),
    Series("routes", "routes", (10, 1_000, 100_000), _routes, _variable("BENCH_ROUTES"), is_constant=True),
    Series("middleware", "middleware", (0, 10, 50), _same, _variable("BENCH_MIDDLEWARE")),
    Series("connections", "connections", CONNECTION_STEPS, _connections, is_constant=True, rounds=3),
    Series("workers", "workers", (1, 2), _same, _with_workers, is_constant=True),
    Series("whole-in", "bytes in, whole", SIZES, _content_in("/whole")),
    Series("stream-in", "bytes in, as a stream", SIZES, _content_in("/stream")),
    Series("whole-out", "bytes out, whole", SIZES, _content_out("/whole")),
    Series("stream-out", "bytes out, as a stream", SIZES, _content_out("/stream")),
)


if __name__ == "__main__":
    sys.exit(main())
