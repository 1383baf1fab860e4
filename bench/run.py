"""Compare the CPU time per request of several servers: `python -m bench.run` (called by `make bench`)."""

import argparse
import json
import platform
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.cpu import two_cores
from bench.load import CONNECTIONS, Sample, measure
from bench.scenarios import IDS, SCENARIOS, Scenario, wrong_answer
from bench.servers import NAMES, SERVERS, Running, Server, ServerFailed, running
from bench.summary import Row, summarize
from bench.table import render


@dataclass(frozen=True)
class Result:
    """The rows of one scenario, and a line for each server that could not be measured."""

    scenario: Scenario
    rows: list[Row]
    absent: list[str]


def main() -> int:
    """Run the comparison; return 0 if there were no error responses, else 1."""
    options = _options()
    if reason := _unable():
        print(f"bench: {reason}", file=sys.stderr)
        return 1
    results = _compare(options)
    if options.json:
        options.json.write_text(json.dumps(_as_json(results), indent=2) + "\n")
    return _conclude([row for result in results for row in result.rows])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds, after one that does not count")
    parser.add_argument("--seconds", type=int, default=1, help="length of each run of wrk")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="SERVER", help=", ".join(NAMES))
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--scenario", nargs="+", choices=names, default=names, help="only these kinds of requests")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    return parser.parse_args()


def _unable() -> str | None:
    if not sys.platform.startswith("linux"):
        return "reading CPU time from /proc and pinning processes to cores needs Linux"
    if shutil.which("wrk") is None:
        return "wrk is not installed (on Debian or Ubuntu: apt-get install wrk)"
    return None


def _compare(options: argparse.Namespace) -> list[Result]:
    server_core, load_core = two_cores()
    if server_core == load_core:
        print("bench: only one core: servers and load share it, so expect noise", file=sys.stderr)
    print(
        f"Python {platform.python_version()}, {CONNECTIONS} keep-alive connections,"
        f" {options.rounds} rounds of {options.seconds} s for each server in turn"
    )
    results = []
    with ExitStack() as stack:
        targets, failed = _start(stack, [server for server in SERVERS if server.name in options.only], server_core)
        for scenario in SCENARIOS:
            if scenario.name in options.scenario:
                compared = [target for target in targets if target.server.name in (scenario.servers or NAMES)]
                result = _measure(compared, scenario, load_core, options)
                result.absent.extend(failed)
                print(f"\n{render(scenario.title, result.rows, result.absent)}", flush=True)
                results.append(result)
    return results


def _start(stack: ExitStack, servers: Sequence[Server], core: int) -> tuple[list[Running], list[str]]:
    """Start servers; return them, and the reasons why the others did not start."""
    targets, failed = [], []
    for server in servers:
        _show(f"\rstarting {server.title} ")
        try:
            targets.append(stack.enter_context(running(server, core)))
        except ServerFailed as failure:
            failed.append(str(failure))
    return targets, failed


def _measure(targets: Sequence[Running], scenario: Scenario, load_core: int, options: argparse.Namespace) -> Result:
    """Measure the servers that answer correctly."""
    samples: dict[Server, list[Sample]] = {}
    correct, absent = [], []
    for target in targets:
        if wrong := wrong_answer(target.port, scenario, IDS[:1] if target.server.is_constant else IDS):
            absent.append(f"{target.server.title} does not answer correctly: {wrong}")
        else:
            correct.append(target)
            samples[target.server] = []
    # The first round warms up caches, allocators and the specializing interpreter, and is discarded.
    for number in range(options.rounds + 1):
        _show(f"\r{scenario.name}: round {number} of {options.rounds} ")
        for target in list(correct):
            try:
                sample = measure(target, scenario.template, core=load_core, seconds=options.seconds)
            except (ServerFailed, OSError) as failure:
                correct.remove(target)
                del samples[target.server]
                absent.append(f"{failure} ({target.server.title}, round {number})")
                continue
            if number:
                samples[target.server].append(sample)
    _show("\r" + " " * 60 + "\r")
    return Result(scenario, summarize(scenario, samples), absent)


def _show(progress: str) -> None:
    if sys.stderr.isatty():
        print(progress.ljust(60), end="", file=sys.stderr, flush=True)


def _as_json(results: Sequence[Result]) -> dict[str, dict[str, object]]:
    return {
        result.scenario.name: {
            "rows": [asdict(row) | {"server": row.server.name, "verdict": row.verdict} for row in result.rows],
            "absent": result.absent,
        }
        for result in results
    }


def _conclude(rows: Sequence[Row]) -> int:
    failed, errors = sum(row.verdict == "fail" for row in rows), sum(row.errors for row in rows)
    print(f"\ntargets: {sum(row.verdict == 'pass' for row in rows)} met, {failed} missed")
    if errors:
        print(f"bench: {errors} answers were errors, so the figures are meaningless", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
