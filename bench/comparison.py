"""Compare the CPU time of several servers for some kinds of content in one table, a column for each kind."""

import argparse
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.cpu import cpu_seconds, pinned, two_cores
from bench.servers import APPS, Running, Server, start_all, turnbuckle
from bench.table import aligned

ROUNDS: Final = 3


@dataclass(frozen=True)
class Case:
    """One kind of content.

    Args:
        name: The name for `--case`.
        title: The title of the column.
        run: Transfers it from or to a port, and returns its amount in the unit of the table.
        without: The names of the servers that cannot do it.
    """

    name: str
    title: str
    run: Callable[[int], float]
    without: tuple[str, ...] = ()


def compared_servers(apps: str) -> tuple[Server, ...]:
    """Return Turnbuckle and two others, with the apps whose files begin with `apps`."""
    return (
        turnbuckle(f"{apps}_turnbuckle.py"),
        Server("aiohttp", "aiohttp", (str(APPS / f"{apps}_aiohttp.py"), "PORT")),
        Server("starlette", "Starlette on uvicorn", (str(APPS / f"{apps}_starlette.py"), "PORT")),
    )


def options_parser(part: str, description: str | None, cases: Sequence[Case]) -> argparse.ArgumentParser:
    """Return a parser with the options `--case` and `--rounds`."""
    parser = argparse.ArgumentParser(prog=f"bench.{part}", description=description)
    names = [case.name for case in cases]
    parser.add_argument("--case", nargs="+", choices=names, default=names, help="only these")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    return parser


def compare(
    servers: Sequence[Server],
    cases: Sequence[Case],
    rounds: int,
    *,
    variables: dict[str, str] | None = None,
    at_most: float | None = None,
) -> list[str]:
    """Start the servers, measure the cases, and return the lines of the table.

    Args:
        rounds: The number of rounds, after one that does not count.
        variables: Additions to the environment of the servers.
        at_most: The target for Turnbuckle's CPU time divided by that of the better other Python server.
    """
    core, _ = two_cores()
    with ExitStack() as stack:
        targets = start_all(stack, servers, core, path="/ready", variables=variables)
        measured = [_measure(targets, case, rounds) for case in cases]
    lines = [
        (f"  {target.server.title}", *(_figure(micros.get(target.server.name)) for micros in measured))
        for target in targets
    ]
    title = "  Turnbuckle ÷ the better Python" + (f", at most {at_most}" if at_most is not None else "")
    ratios = (title, *(_ratio(micros, at_most) for micros in measured))
    return aligned(("server", *(case.title for case in cases)), [*lines, ratios])


def _measure(targets: Sequence[Running], case: Case, rounds: int) -> dict[str, float]:
    """Return the median of the µs for each unit by the names of the servers; the first round does not count."""
    samples: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for target in targets:
            if target.server.name not in case.without:
                sample = _sample(target, case)
                samples.setdefault(target.server.name, []).extend([sample] if number else [])
    return {name: median(figures) for name, figures in samples.items()}


def _sample(target: Running, case: Case) -> float:
    _, core = two_cores()
    before = cpu_seconds(target.pid)
    with pinned(core):
        amount = case.run(target.port)
    return (cpu_seconds(target.pid) - before) * 1e6 / amount


def _figure(micros: float | None) -> str:
    return "" if micros is None else f"{micros:.0f}"


def _ratio(micros: dict[str, float], at_most: float | None) -> str:
    others = [micros[name] for name in ("aiohttp", "starlette") if name in micros]
    if "turnbuckle" not in micros or not others:
        return ""
    ratio = micros["turnbuckle"] / min(others)
    verdict = "" if at_most is None else " pass" if ratio <= at_most else " fail"
    return f"{ratio:.2f}{verdict}"
