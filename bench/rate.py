"""Measure the latency of requests under a fixed rate: `python -m bench.rate` (part of `make bench`; needs h2load).

The rate is half of what the slowest of the servers can do, so a queue forms only if a server stops for a while.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final

from bench.cpu import pinned, two_cores
from bench.load import CONNECTIONS, measure
from bench.scenarios import SCENARIOS
from bench.servers import NAMES, SERVERS, Running, ServerFailed, start_all
from bench.table import aligned

USUAL: Final = ("turnbuckle", "uvicorn-httptools", "granian-rsgi")
PERCENTILES: Final = (50.0, 99.0, 99.9)
ITEM: Final = SCENARIOS[0]
# Targets that h2load takes in turns; a connection repeats one only after so many requests.
TARGETS: Final = 20_000
FIELDS: Final = (
    "accept: application/json",
    "accept-language: en-GB,en;q=0.9",
    "cookie: session=8f14e45fceea167a5a36de",
)


def main() -> int:
    """Print the percentiles of each server."""
    parser = argparse.ArgumentParser(prog="bench.rate", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=USUAL, metavar="SERVER", help=", ".join(NAMES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="length of each run of h2load")
    options = parser.parse_args()
    if shutil.which("h2load") is None:
        print("bench: h2load is not installed (on Debian or Ubuntu: apt-get install nghttp2-client)", file=sys.stderr)
        return 1
    server_core, load_core = two_cores()
    with ExitStack() as stack:
        targets = start_all(stack, [server for server in SERVERS if server.name in options.only], server_core)
        rate = _rate(targets, load_core)
        print(f"\nlatency at {rate:,} requests/s on {CONNECTIONS} connections, ms (half of what the slowest can do):")
        samples = _rounds(targets, rate, load_core, options)
    print("\n".join(_table(samples)))
    return 0


def _rate(targets: Sequence[Running], core: int) -> int:
    """Return half of the requests per second of the slowest server."""
    for target in targets:
        measure(target, ITEM.template, core=core, seconds=1)
    samples = [measure(target, ITEM.template, core=core, seconds=2) for target in targets]
    rate = min(sample.requests / sample.seconds for sample in samples) / 2
    # h2load takes a whole number for each connection.
    return max(1, int(rate / CONNECTIONS)) * CONNECTIONS


def _rounds(
    targets: Sequence[Running], rate: int, core: int, options: argparse.Namespace
) -> dict[str, list[list[float]]]:
    samples: dict[str, list[list[float]]] = {target.server.title: [] for target in targets}
    for _ in range(options.rounds):
        for target in targets:
            samples[target.server.title].append(_percentiles(target, rate, core, options.seconds))
    return samples


def _percentiles(target: Running, rate: int, core: int, seconds: int) -> list[float]:
    """Return the percentiles in ms, of one run of h2load."""
    with tempfile.TemporaryDirectory() as folder:
        targets, log = Path(folder, "targets"), Path(folder, "log")
        targets.write_text("".join(f"http://127.0.0.1:{target.port}/items/{number}\n" for number in range(TARGETS)))
        argv = ["h2load", "--h1", "-t1", f"-c{CONNECTIONS}", f"-D{seconds}", "--warm-up-time=1"]
        argv += [f"--rps={rate // CONNECTIONS}", f"--input-file={targets}", f"--log-file={log}"]
        argv += [argument for line in FIELDS for argument in ("-H", line)]
        with pinned(core):
            subprocess.run(argv, capture_output=True, check=True)
        # Lines of: microseconds since the epoch, status, microseconds that the request took.
        lines = [line.split() for line in log.read_text().splitlines()]
    times = sorted(int(took) for _, status, took in lines if status == "200")
    if len(times) < 0.9 * len(lines) or not times:
        raise ServerFailed(f"{target.server.title}: {len(lines) - len(times)} of {len(lines)} answers are not 200")
    return [times[min(len(times) - 1, int(len(times) * percentile / 100))] / 1000 for percentile in PERCENTILES]


def _table(samples: dict[str, list[list[float]]]) -> list[str]:
    medians = {title: [median(column) for column in zip(*rounds, strict=True)] for title, rounds in samples.items()}
    lines = [
        (f"  {title}", *(f"{figure:.2f}" for figure in figures), _verdict(title, medians))
        for title, figures in medians.items()
    ]
    return aligned(("server", *(f"p{percentile:g}" for percentile in PERCENTILES), ""), lines)


def _verdict(title: str, medians: dict[str, list[float]]) -> str:
    """Return whether Turnbuckle's p99 is not worse than the better one of the others."""
    others = [figures[1] for other, figures in medians.items() if other != SERVERS[0].title]
    if title != SERVERS[0].title or not others:
        return ""
    return f"p99 at most {min(others):.2f}: {'pass' if medians[title][1] <= min(others) else 'fail'}"


if __name__ == "__main__":
    sys.exit(main())
