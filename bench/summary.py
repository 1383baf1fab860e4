"""Summarize the samples of all rounds as one row for each server and scenario."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.load import Sample
from bench.scenarios import Scenario
from bench.servers import TURNBUCKLE, Server


@dataclass(frozen=True, kw_only=True)
class Row:
    """The result of one server in one scenario.

    Args:
        ratio: Turnbuckle's CPU time divided by the server's, or None for Turnbuckle and if Turnbuckle did not run.
        at_most: The target for `ratio`, or None.
        busy: The share of its core that the server used; well below 1, the load did not keep it busy.
    """

    server: Server
    median_micros: float
    least_micros: float
    per_second: float
    busy: float
    errors: int
    ratio: float | None
    at_most: float | None

    @property
    def verdict(self) -> str:
        """Return `pass` or `fail`, or "" without a target."""
        if self.ratio is None or self.at_most is None:
            return ""
        return "pass" if self.ratio <= self.at_most else "fail"


def summarize(scenario: Scenario, samples: dict[Server, list[Sample]]) -> list[Row]:
    """Return one row for each server, in the order given."""
    ours = samples.get(TURNBUCKLE, [])
    return [_row(server, theirs, ours, scenario.at_most.get(server.name)) for server, theirs in samples.items()]


def _row(server: Server, theirs: Sequence[Sample], ours: Sequence[Sample], at_most: float | None) -> Row:
    return Row(
        server=server,
        median_micros=median(sample.cpu_micros for sample in theirs),
        least_micros=min(sample.cpu_micros for sample in theirs),
        per_second=median(sample.requests / sample.seconds for sample in theirs),
        busy=median(sample.cpu_seconds / sample.seconds for sample in theirs),
        errors=sum(sample.errors for sample in theirs),
        ratio=None if server is TURNBUCKLE else paired_ratio(ours, theirs),
        at_most=at_most,
    )


def paired_ratio(ours: Sequence[Sample], theirs: Sequence[Sample]) -> float | None:
    """Return the median over the rounds of our CPU time per request divided by theirs in the same round.

    If the machine is slower for some time, both servers are slower, and the ratio does not change.
    """
    pairs = list(zip(ours, theirs, strict=False))
    if not pairs:
        return None
    return median(our.cpu_micros / their.cpu_micros for our, their in pairs)
