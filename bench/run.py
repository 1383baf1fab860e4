"""Compare the CPU time per request of several servers: `python -m bench.run` (called by `make bench`)."""

import argparse
import json
import platform
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Final

from bench.cpu import two_cores
from bench.load import CONNECTIONS, WORKLOADS, Sample, Workload, measure
from bench.servers import SERVERS, Running, Server, ServerFailed, running
from bench.summary import Row, summarize
from bench.table import render

NAMES: Final = tuple(server.name for server in SERVERS)


def main() -> int:
    """Run the comparison; return 0 if there were no error responses, else 1."""
    options = _options()
    if reason := _unable():
        print(f"bench: {reason}", file=sys.stderr)
        return 1
    try:
        results = _compare(options)
    except ServerFailed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    print(render((workload.title, rows) for workload, rows in results))
    if options.json:
        options.json.write_text(json.dumps(_as_json(results), indent=2) + "\n")
    return _conclude([row for _, rows in results for row in rows])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=8, help="number of rounds, after one that does not count")
    parser.add_argument("--seconds", type=int, default=1, help="length of each run of wrk")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="SERVER", help=", ".join(NAMES))
    parser.add_argument("--workload", nargs="+", choices=[workload.name for workload in WORKLOADS], help="only these")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    return parser.parse_args()


def _unable() -> str | None:
    if not sys.platform.startswith("linux"):
        return "reading CPU time from /proc and pinning processes to cores needs Linux"
    if shutil.which("wrk") is None:
        return "wrk is not installed (on Debian or Ubuntu: apt-get install wrk)"
    return None


def _compare(options: argparse.Namespace) -> list[tuple[Workload, list[Row]]]:
    server_core, load_core = two_cores()
    if server_core == load_core:
        print("bench: only one core: servers and load share it, so expect noise", file=sys.stderr)
    chosen = [workload for workload in WORKLOADS if not options.workload or workload.name in options.workload]
    print(
        f"Python {platform.python_version()}, {CONNECTIONS} keep-alive connections,"
        f" {options.rounds} rounds of {options.seconds} s for each server in turn"
    )
    with ExitStack() as stack:
        targets = [
            stack.enter_context(running(server, server_core)) for server in SERVERS if server.name in options.only
        ]
        return [(workload, _rounds(targets, workload, load_core, options)) for workload in chosen]


def _rounds(targets: Sequence[Running], workload: Workload, load_core: int, options: argparse.Namespace) -> list[Row]:
    samples: dict[Server, list[Sample]] = {target.server: [] for target in targets}
    # The first round warms up caches, allocators and the specializing interpreter, and is discarded.
    for number in range(options.rounds + 1):
        _show(f"\r{workload.name}: round {number} of {options.rounds} ")
        for target in targets:
            sample = measure(target, workload, core=load_core, seconds=options.seconds, seed=number)
            if number:
                samples[target.server].append(sample)
    _show("\r" + " " * 40 + "\r")
    return summarize(workload, samples)


def _show(progress: str) -> None:
    if sys.stderr.isatty():
        print(progress, end="", file=sys.stderr, flush=True)


def _as_json(results: Sequence[tuple[Workload, Sequence[Row]]]) -> dict[str, list[dict[str, object]]]:
    return {
        workload.name: [asdict(row) | {"server": row.server.name, "verdict": row.verdict} for row in rows]
        for workload, rows in results
    }


def _conclude(rows: Sequence[Row]) -> int:
    failed, errors = sum(row.verdict == "fail" for row in rows), sum(row.errors for row in rows)
    print(f"targets: {sum(row.verdict == 'pass' for row in rows)} met, {failed} missed")
    if errors:
        print(f"bench: {errors} answers were errors, so the figures are meaningless", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
